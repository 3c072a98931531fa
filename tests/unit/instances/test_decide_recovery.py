"""A service goes down: it is started again a few times, later and later, then left down."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.domain.instances import Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.instances.effects import confirm
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.steps import Write
from tests.support.situations import (
    NOW,
    ago,
    app,
    decide,
    environment,
    instance,
    kinds,
    later,
    observed,
    operation,
    rests,
    seen_service,
    sent,
    situation,
    states,
    whole_environment,
)

CRASHED = InstanceStatus.CRASHED


def down(status: str = "CRASHED", **more: Any) -> Any:
    return environment(seen_service("web", status, **more))


@pytest.mark.parametrize("before", [InstanceStatus.RUNNING, InstanceStatus.SLEEPING])
@pytest.mark.parametrize("status", ["CRASHED", "FAILED", "REMOVED", "SKIPPED"])
def test_a_service_that_is_down_makes_the_instance_crashed(before: InstanceStatus, status: str) -> None:
    now = observed(decide(situation(instance(before), seen=down(status))))
    assert (now.status, now.status_since, now.attention) == (CRASHED, NOW, None)
    assert str(now.error).startswith("web ")


def test_every_service_that_is_down_is_named() -> None:
    seen = whole_environment(app(), App="CRASHED", Redis="FAILED")
    error = str(observed(decide(situation(template=app(), seen=seen))).error)
    assert "App crashed" in error
    assert "Redis failed" in error


@pytest.mark.parametrize("older", ["SUCCESS", "SLEEPING"])
def test_what_is_served_by_the_deployment_before_is_not_down(older: str) -> None:
    seen = down("FAILED", older=[("dep-old", older)])
    assert rests(decide(situation(seen=seen))) == 900


@pytest.mark.parametrize(("recoveries", "pause"), [(0, 60), (1, 300), (2, 1500)])
def test_it_is_started_again_after_1_5_and_25_minutes(recoveries: int, pause: float) -> None:
    early = instance(CRASHED, since=pause - 1, recoveries=recoveries)
    assert rests(decide(situation(early, seen=down()))) == 1
    due = instance(CRASHED, since=pause, recoveries=recoveries)
    assert sent(decide(situation(due, seen=down()))) == (f"recover:dep-web:{recoveries}",)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("CRASHED", OperationKind.RESTART),
        ("FAILED", OperationKind.SERVICE_DEPLOY),
        ("REMOVED", OperationKind.SERVICE_DEPLOY),
        ("SKIPPED", OperationKind.SERVICE_DEPLOY),
    ],
)
def test_what_crashed_is_restarted_and_everything_else_made_anew(status: str, kind: OperationKind) -> None:
    verdict = decide(situation(instance(CRASHED), seen=down(status)))
    assert kinds(verdict) == {kind}
    assert isinstance(verdict, Write)
    assert verdict.intents[0].request == {"deployment_id": "dep-web", "before": "dep-web"}


def test_all_that_is_down_is_started_together() -> None:
    seen = whole_environment(app(), App="CRASHED", Redis="FAILED")
    verdict = decide(situation(instance(CRASHED), app(), seen=seen))
    assert set(sent(verdict)) == {"recover:dep-App:0", "recover:dep-Redis:0"}


def test_recoveries_of_several_services_count_once() -> None:
    first = operation(OperationKind.RESTART, "recover:dep-App:0", subject="a")
    second = operation(OperationKind.RESTART, "recover:dep-Redis:0", subject="b")
    once = confirm(situation(instance(CRASHED), app()), first, {}).instance
    twice = confirm(situation(once, app()), second, {}).instance.observed
    assert twice.recoveries == 1
    assert twice.rollout.watching == ("recover:dep-App:0", "recover:dep-Redis:0")


@pytest.mark.parametrize(("most", "used"), [(3, 3), (3, 4), (1, 1)])
def test_it_is_left_down_when_that_did_not_help(most: int, used: int) -> None:
    of = instance(CRASHED, since=86_400, recoveries=used)
    s = situation(of, seen=down(), settings=ManagerSettings(max_recoveries=most))
    assert rests(decide(s)) == 900


def test_a_refused_restart_is_not_tried_again_at_once() -> None:
    refused = operation(OperationKind.RESTART, "recover:dep-web:0", OperationState.FAILED, error="no")
    assert rests(decide(situation(instance(CRASHED), seen=down(), operations=[refused]))) == 900


@pytest.mark.parametrize("status", ["BUILDING", "DEPLOYING", "QUEUED"])
def test_what_railway_redeploys_itself_is_looked_at_soon(status: str) -> None:
    assert rests(decide(situation(seen=down(status)))) == 15
    assert rests(decide(situation(instance(CRASHED), seen=down(status)))) == 15


@pytest.mark.parametrize(
    ("status", "expected"), [("SUCCESS", InstanceStatus.RUNNING), ("SLEEPING", InstanceStatus.SLEEPING)]
)
def test_what_came_back_by_itself_runs_and_its_recoveries_are_remembered(
    status: str, expected: InstanceStatus
) -> None:
    now = observed(decide(situation(instance(CRASHED, recoveries=2), seen=down(status))))
    assert (now.status, now.recoveries) == (expected, 2)


def test_a_restart_that_came_up_counts_until_it_has_run_well_for_a_while() -> None:
    rollout = Rollout(watching=("recover:dep-web:0",), started_at=ago(10))
    restarted = operation(OperationKind.RESTART, "recover:dep-web:0", subject="web")
    of = instance(CRASHED, recoveries=1, rollout=rollout)
    now = observed(decide(situation(of, seen=environment("web"), operations=[restarted])))
    assert (now.status, now.recoveries) == (InstanceStatus.RUNNING, 1)


@pytest.mark.parametrize(("since", "forgotten"), [(600, False), (601, True)])
def test_recoveries_begin_anew_after_ten_minutes_that_went_well(since: float, *, forgotten: bool) -> None:
    of = instance(since=since, recoveries=2, error="web crashed")
    verdict = decide(situation(of, seen=environment("web")))
    if forgotten:
        assert (observed(verdict).recoveries, observed(verdict).error) == (0, None)
    else:
        assert rests(verdict) == 900


def test_a_service_of_somebody_else_may_crash() -> None:
    seen = environment("web", seen_service("theirs", "CRASHED"))
    assert rests(decide(situation(seen=seen))) == 900


def test_a_restart_that_waits_for_its_turn_is_not_needed_once_it_is_back() -> None:
    held = operation(
        OperationKind.RESTART, "recover:dep-web:0", OperationState.INTENDED, not_before=later(30)
    )
    of = instance(recoveries=0)
    verdict = decide(situation(of, seen=environment("web"), operations=[held]))
    assert states(verdict) == {"recover:dep-web:0": OperationState.ABANDONED}
