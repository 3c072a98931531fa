"""Operations on backups. Source: Railway's GraphQL schema of 2026-08-21.

Creating, restoring and deleting go on after the answer: follow them with `workflows`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.backups import (
    VolumeInstanceBackup,
    VolumeInstanceBackupSchedule,
    VolumeInstanceBackupScheduleKind,
)
from railway_saas.railway.models.workflows import WorkflowId
from railway_saas.railway.operations._arguments import choices, texts
from railway_saas.railway.operations._build import UNSET, operation, or_unset, require_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def list_(volume_instance_id: str) -> Operation[tuple[VolumeInstanceBackup, ...]]:
    """The backups of a volume instance."""
    require_text(volume_instance_id=volume_instance_id)
    variables = {"volumeInstanceId": volume_instance_id}
    return operation("BackupList", tuple[VolumeInstanceBackup, ...], variables)


def create(volume_instance_id: str, *, name: str | None = None) -> Operation[WorkflowId]:
    """Back a volume instance up now. Not idempotent: every call makes another backup."""
    require_text(volume_instance_id=volume_instance_id)
    if name is not None:
        require_text(name=name)
    variables = {"volumeInstanceId": volume_instance_id, "name": or_unset(name)}
    return operation("BackupCreate", WorkflowId, variables)


def restore(
    *,
    volume_instance_id: str,
    backup_id: str,
    replica_service_ids: Sequence[str] | None = None,
    wipe_service_ids: Sequence[str] | None = None,
) -> Operation[WorkflowId]:
    """Stage a new volume with a backup's data in place of the present one."""
    variables = {
        **_backup(volume_instance_id, backup_id),
        "replicaServiceIds": _texts_or_unset("replica_service_ids", replica_service_ids),
        "wipeServiceIds": _texts_or_unset("wipe_service_ids", wipe_service_ids),
    }
    return operation("BackupRestore", WorkflowId, variables)


def delete(*, volume_instance_id: str, backup_id: str) -> Operation[WorkflowId]:
    """Delete a backup."""
    variables = _backup(volume_instance_id, backup_id)
    return operation("BackupDelete", WorkflowId, variables, lane=Lane.DELETION)


def lock(*, volume_instance_id: str, backup_id: str) -> Operation[bool]:
    """Keep a backup for good: take its expiry away."""
    return operation("BackupLock", bool, _backup(volume_instance_id, backup_id), safe_to_repeat=True)


def list_schedules(volume_instance_id: str) -> Operation[tuple[VolumeInstanceBackupSchedule, ...]]:
    """When a volume instance is backed up by itself."""
    require_text(volume_instance_id=volume_instance_id)
    variables = {"volumeInstanceId": volume_instance_id}
    return operation("BackupScheduleList", tuple[VolumeInstanceBackupSchedule, ...], variables)


def update_schedules(
    volume_instance_id: str, kinds: Iterable[VolumeInstanceBackupScheduleKind | str]
) -> Operation[bool]:
    """Set when a volume instance is backed up by itself; an empty list switches that off."""
    require_text(volume_instance_id=volume_instance_id)
    variables = {
        "volumeInstanceId": volume_instance_id,
        "kinds": choices("kinds", VolumeInstanceBackupScheduleKind, kinds),
    }
    return operation("BackupScheduleUpdate", bool, variables, safe_to_repeat=True)


def _backup(volume_instance_id: str, backup_id: str) -> dict[str, str]:
    require_text(volume_instance_id=volume_instance_id, backup_id=backup_id)
    return {"volumeInstanceId": volume_instance_id, "volumeInstanceBackupId": backup_id}


def _texts_or_unset(argument: str, values: Sequence[str] | None) -> object:
    return UNSET if values is None else texts(argument, values)
