"""What is asked about deployments, how answers are read, and what waiting makes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayDeploymentError, RailwayInputError, RailwayQueryError
from railway_saas.railway.models.deployments import (
    Deployment,
    DeploymentEvent,
    DeploymentStatus,
)
from railway_saas.railway.operations import _waiting
from railway_saas.railway.operations import deployments as ops

if TYPE_CHECKING:
    from collections.abc import Callable

EARLY = datetime(2026, 10, 5, 19, 58, tzinfo=UTC)
LATE = datetime(2026, 10, 5, 19, 59, tzinfo=UTC)


def deployment(status: str | None = "SUCCESS", **fields: Any) -> Deployment:
    return Deployment.model_validate({"id": "d1", "status": status, **fields})


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ops.get(""), "deployment_id"),
        (lambda: ops.stop("  "), "deployment_id"),
        (lambda: ops.watch(""), "deployment_id"),
        (lambda: ops.list_page(project_id=""), "project_id"),
        (lambda: ops.list_page(status_in=["RUNNING"]), "status_in"),
        (lambda: ops.list_page(status_not_in="SUCCESS"), "status_not_in"),
        (lambda: ops.list_page(first=0), "first"),
        (lambda: ops.executions_page(service_id="s", environment_id=""), "environment_id"),
        (lambda: _waiting.wanted_statuses([]), "statuses"),
        (lambda: _waiting.wanted_statuses("RUNNING"), "statuses"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


def test_a_list_sends_only_what_was_asked_for() -> None:
    assert ops.list_page(service_id="s1", first=5).variables == {"input": {"serviceId": "s1"}, "first": 5}


def test_statuses_of_a_list_may_be_members_or_texts() -> None:
    operation = ops.list_page(status_in=[DeploymentStatus.SUCCESS, "CRASHED"], status_not_in=["REMOVED"])
    assert operation.variables["input"] == {"status": {"in": ["SUCCESS", "CRASHED"], "notIn": ["REMOVED"]}}


def test_only_a_stop_is_safe_to_repeat_among_the_verbs() -> None:
    verbs = (ops.redeploy, ops.restart, ops.rollback, ops.stop, ops.cancel, ops.remove, ops.approve)
    assert [verb.__name__ for verb in verbs if verb("d1").safe_to_repeat] == ["stop"]


def test_polls_go_after_everything_more_urgent() -> None:
    assert ops.poll("d1").lane is Lane.BACKGROUND
    assert ops.remove("d1").lane is Lane.DELETION


def test_a_status_that_nobody_knows_yet_is_kept() -> None:
    found = ops.get("d1").parse({"id": "d1", "status": "HIBERNATING", "instances": None})
    assert found.status is not None
    assert (found.status.value, found.status.known) == ("HIBERNATING", False)
    assert (found.in_progress, found.is_settled, found.is_active, found.completed) == (False,) * 4


def test_an_answer_with_the_id_alone_is_read() -> None:
    assert ops.get("d1").parse({"id": "d1", "somethingNew": 1}).meta is None


@pytest.mark.parametrize(
    ("status", "stopped", "in_progress", "settled", "terminal", "active", "completed"),
    [
        ("INITIALIZING", True, True, False, False, False, False),
        ("BUILDING", True, True, False, False, False, False),
        ("QUEUED", True, True, False, False, False, False),
        ("WAITING", True, True, False, False, False, False),
        ("DEPLOYING", True, True, False, False, False, False),
        ("NEEDS_APPROVAL", True, False, False, False, False, False),
        ("SUCCESS", False, False, True, False, True, False),
        ("SUCCESS", True, False, True, False, False, True),
        ("SLEEPING", True, False, True, False, False, False),
        ("CRASHED", True, False, True, False, False, False),
        ("FAILED", True, False, True, True, False, False),
        ("SKIPPED", True, False, True, True, False, False),
        ("REMOVING", False, False, False, False, False, False),
        ("REMOVED", True, False, True, True, False, False),
    ],
)
def test_helpers_never_read_stopped_without_the_status(  # noqa: PLR0917 - a table
    status: str,
    stopped: bool,
    in_progress: bool,
    settled: bool,
    terminal: bool,
    active: bool,
    completed: bool,
) -> None:
    found = deployment(status, deploymentStopped=stopped)
    assert found.in_progress is in_progress
    assert found.is_settled is settled
    assert found.is_terminal is terminal
    assert found.is_active is active
    assert found.completed is completed


def test_meta_tells_what_was_deployed_and_stays_out_of_repr() -> None:
    found = deployment(meta={"image": "nginx", "commitHash": "abc", "password": "hunter2"})
    assert (found.image, found.commit_hash) == ("nginx", "abc")
    assert "hunter2" not in repr(found)


def test_every_recorded_state_of_a_real_deployment_is_read(recorded: dict[str, Any]) -> None:
    for lifecycle in recorded["lifecycles"]:
        for state in lifecycle["states"]:
            found = ops.poll("d1").parse(
                {
                    "id": "d1",
                    "status": state["status"],
                    "deploymentStopped": state["deploymentStopped"],
                    "statusUpdatedAt": state["statusUpdatedAt"],
                    "instances": [{"id": "i1", "status": status} for status in state["instances"]],
                }
            )
            assert found.in_progress or found.is_active
            assert not found.completed


# Waiting


@pytest.mark.parametrize(
    "status", ["INITIALIZING", "BUILDING", "NEEDS_APPROVAL", "REMOVING", "HIBERNATING", None]
)
def test_waiting_goes_on_while_the_end_is_open(status: str | None) -> None:
    assert not _waiting.has_arrived(deployment(status), _waiting.wanted_statuses("SUCCESS"), stopped=None)


@pytest.mark.parametrize("status", ["FAILED", "CRASHED", "SKIPPED", "REMOVED"])
def test_waiting_ends_with_an_error_in_a_state_not_asked_for(status: str) -> None:
    with pytest.raises(RailwayDeploymentError) as caught:
        _waiting.has_arrived(deployment(status), _waiting.wanted_statuses("SUCCESS"), stopped=None)
    assert (caught.value.status, caught.value.deployment_id) == (status, "d1")
    assert f"deployment d1 is {status}, not SUCCESS" in str(caught.value)


@pytest.mark.parametrize("status", ["FAILED", "CRASHED", "SKIPPED", "REMOVED"])
def test_waiting_for_a_bad_end_ends_well_with_it(status: str) -> None:
    assert _waiting.has_arrived(deployment(status), _waiting.wanted_statuses([status]), stopped=None)


def test_waiting_for_a_stop_takes_a_status_and_stopped_together() -> None:
    wanted = _waiting.wanted_statuses("SUCCESS")
    assert not _waiting.has_arrived(deployment("DEPLOYING", deploymentStopped=True), wanted, stopped=True)
    assert not _waiting.has_arrived(deployment(deploymentStopped=False), wanted, stopped=True)
    assert _waiting.has_arrived(deployment(deploymentStopped=True), wanted, stopped=True)
    assert not _waiting.has_arrived(deployment(deploymentStopped=True), wanted, stopped=False)


def test_looks_grow_apart_up_to_ten_seconds() -> None:
    assert list(islice(_waiting.look_intervals(), 8)) == [1, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10, 10]


def test_running_out_of_time_tells_the_last_state_and_why_it_could_not_be_read() -> None:
    wanted = _waiting.wanted_statuses("SUCCESS")
    error = _waiting.out_of_time("d1", deployment("DEPLOYING"), wanted, timeout_s=60, cause=None)
    assert str(error) == "deployment: deployment d1 did not become SUCCESS within 60 s; it is DEPLOYING"
    cause = RailwayQueryError("Problem processing request", trace_id="42")
    blind = _waiting.out_of_time("d1", None, wanted, timeout_s=60, cause=cause)
    assert "its state could not be read" in str(blind)
    assert (blind.trace_id, blind.__cause__) == ("42", cause)


# Watching


@pytest.mark.parametrize(
    "change",
    [
        {"status": "CRASHED"},
        {"deploymentStopped": True},
        {"statusUpdatedAt": LATE.isoformat()},
        {"instances": [{"id": "i1", "status": "EXITED"}]},
        {"staticUrl": "a.up.railway.app"},
    ],
)
def test_these_changes_are_told(change: dict[str, Any]) -> None:
    old = {"status": "SUCCESS", "statusUpdatedAt": EARLY.isoformat()}
    assert _waiting.has_changed(deployment(**old), deployment(**{**old, **change}))


def test_no_change_is_not_told() -> None:
    assert not _waiting.has_changed(deployment(), deployment(updatedAt=LATE.isoformat()))
    assert _waiting.has_changed(None, deployment())


@pytest.mark.parametrize(
    ("new", "known", "outdated"),
    [
        (None, None, False),
        (EARLY, None, False),
        (LATE, EARLY, False),
        (EARLY, EARLY, False),
        (EARLY, LATE, True),
        (None, EARLY, True),
    ],
)
def test_a_push_from_before_a_poll_is_outdated(
    new: datetime | None, known: datetime | None, outdated: bool
) -> None:
    pushed = deployment(statusUpdatedAt=new)
    assert _waiting.is_outdated(pushed, deployment(statusUpdatedAt=known)) is outdated


def event(event_id: str, completed_at: datetime | None = None) -> DeploymentEvent:
    return DeploymentEvent.model_validate({"id": event_id, "completedAt": completed_at})


def test_a_step_is_told_when_it_begins_and_when_it_ends() -> None:
    told = _waiting.EventLog()
    assert list(told.news([event("build")])) == [event("build")]
    assert list(told.news([event("build")])) == []
    assert list(told.news([event("build", LATE), event("deploy")])) == [event("build", LATE), event("deploy")]


def test_a_late_beginning_of_an_ended_step_is_not_told() -> None:
    told = _waiting.EventLog()
    list(told.news([event("build", LATE)]))
    assert list(told.news([event("build")])) == []
