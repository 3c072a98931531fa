"""Backups of volumes, by hand and by schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from railway_saas.emulator import cron, errors, structure
from railway_saas.emulator.registry import part
from railway_saas.emulator.volumes import used_mb
from railway_saas.emulator.workflows import Step, Workflow, Workflows
from railway_saas.emulator.world.storage import BackupSchedule, VolumeBackup

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from railway_saas.emulator.world.accounts import User
    from railway_saas.emulator.world.storage import VolumeInstance
    from railway_saas.emulator.world.world import World

RETENTION = {"DAILY": timedelta(days=6), "WEEKLY": timedelta(days=30), "MONTHLY": timedelta(days=90)}
"""How long a scheduled backup is kept. Source: Railway's documentation."""

MANUAL_NAME = "Manual"
MANUAL_SHARE = 0.5
"""Railway: backups by hand may hold half of a volume's size."""

BACKUP_S = 4.0
DELETE_S = 1.0

_DAYS = {"DAILY": "* * *", "WEEKLY": "* * 0", "MONTHLY": "1 * *"}


@part
class Backups:
    """Makes and keeps backups."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create(self, instance: VolumeInstance, name: str | None, creator: User) -> Workflow:
        """Begin a backup by hand.

        Raises:
            Refusal: The volume is more than half full.
        """
        if used_mb(instance, self._world.clock.now()) > instance.size_mb * MANUAL_SHARE:
            raise errors.invalid("Manual backups are limited to 50% of the volume size")

        def take() -> None:
            instance.backups.append(self._backup(instance, name or MANUAL_NAME, creator_id=creator.id))

        return self._workflow("createBackup", instance, [(BACKUP_S, take)])

    def delete(self, instance: VolumeInstance, backup: VolumeBackup) -> Workflow:
        """Begin to delete a backup."""
        return self._workflow("deleteBackup", instance, [(DELETE_S, lambda: self.drop(backup))])

    def lock(self, backup: VolumeBackup) -> None:
        """Keep a backup for good."""
        backup.expires_at = None

    def schedule(self, instance: VolumeInstance, kinds: Collection[str]) -> None:
        """Make backups of these kinds by themselves, and of no others."""
        for schedule in instance.schedules:
            schedule.ended = schedule.kind not in kinds
        instance.schedules = [one for one in instance.schedules if not one.ended]
        known = {one.kind for one in instance.schedules}
        for kind in sorted(set(kinds) - known):
            schedule = BackupSchedule(self._world.ids.uuid(), kind, self._world.clock.now())
            instance.schedules.append(schedule)
            self._queue(instance, schedule)
        structure.touch(self._world, instance.volume.project)

    def _queue(self, instance: VolumeInstance, schedule: BackupSchedule) -> None:
        due = cron.parse(crontab(instance, schedule.kind)).next_after(self._world.clock.now())
        if due is None:
            return

        def run() -> None:
            if schedule.ended or instance.deleted_at is not None:
                return
            name = f"{schedule.kind.capitalize()} backup"
            backup = self._backup(instance, name, schedule=schedule)
            instance.backups.append(backup)
            self._expire_later(backup)
            self._queue(instance, schedule)

        self._world.clock.call_at(due, run)

    def _backup(
        self,
        instance: VolumeInstance,
        name: str,
        *,
        creator_id: str | None = None,
        schedule: BackupSchedule | None = None,
    ) -> VolumeBackup:
        now = self._world.clock.now()
        used = used_mb(instance, now)
        kept = [one for one in instance.backups if one.deleted_at is None]
        increment = used - kept[-1].referenced_mb if kept else used
        return VolumeBackup(
            id=self._world.ids.uuid(),
            name=name,
            created_at=now,
            used_mb=max(1, round(increment)),
            referenced_mb=round(used),
            volume_instance_size_mb=instance.size_mb,
            service_id=instance.service_id,
            creator_id=creator_id,
            schedule_id=schedule.id if schedule else None,
            expires_at=now + RETENTION[schedule.kind] if schedule else None,
        )

    def _expire_later(self, backup: VolumeBackup) -> None:
        def expire() -> None:
            if backup.expires_at is not None:
                self.drop(backup)

        self._world.clock.call_at(backup.expires_at or self._world.clock.now(), expire)

    def drop(self, backup: VolumeBackup) -> None:
        """Delete a backup at once."""
        backup.deleted_at = backup.deleted_at or self._world.clock.now()

    def _workflow(self, kind: str, instance: VolumeInstance, steps: list[Step]) -> Workflow:
        return self._world.part(Workflows).start(kind, instance.volume.project, steps)


def kept(instance: VolumeInstance) -> list[VolumeBackup]:
    """The backups of a volume that are still there, newest first."""
    return [one for one in reversed(instance.backups) if one.deleted_at is None]


def crontab(instance: VolumeInstance, kind: str) -> str:
    """When a schedule runs; every volume at a time of its own, so that not all run at once."""
    place = crc32(instance.id.encode())
    return f"{place % 60} {place // 60 % 24} {_DAYS[kind]}"


def megabyte_minutes(
    instance: VolumeInstance, begin: datetime, end: datetime
) -> Iterator[tuple[str | None, float]]:
    """What the backups of a volume used between two moments, in MB x minutes: each its own increment only.

    Comes in parts, each with the id of the service that the volume was mounted in.
    """
    for backup in instance.backups:
        low, high = max(backup.created_at, begin), min(backup.deleted_at or instance.purged_at or end, end)
        if low < high:
            yield backup.service_id, backup.used_mb * (high - low).total_seconds() / 60
