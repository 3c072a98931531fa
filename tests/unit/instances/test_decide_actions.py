"""What is done once, on somebody's word."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.domain.instances import Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.steps import Write
from tests.support.situations import (
    ago,
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
    waits,
)

INTENDED = OperationState.INTENDED
ACTIONS = [
    (OperationKind.SERVICE_DEPLOY, "redeploy:1"),
    (OperationKind.RESTART, "restart:1"),
    (OperationKind.ROLLBACK, "rollback:1"),
    (OperationKind.BACKUP_CREATE, "backup:1"),
    (OperationKind.BACKUP_RESTORE, "restore:1"),
    (OperationKind.RESTORE_COMMIT, "restore-commit:restore:1"),
]
NEED_POWER = ACTIONS[:3]
each = pytest.mark.parametrize(("kind", "key"), ACTIONS, ids=[key for _, key in ACTIONS])


def asked(kind: OperationKind, key: str, **more: Any) -> Any:
    more = {"subject": "web", "sent": None, **more}
    return operation(kind, key, INTENDED, **more)


@each
def test_it_is_sent_when_nothing_else_is_to_be_done(kind: OperationKind, key: str) -> None:
    verdict = decide(situation(operations=[asked(kind, key)]))
    assert (sent(verdict), kinds(verdict)) == ((key,), {kind})


@each
def test_it_waits_for_its_turn(kind: OperationKind, key: str) -> None:
    assert waits(decide(situation(operations=[asked(kind, key, not_before=later(7))]))) == 7


def test_the_oldest_wish_comes_first_and_alone() -> None:
    first, second = asked(*ACTIONS[1]), asked(*ACTIONS[3])
    assert sent(decide(situation(operations=[second, first]))) == ("restart:1",)


def test_changes_come_before_actions() -> None:
    of = instance(variables={"web": {"A": "1"}})
    assert sent(decide(situation(of, operations=[asked(*ACTIONS[1])]))) == ("variables:1",)


def test_a_rollout_comes_before_actions() -> None:
    of = instance(rollout=Rollout(number=1, pending=("web",), started_at=ago(1)))
    s = situation(of, operations=[asked(*ACTIONS[1])], seen=environment("web"))
    assert sent(decide(s)) == ("deploy:1:web",)


@pytest.mark.parametrize(("kind", "key"), NEED_POWER, ids=[key for _, key in NEED_POWER])
@pytest.mark.parametrize("status", [InstanceStatus.STOPPED, InstanceStatus.SUSPENDED])
def test_it_is_abandoned_when_it_was_switched_off_meanwhile(
    kind: OperationKind, key: str, status: InstanceStatus
) -> None:
    of = instance(status, wanted=DesiredStatus(status))
    s = situation(of, operations=[asked(kind, key)], seen=environment(seen_service("web", "REMOVED")))
    assert states(decide(s)) == {key: OperationState.ABANDONED}


@pytest.mark.parametrize(("kind", "key"), ACTIONS[3:], ids=[key for _, key in ACTIONS[3:]])
@pytest.mark.parametrize("status", [InstanceStatus.STOPPED, InstanceStatus.SUSPENDED])
def test_backups_need_no_power(kind: OperationKind, key: str, status: InstanceStatus) -> None:
    of = instance(status, wanted=DesiredStatus(status))
    s = situation(of, operations=[asked(kind, key)], seen=environment(seen_service("web", "REMOVED")))
    assert sent(decide(s)) == (key,)


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [
        pytest.param(*ACTIONS[0], {"before": "dep-web"}, id="redeploy"),
        pytest.param(*ACTIONS[1], {"before": "dep-web", "deployment_id": "dep-web"}, id="restart"),
        pytest.param(*ACTIONS[2], {"before": "dep-web", "deployment_id": "dep-1"}, id="rollback"),
    ],
)
def test_it_is_about_the_deployment_that_is_there_when_it_is_sent(
    kind: OperationKind, key: str, expected: dict[str, str]
) -> None:
    request = {"before": "dep-2", "deployment_id": "dep-1" if "deployment_id" in expected else ""}
    if "deployment_id" not in expected:
        del request["deployment_id"]
    verdict = decide(situation(operations=[asked(kind, key, request=request)], seen=environment("web")))
    assert isinstance(verdict, Write)
    assert {name: verdict.intents[0].request.get(name) for name in expected} == expected


@pytest.mark.parametrize("state", [OperationState.FAILED, OperationState.CONFIRMED, OperationState.ABANDONED])
@each
def test_what_is_over_is_not_sent_again(kind: OperationKind, key: str, state: OperationState) -> None:
    s = situation(operations=[operation(kind, key, state)], seen=environment("web"))
    assert rests(decide(s)) == 900


@pytest.mark.parametrize(
    ("kind", "key"), [pytest.param(*one, id=one[1]) for one in (*NEED_POWER, ACTIONS[5])]
)
def test_it_comes_up_like_any_change(kind: OperationKind, key: str) -> None:
    done = operation(kind, key, subject="web", request={"before": "dep-old"})
    of = instance(rollout=Rollout(number=1, watching=(key,), started_at=ago(10)))
    verdict = decide(situation(of, operations=[done], seen=environment("web")))
    assert observed(verdict).rollout == Rollout(number=1)
    assert observed(verdict).status is InstanceStatus.RUNNING
