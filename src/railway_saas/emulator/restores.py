"""Restoring a backup.

Railway: a restore makes a new volume and stages the change of volumes for somebody to commit; the old volume is kept,
and backups newer than the restored one are removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.emulator.backups import Backups
from railway_saas.emulator.environment_patches import Patches
from railway_saas.emulator.volumes import Volumes
from railway_saas.emulator.workflows import Workflow, Workflows

if TYPE_CHECKING:
    from railway_saas.emulator.world.storage import VolumeBackup, VolumeInstance
    from railway_saas.emulator.world.world import World

RESTORE_S = 12.0


def restore(world: World, instance: VolumeInstance, backup: VolumeBackup) -> Workflow:
    """Begin to restore a backup."""
    steps = [(RESTORE_S, lambda: _restore(world, instance, backup))]
    return world.part(Workflows).start("restoreBackup", instance.volume.project, steps)


def _restore(world: World, instance: VolumeInstance, backup: VolumeBackup) -> None:
    volumes, old = world.part(Volumes), instance.volume
    volume = volumes.create(
        old.project,
        [instance.environment],
        mount_path=instance.mount_path,
        region=instance.region,
        name=f"{old.name}-{backup.created_at:%Y%m%d%H%M%S}",
        size_mb=instance.size_mb,
    )
    volumes.fill(instance.environment.volume_instances[volume.id].id, backup.referenced_mb)
    for other in instance.backups:
        if other.created_at > backup.created_at:
            world.part(Backups).drop(other)
    if instance.service is not None:
        mounts = {old.id: None, volume.id: {"mountPath": instance.mount_path}}
        patch = {"services": {instance.service.id: {"volumeMounts": mounts}}}
        world.part(Patches).stage(instance.environment, patch, merge=True)
