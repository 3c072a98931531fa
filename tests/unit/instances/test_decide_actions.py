"""What is done once, on somebody's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.steps import ENVIRONMENT, STAGED, Sight, Write
from tests.support.situations import (
    ago,
    decide,
    environment,
    instance,
    kinds,
    later,
    looked_at,
    observed,
    operation,
    recorded,
    restored,
    rests,
    seen_service,
    seen_volume,
    sent,
    situation,
    staged,
    states,
    waits,
)

if TYPE_CHECKING:
    from railway_saas.railway.models.environments import EnvironmentPatch

INTENDED = OperationState.INTENDED
VOLUME = {"volume_instance_id": "volume-instance-web"}
ACTIONS = [
    (OperationKind.SERVICE_DEPLOY, "redeploy:1"),
    (OperationKind.RESTART, "restart:1"),
    (OperationKind.ROLLBACK, "rollback:1"),
    (OperationKind.BACKUP_CREATE, "backup:1"),
    (OperationKind.BACKUP_RESTORE, "restore:1"),
    (OperationKind.RESTORE_COMMIT, "restore-commit:restore:1"),
]
NEED_POWER = ACTIONS[:3]
WITH_VOLUME = environment("web", volumes=[seen_volume("web", "/data")])
each = pytest.mark.parametrize(("kind", "key"), ACTIONS, ids=[key for _, key in ACTIONS])


def asked(kind: OperationKind, key: str, **more: Any) -> Any:
    more = {"subject": "web", "sent": None, "request": VOLUME, **more}
    return operation(kind, key, INTENDED, **more)


@each
def test_it_is_sent_when_nothing_else_is_to_be_done(kind: OperationKind, key: str) -> None:
    verdict = decide(situation(operations=[asked(kind, key)], seen=WITH_VOLUME, sights=sights_for(kind)))
    assert (sent(verdict), kinds(verdict)) == ((key,), {kind})


def sights_for(kind: OperationKind) -> dict[Sight, Any]:
    return {STAGED: restored() if kind is OperationKind.RESTORE_COMMIT else staged(waits=False)}


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
    seen = environment(seen_service("web", "REMOVED"), volumes=[seen_volume("web", "/data")])
    s = situation(of, operations=[asked(kind, key)], seen=seen, sights=sights_for(kind))
    assert sent(decide(s)) == (key,)


def at_volume(
    kind: OperationKind, waits: EnvironmentPatch, *, mounted: bool, **changed: Any
) -> tuple[OperationState, str | None]:
    """What becomes of an operation on a volume."""
    key = "restore:1" if kind is OperationKind.BACKUP_RESTORE else "restore-commit:restore:1"
    seen = WITH_VOLUME if mounted else environment("web", volumes=[seen_volume("web", "/data")])
    request = VOLUME if mounted else {"volume_instance_id": "volume-instance-old"}
    one = asked(kind, key, request=request, **changed)
    verdict = decide(situation(operations=[one], seen=seen, sights={STAGED: waits}))
    if isinstance(verdict, Write):
        return OperationState.SENT, None
    (changed_one,) = recorded(verdict).operations
    return changed_one.state, changed_one.error


def test_what_waits_is_looked_at_before_a_restore_and_before_its_commit() -> None:
    for kind, key in ACTIONS[4:]:
        assert looked_at(decide(situation(operations=[asked(kind, key)]))) == {ENVIRONMENT, STAGED}


def test_a_backup_of_a_volume_that_was_replaced_is_not_restored() -> None:
    state, error = at_volume(OperationKind.BACKUP_RESTORE, staged(waits=False), mounted=False)
    assert (state, "in its place" in str(error)) == (OperationState.FAILED, True)


def test_a_commit_of_what_somebody_discarded_is_over() -> None:
    state, error = at_volume(OperationKind.RESTORE_COMMIT, staged(waits=True), mounted=True)
    assert (state, "discarded" in str(error)) == (OperationState.FAILED, True)


def test_a_commit_of_what_is_in_place_already_is_done() -> None:
    commit = at_volume(OperationKind.RESTORE_COMMIT, staged(waits=False), mounted=False)
    assert commit == (OperationState.CONFIRMED, None)


def test_what_is_restored_is_put_in_place_before_anything_else_is_restored() -> None:
    commit, restore = asked(*ACTIONS[5]), asked(*ACTIONS[4])
    sights = {STAGED: restored()}
    s = situation(operations=[restore, commit], seen=WITH_VOLUME, sights=sights)
    assert sent(decide(s)) == (commit.key,)


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
