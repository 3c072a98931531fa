"""The ways to read a project from Railway's API: each one opens its client and hands back one call.

All of them post a question to the same server, get the same bytes back and return typed objects. All stand on httpx
and have the pool that it gives by default: up to 100 connections, 20 of them kept while idle.
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

TOKEN = "5e7e0000-made-up-for-the-benchmark"
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
    with httpx.Client(headers=HEADERS) as http:

        def call() -> Project:
            response = http.post(url, json=_body())
            response.raise_for_status()
            return Envelope.model_validate_json(response.content).data.project

        yield call


@asynccontextmanager
async def raw_async(url: str) -> AsyncIterator[AsyncCall]:
    async with httpx.AsyncClient(headers=HEADERS) as http:

        async def call() -> Project:
            response = await http.post(url, json=_body())
            response.raise_for_status()
            return Envelope.model_validate_json(response.content).data.project

        yield call


def _ours(rate_limit: RateLimit | None) -> Callable[[str], AbstractContextManager[Call]]:
    @contextmanager
    def opened(url: str) -> Iterator[Call]:
        with RailwayClient(TOKEN, endpoint=url, rate_limit=rate_limit) as railway:
            yield lambda: railway.projects.get(PROJECT_ID)

    return opened


def _ours_async(rate_limit: RateLimit | None) -> Callable[[str], AbstractAsyncContextManager[AsyncCall]]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[AsyncCall]:
        async with AsyncRailwayClient(TOKEN, endpoint=url, rate_limit=rate_limit) as railway:
            yield lambda: railway.projects.get(PROJECT_ID)

    return opened


@contextmanager
def with_gql(url: str) -> Iterator[Call]:
    transport = HTTPXTransport(url, headers=HEADERS)
    document = GraphQLRequest(QUERY)  # parsed once, as its documentation advises
    with Client(transport=transport) as session:

        def call() -> Project:
            result = session.execute(GraphQLRequest(document, variable_values={"id": PROJECT_ID}))
            return Project.model_validate(result["project"])

        yield call


@asynccontextmanager
async def with_gql_async(url: str) -> AsyncIterator[AsyncCall]:
    transport = HTTPXAsyncTransport(url, headers=HEADERS)
    document = GraphQLRequest(QUERY)
    async with Client(transport=transport) as session:

        async def call() -> Project:
            result = await session.execute(GraphQLRequest(document, variable_values={"id": PROJECT_ID}))
            return Project.model_validate(result["project"])

        yield call


@contextmanager
def thin_client(url: str) -> Iterator[Call]:
    """The package `railway-client` from PyPI: sync only."""
    with ThinClient(api_token=TOKEN, endpoint=url) as client:
        yield lambda: client.project(PROJECT_ID)


RAW = Contender("httpx + pydantic (the floor)", raw, raw_async)
OURS = Contender("railway_saas", _ours(None), _ours_async(None))
CONTENDERS = (
    RAW,
    OURS,
    Contender("railway_saas, pacing on", _ours(NEVER_REACHED), _ours_async(NEVER_REACHED)),
    Contender("gql + pydantic", with_gql, with_gql_async),
    Contender("railway-client", thin_client),
)
