"""Services exist: bring them to run for the first time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import Applied, Power, ServiceLimits
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.situation import FIRST_LOOK_S, LONGEST_LOOK_S
from railway_saas.railway.models.logs import Log
from tests.support.situations import (
    APP_KEY,
    ENVIRONMENT,
    NOW,
    POSTGRES_KEY,
    REDIS_KEY,
    REVISION,
    Sight,
    SightKind,
    ago,
    app,
    decide,
    environment,
    instance,
    kinds,
    looked_at,
    no_answer,
    not_authorized,
    observed,
    operation,
    recorded,
    sent,
    situation,
    waits,
    whole_environment,
)

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation

LOG = Sight(SightKind.LOGS, "dep-App")


def deploying(since: float = 60, **more: Any) -> Instance:
    return instance(InstanceStatus.DEPLOYING, since=since, **more)


def started(*keys: str) -> list[ProviderOperation]:
    return [operation(OperationKind.SERVICE_DEPLOY, f"start:{key}", subject=key) for key in keys]


def from_template(since: float = 60, **states_: Any) -> Situation:
    """Railway's own deploy of the template, which starts everything itself."""
    return situation(deploying(since), app(), seen=whole_environment(app(), **states_))


def from_calls(*done: str, **states_: str | None) -> Situation:
    """Built from single calls; these were started."""
    return situation(
        deploying(),
        app(),
        seen=whole_environment(app(), None, **states_),
        operations=started(*done),
        from_calls=True,
    )


# Looking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        pytest.param(0, FIRST_LOOK_S, id="just begun"),
        pytest.param(FIRST_LOOK_S - 1, 1, id="a second is left"),
        pytest.param(FIRST_LOOK_S, 0, id="due"),
    ],
)
def test_the_first_look_comes_when_an_image_may_be_up(since: float, expected: float) -> None:
    verdict = decide(situation(deploying(since), app()))
    if expected:
        assert waits(verdict) == expected
    else:
        assert looked_at(verdict) == {ENVIRONMENT}


@pytest.mark.parametrize(
    ("taken", "pause"),
    [
        pytest.param(5, FIRST_LOOK_S, id="at least as long as before the first"),
        pytest.param(40, 16, id="growing"),
        pytest.param(600, LONGEST_LOOK_S, id="at most"),
    ],
)
def test_the_longer_it_takes_the_longer_the_pauses(taken: float, pause: float) -> None:
    assert waits(decide(from_template(taken, App="BUILDING"))) == pause


def test_the_next_look_does_not_move_away_while_one_waits() -> None:
    of = deploying(45, seen_at=ago(5))
    assert waits(decide(situation(of, app()))) == 16 - 5


# Coming up ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states_", "status"),
    [
        pytest.param({}, InstanceStatus.RUNNING, id="all run"),
        pytest.param({"App": "SLEEPING"}, InstanceStatus.RUNNING, id="one sleeps"),
        pytest.param(
            {"App": "SLEEPING", "Postgres": "SLEEPING", "Redis": "SLEEPING"},
            InstanceStatus.SLEEPING,
            id="all sleep",
        ),
    ],
)
def test_it_runs_once_everything_came_up(states_: dict[str, str], status: InstanceStatus) -> None:
    done = observed(decide(from_template(**states_)))
    assert (done.status, done.power, done.status_since, done.error) == (status, Power.ON, NOW, None)


@pytest.mark.parametrize(
    "status",
    ["INITIALIZING", "QUEUED", "BUILDING", "WAITING", "NEEDS_APPROVAL", "DEPLOYING", None, "NEW_WORD"],
)
def test_it_waits_for_what_is_on_its_way(status: str | None) -> None:
    assert waits(decide(from_template(App=status))) == LONGEST_LOOK_S


def test_a_service_that_is_not_to_be_seen_yet_is_waited_for() -> None:
    s = situation(deploying(), app(), seen=environment("Postgres", "Redis"))
    assert waits(decide(s)) == LONGEST_LOOK_S


def test_everything_that_was_limited_is_limited_before_it_starts() -> None:
    limited = deploying(limits=ServiceLimits(vcpus=Decimal(1)))
    s = situation(limited, app(), from_calls=True)
    assert sent(decide(s)) == ("limits:first",)
    assert kinds(decide(s)) == {OperationKind.LIMITS}


def test_limits_that_the_template_was_deployed_with_are_not_set_again() -> None:
    limits = ServiceLimits(vcpus=Decimal(1))
    of = deploying(limits=limits, applied=Applied(revision_id=REVISION, limits=limits))
    assert sent(decide(situation(of, app(), from_calls=True))) == (
        f"start:{POSTGRES_KEY}",
        f"start:{REDIS_KEY}",
    )


@pytest.mark.parametrize(
    ("s", "expected"),
    [
        pytest.param(from_calls(), {POSTGRES_KEY, REDIS_KEY}, id="those that wait for nobody come first"),
        pytest.param(from_calls(POSTGRES_KEY), {REDIS_KEY}, id="what is left of a level"),
        pytest.param(
            from_calls(POSTGRES_KEY, REDIS_KEY, Postgres="SUCCESS", Redis="SLEEPING"),
            {APP_KEY},
            id="the next level once the first one runs",
        ),
    ],
)
def test_services_start_level_by_level(s: Situation, expected: set[str]) -> None:
    verdict = decide(s)
    assert set(sent(verdict)) == {f"start:{key}" for key in expected}
    assert kinds(verdict) == {OperationKind.SERVICE_DEPLOY}


