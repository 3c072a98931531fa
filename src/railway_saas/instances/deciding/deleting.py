"""Taking everything down: what carries our marker, and nothing else. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.errors import RailwayAuthError, RailwayNotFoundError
from railway_saas.instances.deciding.building import PROJECT_KEY
from railway_saas.instances.deciding.common import LAG_PAUSE_S, abandoned, ask_operator, see, write
from railway_saas.instances.effects import gone
from railway_saas.instances.placement import Marker, read_marker
from railway_saas.instances.steps import PROJECT, PROJECTS, EventDraft, Intent, Record, Wait
from railway_saas.railway.models.projects import Project

if TYPE_CHECKING:
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict

DELETE_KEY: Final = "delete"


def delete(s: Situation) -> Verdict | None:
    """Delete the project, once it is certain which one it is and that it is ours."""
    if s.wanted is not DesiredStatus.DELETED and not s.observed.undoing:
        return None
    if s.observed.status is not InstanceStatus.DELETING:
        return s.record(
            s.moved(InstanceStatus.DELETING, attention=None),
            EventDraft("delete", "is being deleted"),
            operations=tuple(abandoned(s)),
        )
    if s.observed.project_id is None:
        return _look_for_project(s) or Record(gone(s))
    if s.state_of(DELETE_KEY) is OperationState.FAILED:
        return _check_refused(s)
    return _check_marker(s) or write(
        s, [Intent(kind=OperationKind.PROJECT_DELETE, key=DELETE_KEY)], "delete", "deleted the project"
    )


def _look_for_project(s: Situation) -> Verdict | None:
    """None: none was made. One that was given up in doubt may be there all the same."""
    made = s.operations.get(PROJECT_KEY)
    if made is None or made.sent_at is None:
        return None
    blind = see(s, PROJECTS)
    if blind is not None:
        return blind
    found = s.projects.marked
    if found is None:
        return None
    return s.record(s.with_observed(project_id=found.project_id, environment_id=found.environment_id))


def _check_marker(s: Situation) -> Verdict | None:
    """None: the project is there and carries the instance's marker."""
    failure = s.failure(PROJECT)
    if isinstance(failure, (RailwayAuthError, RailwayNotFoundError)):
        return _look_in_workspace(s)
    blind = see(s, PROJECT)
    if blind is not None:
        return blind
    project = s.sight(PROJECT, Project)
    if project is None or project.deleted_at is not None:
        return Record(gone(s))
    if read_marker(project.description) != Marker(s.namespace, s.instance.id):
        return ask_operator(
            s, f"its Railway project {project.id} does not carry its marker, so it is not deleted"
        )
    return None


def _look_in_workspace(s: Situation) -> Verdict:
    """Railway answers alike for what is gone and what may not be read; the workspace's list tells them apart."""
    blind = see(s, PROJECTS)
    if blind is not None:
        return blind
    if s.projects.holds(s.observed.project_id):
        return Wait(s.after(LAG_PAUSE_S), "the project is there and cannot be read")
    found = s.projects.marked
    if found is not None:  # Railway had said another id when it made it
        return s.record(s.with_observed(project_id=found.project_id, environment_id=found.environment_id))
    return Record(gone(s))


def _check_refused(s: Situation) -> Verdict:
    """Railway refused to delete it: it is gone already, or somebody has to look."""
    blind = see(s, PROJECTS)
    if blind is not None:
        return blind
    if s.projects.holds(s.observed.project_id):
        reason = s.operations[DELETE_KEY].error
        return ask_operator(s, f"Railway refuses to delete project {s.observed.project_id}: {reason}")
    return Record(gone(s))
