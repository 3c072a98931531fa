"""Which verb is possible in which state."""

from __future__ import annotations

from itertools import product

import pytest

from railway_saas.domain.statuses import DesiredStatus, InstanceStatus
from railway_saas.errors import InstanceStateError, NeedsAttentionError
from railway_saas.instances.verbs import OPERATOR_VERBS, Verb, allowed_verbs, not_now, require_verb
from tests.support.situations import instance, later

RUNNING, STOPPED, SUSPENDED, DELETED = DesiredStatus
SETTINGS = {Verb.SET_VARIABLES, Verb.SET_LIMITS, Verb.ATTACH_DOMAIN, Verb.REMOVE_DOMAIN}
DEPLOYMENTS = {Verb.RESTART, Verb.REDEPLOY, Verb.ROLLBACK, Verb.UPGRADE}
BACKUPS = {Verb.BACK_UP, Verb.RESTORE}
BUILT = {Verb.DELETE, *SETTINGS, *BACKUPS}
FINAL = [InstanceStatus.FAILED, InstanceStatus.DELETED]
LIVE = [one for one in InstanceStatus if one not in FINAL]
EVERYTHING = list(product(InstanceStatus, DesiredStatus))


@pytest.mark.parametrize(
    ("status", "wanted", "expected"),
    [
        (InstanceStatus.ACCEPTED, RUNNING, {Verb.DELETE, *SETTINGS}),
        (InstanceStatus.PROVISIONING, RUNNING, {Verb.DELETE, *SETTINGS}),
        (InstanceStatus.DEPLOYING, RUNNING, {Verb.DELETE, *SETTINGS}),
        (InstanceStatus.RUNNING, RUNNING, {*BUILT, *DEPLOYMENTS, Verb.STOP, Verb.SUSPEND}),
        (InstanceStatus.SLEEPING, RUNNING, {*BUILT, *DEPLOYMENTS, Verb.STOP, Verb.SUSPEND}),
        (InstanceStatus.CRASHED, RUNNING, {*BUILT, *DEPLOYMENTS, Verb.STOP, Verb.SUSPEND}),
        (InstanceStatus.RUNNING, STOPPED, {*BUILT, Verb.START, Verb.SUSPEND}),
        (InstanceStatus.STOPPED, STOPPED, {*BUILT, Verb.START, Verb.SUSPEND}),
        (InstanceStatus.STOPPED, RUNNING, {*BUILT, Verb.STOP, Verb.SUSPEND}),
        (InstanceStatus.RUNNING, SUSPENDED, {*BUILT, Verb.RESUME}),
        (InstanceStatus.SUSPENDED, SUSPENDED, {*BUILT, Verb.RESUME}),
        (InstanceStatus.SUSPENDED, RUNNING, {*BUILT, Verb.STOP, Verb.SUSPEND}),
        (InstanceStatus.RUNNING, DELETED, set()),
        (InstanceStatus.DELETING, DELETED, set()),
        (InstanceStatus.DELETING, RUNNING, set()),
        (InstanceStatus.DELETED, DELETED, set()),
        (InstanceStatus.FAILED, RUNNING, set()),
    ],
)
def test_what_is_possible(status: InstanceStatus, wanted: DesiredStatus, expected: set[Verb]) -> None:
    assert set(allowed_verbs(instance(status, wanted=wanted))) == expected


@pytest.mark.parametrize(("status", "wanted"), EVERYTHING)
def test_verbs_are_listed_in_their_own_order_and_once(status: InstanceStatus, wanted: DesiredStatus) -> None:
    allowed = allowed_verbs(instance(status, wanted=wanted))
    assert list(allowed) == [verb for verb in Verb if verb in allowed]


@pytest.mark.parametrize("wanted", list(DesiredStatus))
@pytest.mark.parametrize("status", LIVE)
def test_a_parked_instance_is_the_operators_and_may_be_deleted(
    status: InstanceStatus, wanted: DesiredStatus
) -> None:
    parked = instance(status, wanted=wanted, attention="look")
    assert set(allowed_verbs(parked)) == {Verb.RETRY, Verb.ABANDON, Verb.ADOPT, Verb.DELETE}


@pytest.mark.parametrize("status", FINAL)
def test_nothing_is_possible_with_what_is_gone(status: InstanceStatus) -> None:
    assert allowed_verbs(instance(status, attention="look", delete_at=later(1))) == ()


