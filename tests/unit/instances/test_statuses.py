"""Which status may follow which: a confirmed state is never taken back to one before it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.instances import POWER_OF, Applied, Power, Rollout
from railway_saas.domain.statuses import (
    BUILDING,
    FOLLOWERS,
    GONE,
    OPEN,
    UP,
    DesiredStatus,
    InstanceStatus,
    OperationState,
)
from railway_saas.errors import InstanceStateError
from tests.support.situations import NEXT_REVISION, NOW, REVISION, ago, instance, situation

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance

ACCEPTED, PROVISIONING, DEPLOYING = (
    InstanceStatus.ACCEPTED,
    InstanceStatus.PROVISIONING,
    InstanceStatus.DEPLOYING,
)
FAILED, DELETING, DELETED = InstanceStatus.FAILED, InstanceStatus.DELETING, InstanceStatus.DELETED
COMING_AND_GOING = {
    DEPLOYING,
    InstanceStatus.RUNNING,
    InstanceStatus.SLEEPING,
    InstanceStatus.CRASHED,
    InstanceStatus.STOPPED,
    InstanceStatus.SUSPENDED,
}
PAIRS = [(one, other) for one, other in product(InstanceStatus, repeat=2) if one is not other]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ACCEPTED, {PROVISIONING, FAILED, DELETING}),
        (PROVISIONING, {DEPLOYING, FAILED, DELETING}),
        *((one, COMING_AND_GOING - {one} | {FAILED, DELETING}) for one in sorted(COMING_AND_GOING)),
        (DELETING, {DELETED, FAILED}),
        (FAILED, set()),
        (DELETED, set()),
    ],
)
def test_what_may_follow(status: InstanceStatus, expected: set[InstanceStatus]) -> None:
    assert FOLLOWERS[status] == expected


def test_every_status_has_its_followers() -> None:
    assert set(FOLLOWERS) == set(InstanceStatus)


@pytest.mark.parametrize(("before", "then"), PAIRS)
def test_a_status_moves_only_to_one_that_may_follow(before: InstanceStatus, then: InstanceStatus) -> None:
    s = situation(instance(before))
    if then in FOLLOWERS[before]:
        moved = s.moved(then).observed
        assert (moved.status, moved.status_since) == (then, NOW)
        return
    with pytest.raises(InstanceStateError) as caught:
        s.moved(then)
    assert caught.value.current == before
    assert set(caught.value.allowed) == FOLLOWERS[before]


@pytest.mark.parametrize("status", list(InstanceStatus))
def test_to_stay_as_it_is_is_no_move(status: InstanceStatus) -> None:
    stays = situation(instance(status, since=77)).moved(status, error="x").observed
    assert (stays.status_since, stays.error) == (ago(77), "x")


def test_groups_of_statuses() -> None:
    assert {FAILED, DELETED} == GONE
    assert {ACCEPTED, PROVISIONING} == BUILDING
    assert {InstanceStatus.RUNNING, InstanceStatus.SLEEPING} == UP
    assert {OperationState.INTENDED, OperationState.SENT} == OPEN


# Is something still to be done? ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "changing"),
    [
        pytest.param(instance(ACCEPTED), True, id="accepted"),
        pytest.param(instance(PROVISIONING), True, id="being made"),
        pytest.param(instance(DEPLOYING), True, id="coming up"),
        pytest.param(instance(), False, id="runs"),
        pytest.param(instance(InstanceStatus.SLEEPING), False, id="sleeps"),
        pytest.param(instance(InstanceStatus.CRASHED), False, id="crashed"),
        pytest.param(instance(wanted=DesiredStatus.STOPPED), True, id="is to be stopped"),
        pytest.param(instance(InstanceStatus.SUSPENDED), True, id="is to be resumed"),
        pytest.param(
            instance(InstanceStatus.STOPPED, wanted=DesiredStatus.STOPPED), False, id="stopped, as is wanted"
        ),
        pytest.param(instance(wanted=DesiredStatus.DELETED), True, id="is to be deleted"),
        pytest.param(instance(DELETING, undoing=True), True, id="is being undone"),
        pytest.param(instance(DELETED, wanted=DesiredStatus.DELETED), False, id="deleted"),
        pytest.param(instance(FAILED), False, id="failed"),
        pytest.param(instance(PROVISIONING, attention="look"), False, id="an operator has to decide"),
        pytest.param(instance(rollout=Rollout(pending=("web",))), True, id="is to be deployed"),
        pytest.param(instance(rollout=Rollout(watching=("deploy:1:web",))), True, id="is being deployed"),
        pytest.param(instance(variables={"web": {"A": "1"}}), True, id="new variables"),
        pytest.param(instance(variables={"web": {"A": "1"}}, error="no"), False, id="new variables, refused"),
        pytest.param(instance(revision=NEXT_REVISION), True, id="another revision"),
        pytest.param(instance(inputs={"web.A": "1"}), True, id="other inputs"),
        pytest.param(
            instance(revision=NEXT_REVISION, applied=Applied(revision_id=NEXT_REVISION)),
            False,
            id="another revision, applied",
        ),
        pytest.param(
            instance(InstanceStatus.STOPPED, wanted=DesiredStatus.STOPPED, variables={"web": {"A": "1"}}),
            False,
            id="new variables, to be given when it is on again",
        ),
        *(
            pytest.param(
                instance(InstanceStatus(off), wanted=off, rollout=rollout),
                False,
                id=f"{off}, what is to be deployed waits until it is on again",
            )
            for off in (DesiredStatus.STOPPED, DesiredStatus.SUSPENDED)
            for rollout in (Rollout(pending=("web",)), Rollout(watching=("restore-commit:1",)))
        ),
        pytest.param(
            instance(InstanceStatus.SUSPENDED, rollout=Rollout(watching=("redeploy:1",))),
            True,
            id="is to be resumed, with a rollout",
        ),
    ],
)
def test_whether_something_is_still_to_be_done(of: Instance, *, changing: bool) -> None:
    assert of.is_changing is changing


def test_every_wish_that_leaves_something_has_its_power() -> None:
    assert set(POWER_OF) == set(DesiredStatus) - {DesiredStatus.DELETED}
    assert set(POWER_OF.values()) == set(Power)
    assert instance().desired.revision_id == REVISION
