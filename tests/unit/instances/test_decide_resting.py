"""At rest: final states, parked instances, what is watched, and what happens when Railway cannot be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.deciding import keys_of_interest
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.steps import Sight, SightKind
from tests.support.situations import (
    APP_KEY,
    ENVIRONMENT,
    ENVIRONMENT_ID,
    NOTHING_FOUND,
    NOW,
    PROJECT,
    PROJECT_ID,
    PROJECTS,
    after,
    ago,
    app,
    custom_domain,
    decide,
    environment,
    found,
    instance,
    later,
    looked_at,
    no_answer,
    not_authorized,
    observed,
    operation,
    project,
    recorded,
    rests,
    rows,
    seen_service,
    sent,
    situation,
    waits,
    whole_environment,
)

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.domain.instances import Instance

FINAL = [InstanceStatus.DELETED, InstanceStatus.FAILED]


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("wanted", list(DesiredStatus))
def test_a_final_state_is_final(status: InstanceStatus, wanted: DesiredStatus) -> None:
    of = instance(status, wanted=wanted, delete_at=ago(1))
    held = operation(OperationKind.RESTART, "restart:1", OperationState.INTENDED, sent=None)
    assert rests(decide(situation(of, operations=[held], seen=environment("web")))) is None


# Parked ---------------------------------------------------------------------------------------------------------

PARKED = "somebody has to look"


@pytest.mark.parametrize(
    "status", [one for one in InstanceStatus if one not in {*FINAL, InstanceStatus.DELETING}]
)
@pytest.mark.parametrize("wanted", [DesiredStatus.RUNNING, DesiredStatus.STOPPED, DesiredStatus.SUSPENDED])
def test_nothing_is_done_until_an_operator_decides(status: InstanceStatus, wanted: DesiredStatus) -> None:
    sent_one = operation(OperationKind.VARIABLES, "variables:1", OperationState.SENT)
    s = situation(instance(status, wanted=wanted, attention=PARKED), operations=[sent_one])
    assert rests(decide(s)) is None


def test_a_parked_deletion_waits_for_the_operator_as_well() -> None:
    of = instance(InstanceStatus.DELETING, wanted=DesiredStatus.DELETED, attention=PARKED)
    assert rests(decide(situation(of))) is None


def test_a_parked_instance_is_looked_at_when_its_deletion_is_due() -> None:
    assert rests(decide(situation(instance(attention=PARKED, delete_at=later(77))))) == 77
    due = decide(situation(instance(attention=PARKED, delete_at=NOW)))
    assert observed(due).status is InstanceStatus.DELETING


# Watching -------------------------------------------------------------------------------------------------------


def test_what_runs_is_looked_at() -> None:
    assert looked_at(decide(situation())) == {ENVIRONMENT}


def test_it_rests_for_the_usual_interval() -> None:
    assert rests(decide(situation(seen=environment("web")))) == 900
    patient = ManagerSettings(check_interval_s=7200)
    assert rests(decide(situation(seen=environment("web"), settings=patient))) == 7200


@pytest.mark.parametrize(
    ("delete_at", "expected"),
    [
        pytest.param(later(60), 60, id="sooner than the interval"),
        pytest.param(later(86_400), 900, id="later than the interval"),
    ],
)
def test_it_is_looked_at_when_its_deletion_is_due(delete_at: datetime, expected: float) -> None:
    assert rests(decide(situation(instance(delete_at=delete_at), seen=environment("web")))) == expected


@pytest.mark.parametrize(
    ("before", "status", "now"),
    [
        (InstanceStatus.RUNNING, "SLEEPING", InstanceStatus.SLEEPING),
        (InstanceStatus.SLEEPING, "SUCCESS", InstanceStatus.RUNNING),
    ],
)
def test_falling_asleep_and_waking_up_are_written_down(
    before: InstanceStatus, status: str, now: InstanceStatus
) -> None:
    seen = environment(seen_service("web", status))
    assert observed(decide(situation(instance(before), seen=seen))).status is now


def test_it_sleeps_only_when_all_of_it_sleeps() -> None:
    seen = whole_environment(app(), "SLEEPING", App="SUCCESS")
    assert rests(decide(situation(template=app(), seen=seen))) == 900


def test_what_is_seen_is_written_down_once() -> None:
    s = situation(
        services=rows(app()), template=app(), seen=whole_environment(app(), App="SLEEPING"), news=True
    )
    verdict = decide(s)
    change = recorded(verdict)
    assert change.services is not None
    assert {row.name: row.status for row in change.services}["App"] == "SLEEPING"
    assert [(event.step, event.service) for event in change.events] == [("status", "App")]
    assert rests(decide(after(s, verdict))) == 900


@pytest.mark.parametrize(
    ("hosts", "domain"),
    [
        pytest.param((), None, id="no public host"),
        pytest.param(("a.up.railway.app", "b.up.railway.app"), "a.up.railway.app", id="the first one"),
    ],
)
def test_where_it_answers_is_written_down(hosts: tuple[str, ...], domain: str | None) -> None:
    s = situation(seen=environment(seen_service("web", hosts=hosts)), news=True)
    now = observed(decide(s))
    assert (now.primary_service_id, now.domain) == ("svc-web", domain)


# Lost -----------------------------------------------------------------------------------------------------------


def test_a_service_that_somebody_deleted_needs_an_operator() -> None:
    s = situation(template=app(), seen=environment("App", "Postgres"))
    assert observed(decide(s)).attention == "Redis is gone at Railway, deleted by somebody else"


def test_every_lost_service_is_named() -> None:
    s = situation(template=app(), seen=environment("Redis"))
    assert "App and Postgres" in str(observed(decide(s)).attention)


def test_nothing_is_switched_on_when_something_is_lost() -> None:
    of = instance(InstanceStatus.SUSPENDED)
    s = situation(of, app(), seen=environment("App", "Postgres"))
    assert observed(decide(s)).attention is not None


def test_a_lost_service_does_not_keep_it_from_being_deleted() -> None:
    of = instance(wanted=DesiredStatus.DELETED)
    s = situation(of, app(), seen=environment("App"))
    assert observed(decide(s)).status is InstanceStatus.DELETING


def test_a_service_that_was_made_again_under_its_name_is_the_templates() -> None:
    others = tuple(row for row in rows(app()) if row.template_key != APP_KEY)
    s = situation(template=app(), services=others, seen=whole_environment(app()), news=True)
    assert {row.template_key for row in recorded(decide(s)).services or ()} >= {APP_KEY}


# Railway cannot be asked ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unseen", "pause"),
    [
        pytest.param(1, 5, id="5 s at least"),
        pytest.param(100, 50, id="half the time that nothing was seen"),
        pytest.param(86_400, 900, id="15 minutes at most"),
    ],
)
def test_pauses_grow_while_railway_cannot_be_asked(unseen: float, pause: float) -> None:
    of = instance(seen_at=ago(unseen), since=86_400)
    assert waits(decide(situation(of, seen=no_answer()))) == pause


def test_pauses_grow_from_the_last_change_where_nothing_was_ever_seen() -> None:
    assert waits(decide(situation(instance(since=40), seen=no_answer()))) == 20


WORKING: list[Instance] = [
    instance(),
    instance(wanted=DesiredStatus.SUSPENDED),
    instance(InstanceStatus.SUSPENDED),
    instance(InstanceStatus.CRASHED),
    instance(InstanceStatus.DEPLOYING),
]


@pytest.mark.parametrize("of", WORKING, ids=lambda of: f"{of.status} to be {of.desired.status}")
def test_the_status_is_the_last_one_confirmed_meanwhile(of: Instance) -> None:
    assert waits(decide(situation(of, seen=no_answer()))) > 0


@pytest.mark.parametrize("of", WORKING, ids=lambda of: f"{of.status} to be {of.desired.status}")
def test_a_project_that_may_not_be_read_is_looked_for_in_the_workspace(of: Instance) -> None:
    assert looked_at(decide(situation(of, seen=not_authorized()))) == {PROJECTS}
    there = situation(of, seen=not_authorized(), sights={PROJECTS: found(marked=False)})
    assert looked_at(decide(there)) == {PROJECT}
    gone = situation(of, seen=not_authorized(), sights={PROJECTS: NOTHING_FOUND})
    assert observed(decide(gone)).attention == (
        f"its Railway project {PROJECT_ID} is gone, deleted by somebody else"
    )


OTHERS = ({"id": "environment-2"},)


@pytest.mark.parametrize("of", WORKING, ids=lambda of: f"{of.status} to be {of.desired.status}")
@pytest.mark.parametrize(
    ("read", "gone"),
    [
        pytest.param(project(environments=OTHERS), True, id="it has others"),
        pytest.param(project(environments=()), True, id="it has none"),
        pytest.param(project(environments=({"id": ENVIRONMENT_ID}, *OTHERS)), False, id="it is there"),
        pytest.param(not_authorized(), False, id="the project may not be read either"),
        pytest.param(no_answer(), False, id="no answer"),
    ],
)
def test_an_environment_is_gone_when_its_project_says_so(of: Instance, read: object, gone: bool) -> None:
    sights = {PROJECTS: found(marked=False), PROJECT: read}
    verdict = decide(situation(of, seen=not_authorized(), sights=sights))
    if gone:
        assert f"environment {ENVIRONMENT_ID} of its Railway project" in str(observed(verdict).attention)
    else:
        assert waits(verdict) > 0


@pytest.mark.parametrize("search", [no_answer(), not_authorized()])
def test_a_revoked_token_takes_no_project_for_gone(search: Exception) -> None:
    assert waits(decide(situation(seen=not_authorized(), sights={PROJECTS: search}))) >= 3


# The whole ------------------------------------------------------------------------------------------------------


def test_a_decision_is_pure() -> None:
    s = situation(instance(InstanceStatus.PROVISIONING), app())
    before = replace(s)
    assert decide(s) == decide(s)
    assert s == before


@pytest.mark.parametrize("status", [one for one in InstanceStatus if one not in FINAL])
def test_every_operation_that_a_decision_may_ask_about_is_of_interest(status: InstanceStatus) -> None:
    row = custom_domain()
    keys = keys_of_interest(situation(instance(status), app(), domains=[row]))
    assert {"delete", f"attach:{row.id}", f"detach:{row.id}"} <= keys
    building = {"project", "template", "configure", "limits:first", f"service:{APP_KEY}", f"start:{APP_KEY}"}
    changing = {"variables:1", "limits:1", "upgrade:1"}
    power = situation(instance(status)).observed.power
    assert (building if power is None else changing) <= keys


@pytest.mark.parametrize(
    ("of", "seen"),
    [
        (instance(wanted=DesiredStatus.STOPPED), environment("web")),
        (instance(wanted=DesiredStatus.SUSPENDED), environment(seen_service("web", "BUILDING"))),
        (instance(InstanceStatus.STOPPED), environment(seen_service("web", stopped=True))),
        (instance(InstanceStatus.SUSPENDED), environment(seen_service("web", "REMOVED"))),
        (instance(InstanceStatus.CRASHED), environment(seen_service("web", "CRASHED"))),
        (instance(variables={"web": {"A": "1"}}), None),
        (instance(InstanceStatus.PROVISIONING), None),
        (instance(InstanceStatus.ACCEPTED), None),
    ],
)
def test_the_keys_of_what_is_sent_are_of_interest(of: Instance, seen: object) -> None:
    s = situation(of, seen=seen)  # type: ignore[arg-type]
    assert set(sent(decide(s))) <= keys_of_interest(s)


def test_a_look_at_logs_is_of_one_deployment() -> None:
    seen = environment(seen_service("web", "FAILED"))
    verdict = decide(situation(instance(InstanceStatus.DEPLOYING), seen=seen))
    assert looked_at(verdict) == {Sight(SightKind.LOGS, "dep-web")}
