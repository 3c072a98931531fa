"""`client.backups`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import backups as ops

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from railway_saas.railway.models.backups import (
        VolumeInstanceBackup,
        VolumeInstanceBackupSchedule,
        VolumeInstanceBackupScheduleKind,
    )
    from railway_saas.railway.models.workflows import WorkflowId


class AsyncBackups(AsyncResource):
    """Backups of volume instances.

    `create`, `restore` and `delete` only start the work: wait for it with `client.workflows`.
    """

    async def list(self, volume_instance_id: str) -> tuple[VolumeInstanceBackup, ...]:
        """The backups of a volume instance."""
        return await self._client.run(ops.list_(volume_instance_id))

    async def create(self, volume_instance_id: str, *, name: str | None = None) -> WorkflowId:
        """Back a volume instance up now. Not idempotent.

        Args:
            volume_instance_id: The volume in one environment.
            name: `Manual` when None.

        Raises:
            RailwayError: Backups made by hand may take half of the volume's size together.
        """
        return await self._client.run(ops.create(volume_instance_id, name=name))

    async def restore(
        self,
        *,
        volume_instance_id: str,
        backup_id: str,
        replica_service_ids: Sequence[str] | None = None,
        wipe_service_ids: Sequence[str] | None = None,
    ) -> WorkflowId:
        """Stage a new volume with a backup's data in place of the present one.

        It takes effect when the environment's staged changes are committed. The old volume stays, detached;
        backups newer than the restored one go.

        Args:
            volume_instance_id: The volume in one environment; a backup goes back only where it came from.
            backup_id: One of `list`.
            replica_service_ids: Replicas of a database cluster that shall get the backup too.
            wipe_service_ids: Services whose volumes shall be replaced by empty ones.
        """
        return await self._client.run(
            ops.restore(
                volume_instance_id=volume_instance_id,
                backup_id=backup_id,
                replica_service_ids=replica_service_ids,
                wipe_service_ids=wipe_service_ids,
            )
        )

    async def delete(self, *, volume_instance_id: str, backup_id: str) -> WorkflowId:
        """Delete a backup."""
        return await self._client.run(ops.delete(volume_instance_id=volume_instance_id, backup_id=backup_id))

    async def lock(self, *, volume_instance_id: str, backup_id: str) -> bool:
        """Keep a backup for good: take its expiry away."""
        return await self._client.run(ops.lock(volume_instance_id=volume_instance_id, backup_id=backup_id))

    async def list_schedules(self, volume_instance_id: str) -> tuple[VolumeInstanceBackupSchedule, ...]:
        """When a volume instance is backed up by itself."""
        return await self._client.run(ops.list_schedules(volume_instance_id))

    async def update_schedules(
        self, volume_instance_id: str, kinds: Iterable[VolumeInstanceBackupScheduleKind | str]
    ) -> bool:
        """Set when a volume instance is backed up by itself; an empty list switches that off.

        Args:
            volume_instance_id: The volume in one environment.
            kinds: `DAILY` (kept 6 days), `WEEKLY` (1 month), `MONTHLY` (3 months).
        """
        return await self._client.run(ops.update_schedules(volume_instance_id, kinds))
