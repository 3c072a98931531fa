"""httpx transports which lead into an emulator in the same process. The one module here that imports httpx.

Faults come out as httpx would raise them: a dropped connection is `RemoteProtocolError`, an answer slower than the
read timeout is `ReadTimeout`. On a stepping clock nobody waits: the clock is moved on instead.
"""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import TYPE_CHECKING

import httpx

from railway_saas.emulator.messages import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.emulator.emulator import Emulator
    from railway_saas.emulator.messages import Response

WEBHOOK_TIMEOUT_S = 5.0
DROPPED = "Server disconnected without sending a response."


class EmulatorTransport(httpx.BaseTransport):
    """For `httpx.Client`."""

    has_sockets = False
    """Tells the client that nobody listens for WebSocket connections."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        response = self._emulator.handle(_to_emulator(request))
        time.sleep(_wait(self._emulator, request, response))
        return _from_emulator(request, response)


class AsyncEmulatorTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient`."""

    has_sockets = False

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await request.aread()
        response = self._emulator.handle(_to_emulator(request))
        await asyncio.sleep(_wait(self._emulator, request, response))
        return _from_emulator(request, response)


def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Deliver a webhook over the network; the HTTP status, or 0 when nobody answered."""
    try:
        return _webhook_client().post(url, headers=dict(headers), content=body).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return 0


@cache
def _webhook_client() -> httpx.Client:
    """Made once, because that is slow; it keeps no connection open between deliveries."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=WEBHOOK_TIMEOUT_S, limits=limits, trust_env=False)


def _to_emulator(request: httpx.Request) -> Request:
    return Request(
        method=request.method,
        path=request.url.path,
        query=request.url.query.decode(),
        headers=dict(request.headers),
        body=request.content,
    )


def _wait(emulator: Emulator, request: httpx.Request, response: Response) -> float:
    """Real seconds to wait before a slow answer."""
    if not response.delay_s:
        return 0.0
    read_timeout_s: float | None = request.extensions.get("timeout", {}).get("read")
    in_time = read_timeout_s is None or response.delay_s <= read_timeout_s
    waited_s = response.delay_s if in_time else (read_timeout_s or 0.0)
    if emulator.clock.stepping:
        emulator.clock.advance(waited_s)
        waited_s = 0.0
    if not in_time:
        response.dropped = True
    return waited_s


def _from_emulator(request: httpx.Request, response: Response) -> httpx.Response:
    if response.dropped and response.delay_s:
        raise httpx.ReadTimeout("The read operation timed out", request=request)
    if response.dropped:
        raise httpx.RemoteProtocolError(DROPPED, request=request)
    return httpx.Response(response.status, headers=response.headers, content=response.body, request=request)
