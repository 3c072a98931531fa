"""Writes that were sent and never confirmed: look whether they landed, before anything else. Pure.

The same rules serve an answer that was lost, a process that died after sending, and a workflow that Railway goes on with
after it has answered.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, OperationState
from railway_saas.instances.deciding.actions import staged_by_restore
from railway_saas.instances.deciding.clocks import lost_s, lost_time
from railway_saas.instances.deciding.common import ask_operator, see
from railway_saas.instances.effects import confirm, refuse
from railway_saas.instances.staging import is_within, outline_of
from railway_saas.instances.steps import (
    ENVIRONMENT,
    PROJECT,
    PROJECTS,
    STAGED,
    Record,
    Sight,
    SightKind,
    Wait,
)
from railway_saas.railway.models.domains import Domains
from railway_saas.railway.models.environments import EnvironmentPatch
from railway_saas.railway.models.projects import Project
from railway_saas.railway.models.workflows import WorkflowResult, WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict
    from railway_saas.instances.view import ServiceView

DOUBT_PAUSE_S: Final = 5.0
REFUSED_TEMPLATE_S: Final = 10.0
"""How long to look for services after Railway answered a template deploy with an unclear error."""

REPEATABLE: Final = frozenset(
    {
        OperationKind.CONFIGURE,
        OperationKind.VARIABLES,
        OperationKind.LIMITS,
        OperationKind.STOP,
        OperationKind.REMOVE,
    }
)
"""Writes that end in the same state however often they are sent: in doubt they are simply sent again.

