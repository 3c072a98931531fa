"""Many operations in one request: what each gives, and what a failure of one does to the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from railway_saas.errors import (
    RailwayAuthError,
    RailwayError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
)
from railway_saas.railway import Lane, Operation
from railway_saas.railway.operations import projects
from tests.support.clocks import AsyncFakeClock
from tests.support.hunting import assert_no_token_in, refusal
from tests.support.railway import client_async, failed, ok, script, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.railway.models.projects import Project


def gets(*project_ids: str) -> list[Operation[Project]]:
    return [projects.get(project_id) for project_id in project_ids]


def deletes(*project_ids: str) -> list[Operation[bool]]:
    return [projects.delete(project_id) for project_id in project_ids]


def serving(missing: set[str] = frozenset()) -> Callable[[httpx.Request], httpx.Response]:  # type: ignore[assignment]
    """A Railway whose `project` may not be null: one that is missing empties the whole answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = httpx.Response(200, content=request.content).json()
        asked = {
            f"op{number}": body["variables"][f"id_{number}"]
            for number in re.findall(r"op(\d+): project", body["query"])
        }
        gone = [name for name, project_id in asked.items() if project_id in missing]
        if gone:
            errors = [{"message": "Project not found", "path": [gone[0]], "traceId": "9"}]
            return httpx.Response(200, json={"errors": errors, "data": None})
        return ok(**{name: {"id": project_id} for name, project_id in asked.items()})

    return answer


def partly(data: object, *errors: tuple[str, str]) -> httpx.Response:
    listed = [{"message": message, "path": [name]} for name, message in errors]
    return httpx.Response(200, json={"errors": listed, "data": data})


async def test_a_batch_is_one_request_and_gives_each_its_typed_value() -> None:
    railway = script(serving())
    async with client_async(railway) as client:
        found = await client.batch(gets("a", "b", "c"))
    assert [project.id for project in found] == ["a", "b", "c"]
    assert len(railway.requests) == 1
    assert railway.bodies[0]["operationName"] == "Batch"
    assert client.stats.by_operation == {"batch": 1}


async def test_a_large_batch_is_split_into_hundreds() -> None:
    railway = script(serving())
    ids = [f"p{number}" for number in range(250)]
    async with client_async(railway) as client:
        found = await client.batch(gets(*ids))
    assert [project.id for project in found] == ids
    assert [len(body["variables"]) for body in railway.bodies] == [100, 100, 50]


async def test_an_empty_batch_sends_nothing() -> None:
    railway = script(ok())
    async with client_async(railway) as client:
        assert await client.batch([]) == []
    assert not railway.requests


async def test_queries_and_mutations_do_not_mix() -> None:
    railway = script(ok())
    both: list[Operation[Any]] = [projects.get("a"), projects.delete("b")]
    async with client_async(railway) as client:
        with refusal(RailwayInputError, "queries or mutations, not both") as caught:
            await client.batch(both)
    assert caught.value.argument == "operations"
    assert not railway.requests


# Reads


async def test_reads_lost_to_a_missing_neighbour_are_asked_for_again_without_it() -> None:
    railway = script(serving({"x", "y"}))
    async with client_async(railway) as client:
        found = await client.batch(gets("a", "x", "b", "y", "c"), return_errors=True)
    assert [type(one) if isinstance(one, RailwayError) else one.id for one in found] == [
        "a", RailwayNotFoundError, "b", RailwayNotFoundError, "c",
    ]  # fmt: skip
    assert len(railway.requests) == 3


async def test_the_error_of_one_operation_carries_its_own_name_and_trace() -> None:
    async with client_async(script(serving({"x"}))) as client:
        with refusal(RailwayNotFoundError) as caught:
            await client.batch(gets("a", "x"))
    assert (caught.value.operation, caught.value.trace_id) == ("project", "9")
    assert not caught.value.maybe_applied


async def test_when_all_are_missing_the_batch_still_ends() -> None:
    ids = [f"p{number}" for number in range(30)]
    railway = script(serving(set(ids)))
    async with client_async(railway) as client:
        found = await client.batch(gets(*ids), return_errors=True)
    assert {type(one) for one in found} == {RailwayNotFoundError}
    assert len(railway.requests) == 30


async def test_what_came_beside_an_error_is_kept_and_not_asked_for_again() -> None:
    railway = script(
        partly({"op0": {"id": "a"}, "op1": None, "op2": {"id": "c"}}, ("op1", "Project not found"))
    )
    async with client_async(railway) as client:
        found = await client.batch(gets("a", "x", "c"), return_errors=True)
    assert [type(one) if isinstance(one, RailwayError) else one.id for one in found] == [
        "a", RailwayNotFoundError, "c",
    ]  # fmt: skip
    assert len(railway.requests) == 1


async def test_null_beside_another_ones_error_is_a_value_where_the_field_may_be_null() -> None:
    maybe: list[Operation[Any]] = [
        Operation(projects.get(one).document, {"id": one}, lambda value: value, safe_to_repeat=True)
        for one in ("a", "x")
    ]
    railway = script(partly({"op0": None, "op1": None}, ("op1", "Project not found")))
    async with client_async(railway) as client:
        found = await client.batch(maybe, return_errors=True)
    assert found[0] is None
    assert isinstance(found[1], RailwayNotFoundError)
    assert len(railway.requests) == 1


