"""A scripted Railway behind httpx's mock transport, and clients that talk to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from railway_saas import AsyncRailwayClient, RailwayClient
from tests.support.hunting import CANARY

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT = "https://railway.example/graphql/v2"
POLICY = {"ratelimit-policy": '"default";q=10000;w=3600'}

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def ok(**data: Any) -> httpx.Response:
    """An answer with data."""
    return httpx.Response(200, json={"data": data}, headers=POLICY)


def failed(message: str, *, status: int = 200, **more: Any) -> httpx.Response:
    """An answer with one GraphQL error."""
    return httpx.Response(status, json={"errors": [{"message": message, **more}], "data": None})


def status(code: int, body: str = "", **headers: str) -> httpx.Response:
    """An answer that is not GraphQL."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(code, text=body, headers=named)


@dataclass
class Script:
    """Gives the answers in order, the last one for ever, and remembers what was asked."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was asked, as JSON."""
        return [json.loads(request.content) for request in self.requests]

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the latest request."""
        return self.requests[-1].headers


def script(*answers: Answer) -> Script:
    return Script(list(answers))


def client_async(railway: Script, **options: Any) -> AsyncRailwayClient:
    """An async client of a scripted Railway; without pacing unless the options say otherwise."""
    options.setdefault("http_client", httpx.AsyncClient(transport=httpx.MockTransport(railway)))
    return AsyncRailwayClient(CANARY, **{"endpoint": ENDPOINT, "rate_limit": None, **options})


def client_sync(railway: Script, **options: Any) -> RailwayClient:
    """The same, blocking."""
    options.setdefault("http_client", httpx.Client(transport=httpx.MockTransport(railway)))
    return RailwayClient(CANARY, **{"endpoint": ENDPOINT, "rate_limit": None, **options})
