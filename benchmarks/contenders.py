"""The ways to read a project from Railway's API: each one opens its client and hands back one call.

All of them post the same question to the same server, may hold the same number of connections, keep them alive,
and return typed objects. What the server answers is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass

import httpx
from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from railway import RailwayClient as ThinClient

from benchmarks.models import QUERY, Envelope, Project
from benchmarks.project_document import PROJECT_ID
from railway_saas import AsyncRailwayClient, RailwayClient, RateLimit

CONNECTIONS = 50
TOKEN = "5e7e0000-made-up-for-the-benchmark"
LIMITS = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
HEADERS = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "benchmark"}
NEVER_REACHED = RateLimit(per_hour=1_000_000_000, per_second=1_000_000)

Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Contender:
    """One client of the comparison; a way that has no asyncio form leaves it out."""

    name: str
    sync: Callable[[str], AbstractContextManager[Call]]
    asyncio: Callable[[str], AbstractAsyncContextManager[AsyncCall]] | None = None


def _body() -> dict[str, object]:
    return {"query": QUERY, "variables": {"id": PROJECT_ID}}


@contextmanager
def raw(url: str) -> Iterator[Call]:
    with httpx.Client(limits=LIMITS, headers=HEADERS) as http:

        def call() -> Project:
            response = http.post(url, json=_body())
            response.raise_for_status()
            return Envelope.model_validate_json(response.content).data.project

        yield call


@asynccontextmanager
async def raw_async(url: str) -> AsyncIterator[AsyncCall]:
    async with httpx.AsyncClient(limits=LIMITS, headers=HEADERS) as http:

        async def call() -> Project:
            response = await http.post(url, json=_body())
            response.raise_for_status()
            return Envelope.model_validate_json(response.content).data.project

        yield call


def _ours(rate_limit: RateLimit | None) -> Callable[[str], AbstractContextManager[Call]]:
    @contextmanager
    def opened(url: str) -> Iterator[Call]:
        with (
            httpx.Client(limits=LIMITS) as http,
            RailwayClient(TOKEN, endpoint=url, rate_limit=rate_limit, http_client=http) as railway,
        ):
            yield lambda: railway.projects.get(PROJECT_ID)

    return opened


def _ours_async(rate_limit: RateLimit | None) -> Callable[[str], AbstractAsyncContextManager[AsyncCall]]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[AsyncCall]:
        async with (
            httpx.AsyncClient(limits=LIMITS) as http,
            AsyncRailwayClient(TOKEN, endpoint=url, rate_limit=rate_limit, http_client=http) as railway,
        ):
            yield lambda: railway.projects.get(PROJECT_ID)

    return opened


@contextmanager
def ours_own_pool(url: str) -> Iterator[Call]:
    """As one gets it without an `http_client`."""
    with RailwayClient(TOKEN, endpoint=url, rate_limit=None) as railway:
        yield lambda: railway.projects.get(PROJECT_ID)


@asynccontextmanager
async def ours_own_pool_async(url: str) -> AsyncIterator[AsyncCall]:
    async with AsyncRailwayClient(TOKEN, endpoint=url, rate_limit=None) as railway:
        yield lambda: railway.projects.get(PROJECT_ID)


@contextmanager
def with_gql(url: str) -> Iterator[Call]:
    transport = HTTPXTransport(url, limits=LIMITS, headers=HEADERS)
    document = GraphQLRequest(QUERY)  # parsed once, as its documentation advises
    with Client(transport=transport) as session:

        def call() -> Project:
            result = session.execute(GraphQLRequest(document, variable_values={"id": PROJECT_ID}))
            return Project.model_validate(result["project"])

        yield call


@asynccontextmanager
async def with_gql_async(url: str) -> AsyncIterator[AsyncCall]:
    transport = HTTPXAsyncTransport(url, limits=LIMITS, headers=HEADERS)
    document = GraphQLRequest(QUERY)
    async with Client(transport=transport) as session:

        async def call() -> Project:
            result = await session.execute(GraphQLRequest(document, variable_values={"id": PROJECT_ID}))
            return Project.model_validate(result["project"])

        yield call


@contextmanager
def thin_client(url: str) -> Iterator[Call]:
    """The package `railway-client` from PyPI. Sync only; its pool has no option, so it is put in from outside."""
    client = ThinClient(api_token=TOKEN, endpoint=url)
    client._client.close()  # noqa: SLF001
    client._client = httpx.Client(limits=LIMITS)  # noqa: SLF001
    with client:
        yield lambda: client.project(PROJECT_ID)


RAW = Contender("httpx + pydantic (the floor)", raw, raw_async)
OURS = Contender("railway_saas", _ours(None), _ours_async(None))
CONTENDERS = (
    RAW,
    OURS,
    Contender("railway_saas, pacing on", _ours(NEVER_REACHED), _ours_async(NEVER_REACHED)),
    Contender("railway_saas, its own pool", ours_own_pool, ours_own_pool_async),
    Contender("gql + pydantic", with_gql, with_gql_async),
    Contender("railway-client", thin_client),
)