@pytest.mark.parametrize("status", [one for one in LIVE if one is not InstanceStatus.DELETING])
def test_a_scheduled_deletion_can_be_called_off(status: InstanceStatus) -> None:
    scheduled, other = instance(status, delete_at=later(60)), instance(status)
    assert set(allowed_verbs(scheduled)) - set(allowed_verbs(other)) == {Verb.CANCEL_DELETION}


@pytest.mark.parametrize(("status", "wanted"), EVERYTHING)
def test_a_verb_passes_exactly_if_it_is_listed(status: InstanceStatus, wanted: DesiredStatus) -> None:
    of = instance(status, wanted=wanted)
    for verb in Verb:
        if verb in allowed_verbs(of):
            require_verb(of, verb)
            continue
        with pytest.raises(InstanceStateError) as caught:
            require_verb(of, verb)
        assert (caught.value.current, caught.value.allowed) == (status, allowed_verbs(of))


@pytest.mark.parametrize(
    ("status", "wanted", "said"),
    [
        pytest.param(
            InstanceStatus.STOPPED,
            STOPPED,
            "restart is not possible: the instance is stopped; possible now: set variables, ",
            id="as it stands",
        ),
        pytest.param(
            InstanceStatus.RUNNING,
            STOPPED,
            "restart is not possible: the instance is running and being stopped already; ",
            id="on its way",
        ),
        pytest.param(
            InstanceStatus.DELETED,
            DELETED,
            "restart is not possible: the instance is deleted; possible now: nothing",
            id="gone",
        ),
        pytest.param(
            InstanceStatus.STOPPED,
            RUNNING,
            "restart is not possible: the instance is stopped and being started already; ",
            id="on its way back",
        ),
        pytest.param(
            InstanceStatus.PROVISIONING,
            RUNNING,
            "restart is not possible: the instance is still being set up (provisioning); ",
            id="coming up",
        ),
        pytest.param(
            InstanceStatus.RUNNING,
            DELETED,
            "restart is not possible: the instance is being deleted; possible now: nothing",
            id="going",
        ),
    ],
)
def test_a_refusal_says_how_it_stands(status: InstanceStatus, wanted: DesiredStatus, said: str) -> None:
    with pytest.raises(InstanceStateError) as caught:
        require_verb(instance(status, wanted=wanted), Verb.RESTART)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("verb", [Verb.RESTART, Verb.SET_VARIABLES, Verb.SUSPEND, Verb.STOP])
def test_a_refusal_says_that_an_operator_has_to_decide(verb: Verb) -> None:
    with pytest.raises(NeedsAttentionError, match=f"^{verb} is not possible until .*: somebody has to look$"):
        require_verb(instance(attention="somebody has to look"), verb)


@pytest.mark.parametrize(("status", "wanted"), EVERYTHING)
def test_an_owner_is_told_only_what_owners_may_ask_for(status: InstanceStatus, wanted: DesiredStatus) -> None:
    of = instance(status, wanted=wanted)
    assert set(allowed_verbs(of, for_owner=True)) == set(allowed_verbs(of)) - OPERATOR_VERBS
    with pytest.raises(InstanceStateError) as caught:
        require_verb(of, Verb.RETRY, for_owner=True)
    assert caught.value.allowed == allowed_verbs(of, for_owner=True)
    assert not any(f" {verb}" in str(caught.value).partition("possible now:")[2] for verb in OPERATOR_VERBS)


def test_an_owner_may_delete_what_an_operator_has_to_decide_about() -> None:
    with pytest.raises(NeedsAttentionError) as caught:
        require_verb(instance(attention="look"), Verb.STOP, for_owner=True)
    assert caught.value.allowed == (Verb.DELETE,)


def test_a_verb_that_something_is_in_the_way_of_is_not_among_those_that_are_possible() -> None:
    refused = not_now(instance(), Verb.UPGRADE, "a change is coming up")
    assert str(refused).startswith(
        "upgrade is not possible: the instance is running, and a change is coming up; "
    )
    assert Verb.UPGRADE not in refused.allowed
    otherwise = not_now(instance(), Verb.ROLLBACK, "it runs that one", is_allowed_otherwise=True)
    assert Verb.ROLLBACK in otherwise.allowed


def test_what_owners_may_not_ask_for() -> None:
    assert {Verb.RETRY, Verb.ABANDON, Verb.ADOPT, Verb.SUSPEND, Verb.RESUME} == OPERATOR_VERBS