@pytest.mark.parametrize("redis", ["BUILDING", None, "DEPLOYING"])
def test_a_level_waits_for_all_of_the_one_before(redis: str | None) -> None:
    assert (
        waits(decide(from_calls(POSTGRES_KEY, REDIS_KEY, Postgres="SUCCESS", Redis=redis))) == LONGEST_LOOK_S
    )


def test_it_runs_when_the_last_level_came_up() -> None:
    s = from_calls(POSTGRES_KEY, REDIS_KEY, APP_KEY, App="SUCCESS", Postgres="SUCCESS", Redis="SUCCESS")
    assert observed(decide(s)).status is InstanceStatus.RUNNING


# Giving up ------------------------------------------------------------------------------------------------------

LAST_WORDS = {LOG: (Log(message="cannot"), Log(message="connect"))}
GIVES_UP = ["FAILED", "CRASHED", "REMOVED", "SKIPPED"]


@pytest.mark.parametrize("status", GIVES_UP)
def test_the_last_lines_of_what_failed_are_read_first(status: str) -> None:
    assert looked_at(decide(from_template(App=status))) == {LOG}


@pytest.mark.parametrize("status", GIVES_UP)
def test_what_fails_is_undone_with_its_last_lines_kept(status: str) -> None:
    s = situation(deploying(), app(), seen=whole_environment(app(), App=status), sights=LAST_WORDS)
    verdict = decide(s)
    done = observed(verdict)
    assert (done.status, done.undoing, done.attention) == (InstanceStatus.DELETING, True, None)
    assert str(done.error).startswith("App ")
    assert [one.logs for one in recorded(verdict).deployments] == ["cannot\nconnect"]


def test_lines_that_cannot_be_read_keep_nothing_up() -> None:
    sights = {LOG: no_answer()}
    s = situation(deploying(), app(), seen=whole_environment(app(), App="CRASHED"), sights=sights)
    verdict = decide(s)
    assert observed(verdict).undoing
    assert [one.logs for one in recorded(verdict).deployments] == [None]


def test_what_fails_is_parked_where_that_is_wished() -> None:
    s = situation(
        deploying(),
        app(),
        seen=whole_environment(app(), App="CRASHED"),
        sights=LAST_WORDS,
        settings=ManagerSettings(failed_deploy="park"),
    )
    verdict = decide(s)
    done = observed(verdict)
    assert (done.status, done.undoing) == (InstanceStatus.DEPLOYING, False)
    assert done.attention == "App crashed, and its restarts are used up"
    assert [one.logs for one in recorded(verdict).deployments] == ["cannot\nconnect"]


@pytest.mark.parametrize(
    ("since", "patient"), [pytest.param(900, True, id="in time"), pytest.param(901, False, id="too late")]
)
def test_what_does_not_come_up_in_time_is_given_up(since: float, *, patient: bool) -> None:
    seen = whole_environment(app(), App="BUILDING")
    verdict = decide(situation(deploying(since), app(), seen=seen, sights=LAST_WORDS))
    if patient:
        assert waits(verdict) == LONGEST_LOOK_S
    else:
        assert observed(verdict).error == "not everything runs after 900 s: App is being built"


def test_a_service_that_never_appeared_is_named() -> None:
    s = situation(deploying(901), app(), seen=environment("Postgres", "Redis"))
    assert observed(decide(s)).error == "not everything runs after 900 s: App never appeared"


def test_a_refused_start_is_given_up() -> None:
    refused = operation(
        OperationKind.SERVICE_DEPLOY, f"start:{REDIS_KEY}", OperationState.FAILED, error="no such image"
    )
    s = situation(deploying(), app(), operations=[refused], from_calls=True)
    assert (observed(decide(s)).undoing, observed(decide(s)).error) == (True, "no such image")


def test_nothing_starts_without_the_limits_that_railway_refused() -> None:
    refused = operation(OperationKind.LIMITS, "limits:first", OperationState.FAILED, error="too much")
    limited = deploying(limits=ServiceLimits(vcpus=Decimal(1)))
    s = situation(limited, app(), operations=[refused], from_calls=True)
    assert (observed(decide(s)).undoing, observed(decide(s)).error) == (True, "too much")


def test_an_operators_retry_deploys_anew_what_did_not_come_up() -> None:
    again = operation(
        OperationKind.SERVICE_DEPLOY, "retry:1:web", OperationState.INTENDED, subject="web", sent=None
    )
    assert sent(decide(situation(deploying(), operations=[again]))) == ("retry:1:web",)


# When Railway cannot be asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "pause"),
    [
        pytest.param(59, 3, id="permissions of a new project spread"),
        pytest.param(61, 30.5, id="later it is an error like others"),
    ],
)
def test_not_authorized_means_little_right_after_the_project_was_made(since: float, pause: float) -> None:
    s = situation(
        deploying(since),
        seen=not_authorized(),
        sights={Sight(SightKind.PROJECTS): no_answer()},
    )
    assert waits(decide(s)) == pause


def test_nothing_is_given_up_while_nothing_is_seen() -> None:
    assert waits(decide(situation(deploying(901), seen=no_answer()))) == 60
