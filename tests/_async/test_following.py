"""Streams and watches go on over connections that break. A fake client stands at the network's edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from railway_saas.errors import (
    RailwayAuthError,
    RailwayConnectionError,
    RailwayDeploymentError,
    RailwayInputError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayTimeoutError,
)
from railway_saas.railway._async.deployments import AsyncDeployments
from railway_saas.railway._async.environments import AsyncEnvironments
from railway_saas.railway._async.logs import AsyncLogs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from railway_saas._core.operation import Operation
    from railway_saas.railway._async._client import AsyncRailwayClient

EPOCH = datetime(2026, 10, 5, tzinfo=UTC)
LOST = RailwayConnectionError("the subscription's connection was lost", transient=True)
BROKEN = RailwayQueryError("Problem processing request", transient=True)
REFUSED = RailwayAuthError("Not Authorized")


class AsyncManualClock:
    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


class AsyncFakeClient:
    """Plays one script per connection: values are pushed, exceptions raised, functions called."""

    def __init__(
        self, *connections: Sequence[Any], answers: Callable[[Operation[Any]], Any] | None = None
    ) -> None:
        self.clock = AsyncManualClock()
        self.connections = list(connections)
        self.subscribed: list[Operation[Any]] = []
        self.asked: list[Operation[Any]] = []
        self.closed = 0
        self.answers = answers or (lambda _: None)

    async def subscribe(
        self, operation: Operation[Any], *, idle_s: float | None = None
    ) -> AsyncIterator[Any]:
        self.subscribed.append(operation)
        script = self.connections.pop(0) if self.connections else [LOST]
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if callable(step):
                    step(self)
                else:
                    yield operation.parse(step) if step is not None else None
        finally:
            self.closed += 1

    async def run(self, operation: Operation[Any]) -> Any:
        self.asked.append(operation)
        answer = self.answers(operation)
        if isinstance(answer, Exception):
            raise answer
        return operation.parse(answer)

    @property
    def logs(self) -> AsyncLogs:
        return AsyncLogs(cast("AsyncRailwayClient", self))

    @property
    def deployments(self) -> AsyncDeployments:
        return AsyncDeployments(cast("AsyncRailwayClient", self))

    @property
    def environments(self) -> AsyncEnvironments:
        return AsyncEnvironments(cast("AsyncRailwayClient", self))


def lived(seconds: float) -> Callable[[AsyncFakeClient], None]:
    def pass_time(client: AsyncFakeClient) -> None:
        client.clock.now += seconds

    return pass_time


def row(second: float, message: str | None = None) -> dict[str, Any]:
    moment = (EPOCH + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": moment, "message": message or f"line {second}"}


def batch(*seconds: float) -> list[dict[str, Any]]:
    return [row(second) for second in seconds]


async def messages(stream: AsyncIterator[Any]) -> list[str]:
    return [line.message async for line in stream if line is not None]


# Logs


async def test_lists_of_rows_come_out_one_by_one_until_the_server_ends_the_stream() -> None:
    client = AsyncFakeClient([batch(1, 2), batch(3), []])
    assert await messages(client.logs.stream("d1")) == ["line 1", "line 2", "line 3"]
    assert len(client.subscribed) == 1
    assert client.clock.sleeps == []


async def test_a_broken_connection_goes_on_without_loss_or_repeats() -> None:
    client = AsyncFakeClient([batch(1, 2), LOST], [batch(1, 2, 3), batch(4), LOST], [batch(2, 3, 4, 5)])
    assert await messages(client.logs.stream("d1")) == [f"line {number}" for number in (1, 2, 3, 4, 5)]
    assert client.closed == 3


async def test_equal_rows_are_counted_not_merged() -> None:
    same = [row(1, "tick"), row(1, "tick")]
    client = AsyncFakeClient([same, LOST], [[*same, row(1, "tick")]])
    assert await messages(client.logs.stream("d1")) == ["tick"] * 3


async def test_a_new_connection_looks_back_thirty_seconds() -> None:
    client = AsyncFakeClient([batch(100), LOST], [batch(100)])
    await messages(client.logs.stream_environment("e1", limit=7, filter="@level:error"))
    first, second = (operation.variables for operation in client.subscribed)
    assert first == {"environmentId": "e1", "filter": "@level:error", "beforeLimit": 7}
    assert second == {**first, "beforeLimit": 5000, "beforeDate": "2026-10-05T00:01:10.000Z"}


async def test_until_something_was_delivered_a_new_connection_is_like_the_first() -> None:
    client = AsyncFakeClient([LOST], [batch(1)])
    await messages(client.logs.stream("d1", limit=7))
    assert [operation.variables["limit"] for operation in client.subscribed] == [7, 7]


async def test_requests_are_streamed_too() -> None:
    requests = [{"timestamp": "2026-10-05T00:00:01Z", "requestId": f"r{number}"} for number in range(3)]
    client = AsyncFakeClient([requests[:2], LOST], [requests])
    assert [found.request_id async for found in client.logs.stream_http("d1")] == ["r0", "r1", "r2"]


async def test_builds_are_streamed_too() -> None:
    client = AsyncFakeClient([batch(1)])
    assert await messages(client.logs.stream_build("d1")) == ["line 1"]
    assert client.subscribed[0].name == "buildLogs"


async def test_rows_that_do_not_fit_into_the_backlog_are_asked_for() -> None:
    """After the outage there are 5001 new rows, and a backlog holds 5000."""
    written = [row(40 + number / 1000) for number in range(5001)]
    client = AsyncFakeClient(
        [batch(1), LOST],
        [written[1:]],
        answers=lambda _: [row(1), *written[:2]],
    )
    found = await messages(client.logs.stream("d1"))
    assert found == ["line 1", *(str(line["message"]) for line in written)]
    assert [operation.name for operation in client.asked] == ["deploymentLogs"]
    assert client.asked[0].variables["startDate"] == "2026-10-04T23:59:31.000Z"
    assert client.asked[0].variables["endDate"] == "2026-10-05T00:00:40.002Z"


async def test_the_twelfth_failure_in_a_row_is_raised_with_the_count() -> None:
    client = AsyncFakeClient()
    with pytest.raises(RailwayConnectionError) as caught:
        await messages(client.logs.stream("d1"))
    assert caught.value.attempts == 12
    assert len(client.subscribed) == 12
    assert all(0.5 <= pause <= 8 for pause in client.clock.sleeps)
    assert len(client.clock.sleeps) == 11


async def test_a_connection_that_delivers_something_starts_the_count_anew() -> None:
    client = AsyncFakeClient(*[[batch(number), LOST] for number in range(30)], [])
    assert len(await messages(client.logs.stream("d1"))) == 30


async def test_a_connection_that_lives_thirty_seconds_starts_the_count_anew() -> None:
    client = AsyncFakeClient(*[[lived(31), LOST]] * 30, [])
    assert await messages(client.logs.stream("d1")) == []
    assert all(0.5 <= pause <= 1 for pause in client.clock.sleeps)


async def test_a_refusal_is_raised_at_once() -> None:
    client = AsyncFakeClient([REFUSED])
    with pytest.raises(RailwayAuthError):
        await messages(client.logs.stream("d1"))
    assert client.clock.sleeps == []


async def test_a_passing_refusal_is_tried_again() -> None:
    client = AsyncFakeClient([BROKEN], [batch(1)])
    assert await messages(client.logs.stream("d1")) == ["line 1"]


async def test_a_pause_that_the_server_asks_for_is_kept() -> None:
    slow_down = RailwayRateLimitError("rate limit exceeded", transient=True, retry_after_s=42)
    client = AsyncFakeClient([slow_down], [batch(1)])
    await messages(client.logs.stream("d1"))
    assert client.clock.sleeps == [42]


async def test_leaving_the_loop_closes_the_connection() -> None:
    client = AsyncFakeClient([batch(1, 2)])
    stream = client.logs.stream("d1")
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert client.closed == 1


def test_a_wrong_argument_is_refused_before_the_first_row_is_asked_for() -> None:
    client = AsyncFakeClient()
    for call in (client.logs.stream, client.logs.stream_build, client.logs.stream_http):
        with pytest.raises(RailwayInputError):
            call("d1", limit=5001)
    with pytest.raises(RailwayInputError):
        client.logs.stream_environment("")


# Watching a deployment


def state(status: str, second: float = 0, **fields: Any) -> dict[str, Any]:
    moment = (EPOCH + timedelta(seconds=second)).isoformat()
    return {"id": "d1", "status": status, "statusUpdatedAt": moment, **fields}


def looks(*states: Any) -> Callable[[Operation[Any]], Any]:
    """What each look sees; the last one stays."""
    waiting = list(states)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


async def statuses(client: AsyncFakeClient) -> list[str]:
    return [str(seen.status) async for seen in client.deployments.watch("d1")]


async def test_a_watch_begins_with_the_present_state_and_ends_with_the_last() -> None:
    client = AsyncFakeClient(
        [state("DEPLOYING", 2), state("SUCCESS", 3), state("REMOVING", 4), state("REMOVED", 5)],
        answers=looks(state("INITIALIZING", 1)),
    )
    assert await statuses(client) == ["INITIALIZING", "DEPLOYING", "SUCCESS", "REMOVING", "REMOVED"]
    assert client.closed == 1


async def test_what_has_ended_already_is_told_without_a_connection() -> None:
    client = AsyncFakeClient(answers=looks(state("FAILED")))
    assert await statuses(client) == ["FAILED"]
    assert client.subscribed == []


async def test_the_same_state_is_told_once() -> None:
    client = AsyncFakeClient(
        [state("DEPLOYING"), state("DEPLOYING"), state("REMOVED", 1)], answers=looks(state("DEPLOYING"))
    )
    assert await statuses(client) == ["DEPLOYING", "REMOVED"]


async def test_a_stop_that_is_not_pushed_is_seen_by_looking() -> None:
    client = AsyncFakeClient(
        [None, state("REMOVED", 1)],
        answers=looks(state("SUCCESS"), state("SUCCESS", deploymentStopped=True)),
    )
    seen = [(str(one.status), one.completed) async for one in client.deployments.watch("d1")]
    assert seen == [("SUCCESS", False), ("SUCCESS", True), ("REMOVED", False)]


async def test_changes_while_the_connection_was_gone_are_seen() -> None:
    client = AsyncFakeClient(
        [state("DEPLOYING", 2), LOST],
        [state("REMOVED", 9)],
        answers=looks(state("INITIALIZING", 1), state("SUCCESS", 3)),
    )
    assert await statuses(client) == ["INITIALIZING", "DEPLOYING", "SUCCESS", "REMOVED"]


async def test_a_push_from_before_the_latest_look_is_not_told() -> None:
    client = AsyncFakeClient(
        [state("DEPLOYING", 2), state("REMOVED", 9)],
        answers=looks(state("SUCCESS", 3)),
    )
    assert await statuses(client) == ["SUCCESS", "REMOVED"]


async def test_a_look_that_fails_for_the_moment_is_made_up_for() -> None:
    client = AsyncFakeClient([None, state("REMOVED", 9)], answers=looks(BROKEN, state("SUCCESS", 3)))
    assert await statuses(client) == ["SUCCESS", "REMOVED"]


async def test_a_look_that_is_refused_ends_the_watch() -> None:
    with pytest.raises(RailwayAuthError):
        await statuses(AsyncFakeClient(answers=looks(REFUSED)))


async def test_a_watch_outlives_a_subscription_that_the_server_ends() -> None:
    client = AsyncFakeClient(
        [state("DEPLOYING", 2)], [state("REMOVED", 9)], answers=looks(state("INITIALIZING", 1))
    )
    assert await statuses(client) == ["INITIALIZING", "DEPLOYING", "REMOVED"]
    assert client.clock.sleeps == [15]


async def test_a_crashed_deployment_is_watched_on() -> None:
    client = AsyncFakeClient([state("SUCCESS", 2), state("REMOVED", 3)], answers=looks(state("CRASHED", 1)))
    assert await statuses(client) == ["CRASHED", "SUCCESS", "REMOVED"]


# Watching steps


def step(name: str, *, done: bool) -> dict[str, Any]:
    return {"id": name, "step": name, "completedAt": EPOCH.isoformat() if done else None}


def deployment_with(*steps: dict[str, Any], status: str) -> Callable[[Operation[Any]], Any]:
    page = {"edges": [{"node": found} for found in steps], "pageInfo": {"hasNextPage": False}}
    return lambda operation: page if operation.name == "deploymentEvents" else state(status)


async def test_steps_are_told_when_they_begin_and_end_until_the_deployment_has_settled() -> None:
    def settle(client: AsyncFakeClient) -> None:
        client.answers = deployment_with(
            step("BUILD_IMAGE", done=True), step("HEALTHCHECK", done=True), status="SUCCESS"
        )

    client = AsyncFakeClient(
        [step("BUILD_IMAGE", done=False), step("BUILD_IMAGE", done=True), settle, None],
        answers=deployment_with(step("BUILD_IMAGE", done=False), status="BUILDING"),
    )
    told = [
        (str(one.step), one.completed_at is not None) async for one in client.deployments.watch_events("d1")
    ]
    assert told == [("BUILD_IMAGE", False), ("BUILD_IMAGE", True), ("HEALTHCHECK", True)]


async def test_steps_of_a_settled_deployment_are_told_without_a_connection() -> None:
    client = AsyncFakeClient(answers=deployment_with(step("BUILD_IMAGE", done=True), status="FAILED"))
    assert [one.id async for one in client.deployments.watch_events("d1")] == ["BUILD_IMAGE"]
    assert client.subscribed == []


# Watching the staged patch


async def test_the_staged_patch_is_told_at_each_change() -> None:
    def patch(status: str, error: str | None = None) -> dict[str, Any]:
        return {"id": "p1", "status": status, "lastAppliedError": error}

    client = AsyncFakeClient(
        [patch("STAGED"), patch("APPLYING"), None, REFUSED],
        answers=looks(patch("STAGED"), BROKEN),
    )
    watched = client.environments.watch_staged_changes("e1")
    assert [str((await anext(watched)).status), str((await anext(watched)).status)] == ["STAGED", "APPLYING"]
    with pytest.raises(RailwayAuthError):
        await anext(watched)


# Waiting


async def test_waiting_ends_in_a_wanted_state_and_tells_every_change() -> None:
    stages = [state("INITIALIZING", deploymentStopped=True), state("DEPLOYING", 1, deploymentStopped=True)]
    client = AsyncFakeClient(answers=looks(*stages, stages[1], state("SUCCESS", 2)))
    told: list[str] = []
    found = await client.deployments.wait_until("d1", on_change=lambda seen: told.append(str(seen.status)))
    assert found.is_active
    assert told == ["INITIALIZING", "DEPLOYING", "SUCCESS"]
    assert client.clock.sleeps == [1, 1.5, 2.25]


async def test_waiting_ends_with_an_error_in_another_end() -> None:
    client = AsyncFakeClient(answers=looks(state("BUILDING"), state("FAILED")))
    with pytest.raises(RailwayDeploymentError) as caught:
        await client.deployments.wait_until("d1")
    assert caught.value.status == "FAILED"


async def test_waiting_for_a_crash_ends_well_with_it() -> None:
    client = AsyncFakeClient(answers=looks(state("CRASHED")))
    assert (await client.deployments.wait_until("d1", statuses="CRASHED")).status == "CRASHED"


async def test_waiting_takes_no_longer_than_allowed_and_looks_once_more_at_the_end() -> None:
    client = AsyncFakeClient(answers=looks(state("DEPLOYING")))
    with pytest.raises(RailwayTimeoutError, match="within 20 s; it is DEPLOYING"):
        await client.deployments.wait_until("d1", timeout_s=20)
    assert client.clock.now == 20


async def test_a_passing_fault_does_not_end_the_wait() -> None:
    client = AsyncFakeClient(answers=looks(BROKEN, LOST, state("SUCCESS")))
    assert (await client.deployments.wait_until("d1")).is_active


async def test_faults_until_the_end_of_the_wait_are_its_cause() -> None:
    client = AsyncFakeClient(answers=looks(BROKEN))
    with pytest.raises(RailwayTimeoutError, match="its state could not be read") as caught:
        await client.deployments.wait_until("d1", timeout_s=5)
    assert caught.value.__cause__ is BROKEN


async def test_a_refusal_ends_the_wait_at_once() -> None:
    client = AsyncFakeClient(answers=looks(REFUSED))
    with pytest.raises(RailwayAuthError):
        await client.deployments.wait_until("d1")


async def test_waiting_for_a_stop_waits_until_the_processes_have_ended() -> None:
    client = AsyncFakeClient(answers=looks(state("SUCCESS"), state("SUCCESS", deploymentStopped=True)))
    assert (await client.deployments.wait_until("d1", stopped=True)).completed


async def test_a_wrong_status_is_refused_before_anything_is_sent() -> None:
    client = AsyncFakeClient()
    with pytest.raises(RailwayInputError) as caught:
        await client.deployments.wait_until("d1", statuses=["RUNNING"])
    assert caught.value.argument == "statuses"
    assert client.asked == []
