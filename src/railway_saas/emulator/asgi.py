"""The emulator as an ASGI application: HTTP on every path, WebSocket on the GraphQL one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import Response as HttpResponse
from starlette.routing import Route, WebSocketRoute

from railway_saas.emulator import websocket
from railway_saas.emulator.messages import MAXIMUM_BODY, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.types import Receive, Scope, Send
    from starlette.websockets import WebSocket

    from railway_saas.emulator.emulator import Emulator

TRANSPORT = "railway_saas.transport"
"""Key in `scope["extensions"]` under which our server puts the connection, so that a fault can cut it."""

METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


def make_app(emulator: Emulator) -> Starlette:
    """The application. Its faults can cut connections only under `RunningServer`."""

    async def http(request: HttpRequest) -> Any:
        try:
            asked = await _read(request)
        except ClientDisconnect:
            return HttpResponse(status_code=400)  # for the server's books: nobody is left to read it
        response = emulator.handle(asked)
        if len(asked.body) > MAXIMUM_BODY:
            response.headers["connection"] = (
                "close"  # what is left of the body must not be taken for a request
            )
        if response.delay_s:
            await asyncio.sleep(response.delay_s)
        if response.dropped:
            return _Dropped()
        return HttpResponse(response.body, response.status, response.headers)

    async def stream(connection: WebSocket) -> None:
        await _Stream(emulator, connection).run()

    return Starlette(
        routes=[WebSocketRoute("/graphql/v2", stream), Route("/{path:path}", http, methods=METHODS)]
    )


async def _read(request: HttpRequest) -> Request:
    return Request(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers=dict(request.headers),
        body=await _body(request),
    )


async def _body(request: HttpRequest) -> bytes:
    """The body, or so much of it that the emulator sees it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAXIMUM_BODY:
            break
    return bytes(body)


class _Dropped:
    """A response that never comes: the socket is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _transport(scope)
        if transport is None:
            await HttpResponse("the emulator cannot cut connections here", 500)(scope, receive, send)
            return
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            continue


class _Stream:
    """One WebSocket connection: a reader and a writer around a `Session`."""

    def __init__(self, emulator: Emulator, connection: WebSocket) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._outbox: asyncio.Queue[str | tuple[int, str] | None] = asyncio.Queue()
        self._session = websocket.Session(
            emulator,
            _lowered(connection),
            send=self._put,
            close=lambda code, reason: self._put((code, reason)),
            drop=lambda: self._put(None),
        )

    async def run(self) -> None:
        """Serve until either side ends it."""
        if websocket.SUBPROTOCOL not in self._connection.scope.get("subprotocols", ()):
            await self._connection.accept()
            await self._connection.close(websocket.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return
        await self._connection.accept(websocket.SUBPROTOCOL)
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        timeout = self._loop.call_later(websocket.INIT_TIMEOUT_S, self._check_initialised)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timeout.cancel()
            self._session.end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            message = await self._connection.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            self._session.receive(message.get("bytes", b"") if text is None else text)

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            if isinstance(item, str):
                await self._connection.send_text(item)
            elif item is None:
                _abort(self._connection.scope)
                return
            else:
                await self._connection.close(*item)
                return

    def _put(self, item: str | tuple[int, str] | None) -> None:
        """Queue something to send, from any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, item)

    def _check_initialised(self) -> None:
        if not self._session.acknowledged:
            self._put((websocket.INIT_TIMEOUT, "Connection initialisation timeout"))


def _lowered(connection: WebSocket) -> Mapping[str, str]:
    return {name.lower(): value for name, value in connection.headers.items()}


def _transport(scope: Scope) -> asyncio.Transport | None:
    transport: asyncio.Transport | None = scope.get("extensions", {}).get(TRANSPORT)
    return transport


def _abort(scope: Scope) -> None:
    transport = _transport(scope)
    if transport is not None:
        transport.abort()
