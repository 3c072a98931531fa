"""What is done once, on somebody's word: restart, redeploy, roll back, back up, restore. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import Power
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import OperationState
from railway_saas.instances.deciding.common import intent_of, see, write
from railway_saas.instances.effects import PREVIEW_PREFIX, RESTORE_PREFIXES, confirm, refuse
from railway_saas.instances.staging import restored_change
from railway_saas.instances.steps import ENVIRONMENT, STAGED, Record
from railway_saas.railway.models.environments import EnvironmentPatch

if TYPE_CHECKING:
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Intent, Verdict

ACTION_PREFIXES: Final = (
    "redeploy:",
    "restart:",
    "rollback:",
    "backup:",
    *RESTORE_PREFIXES,
    PREVIEW_PREFIX,
)
_NEEDS_POWER: Final = ("redeploy:", "restart:", "rollback:")

_SENTENCES: Final = {
    OperationKind.SERVICE_DEPLOY: "deploying anew",
    OperationKind.RESTART: "restarting",
    OperationKind.ROLLBACK: "going back to an earlier deployment",
    OperationKind.BACKUP_CREATE: "backing up",
    OperationKind.BACKUP_RESTORE: "restoring a backup",
    OperationKind.RESTORE_COMMIT: "putting the restored volume in place",
    OperationKind.PREVIEW: "discarded what a preview had staged",
}
_STEPS: Final = {
    OperationKind.SERVICE_DEPLOY: "deploy",
    OperationKind.RESTART: "deploy",
    OperationKind.ROLLBACK: "rollback",
    OperationKind.PREVIEW: "upgrade",
}


def is_action(operation: ProviderOperation) -> bool:
    """Whether somebody asked for it by name, rather than for a state that it serves."""
    return operation.key.startswith(ACTION_PREFIXES)


def next_action(s: Situation) -> Verdict | None:
    """The oldest one that waits; what is restored is put in place before anything else is staged."""
    waiting = s.open_operations(OperationState.INTENDED)
    for operation in sorted(waiting, key=lambda one: one.kind is not OperationKind.RESTORE_COMMIT):
        if not is_action(operation):
            continue
        if operation.key.startswith(_NEEDS_POWER) and s.observed.power is not Power.ON:
            over = replace(
                operation,
                state=OperationState.ABANDONED,
                error="the instance was switched off before",
                finished_at=s.now,
            )
            return s.record(operations=(over,))
        verdict = _check_volume(s, operation)
        if verdict is not None:
            return verdict
        return write(
            s,
            [_as_of_now(s, intent_of(operation))],
            _STEPS.get(operation.kind, "backup"),
            _SENTENCES[operation.kind],
        )
    return None


def _check_volume(s: Situation, operation: ProviderOperation) -> Verdict | None:
    """What waits in the environment is committed as a whole: a restore may add to nothing, and commit nothing else."""
    if operation.kind not in {OperationKind.BACKUP_RESTORE, OperationKind.RESTORE_COMMIT}:
        return None
    if s.held_back_until([intent_of(operation)]) is not None:
        return None
    blind = see(s, ENVIRONMENT, STAGED)
    if blind is not None:
        return blind
    is_there = _is_mounted(s, str(operation.request.get("volume_instance_id")))
    if operation.kind is OperationKind.BACKUP_RESTORE:
        reason = "the volume of the backup is not mounted any more: another backup was restored in its place"
        return None if is_there else Record(refuse(s, operation, reason))
    if staged_by_restore(s, operation.request.get("subject")):
        return None
    if not is_there:  # a commit whose answer was lost, or somebody's in the dashboard
        return Record(confirm(s, operation, operation.result))
    return Record(
        refuse(s, operation, "somebody has discarded the change of volumes that the restore had staged")
    )


def _is_mounted(s: Situation, volume_instance_id: str) -> bool:
    """Whether a service has that volume."""
    volumes = s.view.volumes if s.view else ()
    return any(one.volume_instance_id == volume_instance_id and one.service_id for one in volumes)


def staged_by_restore(s: Situation, subject: object) -> bool:
    """Whether a restored volume of this service waits to be put in place."""
    staged = s.sight(STAGED, EnvironmentPatch)
    service_ids = [row.railway_service_id for row in s.services if row.template_key == subject]
    return staged is not None and any(restored_change(staged.patch, one) for one in service_ids)


def _as_of_now(s: Situation, intent: Intent) -> Intent:
    """With the deployment that is there now: another one may have come since somebody asked."""
    current = next(
        (row.railway_deployment_id for row in s.services if row.template_key == intent.subject), None
    )
    if current is None or "before" not in intent.request:
        return intent
    now = {"before": current}
    if intent.kind is OperationKind.RESTART:
        now["deployment_id"] = current
    return replace(intent, request={**intent.request, **now})