Deletions are none of them: of what is gone already Railway says "Not Authorized", which may mean anything.
"""


AT_ONCE: Final = frozenset({OperationKind.CONFIGURE, OperationKind.RESTORE_COMMIT})
"""What Railway goes on with for a moment only."""


class Fate(Enum):
    """What a look says about a write, short of its result."""

    ABSENT = auto()
    """Nothing of it is to be seen."""
    UNDERWAY = auto()
    """Railway is at it."""
    UNDONE = auto()
    """Something of it is left that has to go: what undoes it is to be sent at once."""


if TYPE_CHECKING:
    Finding = Mapping[str, Any] | Fate | str
    """A result: it landed. A `Fate`. A text: Railway says that it failed, and why."""


def resolve_doubts(s: Situation) -> Verdict | None:
    """Decide about the oldest write that is sent and not confirmed."""
    operation = next((one for one in s.open_operations(OperationState.SENT) if _matters(s, one)), None)
    if operation is None:
        return None
    if operation.kind in REPEATABLE and "answered" not in operation.result:
        return _send_again(s, operation)
    sights = _sights(operation)
    unhurried = "answered" in operation.result and operation.kind not in AT_ONCE
    blind = see(s, *sights, since=operation.sent_at if unhurried else None)
    if blind is not None:
        return blind
    finding = _FINDERS[operation.kind](s, operation)
    if isinstance(finding, Fate):
        return _not_yet(s, operation, finding)
    if isinstance(finding, str):
        return Record(refuse(s, operation, finding, landed=True))
    return Record(confirm(s, operation, {**operation.result, **finding}))


def _matters(s: Situation, operation: ProviderOperation) -> bool:
    """What is being taken down needs to know only whether there is a project; everything else goes with it."""
    return not _is_ending(s) or operation.kind in {OperationKind.PROJECT_CREATE, OperationKind.PROJECT_DELETE}


def _is_ending(s: Situation) -> bool:
    return s.observed.undoing or s.wanted is DesiredStatus.DELETED


def _not_yet(s: Situation, operation: ProviderOperation, fate: Fate) -> Verdict:
    since = s.seconds_since(operation.sent_at or operation.created_at)
    answered = "answered" in operation.result
    if fate is Fate.UNDONE:
        return _send_again(s, operation)
    if fate is Fate.UNDERWAY or answered:
        if since <= s.settings.provision_timeout_s:
            return Wait(
                s.look_again_at(operation.sent_at or operation.created_at),
                f"Railway is at work on {operation.key}",
            )
        began = operation.sent_at or operation.created_at
        lost = lost_s(s, began, s.settings.provision_timeout_s)
        if lost and ENVIRONMENT in _sights(operation):
            later = replace(operation, sent_at=began + timedelta(seconds=lost))
            return s.record(None, lost_time(lost), operations=(later,))
        reason = f"Railway did not finish {operation.key} in {s.settings.provision_timeout_s:.0f} s"
        return Record(refuse(s, operation, reason, landed=True))
    if operation.result.get("refused") and since > REFUSED_TEMPLATE_S:
        # Railway answered with an error that means little ("Problem processing request"), and nothing came of it.
        return s.record(operations=(replace(operation, state=OperationState.FAILED, finished_at=s.now),))
    if since <= s.settings.doubt_s:
        return Wait(s.after(DOUBT_PAUSE_S), f"looking whether {operation.key} landed, whose answer was lost")
    return _send_again(s, operation)


def _send_again(s: Situation, operation: ProviderOperation) -> Verdict:
    """It did not land, or a repeat is harmless."""
    if _is_ending(s) and operation.kind is OperationKind.PROJECT_CREATE:
        return s.record(operations=(replace(operation, state=OperationState.ABANDONED, finished_at=s.now),))
    if _is_ours(s, operation):
        again = replace(operation, state=OperationState.INTENDED, attempts=max(0, operation.attempts - 1))
        return s.record(operations=(again,))
    if operation.attempts >= s.settings.max_attempts:
        reason = (
            f"{operation.kind} was tried {operation.attempts} times: {operation.error or 'no answer came'}"
        )
        step = ask_operator(s, reason)
        parked = replace(operation, state=OperationState.NEEDS_ATTENTION, finished_at=s.now)
        return Record(replace(step.change, operations=(parked,)))
    return s.record(operations=(replace(operation, state=OperationState.INTENDED),))


def _is_ours(s: Situation, operation: ProviderOperation) -> bool:
    """Whether an attempt broke off on our side: a process that died, a database that was full. That counts for nothing.

    Whatever else comes instead of an answer is written down as an error. An end comes all the same, in case it is this
    write that kills processes.
    """
    return operation.error is None and s.seconds_since(operation.created_at) <= s.settings.give_up_after_s


# What to look at, and what it says ------------------------------------------------------------------------------


_SIGHTS: Final[dict[OperationKind, Callable[[ProviderOperation], tuple[Sight, ...]]]] = {
    OperationKind.PROJECT_CREATE: lambda _: (PROJECTS,),
    OperationKind.PROJECT_DELETE: lambda _: (PROJECTS,),
    OperationKind.BUCKET_CREATE: lambda _: (PROJECT,),
    OperationKind.VOLUME_CREATE: lambda _: (PROJECT,),
    OperationKind.VOLUME_DELETE: lambda _: (PROJECT, ENVIRONMENT),
    OperationKind.TEMPLATE_DEPLOY: lambda operation: (ENVIRONMENT, *_workflow(operation)),
    OperationKind.BACKUP_CREATE: lambda operation: (
        _workflow(operation) or (Sight(SightKind.BACKUPS, str(operation.request["volume_instance_id"])),)
    ),
    OperationKind.BACKUP_RESTORE: lambda operation: _workflow(operation) or (STAGED,),
    OperationKind.RESTORE_COMMIT: lambda _: (STAGED,),
    OperationKind.CONFIGURE: lambda _: (STAGED,),
    OperationKind.PREVIEW: lambda _: (STAGED,),
    OperationKind.CUSTOM_DOMAIN_CREATE: lambda operation: (
        Sight(SightKind.DOMAINS, str(operation.request["service_id"])),
    ),
}


def _sights(operation: ProviderOperation) -> tuple[Sight, ...]:
    of_kind = _SIGHTS.get(operation.kind)
    return of_kind(operation) if of_kind else (ENVIRONMENT,)


def _workflow(operation: ProviderOperation) -> tuple[Sight, ...]:
    workflow_id = operation.result.get("workflow_id")
    return (Sight(SightKind.WORKFLOW, str(workflow_id)),) if workflow_id else ()


def _project(s: Situation, _operation: ProviderOperation) -> Finding:
    found = s.projects.marked
    if found is None:
        return Fate.ABSENT
    if found.environment_id is None:
        return Fate.UNDERWAY
    return {"project_id": found.project_id, "environment_id": found.environment_id, "adopted": True}


def _project_gone(s: Situation, _operation: ProviderOperation) -> Finding:
    return Fate.ABSENT if s.projects.holds(s.observed.project_id) else {}


def _template(s: Situation, operation: ProviderOperation) -> Finding:
    """All services are there, and no workflow runs on: it landed. Some of that: it is underway."""
    view = s.view
    found = [entry for entry in s.template.services if view and view.find(entry.key)]
    ended = _workflow_result(s, operation)
    if isinstance(ended, str):
        return ended
    if found and len(found) == len(s.template.services) and not _runs_on(s, operation):
        return {}
    return Fate.UNDERWAY if found else Fate.ABSENT


def _runs_on(s: Situation, operation: ProviderOperation) -> bool:
    """Whether Railway says that it is at it: what it makes last is still to come."""
    results = (s.sight(sight, WorkflowResult) for sight in _workflow(operation))
    return any(result is not None and result.status is WorkflowStatus.RUNNING for result in results)


def _workflow_result(s: Situation, operation: ProviderOperation) -> str | bool:
    """The reason of its failure; else whether it is complete."""
    for sight in _workflow(operation):
        result = s.sight(sight, WorkflowResult)
        if result is not None and result.status is WorkflowStatus.ERROR:
            return result.error or "Railway gave no reason"
        if result is not None and result.status is WorkflowStatus.COMPLETE:
            return True
    return False


def _service(s: Situation, operation: ProviderOperation) -> Finding:
    found = _find(s, _subject(operation))
    return {"service_id": found.service_id} if found else Fate.ABSENT


def _volume(s: Situation, operation: ProviderOperation) -> Finding:
    """Volumes are made one by one, so one that was not there before is the one."""
    project, before = s.sight(PROJECT, Project), operation.request.get("before", ())
    found = next((one for one in project.volumes if one.id not in before), None) if project else None
    return {"volume_id": found.id} if found else Fate.ABSENT


def _volume_gone(s: Situation, operation: ProviderOperation) -> Finding:
    """Railway keeps a deleted volume for two days, and says so."""
    volume_id, project = operation.request["volume_id"], s.sight(PROJECT, Project)
    going = {one.volume_id for one in s.view.volumes if one.is_going} if s.view else set[str]()
    there = {volume.id for volume in project.volumes} if project else {volume_id}
    return Fate.ABSENT if volume_id in there - going else {}


def _bucket(s: Situation, operation: ProviderOperation) -> Finding:
    project = s.sight(PROJECT, Project)
    names = {bucket.key: bucket.name for bucket in s.template.buckets}
    wanted = names.get(_subject(operation))
    found = next((one for one in project.buckets if one.name == wanted), None) if project else None
    return {"bucket_id": found.id} if found else Fate.ABSENT


def _service_domain(s: Situation, operation: ProviderOperation) -> Finding:
    service = _find(s, _subject(operation))
    number = int(operation.request.get("number", 1))
    return {} if service and len(service.service_hosts) >= number else Fate.ABSENT


def _deployment(s: Situation, operation: ProviderOperation) -> Finding:
    """A deployment other than the one before: it landed."""
    service = _find(s, _subject(operation))
    if service is None or service.deployment_id in {None, operation.request.get("before")}:
        return Fate.ABSENT
    return {"deployment_id": service.deployment_id}


def _restart(s: Situation, operation: ProviderOperation) -> Finding:
    """Railway: a restart moves `statusUpdatedAt`. To restart twice would harm nobody but those who watch."""
    service = _find(s, _subject(operation))
    moved = service.status_updated_at if service else None
    return {} if moved and operation.sent_at and moved >= operation.sent_at else Fate.ABSENT


def _custom_domain(s: Situation, operation: ProviderOperation) -> Finding:
    seen = s.sight(Sight(SightKind.DOMAINS, str(operation.request["service_id"])), Domains)
    wanted = operation.request.get("domain")
    found = next((one for one in seen.custom_domains if one.domain == wanted), None) if seen else None
    return {"domain_id": found.id} if found else Fate.ABSENT


def _custom_domain_gone(s: Situation, operation: ProviderOperation) -> Finding:
    domain = operation.request.get("domain")
    hosts = {host for service in s.view.services for host in service.hosts} if s.view else {domain}
    return Fate.ABSENT if domain in hosts else {}


def _service_gone(s: Situation, operation: ProviderOperation) -> Finding:
    service_id = operation.request.get("service_id")
    there = {service.service_id for service in s.view.services} if s.view else {service_id}
    return Fate.ABSENT if service_id in there else {}


def _backup(s: Situation, operation: ProviderOperation) -> Finding:
    if operation.result.get("workflow_id"):
        ended = _workflow_result(s, operation)
        return ended if isinstance(ended, str) else {} if ended else Fate.UNDERWAY
    listed = s.backups(str(operation.request["volume_instance_id"]))
    name = operation.request.get("name")
    return {} if any(backup.name == name for backup in listed) else Fate.ABSENT


def _restore(s: Situation, operation: ProviderOperation) -> Finding:
    if operation.result.get("workflow_id"):
        return _backup(s, operation)
    return {} if staged_by_restore(s, _subject(operation)) else Fate.ABSENT


def _commit(s: Situation, operation: ProviderOperation) -> Finding:
    """What the restore staged waits no more: it landed. Whatever else waits is not of it."""
    if not staged_by_restore(s, _subject(operation)):
        return {}
    staged = s.sight(STAGED, EnvironmentPatch)
    if staged is not None and staged.last_applied_error and "answered" in operation.result:
        return staged.last_applied_error
    return Fate.UNDERWAY if "answered" in operation.result else Fate.ABSENT


def _preview(s: Situation, operation: ProviderOperation) -> Finding:
    """Only what the preview would have staged: what somebody else has is left alone."""
    staged = s.sight(STAGED, EnvironmentPatch)
    if staged is None or staged.is_empty:
        return {}
    ours = operation.request.get("outline", {})
    return Fate.UNDONE if is_within(outline_of(staged.patch), ours) else {}


def _applied(s: Situation, _operation: ProviderOperation) -> Finding:
    """Railway says in the patch itself that it could not be applied; it waits on then."""
    staged = s.sight(STAGED, EnvironmentPatch)
    if staged is None or staged.is_empty:
        return {}
    return staged.last_applied_error or Fate.UNDERWAY


def _find(s: Situation, key: str) -> ServiceView | None:
    return s.view.find(key) if s.view else None


def _subject(operation: ProviderOperation) -> str:
    return str(operation.request.get("subject", ""))


_FINDERS: Final[dict[OperationKind, Callable[[Situation, ProviderOperation], Finding]]] = {
    OperationKind.PROJECT_CREATE: _project,
    OperationKind.PROJECT_DELETE: _project_gone,
    OperationKind.TEMPLATE_DEPLOY: _template,
    OperationKind.SERVICE_CREATE: _service,
    OperationKind.VOLUME_CREATE: _volume,
    OperationKind.VOLUME_DELETE: _volume_gone,
    OperationKind.BUCKET_CREATE: _bucket,
    OperationKind.SERVICE_DOMAIN_CREATE: _service_domain,
    OperationKind.SERVICE_DEPLOY: _deployment,
    OperationKind.ROLLBACK: _deployment,
    OperationKind.RESTART: _restart,
    OperationKind.CUSTOM_DOMAIN_CREATE: _custom_domain,
    OperationKind.CUSTOM_DOMAIN_DELETE: _custom_domain_gone,
    OperationKind.SERVICE_DELETE: _service_gone,
    OperationKind.BACKUP_CREATE: _backup,
    OperationKind.BACKUP_RESTORE: _restore,
    OperationKind.RESTORE_COMMIT: _commit,
    OperationKind.CONFIGURE: _applied,
    OperationKind.PREVIEW: _preview,
}
