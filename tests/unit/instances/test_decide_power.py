"""Stop, start, suspend, resume: whatever Railway says of a service, and what comes back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.instances import Power
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.steps import Look, Write
from tests.support.situations import (
    APP_KEY,
    ENVIRONMENT,
    NOW,
    ON_THEIR_WAY,
    POSTGRES_KEY,
    REDIS_KEY,
    ago,
    app,
    decide,
    environment,
    instance,
    kinds,
    later,
    looked_at,
    no_answer,
    observed,
    on_their_way,
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
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation

STOPPED, SUSPENDED = InstanceStatus.STOPPED, InstanceStatus.SUSPENDED
OFF = [
    pytest.param(DesiredStatus.STOPPED, Power.STOPPED, STOPPED, id="stop"),
    pytest.param(DesiredStatus.SUSPENDED, Power.SUSPENDED, SUSPENDED, id="suspend"),
]
TO_STOP, TO_SUSPEND = instance(wanted=DesiredStatus.STOPPED), instance(wanted=DesiredStatus.SUSPENDED)
CANCELLABLE = ["INITIALIZING", "QUEUED", "BUILDING", "WAITING", "NEEDS_APPROVAL"]


def done(kind: OperationKind, key: str, ended: float = 1, **more: Any) -> ProviderOperation:
    more = {"finished_at": ago(ended), **more}
    return operation(kind, key, **more)


def one(status: str | None, **more: Any) -> Any:
    return environment(seen_service("web", status, **more))


# Off ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "power", "status"), OFF)
def test_nothing_is_switched_before_it_was_looked_at(
    wanted: DesiredStatus, power: Power, status: InstanceStatus
) -> None:
    assert decide(situation(instance(wanted=wanted))) == Look((ON_THEIR_WAY, ENVIRONMENT))


@pytest.mark.parametrize(("wanted", "power", "status"), OFF)
def test_what_is_off_is_looked_at_without_what_is_on_its_way(
    wanted: DesiredStatus, power: Power, status: InstanceStatus
) -> None:
    assert looked_at(decide(situation(instance(status, wanted=wanted)))) == {ENVIRONMENT}


STOPS = [
    pytest.param("SUCCESS", {}, "stop", id="what runs is stopped"),
    pytest.param("SLEEPING", {}, "remove", id="what sleeps cannot be stopped"),
    pytest.param("DEPLOYING", {}, "remove", id="what is starting is removed"),
    *(pytest.param(status, {}, "cancel", id=f"what is {status} is cancelled") for status in CANCELLABLE),
]
SUSPENDS = [
    pytest.param("SUCCESS", {}, "remove", id="what runs"),
    pytest.param("SUCCESS", {"stopped": True}, "remove", id="what is stopped may start again"),
    pytest.param("SLEEPING", {}, "remove", id="what sleeps"),
    pytest.param("CRASHED", {}, "remove", id="what crashed may start again"),
    pytest.param("DEPLOYING", {}, "remove", id="what is starting"),
    *(pytest.param(status, {}, "cancel", id=f"what is {status}") for status in CANCELLABLE),
]


@pytest.mark.parametrize(("status", "more", "verb"), STOPS)
def test_stopping_ends_everything_that_lives(status: str, more: dict[str, Any], verb: str) -> None:
    verdict = decide(situation(TO_STOP, seen=one(status, **more)))
    assert sent(verdict) == (f"{verb}:1:dep-web",)
    assert kinds(verdict) == {OperationKind.STOP if verb == "stop" else OperationKind.REMOVE}


@pytest.mark.parametrize(("status", "more", "verb"), SUSPENDS)
def test_suspending_takes_down_everything_that_railway_bills(
    status: str, more: dict[str, Any], verb: str
) -> None:
    verdict = decide(situation(TO_SUSPEND, seen=one(status, **more)))
    assert sent(verdict) == (f"{verb}:1:dep-web",)
    assert kinds(verdict) == {OperationKind.REMOVE}


ALREADY_OFF = [
    pytest.param(DesiredStatus.STOPPED, "SUCCESS", {"stopped": True}, id="stop: stopped"),
    *(
        pytest.param(DesiredStatus.STOPPED, status, {}, id=f"stop: {status}")
        for status in ("CRASHED", "FAILED", "REMOVED", "SKIPPED", None)
    ),
    *(
        pytest.param(DesiredStatus.SUSPENDED, status, {}, id=f"suspend: {status}")
        for status in ("FAILED", "REMOVED", "SKIPPED", None)
    ),
]


@pytest.mark.parametrize(("wanted", "status", "more"), ALREADY_OFF)
def test_what_is_off_already_needs_nothing(
    wanted: DesiredStatus, status: str | None, more: dict[str, Any]
) -> None:
    now = observed(decide(situation(instance(wanted=wanted), seen=one(status, **more))))
    assert now.status == wanted
    assert (now.switches, now.status_since, now.error) == (1, NOW, None)


@pytest.mark.parametrize(("wanted", "power", "status"), OFF)
def test_what_is_being_removed_is_waited_for(
    wanted: DesiredStatus, power: Power, status: InstanceStatus
) -> None:
    assert waits(decide(situation(instance(wanted=wanted), seen=one("REMOVING", moved=10)))) == 3
    late = observed(decide(situation(instance(wanted=wanted), seen=one("REMOVING", moved=121))))
    assert (late.status, late.power) == (status, power)


def test_everything_goes_down_with_one_request() -> None:
    s = situation(TO_STOP, app(), seen=whole_environment(app(), Redis="SLEEPING"))
    assert set(sent(decide(s))) == {"stop:1:dep-App", "stop:1:dep-Postgres", "remove:1:dep-Redis"}


@pytest.mark.parametrize("wanted", [DesiredStatus.STOPPED, DesiredStatus.SUSPENDED])
def test_the_deployment_before_goes_down_as_well(wanted: DesiredStatus) -> None:
    seen = environment(seen_service("web", "FAILED", older=[("dep-old", "SUCCESS")]))
    assert sent(decide(situation(instance(wanted=wanted), seen=seen))) == ("older:1:web",)


# Behind a newer deployment --------------------------------------------------------------------------------------


def behind(
    wanted: DesiredStatus, *deployments: tuple[str, str], done_already: Any = (), newest: str = "REMOVED"
) -> Situation:
    """The newest deployment is over, and others are on their way."""
    return situation(
        instance(wanted=wanted),
        seen=one(newest),
        sights={ON_THEIR_WAY: on_their_way(*deployments)},
        operations=done_already,
    )


BOTH_OFF = pytest.mark.parametrize("wanted", [DesiredStatus.STOPPED, DesiredStatus.SUSPENDED])


@BOTH_OFF
@pytest.mark.parametrize("status", CANCELLABLE)
def test_what_is_on_its_way_behind_is_aborted(wanted: DesiredStatus, status: str) -> None:
    verdict = decide(behind(wanted, ("dep-1", status)))
    assert isinstance(verdict, Write)
    (intent,) = verdict.intents
    assert intent.key == "abort:1:web"
    assert intent.request == {"deployment_ids": ["dep-1"], "cancel": True}


@BOTH_OFF
def test_what_is_starting_behind_is_taken_down(wanted: DesiredStatus) -> None:
    verdict = decide(behind(wanted, ("dep-1", "BUILDING"), ("dep-2", "DEPLOYING"), ("dep-3", "QUEUED")))
    assert isinstance(verdict, Write)
    assert {intent.key: intent.request["deployment_ids"] for intent in verdict.intents} == {
        "older:1:web": ["dep-2"],
        "abort:1:web": ["dep-1", "dep-3"],
    }


@BOTH_OFF
def test_the_newest_is_not_behind_itself(wanted: DesiredStatus) -> None:
    assert sent(decide(behind(wanted, ("dep-web", "BUILDING"), newest="BUILDING"))) == ("cancel:1:dep-web",)


@BOTH_OFF
@pytest.mark.parametrize(
    "abort",
    [
        pytest.param({"finished_at": ago(121)}, id="never reported"),
        pytest.param({"state": OperationState.FAILED, "error": "no"}, id="refused"),
    ],
)
def test_an_abort_that_does_nothing_is_followed_by_a_removal(
    wanted: DesiredStatus, abort: dict[str, Any]
) -> None:
    request = {"deployment_ids": ["dep-1"], "cancel": True}
    aborted = operation(OperationKind.REMOVE, "abort:1:web", request=request, **abort)
    assert sent(decide(behind(wanted, ("dep-1", "BUILDING"), done_already=[aborted]))) == ("older:1:web",)


@BOTH_OFF
def test_what_is_aborted_is_waited_for_and_what_came_meanwhile_is_another_round(
    wanted: DesiredStatus,
) -> None:
    aborted = done(OperationKind.REMOVE, "abort:1:web", request={"deployment_ids": ["dep-1"]})
    assert waits(decide(behind(wanted, ("dep-1", "QUEUED"), done_already=[aborted]))) == 3
    both = behind(wanted, ("dep-1", "QUEUED"), ("dep-2", "QUEUED"), done_already=[aborted])
    assert observed(decide(both)).switches == 1
    assert observed(decide(behind(wanted, done_already=[aborted]))).status == wanted


@BOTH_OFF
def test_what_somebody_else_has_on_its_way_is_left_alone(wanted: DesiredStatus) -> None:
    seen = environment(seen_service("web", "REMOVED"), "theirs")
    theirs = on_their_way(("dep-1", "BUILDING"), service="theirs")
    s = situation(instance(wanted=wanted), seen=seen, sights={ON_THEIR_WAY: theirs})
    assert observed(decide(s)).status == wanted


@BOTH_OFF
def test_without_an_answer_about_what_is_on_its_way_it_goes_off_and_is_not_said_to_be_off(
    wanted: DesiredStatus,
) -> None:
    unanswered = {ON_THEIR_WAY: no_answer()}
    running = situation(instance(wanted=wanted), seen=one("SLEEPING"), sights=unanswered)
    assert sent(decide(running)) == ("remove:1:dep-web",)
    gone = situation(instance(wanted=wanted, seen_at=NOW), seen=one("REMOVED"), sights=unanswered)
    assert waits(decide(gone)) == 5


def test_what_is_sent_is_waited_for() -> None:
    stopped = done(OperationKind.STOP, "stop:1:dep-web")
    assert waits(decide(situation(TO_STOP, seen=one("SUCCESS"), operations=[stopped]))) == 3


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(done(OperationKind.STOP, "stop:1:dep-web", ended=121), id="never reported"),
        pytest.param(
            operation(OperationKind.STOP, "stop:1:dep-web", OperationState.FAILED, error="no"), id="refused"
        ),
    ],
)
def test_a_stop_that_does_nothing_is_followed_by_a_removal(stop: ProviderOperation) -> None:
    verdict = decide(situation(TO_STOP, seen=one("SUCCESS"), operations=[stop]))
    assert sent(verdict) == ("remove:1:dep-web",)


@pytest.mark.parametrize(
    "cancel",
    [
        pytest.param(done(OperationKind.REMOVE, "cancel:1:dep-web", ended=121), id="never reported"),
        pytest.param(
            operation(OperationKind.REMOVE, "cancel:1:dep-web", OperationState.FAILED, error="no"),
            id="refused",
        ),
    ],
)
def test_a_cancellation_that_does_nothing_is_followed_by_a_removal(cancel: ProviderOperation) -> None:
    verdict = decide(situation(TO_SUSPEND, seen=one("BUILDING"), operations=[cancel]))
    assert sent(verdict) == ("remove:1:dep-web",)


def test_a_refused_removal_needs_an_operator() -> None:
    refused = operation(OperationKind.REMOVE, "remove:1:dep-web", OperationState.FAILED, error="not now")
    now = observed(decide(situation(TO_SUSPEND, seen=one("SUCCESS"), operations=[refused])))
    assert now.attention == "Railway refuses to switch it off: not now"
    assert now.status is InstanceStatus.RUNNING


@pytest.mark.parametrize(("wanted", "power", "status"), OFF)
@pytest.mark.parametrize("before", [InstanceStatus.RUNNING, InstanceStatus.SLEEPING, InstanceStatus.CRASHED])
def test_it_is_off_only_when_railway_says_so(
    wanted: DesiredStatus, power: Power, status: InstanceStatus, before: InstanceStatus
) -> None:
    s = situation(instance(before, wanted=wanted, switches=4), seen=one("REMOVED"))
    now = observed(decide(s))
    assert (now.status, now.power, now.switches) == (status, power, 5)


def test_a_service_of_somebody_else_is_left_alone() -> None:
    seen = environment(seen_service("web", "REMOVED"), "theirs")
    assert observed(decide(situation(TO_SUSPEND, seen=seen))).power is Power.SUSPENDED


def test_what_turned_out_to_be_done_is_not_sent_again() -> None:
    again = operation(OperationKind.REMOVE, "remove:1:dep-web", OperationState.INTENDED)
    verdict = decide(situation(TO_SUSPEND, seen=one("REMOVED"), operations=[again]))
    assert states(verdict) == {"remove:1:dep-web": OperationState.ABANDONED}


@pytest.mark.parametrize(
    ("before", "wanted", "seen", "expected"),
    [
        pytest.param(
            STOPPED, DesiredStatus.SUSPENDED, one("SUCCESS", stopped=True), "remove:1:dep-web", id="suspend"
        ),
        pytest.param(SUSPENDED, DesiredStatus.STOPPED, one("REMOVED"), None, id="stop what is suspended"),
    ],
)
def test_from_off_to_off(
    before: InstanceStatus, wanted: DesiredStatus, seen: Any, expected: str | None
) -> None:
    verdict = decide(situation(instance(before, wanted=wanted), seen=seen))
    if expected is None:
        assert observed(verdict).status == wanted
    else:
        assert sent(verdict) == (expected,)


# What came back by itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "seen", "expected"),
    [
        pytest.param(SUSPENDED, one("SUCCESS"), "remove:4:dep-web", id="suspended, and running again"),
        pytest.param(SUSPENDED, one("SLEEPING"), "remove:4:dep-web", id="suspended, and asleep"),
        pytest.param(SUSPENDED, one("BUILDING"), "cancel:4:dep-web", id="suspended, and being built"),
        pytest.param(STOPPED, one("SUCCESS"), "stop:4:dep-web", id="stopped, and running again"),
    ],
)
def test_what_is_off_and_runs_again_is_switched_off(status: InstanceStatus, seen: Any, expected: str) -> None:
    of = instance(status, wanted=DesiredStatus(status), switches=3)
    assert sent(decide(situation(of, seen=seen))) == (expected,)


@pytest.mark.parametrize("status", [STOPPED, SUSPENDED])
def test_where_something_came_back_more_may_be_on_its_way(status: InstanceStatus) -> None:
    of = instance(status, wanted=DesiredStatus(status))
    assert decide(situation(of, sights={ENVIRONMENT: one("SUCCESS")})) == Look((ON_THEIR_WAY, ENVIRONMENT))


@pytest.mark.parametrize("status", [STOPPED, SUSPENDED])
def test_the_next_time_it_comes_back_is_another_switch(status: InstanceStatus) -> None:
    of = instance(status, wanted=DesiredStatus(status), switches=3)
    removed = done(OperationKind.REMOVE, "remove:4:dep-web")
    now = observed(decide(situation(of, seen=one("REMOVED"), operations=[removed])))
    assert (now.status, now.switches) == (status, 4)


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        pytest.param(STOPPED, one("SUCCESS", stopped=True), id="stopped"),
        pytest.param(SUSPENDED, one("REMOVED"), id="suspended"),
    ],
)
def test_what_is_off_and_stays_off_rests(status: InstanceStatus, seen: Any) -> None:
    of = instance(status, wanted=DesiredStatus(status))
    assert rests(decide(situation(of, sights={ENVIRONMENT: seen}))) == 900


# On -------------------------------------------------------------------------------------------------------------


def on(before: InstanceStatus, seen: Any, *operations: ProviderOperation, **more: Any) -> Situation:
    return situation(instance(before), more.pop("template", None), seen=seen, operations=operations, **more)


@pytest.mark.parametrize(
    ("before", "seen", "expected", "kind"),
    [
        pytest.param(
            STOPPED, one("SUCCESS", stopped=True), "on:1:web", OperationKind.RESTART, id="stopped: restarted"
        ),
        pytest.param(STOPPED, one("CRASHED"), "on:1:web", OperationKind.RESTART, id="crashed: restarted"),
        *(
            pytest.param(
                SUSPENDED, one(status), "on-deploy:1:web", OperationKind.SERVICE_DEPLOY, id=f"{status}: anew"
            )
            for status in ("REMOVED", "FAILED", "SKIPPED", None)
        ),
    ],
)
def test_a_service_goes_on_as_it_went_off(
    before: InstanceStatus, seen: Any, expected: str, kind: OperationKind
) -> None:
    verdict = decide(on(before, seen))
    assert (sent(verdict), kinds(verdict)) == ((expected,), {kind})


def test_services_go_on_level_by_level() -> None:
    first = decide(on(SUSPENDED, whole_environment(app(), "REMOVED"), template=app()))
    assert set(sent(first)) == {f"on-deploy:1:{POSTGRES_KEY}", f"on-deploy:1:{REDIS_KEY}"}
    then = decide(on(SUSPENDED, whole_environment(app(), App="REMOVED"), template=app()))
    assert sent(then) == (f"on-deploy:1:{APP_KEY}",)


def test_a_level_waits_for_the_one_before() -> None:
    deployed = [
        operation(OperationKind.SERVICE_DEPLOY, f"on-deploy:1:{key}", request={"before": "dep-old"})
        for key in (POSTGRES_KEY, REDIS_KEY)
    ]
    seen = whole_environment(app(), App="REMOVED", Redis="DEPLOYING")
    assert waits(decide(on(SUSPENDED, seen, *deployed, template=app()))) == 3


@pytest.mark.parametrize("before", [STOPPED, SUSPENDED])
def test_it_runs_again_when_railway_says_so(before: InstanceStatus) -> None:
    now = observed(decide(on(before, one("SUCCESS"))))
    assert (now.status, now.power, now.switches) == (InstanceStatus.RUNNING, Power.ON, 1)


def redeployed(sent_ago: float = 10) -> ProviderOperation:
    request = {"before": "dep-old"}
    return operation(OperationKind.SERVICE_DEPLOY, "on-deploy:1:web", sent=sent_ago, request=request)


@pytest.mark.parametrize("status", ["FAILED", "CRASHED"])
def test_what_fails_while_it_goes_on_has_crashed(status: str) -> None:
    now = observed(decide(on(SUSPENDED, one(status), redeployed())))
    assert (now.status, now.power, now.switches) == (InstanceStatus.CRASHED, Power.ON, 1)
    assert now.error is not None


def test_what_failed_before_it_was_switched_on_does_not_count() -> None:
    seen = one("FAILED", deployment="dep-old")
    assert waits(decide(on(SUSPENDED, seen, redeployed()))) == 3


def test_what_does_not_start_in_time_needs_an_operator() -> None:
    assert waits(decide(on(SUSPENDED, one("BUILDING"), redeployed(900)))) == 3
    now = observed(decide(on(SUSPENDED, one("BUILDING"), redeployed(901))))
    assert now.attention == "it does not start again: web is being built"


def test_an_operators_retry_gives_it_its_time_again() -> None:
    of = instance(SUSPENDED, since=10)
    s = situation(of, seen=one("BUILDING"), operations=[redeployed(901)])
    assert waits(decide(s)) == 3


def test_a_restart_that_must_not_be_sent_yet_is_waited_for() -> None:
    held = operation(OperationKind.RESTART, "on:1:web", OperationState.INTENDED, not_before=later(20))
    assert waits(decide(on(STOPPED, one("SUCCESS", stopped=True), held))) == 20


@pytest.mark.parametrize("wanted", [DesiredStatus.STOPPED, DesiredStatus.SUSPENDED, DesiredStatus.RUNNING])
def test_nothing_is_switched_before_it_came_up_for_the_first_time(wanted: DesiredStatus) -> None:
    of = instance(InstanceStatus.DEPLOYING, wanted=wanted, since=10)
    assert observed(decide(situation(of, seen=one("SUCCESS")))).power is Power.ON


# A restart is over when something runs --------------------------------------------------------------------------


def restarted(ended: float) -> Situation:
    """Railway has taken the restart, and still says that nothing runs."""
    back_on = done(OperationKind.RESTART, "on:1:web", ended)
    return on(STOPPED, one("SUCCESS", stopped=True), back_on)


def test_a_restart_that_is_not_to_be_seen_yet_is_waited_for() -> None:
    assert waits(decide(restarted(1))) == 3


def test_a_restarted_job_that_has_ended_again_is_back() -> None:
    now = observed(decide(restarted(60)))
    assert (now.status, now.power) == (InstanceStatus.RUNNING, Power.ON)


def test_a_service_that_is_redeployed_is_back_when_it_runs() -> None:
    over = operation(
        OperationKind.SERVICE_DEPLOY, "on-deploy:1:web", request={"before": "dep-old"}, finished_at=ago(1)
    )
    assert observed(decide(on(SUSPENDED, one("SUCCESS"), over))).status is InstanceStatus.RUNNING


def test_a_start_that_is_refused_is_told_with_railways_words() -> None:
    refused = operation(
        OperationKind.SERVICE_DEPLOY,
        "on-deploy:1:web",
        OperationState.FAILED,
        error="no such image",
        request={"before": "dep-web"},
    )
    assert "no such image" in str(observed(decide(on(SUSPENDED, one("REMOVED"), refused))).error)