async def test_an_answer_of_another_shape_fails_one_operation_only() -> None:
    railway = script(ok(op0={"id": "a"}, op1={"name": "without id"}, op2=None))
    async with client_async(railway) as client:
        found = await client.batch(gets("a", "b", "c"), return_errors=True)
    assert [type(one) for one in found[1:]] == [RailwayResponseError, RailwayResponseError]
    assert found[0].id == "a"


async def test_an_operation_that_the_answer_leaves_out_is_an_error() -> None:
    async with client_async(script(ok(op0={"id": "a"}))) as client:
        found = await client.batch(gets("a", "b"), return_errors=True)
    assert isinstance(found[1], RailwayResponseError)


async def test_an_error_that_blames_no_operation_fails_the_whole_batch() -> None:
    async with client_async(script(failed("Not Authorized"))) as client:
        with refusal(RailwayAuthError) as caught:
            await client.batch(gets("a", "b"), return_errors=True)
    assert caught.value.operation == "batch"


async def test_a_batch_of_reads_survives_passing_faults_as_any_read_does() -> None:
    clock = AsyncFakeClock()
    railway = script(status(502, "<html>"), status(429, retry_after="3"), serving())
    async with client_async(railway, clock=clock) as client:
        assert len(await client.batch(gets("a", "b"))) == 2
    assert len(railway.requests) == 3


# Writes


async def test_a_batch_of_writes_gives_each_its_value() -> None:
    railway = script(ok(op0=True, op1=True))
    async with client_async(railway) as client:
        assert await client.batch(deletes("a", "b")) == [True, True]


async def test_writes_whose_fate_the_answer_does_not_tell_may_have_been_applied() -> None:
    railway = script(partly(None, ("op1", "Project not found")))
    async with client_async(railway) as client:
        first, second, third = await client.batch(deletes("a", "x", "c"), return_errors=True)
    assert isinstance(second, RailwayNotFoundError)
    assert not second.maybe_applied
    for lost in (first, third):
        assert isinstance(lost, RailwayQueryError)
        assert lost.maybe_applied
        assert lost.operation == "projectDelete"
    assert len(railway.requests) == 1, "writes are never repeated"


@pytest.mark.parametrize("answer", [status(504, "<html>"), httpx.ReadTimeout("slow"), status(200, "")])
async def test_a_batch_of_writes_that_may_have_landed_is_sent_once(answer: Any) -> None:
    railway = script(answer)
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        with pytest.raises(RailwayError) as caught:
            await client.batch(deletes("a", "b"))
    assert_no_token_in(caught.value)
    assert caught.value.maybe_applied
    assert len(railway.requests) == 1


async def test_a_batch_of_harmless_writes_is_repeated() -> None:
    updates = [projects.update(one, name="new") for one in ("a", "b")]
    railway = script(status(504), ok(op0={"id": "a"}, op1={"id": "b"}))
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        assert [one.id for one in await client.batch(updates)] == ["a", "b"]


async def test_a_batch_in_which_one_write_is_not_harmless_is_not_repeated() -> None:
    mixed = [projects.update("a", name="new"), projects.create(name="b")]
    railway = script(status(504))
    async with client_async(railway, clock=AsyncFakeClock()) as client:
        with refusal(RailwayResponseError):
            await client.batch(mixed)
    assert len(railway.requests) == 1


async def test_a_throttled_write_of_a_batch_is_reported_in_its_place() -> None:
    railway = script(partly({"op0": True, "op1": None}, ("op1", "You are deleting projects too quickly")))
    async with client_async(railway) as client:
        first, second = await client.batch(deletes("a", "b"), return_errors=True)
    assert first is True
    assert isinstance(second, RailwayRateLimitError)
    assert second.retry_after_s == 30


async def test_a_batch_travels_in_the_lane_of_its_most_urgent_operation() -> None:
    lanes: list[Lane] = []

    class Watched:
        async def acquire(self, lane: Lane, timeout_s: float) -> None:
            lanes.append(lane)

        def observe(self, headers: object) -> None: ...

        def pause(self, seconds: float) -> None: ...

    railway = script(ok(op0=True, op1=True))
    async with client_async(railway, rate_limit=Watched()) as client:
        await client.batch(deletes("a", "b"))
        await client.batch([*deletes("a"), projects.schedule_delete_cancel("b")])
    assert lanes == [Lane.DELETION, Lane.USER]


async def test_writes_done_before_a_later_request_failed_are_not_lost() -> None:
    done = ok(**{f"op{number}": True for number in range(100)})
    railway = script(done, failed("Not Authorized"))
    async with client_async(railway) as client:
        outcomes: list[Any] = await client.batch(
            deletes(*(f"p{number}" for number in range(250))), return_errors=True
        )
    assert outcomes[:100] == [True] * 100
    assert {type(outcome) for outcome in outcomes[100:200]} == {RailwayAuthError}
    assert all("not sent" in str(outcome) for outcome in outcomes[200:])
    assert len(railway.requests) == 2


async def test_an_error_raised_for_a_batch_warns_of_the_writes_that_took_effect() -> None:
    done = ok(**{f"op{number}": True for number in range(100)})
    railway = script(done, failed("Not Authorized"))
    async with client_async(railway) as client:
        with refusal(RailwayAuthError, "Not Authorized") as caught:
            await client.batch(deletes(*(f"p{number}" for number in range(101))))
    assert caught.value.maybe_applied
