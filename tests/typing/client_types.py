"""What the type checkers say about the client. Checked, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, assert_type

from railway_saas import AsyncRailwayClient, RailwayClient, RateLimit, RetryPolicy, Timeouts
from railway_saas.railway import Lane, Operation, Page
from railway_saas.railway.models.projects import Project, ProjectMember
from railway_saas.railway.operations import projects

if TYPE_CHECKING:
    from railway_saas.errors import (
        RailwayConflictError,
        RailwayError,
        RailwayInputError,
        RailwayRateLimitError,
    )


def blocking(client: RailwayClient) -> None:
    assert_type(client.projects.list(), Iterator[Project])
    assert_type(client.projects.list_page(first=5), Page[Project])
    assert_type(client.projects.list_page().items, tuple[Project, ...])
    assert_type(client.projects.list_page().next_cursor, str | None)
    assert_type(client.projects.get("p"), Project)
    assert_type(client.projects.members("p"), tuple[ProjectMember, ...])
    assert_type(client.projects.delete("p"), bool)
    assert_type(client.execute("{ me { id } }"), dict[str, Any])
    assert_type(client.run(projects.get("p")), Project)
    assert_type(client.batch([projects.get("a"), projects.get("b")]), list[Project])
    assert_type(client.batch([projects.delete("a")]), list[bool])
    assert_type(client.with_options(lane=Lane.BACKGROUND), RailwayClient)
    assert_type(client.stats.requests, int)
    assert_type(client.stats.by_operation, dict[str, int])
    with client as entered:
        assert_type(entered, RailwayClient)
    assert_type(RailwayClient.from_environment(), RailwayClient)
    assert_type(projects.get("p"), Operation[Project])
    assert_type(client.subscribe(projects.get("p")), Iterator[Project])
    assert_type(client.subscribe(projects.get("p"), idle_s=5), Iterator[Project | None])


async def awaiting(client: AsyncRailwayClient) -> None:
    assert_type(client.projects.list(), AsyncIterator[Project])
    assert_type(await client.projects.list_page(first=5), Page[Project])
    assert_type(await client.projects.get("p"), Project)
    assert_type(await client.execute("{ me { id } }"), dict[str, Any])
    assert_type(await client.run(projects.get("p")), Project)
    assert_type(await client.batch([projects.get("a")]), list[Project])
    assert_type(client.with_options(timeouts=Timeouts(total_s=5)), AsyncRailwayClient)
    assert_type(client.subscribe(projects.get("p")), AsyncIterator[Project])
    async with client as entered:
        assert_type(entered, AsyncRailwayClient)
    async for project in client.projects.list():
        assert_type(project, Project)


def options() -> None:
    RailwayClient("t", token_kind="project", rate_limit=None, retry=RetryPolicy(max_attempts=2))
    RailwayClient("t", rate_limit=RateLimit.pro())
    RailwayClient("t", token_kind="admin")  # type: ignore[arg-type]
    RailwayClient("t", rate_limit=10)  # type: ignore[arg-type]
    RailwayClient("t", "project")  # type: ignore[call-arg]
    Timeouts(5)  # type: ignore[call-arg]


def errors(error: RailwayError, limited: RailwayRateLimitError, conflict: RailwayConflictError) -> None:
    assert_type(error.trace_id, str | None)
    assert_type(error.maybe_applied, bool)
    assert_type(error.attempts, int)
    assert_type(limited.retry_after_s, float | None)
    as_input: RailwayInputError = conflict
    assert_type(as_input.argument, str | None)
