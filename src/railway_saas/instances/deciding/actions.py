"""What is done once, on somebody's word: restart, redeploy, roll back, back up, restore. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import Power
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import OperationState
from railway_saas.instances.deciding.common import intent_of, write

if TYPE_CHECKING:
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Intent, Verdict

ACTION_PREFIXES: Final = ("redeploy:", "restart:", "rollback:", "backup:", "restore:", "restore-commit:")
_NEEDS_POWER: Final = ("redeploy:", "restart:", "rollback:")

_SENTENCES: Final = {
    OperationKind.SERVICE_DEPLOY: "deploying anew",
    OperationKind.RESTART: "restarting",
    OperationKind.ROLLBACK: "going back to an earlier deployment",
    OperationKind.BACKUP_CREATE: "backing up",
    OperationKind.BACKUP_RESTORE: "restoring a backup",
    OperationKind.RESTORE_COMMIT: "putting the restored volume in place",
}
_STEPS: Final = {
    OperationKind.SERVICE_DEPLOY: "deploy",
    OperationKind.RESTART: "deploy",
    OperationKind.ROLLBACK: "rollback",
}


def is_action(operation: ProviderOperation) -> bool:
    """Whether somebody asked for it by name, rather than for a state that it serves."""
    return operation.key.startswith(ACTION_PREFIXES)


def next_action(s: Situation) -> Verdict | None:
    """The oldest one that waits."""
    for operation in s.open_operations(OperationState.INTENDED):
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
        return write(
            s,
            [_as_of_now(s, intent_of(operation))],
            _STEPS.get(operation.kind, "backup"),
            _SENTENCES[operation.kind],
        )
    return None


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
