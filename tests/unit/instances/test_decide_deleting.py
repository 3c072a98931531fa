"""Taking everything down: what carries our marker, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.errors import RailwayNotFoundError
from railway_saas.instances.placement import Marker
from tests.support.situations import (
    INSTANCE_ID,
    NOTHING_FOUND,
    PROJECT,
    PROJECT_ID,
    PROJECTS,
    after,
    ago,
    custom_domain,
    decide,
    environment,
    found,
    instance,
    kinds,
    later,
    looked_at,
    no_answer,
    not_authorized,
    observed,
    operation,
    project,
    recorded,
    rests,
    sent,
    situation,
    states,
    waits,
)

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance
    from railway_saas.instances.situation import Situation

DELETED = DesiredStatus.DELETED
DELETING = instance(InstanceStatus.DELETING, wanted=DELETED)
UNDOING = instance(InstanceStatus.DELETING, undoing=True)
WITHOUT_PROJECT = replace(DELETING, observed=replace(DELETING.observed, project_id=None, environment_id=None))
MADE = operation(OperationKind.PROJECT_CREATE, "project")
GONE = RailwayNotFoundError("Project not found")
LIVE = [one for one in InstanceStatus if one not in {InstanceStatus.DELETED, InstanceStatus.FAILED}]


def at(of: Instance = DELETING, *, seen: Any = None, search: Any = None, **more: Any) -> Situation:
    sights = {sight: one for sight, one in ((PROJECT, seen), (PROJECTS, search)) if one is not None}
    return situation(of, sights=sights, **more)


# Beginning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [one for one in LIVE if one is not InstanceStatus.DELETING])
def test_it_is_deleting_before_anything_is_deleted(status: InstanceStatus) -> None:
    now = observed(decide(situation(instance(status, wanted=DELETED))))
    assert (now.status, now.undoing) == (InstanceStatus.DELETING, False)


def test_what_was_to_be_done_is_given_up() -> None:
    open_ones = [
        operation(OperationKind.SERVICE_CREATE, "service:web", OperationState.INTENDED),
        operation(OperationKind.TEMPLATE_DEPLOY, "template", OperationState.SENT),
    ]
    s = situation(instance(InstanceStatus.PROVISIONING, wanted=DELETED), operations=open_ones)
    abandoned = OperationState.ABANDONED
    assert states(decide(s)) == {"service:web": abandoned, "template": abandoned}


def test_whether_a_project_was_made_is_found_out_first() -> None:
    of = instance(InstanceStatus.PROVISIONING, wanted=DELETED, project_id=None, environment_id=None)
    creating = operation(OperationKind.PROJECT_CREATE, "project", OperationState.SENT)
    assert looked_at(decide(situation(of, operations=[creating]))) == {PROJECTS}
    adopted = decide(situation(of, operations=[creating], sights={PROJECTS: found()}))
    assert (observed(adopted).project_id, observed(adopted).status) == (
        PROJECT_ID,
        InstanceStatus.PROVISIONING,
    )


def test_a_parked_instance_can_be_deleted() -> None:
    verdict = decide(situation(instance(wanted=DELETED, attention="somebody has to look")))
    assert (observed(verdict).status, observed(verdict).attention) == (InstanceStatus.DELETING, None)


@pytest.mark.parametrize(
    ("due_in", "due"), [pytest.param(0, True, id="due"), pytest.param(1, False, id="not due")]
)
def test_a_scheduled_deletion_counts_from_its_time_on(due_in: float, *, due: bool) -> None:
    verdict = decide(situation(instance(delete_at=later(due_in)), seen=environment("web")))
    if due:
        assert observed(verdict).status is InstanceStatus.DELETING
    else:
        assert rests(verdict) == due_in


# Which project --------------------------------------------------------------------------------------------------


def test_the_project_is_looked_at_before_it_is_deleted() -> None:
    assert looked_at(decide(at())) == {PROJECT}


@pytest.mark.parametrize("of", [DELETING, UNDOING])
def test_a_project_with_the_instances_marker_is_deleted(of: Instance) -> None:
    verdict = decide(at(of, seen=project()))
    assert (sent(verdict), kinds(verdict)) == (("delete",), {OperationKind.PROJECT_DELETE})


OTHER_ID = UUID("11111111-1111-4111-8111-111111111111")


@pytest.mark.parametrize(
    "description",
    [
        pytest.param("", id="no description"),
        pytest.param("Managed by somebody", id="no marker"),
        pytest.param(str(Marker("staging", INSTANCE_ID)), id="the marker of another installation"),
        pytest.param(str(Marker("default", OTHER_ID)), id="the marker of another instance"),
        pytest.param(
            f"{Marker('default', OTHER_ID)} {Marker('default', INSTANCE_ID)}", id="two, the other one first"
        ),
        pytest.param(f"[railway-saas default {str(INSTANCE_ID).upper()}]", id="in capitals"),
        pytest.param(f"railway-saas default {INSTANCE_ID}", id="without brackets"),
    ],
)
def test_a_project_without_the_instances_marker_is_not_deleted(description: str) -> None:
    now = observed(decide(at(seen=project(description))))
    assert now.attention == (
        f"its Railway project {PROJECT_ID} does not carry its marker, so it is not deleted"
    )
    assert now.status is InstanceStatus.DELETING


def test_the_namespace_is_that_of_the_installation() -> None:
    seen = project(str(Marker("staging", INSTANCE_ID)))
    assert sent(decide(at(seen=seen, namespace="staging"))) == ("delete",)


# Already gone ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "ended"),
    [
        pytest.param(DELETING, InstanceStatus.DELETED, id="deleted"),
        pytest.param(UNDOING, InstanceStatus.FAILED, id="undone"),
    ],
)
@pytest.mark.parametrize(
    ("seen", "search"),
    [
        pytest.param(project(deleted_at=ago(5)), None, id="marked as deleted"),
        pytest.param(GONE, NOTHING_FOUND, id="not found"),
        pytest.param(not_authorized(), NOTHING_FOUND, id="not authorized, and not in the workspace"),
    ],
)
def test_what_is_gone_frees_the_slot_and_leaves_nothing(
    of: Instance, ended: InstanceStatus, seen: Any, search: Any
) -> None:
    row = custom_domain()
    held = operation(OperationKind.RESTART, "restart:1", OperationState.INTENDED, sent=None)
    s = at(of, seen=seen, search=search, domains=[row], operations=[held])
    verdict = decide(s)
    change = recorded(verdict)
    assert (change.instance.status, change.instance.holds_slot) == (ended, False)
    assert (change.services, change.domains_gone) == ((), (row,))
    assert states(verdict) == {"restart:1": OperationState.ABANDONED}
    assert rests(decide(after(s, verdict))) is None


@pytest.mark.parametrize("seen", [GONE, not_authorized()])
def test_what_cannot_be_read_is_looked_for_in_the_workspace(seen: Any) -> None:
    assert looked_at(decide(at(seen=seen))) == {PROJECTS}


@pytest.mark.parametrize("seen", [GONE, not_authorized()])
def test_what_is_there_and_cannot_be_read_is_not_taken_for_gone(seen: Any) -> None:
    assert waits(decide(at(seen=seen, search=found()))) > 0


@pytest.mark.parametrize(
    ("seen", "search"),
    [
        pytest.param(no_answer(), None, id="the project"),
        pytest.param(GONE, no_answer(), id="the workspace"),
        pytest.param(not_authorized(), not_authorized(), id="a revoked token"),
    ],
)
def test_nothing_is_taken_for_gone_while_railway_cannot_be_asked(seen: Any, search: Any) -> None:
    assert waits(decide(at(seen=seen, search=search))) >= 3


# No project yet -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([], id="never wanted"),
        pytest.param([replace(MADE, state=OperationState.ABANDONED, sent_at=None)], id="never sent"),
    ],
)
def test_without_a_project_it_is_gone_at_once(operations: list[Any]) -> None:
    assert (
        recorded(decide(at(WITHOUT_PROJECT, operations=operations))).instance.status is InstanceStatus.DELETED
    )


@pytest.mark.parametrize("state", [OperationState.ABANDONED, OperationState.NEEDS_ATTENTION])
def test_a_project_that_was_given_up_in_doubt_is_looked_for(state: OperationState) -> None:
    given_up = [replace(MADE, state=state)]
    assert looked_at(decide(at(WITHOUT_PROJECT, operations=given_up))) == {PROJECTS}
    adopted = observed(decide(at(WITHOUT_PROJECT, operations=given_up, search=found())))
    assert (adopted.project_id, adopted.status) == (PROJECT_ID, InstanceStatus.DELETING)
    nothing = recorded(decide(at(WITHOUT_PROJECT, operations=given_up, search=NOTHING_FOUND)))
    assert nothing.instance.status is InstanceStatus.DELETED


def test_a_project_that_was_given_up_is_not_taken_for_absent_unseen() -> None:
    given_up = [replace(MADE, state=OperationState.ABANDONED)]
    assert waits(decide(at(WITHOUT_PROJECT, operations=given_up, search=no_answer()))) >= 5


# Refused --------------------------------------------------------------------------------------------------------


def test_another_project_with_its_marker_is_deleted_where_its_own_is_not_there() -> None:
    of = instance(InstanceStatus.DELETING, wanted=DesiredStatus.DELETED)
    s = situation(of, sights={PROJECT: not_authorized(), PROJECTS: found("project-2")})
    assert observed(decide(s)).project_id == "project-2"


REFUSED = operation(OperationKind.PROJECT_DELETE, "delete", OperationState.FAILED, error="a restore runs")


def test_a_refused_deletion_needs_an_operator_if_the_project_is_there() -> None:
    assert looked_at(decide(at(operations=[REFUSED]))) == {PROJECTS}
    s = at(operations=[REFUSED], search=found())
    verdict = decide(s)
    assert observed(verdict).attention == f"Railway refuses to delete project {PROJECT_ID}: a restore runs"
    assert rests(decide(after(s, verdict))) is None


def test_a_refused_deletion_of_what_is_gone_has_worked() -> None:
    change = recorded(decide(at(operations=[REFUSED], search=NOTHING_FOUND)))
    assert change.instance.status is InstanceStatus.DELETED


def test_a_deletion_that_must_not_be_sent_yet_is_waited_for() -> None:
    held = operation(OperationKind.PROJECT_DELETE, "delete", OperationState.INTENDED, not_before=later(30))
    assert waits(decide(at(seen=project(), operations=[held]))) == 30
