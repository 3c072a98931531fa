"""Volumes, their instances, backups and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.backups import RETENTION, Backups, crontab, kept
from railway_saas.emulator.connections import Connection, paginate
from railway_saas.emulator.registry import field, graphql_type, mutation, query, registry
from railway_saas.emulator.resolvers.workflows import WorkflowId
from railway_saas.emulator.restores import restore
from railway_saas.emulator.volumes import Volumes, used_mb
from railway_saas.emulator.world.storage import BackupSchedule, Volume, VolumeBackup, VolumeInstance

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Environment, Project, Service

registry.types |= {
    "Volume": Volume,
    "VolumeInstance": VolumeInstance,
    "VolumeInstanceBackup": VolumeBackup,
}


@graphql_type("VolumeInstanceBackupSchedule")
class ScheduleView:
    """A schedule as the API shows one."""

    def __init__(self, instance: VolumeInstance, schedule: BackupSchedule) -> None:
        self._instance = instance
        self._schedule = schedule

    @property
    def id(self) -> str:
        """Its id."""
        return self._schedule.id

    @property
    def kind(self) -> str:
        """DAILY, WEEKLY or MONTHLY."""
        return self._schedule.kind

    @property
    def name(self) -> str:
        """What its backups are called."""
        return f"{self._schedule.kind.capitalize()} backup"

    @property
    def cron(self) -> str:
        """When it runs."""
        return crontab(self._instance, self._schedule.kind)

    @property
    def created_at(self) -> datetime:
        """When it was set up."""
        return self._schedule.created_at

    @property
    def retention_seconds(self) -> int:
        """How long its backups are kept."""
        return int(RETENTION[self._schedule.kind].total_seconds())


@mutation("volumeCreate")
def volume_create(ctx: Context, *, input_: dict[str, Any]) -> Volume:
    """A new volume, mounted in a service or in none. Without an environment it comes into all, with null into none."""
    project = ctx.project(input_["project_id"])
    service = ctx.service(input_["service_id"]) if input_.get("service_id") else None
    if service is not None and service.project is not project:
        raise errors.not_authorized()
    volumes = ctx.world.part(Volumes)
    volumes.check_room(project)
    ctx.limits.check_creation("volume", project.workspace.id)
    return volumes.create(
        project,
        _environments(ctx, project, service, input_),
        mount_path=input_["mount_path"],
        service=service,
        region=input_.get("region"),
    )


@mutation("volumeUpdate")
def volume_update(ctx: Context, *, volume_id: str, input_: dict[str, Any]) -> Volume:
    """Rename a volume."""
    found = _volume(ctx, volume_id)
    if input_.get("name") is not None:
        if not input_["name"].strip():
            raise errors.invalid_field("name")
        found.name = input_["name"]
    return found


@mutation("volumeInstanceUpdate")
def volume_instance_update(
    ctx: Context, *, volume_id: str, input_: dict[str, Any], environment_id: str | None = None
) -> bool:
    """Mount it elsewhere. Railway: without a `serviceId` it is detached, so send it along."""
    found = _volume(ctx, volume_id)
    service = ctx.service(input_["service_id"]) if input_.get("service_id") else None
    environments = [ctx.environment(environment_id)] if environment_id else ctx.environments_of(found.project)
    instances = [one.volume_instances[found.id] for one in environments if found.id in one.volume_instances]
    if not instances:
        raise errors.not_found("VolumeInstance")
    for instance in instances:
        ctx.world.part(Volumes).mount(instance, service, input_.get("mount_path"))
        instance.state = input_.get("state") or instance.state
    return True


@mutation("volumeDelete")
def volume_delete(ctx: Context, *, volume_id: str) -> bool:
    """Queue its deletion."""
    ctx.world.part(Volumes).delete(_volume(ctx, volume_id))
    return True


@query("volumeInstance")
def volume_instance(ctx: Context, *, id_: str) -> VolumeInstance:
    """A volume in one environment."""
    return _instance(ctx, id_)


@query("volumeInstanceBackupList")
def backup_list(ctx: Context, *, volume_instance_id: str) -> list[VolumeBackup]:
    """Its backups, newest first."""
    return kept(_instance(ctx, volume_instance_id))


@query("volumeInstanceBackupScheduleList")
def backup_schedule_list(ctx: Context, *, volume_instance_id: str) -> list[ScheduleView]:
    """Its schedules."""
    found = _instance(ctx, volume_instance_id)
    return [ScheduleView(found, one) for one in found.schedules]


@mutation("volumeInstanceBackupCreate")
def backup_create(ctx: Context, *, volume_instance_id: str, name: str | None = None) -> WorkflowId:
    """Begin a backup."""
    found = _instance(ctx, volume_instance_id)
    return WorkflowId(ctx.world.part(Backups).create(found, name, ctx.user).id)


@mutation("volumeInstanceBackupDelete")
def backup_delete(ctx: Context, *, volume_instance_id: str, volume_instance_backup_id: str) -> WorkflowId:
    """Begin to delete a backup."""
    found = _instance(ctx, volume_instance_id)
    backup = _backup(found, volume_instance_backup_id)
    return WorkflowId(ctx.world.part(Backups).delete(found, backup).id)


@mutation("volumeInstanceBackupLock")
def backup_lock(ctx: Context, *, volume_instance_id: str, volume_instance_backup_id: str) -> bool:
    """Keep a backup for good."""
    found = _instance(ctx, volume_instance_id)
    ctx.world.part(Backups).lock(_backup(found, volume_instance_backup_id))
    return True


@mutation("volumeInstanceBackupRestore")
def backup_restore(
    ctx: Context,
    *,
    volume_instance_id: str,
    volume_instance_backup_id: str,
    replica_service_ids: list[str] | None = None,
    wipe_service_ids: list[str] | None = None,
) -> WorkflowId:
    """Begin to restore a backup; the change of volumes then waits to be committed."""
    del replica_service_ids, wipe_service_ids  # for database clusters, which are not emulated
    found = _instance(ctx, volume_instance_id)
    return WorkflowId(restore(ctx.world, found, _backup(found, volume_instance_backup_id)).id)


@mutation("volumeInstanceBackupScheduleUpdate")
def backup_schedule_update(ctx: Context, *, volume_instance_id: str, kinds: list[str]) -> bool:
    """Make backups of these kinds by themselves, and of no others."""
    ctx.world.part(Backups).schedule(_instance(ctx, volume_instance_id), kinds)
    return True


@field("Project", "volumes")
def project_volumes(found: Project, _ctx: Context, **page: Any) -> Connection:
    """The volumes of a project, oldest first."""
    return paginate(list(found.volumes.values()), default=None, **page)


@field("Environment", "volumeInstances")
def environment_volume_instances(found: Environment, _ctx: Context, **page: Any) -> Connection:
    """The volumes here."""
    return paginate(list(found.volume_instances.values()), default=None, **page)


@field("Volume", "volumeInstances")
def volume_instances(found: Volume, ctx: Context, **page: Any) -> Connection:
    """What it is in each environment."""
    environments = ctx.environments_of(found.project)
    shown = [one.volume_instances[found.id] for one in environments if found.id in one.volume_instances]
    return paginate(shown, default=None, **page)


@field("VolumeInstance", "currentSizeMB")
def current_size_mb(found: VolumeInstance, ctx: Context) -> float:
    """How full it is."""
    return round(used_mb(found, ctx.now), 3)


@field("VolumeInstance", "externalId")
def external_id(found: VolumeInstance, _ctx: Context) -> str:
    """Its name in the storage layer."""
    return f"vol_{found.id.replace('-', '')[:16]}"


@field("VolumeInstance", "isPendingDeletion")
def is_pending_deletion(found: VolumeInstance, _ctx: Context) -> bool:
    """Whether its deletion can still be taken back."""
    return found.deleted_at is not None


@field("VolumeInstance", "service")
def service_of(found: VolumeInstance, _ctx: Context) -> Service:
    """The service it is mounted in; the schema leaves no answer for a detached one."""
    if found.service is None:
        raise errors.not_found("Service")
    return found.service


@field("VolumeInstanceBackup", "externalId")
def backup_external_id(found: VolumeBackup, _ctx: Context) -> str:
    """Its name in the storage layer."""
    return f"bkp_{found.id.replace('-', '')[:16]}"


def _environments(
    ctx: Context, project: Project, service: Service | None, input_: dict[str, Any]
) -> list[Environment]:
    if "environment_id" not in input_:
        shown = ctx.environments_of(project)
        return shown if service is None else [one for one in shown if service.id in one.instances]
    if input_["environment_id"] is None:
        return []
    found = ctx.environment(input_["environment_id"])
    if found.project is not project:
        raise errors.not_authorized()
    return [found]


def _volume(ctx: Context, volume_id: str) -> Volume:
    ctx.caller.require()
    found = ctx.world.part(Volumes).find(volume_id)
    if found is None:
        raise errors.not_found("Volume")
    ctx.project(found.project.id)
    return found


def _instance(ctx: Context, instance_id: str) -> VolumeInstance:
    ctx.caller.require()
    found = ctx.world.part(Volumes).instance(instance_id)
    if found is None:
        raise errors.not_found("VolumeInstance")
    ctx.environment(found.environment.id)
    return found


def _backup(found: VolumeInstance, backup_id: str) -> VolumeBackup:
    for backup in kept(found):
        if backup.id == backup_id:
            return backup
    raise errors.not_found("VolumeInstanceBackup")
