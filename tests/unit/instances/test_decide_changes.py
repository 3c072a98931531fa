"""Variables and limits that changed, and the deployments they need."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import Applied, Power, Rollout, ServiceLimits
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.effects import confirm
from railway_saas.instances.situation import FIRST_LOOK_S
from railway_saas.instances.steps import Write
from tests.support.situations import (
    APP_KEY,
    ENVIRONMENT,
    NOW,
    POSTGRES_KEY,
    REDIS_KEY,
    REVISION,
    ago,
    app,
    decide,
    environment,
    instance,
    kinds,
    later,
    looked_at,
    observed,
    operation,
    rests,
    seen_service,
    sent,
    situation,
    states,
    waits,
    whole_environment,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.domain.instances import Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation

LIMITS = ServiceLimits(vcpus=Decimal(2), memory_gb=Decimal(4))
Variables = dict[str, dict[str, str | None]]


def changed(
    wanted: Mapping[str, Mapping[str, str | None]],
    given: Mapping[str, Mapping[str, str | None]] | None = None,
) -> Instance:
    applied = Applied(revision_id=REVISION, variables=given or {})
    return instance(variables=wanted, applied=applied, generation=5)


# What is given to Railway ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        pytest.param({"App": {"A": "1"}}, {}, {"App": ["A"]}, id="new"),
        pytest.param({"App": {"A": "2"}}, {"App": {"A": "1"}}, {"App": ["A"]}, id="changed"),
        pytest.param({"App": {"A": None}}, {"App": {"A": "1"}}, {"App": ["A"]}, id="taken away"),
        pytest.param({"App": {"A": None}}, {}, {"App": ["A"]}, id="one of the template's taken away"),
        pytest.param(
            {"App": {"B": "1", "A": "1"}, "Redis": {"C": "1"}},
            {"App": {"A": "1"}},
            {"App": ["B"], "Redis": ["C"]},
            id="only what is not given yet, of several services",
        ),
    ],
)
def test_variables_that_changed_are_given_by_name(
    wanted: Variables, given: Variables, expected: dict[str, list[str]]
) -> None:
    verdict = decide(situation(changed(wanted, given), app()))
    assert sent(verdict) == ("variables:5",)
    assert kinds(verdict) == {OperationKind.VARIABLES}
    assert isinstance(verdict, Write)
    request = verdict.intents[0].request
    keys = {"App": APP_KEY, "Redis": REDIS_KEY}
    assert request == {"names": expected, "affected": [keys[name] for name in expected]}


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        pytest.param({"App": {"A": "1"}}, {"App": {"A": "1"}}, id="given already"),
        pytest.param({"App": {"A": None}}, {"App": {"A": None}}, id="taken away already"),
        pytest.param({"Later": {"A": "1"}}, {}, id="of a service that an upgrade brings"),
    ],
)
def test_variables_that_did_not_change_are_left_alone(wanted: Variables, given: Variables) -> None:
    s = situation(changed(wanted, given), app(), seen=whole_environment(app()))
    assert rests(decide(s)) == 900


def test_limits_that_changed_are_set() -> None:
    verdict = decide(situation(instance(limits=LIMITS, generation=5)))
    assert (sent(verdict), kinds(verdict)) == (("limits:5",), {OperationKind.LIMITS})


def test_variables_come_before_limits_and_each_alone() -> None:
    both = instance(limits=LIMITS, variables={"web": {"A": "1"}}, generation=5)
    assert sent(decide(situation(both))) == ("variables:5",)


@pytest.mark.parametrize("status", [InstanceStatus.STOPPED, InstanceStatus.SUSPENDED])
def test_what_is_off_gets_its_changes_when_it_is_on_again(status: InstanceStatus) -> None:
    of = instance(
        status,
        wanted=DesiredStatus(status),
        variables={"web": {"A": "1"}},
        limits=LIMITS,
    )
    seen = environment(seen_service("web", "REMOVED"))
    assert rests(decide(situation(of, seen=seen))) == 900


def test_what_is_sent_twice_is_sent_once() -> None:
    of = instance(limits=LIMITS, generation=5)
    held = operation(OperationKind.LIMITS, "limits:5", OperationState.INTENDED, not_before=later(9))
    assert waits(decide(situation(of, operations=[held]))) == 9


@pytest.mark.parametrize("state", [OperationState.FAILED, OperationState.ABANDONED])
def test_a_refused_change_is_not_tried_again_until_something_changes(state: OperationState) -> None:
    refused = operation(OperationKind.LIMITS, "limits:5", state, error="too much")
    seen = environment("web")
    assert (
        rests(decide(situation(instance(limits=LIMITS, generation=5), seen=seen, operations=[refused])))
        == 900
    )
    again = decide(situation(instance(limits=LIMITS, generation=6), seen=seen, operations=[refused]))
    assert sent(again) == ("limits:6",)


# Rollouts -------------------------------------------------------------------------------------------------------


def rolling(rollout: Rollout, *operations: ProviderOperation, seen: Any = None, **more: Any) -> Situation:
    of = instance(rollout=rollout, **more)
    return situation(of, app(), seen=seen, operations=operations)


def deploy(key: str, before: str, number: int = 2, **more: Any) -> ProviderOperation:
    request = {"before": before}
    return operation(
        OperationKind.SERVICE_DEPLOY, f"deploy:{number}:{key}", subject=key, request=request, **more
    )


PENDING = Rollout(number=2, pending=(APP_KEY, POSTGRES_KEY, REDIS_KEY), started_at=ago(10))
WATCHING = Rollout(
    number=2,
    pending=(APP_KEY,),
    watching=(f"deploy:2:{POSTGRES_KEY}", f"deploy:2:{REDIS_KEY}"),
    started_at=ago(10),
)
DEPLOYED = (deploy(POSTGRES_KEY, "dep-old"), deploy(REDIS_KEY, "dep-old"))


def test_the_environment_is_looked_at_before_anything_is_deployed() -> None:
    assert looked_at(decide(rolling(PENDING))) == {ENVIRONMENT}


def test_those_that_wait_for_nobody_are_deployed_first_and_together() -> None:
    verdict = decide(rolling(PENDING, seen=whole_environment(app())))
    assert set(sent(verdict)) == {f"deploy:2:{POSTGRES_KEY}", f"deploy:2:{REDIS_KEY}"}
    assert isinstance(verdict, Write)
    assert [intent.request for intent in verdict.intents] == [
        {"before": "dep-Postgres"},
        {"before": "dep-Redis"},
    ]


def test_only_what_is_affected_is_deployed() -> None:
    rollout = Rollout(number=2, pending=(APP_KEY,), started_at=ago(10))
    assert sent(decide(rolling(rollout, seen=whole_environment(app())))) == (f"deploy:2:{APP_KEY}",)


def test_deployments_that_are_watched_are_looked_at_with_pauses() -> None:
    rollout = Rollout(number=2, watching=("deploy:2:x",), started_at=ago(1))
    assert waits(decide(rolling(rollout))) == FIRST_LOOK_S - 1


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(whole_environment(app(), Redis="BUILDING"), id="one is being built"),
        pytest.param(
            environment(
                "App",
                seen_service("Postgres", deployment="dep-old"),
                seen_service("Redis"),
            ),
            id="one is still to be seen",
        ),
        pytest.param(
            environment("App", "Postgres", seen_service("Redis", "FAILED", deployment="dep-old")),
            id="what failed is the one before",
        ),
    ],
)
def test_a_level_waits_until_all_of_the_one_before_came_up(seen: Any) -> None:
    assert waits(decide(rolling(WATCHING, *DEPLOYED, seen=seen))) == FIRST_LOOK_S


def test_the_next_level_is_deployed_once_the_one_before_came_up() -> None:
    verdict = decide(rolling(WATCHING, *DEPLOYED, seen=whole_environment(app())))
    assert sent(verdict) == (f"deploy:2:{APP_KEY}",)


LAST = Rollout(number=2, watching=(f"deploy:2:{APP_KEY}",), started_at=ago(10))


@pytest.mark.parametrize("status", ["SUCCESS", "SLEEPING"])
def test_a_change_is_done_when_the_last_deployment_came_up(status: str) -> None:
    seen = whole_environment(app(), App=status)
    s = rolling(LAST, deploy(APP_KEY, "dep-old"), seen=seen, error="an old one", recoveries=2)
    now = observed(decide(s))
    assert now.rollout == Rollout(number=2)
    assert (now.status, now.error, now.recoveries) == (InstanceStatus.RUNNING, None, 0)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param("FAILED", InstanceStatus.RUNNING, id="FAILED: the one before serves on"),
        pytest.param("CRASHED", InstanceStatus.CRASHED, id="CRASHED"),
    ],
)
def test_a_change_that_does_not_come_up_says_so(status: str, expected: InstanceStatus) -> None:
    s = rolling(LAST, deploy(APP_KEY, "dep-old"), seen=whole_environment(app(), App=status))
    now = observed(decide(s))
    assert (now.status, now.rollout, now.attention) == (expected, Rollout(number=2), None)
    assert str(now.error).startswith("App ")


def test_a_change_that_takes_too_long_says_so() -> None:
    late = Rollout(number=2, watching=LAST.watching, started_at=ago(901))
    s = rolling(late, deploy(APP_KEY, "dep-old"), seen=whole_environment(app(), App="BUILDING"))
    now = observed(decide(s))
    assert now.error == "took longer than 900 s: App is being built"
    assert now.rollout == Rollout(number=2)


def test_a_refused_deployment_ends_the_rollout() -> None:
    refused = deploy(POSTGRES_KEY, "dep-old", state=OperationState.FAILED, error="not now")
    now = observed(decide(rolling(PENDING, refused)))
    assert (now.error, now.rollout) == ("not now", Rollout(number=2))


def test_a_rollout_that_was_switched_off_goes_on_when_it_is_on_again() -> None:
    off = rolling(PENDING, seen=whole_environment(app(), "REMOVED"), wanted=DesiredStatus.SUSPENDED)
    now = observed(decide(off))
    assert (now.power, now.rollout) == (Power.SUSPENDED, PENDING)


@pytest.mark.parametrize("kind", [OperationKind.VARIABLES, OperationKind.LIMITS])
def test_what_is_confirmed_rolls_out(kind: OperationKind) -> None:
    request = {"affected": [APP_KEY], "names": {"App": ["A"]}}
    one = operation(kind, f"{kind}:5", OperationState.SENT, request=request)
    of = instance(variables={"App": {"A": "1"}}, limits=LIMITS, generation=5)
    change = confirm(situation(of, app(), operations=[one]), one, {})
    now = change.instance.observed
    everything = (APP_KEY, POSTGRES_KEY, REDIS_KEY)
    assert now.rollout.number == 1
    assert set(now.rollout.pending) == ({APP_KEY} if kind is OperationKind.VARIABLES else set(everything))
    assert now.rollout.started_at == NOW
    assert now.applied is not None
    assert (now.applied.variables, now.applied.limits) == (
        ({"App": {"A": "1"}}, ServiceLimits()) if kind is OperationKind.VARIABLES else ({}, LIMITS)
    )


def test_a_write_that_nobody_wants_any_more_is_given_up() -> None:
    old = operation(OperationKind.VARIABLES, "variables:4", OperationState.INTENDED, sent=None)
    verdict = decide(situation(instance(generation=5), seen=environment("web"), operations=[old]))
    assert states(verdict) == {"variables:4": OperationState.ABANDONED}
