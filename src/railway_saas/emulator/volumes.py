"""Volumes: making, mounting, growing, filling and deleting them.

How full a volume is follows from its age: it starts with what the file system itself takes (Railway: 2-3 % of the
size) and grows by a few MB an hour, how many follows from its id. `fill` sets it by hand.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from railway_saas.emulator import errors, structure
from railway_saas.emulator.regions import DEFAULT_REGION, is_region
from railway_saas.emulator.registry import part
from railway_saas.emulator.slugs import slug
from railway_saas.emulator.world.storage import Growth, Volume, VolumeInstance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from railway_saas.emulator.clock import Timer
    from railway_saas.emulator.world.projects import Environment, Project, Service, ServiceInstance
    from railway_saas.emulator.world.world import World

DEFAULT_SIZE_MB = {"FREE": 500, "HOBBY": 5_000, "PRO": 50_000}
MAXIMUM_SIZE_MB = {"FREE": 500, "HOBBY": 5_000, "PRO": 1_000_000}
MAXIMUM_COUNT = {"FREE": 1, "HOBBY": 10, "PRO": 20}
"""Volumes per project. Source: Railway's price page."""

FILE_SYSTEM_SHARE = 0.025
GROWTH_MB_PER_HOUR = (1.0, 8.0)
GRACE = timedelta(hours=48)
ALERT_SHARE = 0.8
"""How full a volume is when Railway tells its owner."""
RESIZE_S = 20.0
HOUR_S = 3600.0


@part
class Volumes:
    """The volumes of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._volumes: dict[str, Volume] = {}
        self._instances: dict[str, VolumeInstance] = {}
        self._alarms: dict[str, Timer] = {}
        self._alerted: set[str] = set()
        self.alert_listeners: list[Callable[[VolumeInstance, str], None]] = []
        """Called with `triggered` when a volume gets full, with `resolved` when it is not any more."""
        world.hooks.instance_deleted.append(self._detach_all)
        world.hooks.environment_deleted.append(self._environment_deleted)
        world.hooks.environment_copied.append(self._environment_copied)

    def find(self, volume_id: str) -> Volume | None:
        """A volume by id."""
        return self._volumes.get(volume_id)

    def instance(self, instance_id: str) -> VolumeInstance | None:
        """A volume instance by id."""
        return self._instances.get(instance_id)

    # Making ---------------------------------------------------------------------------------------------------------

    def create(  # noqa: PLR0913 - keyword-only options
        self,
        project: Project,
        environments: Iterable[Environment],
        *,
        mount_path: str,
        service: Service | None = None,
        region: str | None = None,
        name: str | None = None,
        size_mb: int | None = None,
        volume_id: str | None = None,
    ) -> Volume:
        """A new volume of a project, with an instance in each of the environments.

        Raises:
            Refusal: The plan allows no more; the service has one already; path, region or size are wrong.
        """
        environments = list(environments)
        check_mount_path(mount_path)
        self.check_room(project)
        for environment in environments:
            check_unmounted(environment, service)
        now = self._world.clock.now()
        volume = Volume(
            volume_id or self._world.ids.uuid(), name or self.free_name(project, service), project, now
        )
        project.volumes[volume.id] = volume
        self._volumes[volume.id] = volume
        for environment in environments:
            self.place(volume, environment, service, mount_path=mount_path, region=region, size_mb=size_mb)
        structure.touch(self._world, project)
        return volume

    def place(  # noqa: PLR0913 - keyword-only options
        self,
        volume: Volume,
        environment: Environment,
        service: Service | None,
        *,
        mount_path: str,
        region: str | None = None,
        size_mb: int | None = None,
    ) -> VolumeInstance:
        """Bring a volume into an environment. Its size is cut to what the plan allows.

        Raises:
            Refusal: There is no such region.
        """
        if region is not None and not is_region(region):
            raise errors.invalid_field("region")
        plan = volume.project.workspace.plan
        mounted_in = environment.instances.get(service.id) if service else None
        now = self._world.clock.now()
        instance = VolumeInstance(
            id=self._world.ids.uuid(),
            volume=volume,
            environment=environment,
            service=service,
            mount_path=mount_path,
            size_mb=min(size_mb or DEFAULT_SIZE_MB[plan], MAXIMUM_SIZE_MB[plan]),
            created_at=now,
            region=region or (mounted_in.settings.region if mounted_in else None) or DEFAULT_REGION,
        )
        instance.growth.append(_growth(instance, now, instance.size_mb * FILE_SYSTEM_SHARE))
        environment.volume_instances[volume.id] = instance
        self._instances[instance.id] = instance
        self._set_alarm(instance)
        return instance

    def check_room(self, project: Project) -> None:
        """Refuse one volume more than the plan allows.

        Raises:
            Refusal: There are as many as there may be.
        """
        most = MAXIMUM_COUNT[project.workspace.plan]
        if len(project.volumes) >= most:
            raise errors.invalid(f"Your plan allows {most} volume{'s' if most > 1 else ''} per project")

    # Changing -------------------------------------------------------------------------------------------------------

    def mount(self, instance: VolumeInstance, service: Service | None, mount_path: str | None = None) -> None:
        """Mount a volume in a service, or in none.

        Raises:
            Refusal: The service has one already, or the path is wrong.
        """
        if mount_path is not None:
            check_mount_path(mount_path)
            instance.mount_path = mount_path
        if service is not instance.service:
            check_unmounted(instance.environment, service)
            self._move(instance, service)
        structure.touch(self._world, instance.volume.project)

    def resize(self, instance: VolumeInstance, size_mb: int) -> None:
        """Make it bigger while it is in use.

        Raises:
            Refusal: It would get smaller, or bigger than the plan allows.
        """
        self.check_size(instance, size_mb)
        if size_mb == instance.size_mb:
            return
        now = self._world.clock.now()
        used = used_mb(instance, now)
        instance.size_mb = size_mb
        instance.growth.append(_growth(instance, now, used))
        instance.state = "UPDATING"
        self._world.clock.call_later(RESIZE_S, lambda: self._ready(instance))
        self._set_alarm(instance)

    def check_size(self, instance: VolumeInstance, size_mb: int) -> None:
        """Refuse a size that Railway would: volumes only grow, up to what the plan allows.

        Raises:
            Refusal: Error in sizeMB - Invalid input.
        """
        if not instance.size_mb <= size_mb <= MAXIMUM_SIZE_MB[instance.volume.project.workspace.plan]:
            raise errors.invalid_field("sizeMB")

    def fill(self, instance_id: str, used_mb: float) -> None:
        """Say how full a volume is, as if the service had written that much.

        Raises:
            ValueError: There is no such volume instance, or it is smaller.
        """
        with self._world.clock.lock:
            instance = self._instances.get(instance_id)
            if instance is None or not 0 <= used_mb <= instance.size_mb:
                raise ValueError(f"no volume instance {instance_id!r} holds {used_mb} MB")
            instance.growth.append(_growth(instance, self._world.clock.now(), used_mb))
            self._set_alarm(instance)

    # Deleting -------------------------------------------------------------------------------------------------------

    def delete(self, volume: Volume) -> None:
        """Queue its deletion. Railway: it can be restored for 48 hours by a link in a mail."""
        for environment in volume.project.environments.values():
            instance = environment.volume_instances.get(volume.id)
            if instance is not None:
                self.delete_instance(instance)
        self._forget_unplaced(volume)
        structure.touch(self._world, volume.project)

    def delete_instance(self, instance: VolumeInstance) -> None:
        """Queue the deletion of a volume in one environment."""
        if instance.deleted_at is not None:
            return
        now = self._world.clock.now()
        instance.deleted_at = now
        instance.state = "DELETING"
        instance.service = None
        instance.growth.append(Growth(now, used_mb(instance, now), 0.0, instance.size_mb, None))
        self._world.clock.call_at(now + GRACE, lambda: self._purge(instance))

    def restore(self, instance_id: str) -> None:
        """Take a deletion back: what the link in Railway's mail does. The volume is mounted nowhere then.

        Raises:
            ValueError: No such volume instance waits for its deletion.
        """
        with self._world.clock.lock:
            instance = self._instances.get(instance_id)
            if instance is None or instance.deleted_at is None:
                raise ValueError(f"no volume instance {instance_id!r} waits for its deletion")
            instance.deleted_at = None
            instance.state = "READY"
            now = self._world.clock.now()
            instance.growth.append(_growth(instance, now, used_mb(instance, now)))

    def _purge(self, instance: VolumeInstance) -> None:
        if instance.deleted_at is None or self._world.clock.now() < instance.deleted_at + GRACE:
            return
        instance.state = "DELETED"
        self._drop(instance)

    def _drop(self, instance: VolumeInstance) -> None:
        instance.environment.volume_instances.pop(instance.volume.id, None)
        instance.volume.project.deleted_volume_instances.append(instance)
        self._instances.pop(instance.id, None)
        self._cancel_alarm(instance)
        instance.purged_at = self._world.clock.now()
        instance.growth.append(Growth(instance.purged_at, 0.0, 0.0, 0.0, None))
        self._forget_unplaced(instance.volume)
        for schedule in instance.schedules:
            schedule.ended = True

    def _forget_unplaced(self, volume: Volume) -> None:
        """Forget a volume that is in no environment any more."""
        if not any(volume.id in one.volume_instances for one in volume.project.environments.values()):
            volume.project.volumes.pop(volume.id, None)
            self._volumes.pop(volume.id, None)

    # What others did ------------------------------------------------------------------------------------------------

    def _detach_all(self, service_instance: ServiceInstance) -> None:
        """Railway keeps the volume of a deleted service, detached."""
        for instance in service_instance.volume_instances:
            self._move(instance, None)

    def _environment_deleted(self, environment: Environment) -> None:
        for instance in tuple(environment.volume_instances.values()):
            instance.deleted_at = instance.deleted_at or self._world.clock.now()
            instance.state = "DELETED"
            self._drop(instance)

    def _environment_copied(self, source: Environment, target: Environment) -> None:
        """A copy has the same volumes, empty."""
        for instance in source.volume_instances.values():
            if instance.deleted_at is None:
                self.place(
                    instance.volume,
                    target,
                    instance.service,
                    mount_path=instance.mount_path,
                    region=instance.region,
                    size_mb=instance.size_mb,
                )

    # How full -------------------------------------------------------------------------------------------------------

    def free_name(self, project: Project, service: Service | None) -> str:
        """`<service>-volume`, or an invented name; with a suffix when it is taken."""
        base = f"{slug(service.name)}-volume" if service else self._world.ids.name()
        taken = {one.name for one in project.volumes.values()}
        name = base
        while name in taken:
            name = (
                f"{base}-{self._world.ids.text(4, 'abcdefghijklmnopqrstuvwxyz0123456789', stream='volume')}"
            )
        return name

    def _move(self, instance: VolumeInstance, service: Service | None) -> None:
        now = self._world.clock.now()
        instance.service = service
        instance.growth.append(_growth(instance, now, used_mb(instance, now)))

    def _ready(self, instance: VolumeInstance) -> None:
        if instance.state == "UPDATING":
            instance.state = "READY"

    def _set_alarm(self, instance: VolumeInstance) -> None:
        """Queue the moment at which the volume gets full enough for an alert, or tell that it is over."""
        self._cancel_alarm(instance)
        now = self._world.clock.now()
        missing_mb = instance.size_mb * ALERT_SHARE - used_mb(instance, now)
        if missing_mb <= 0:
            self._alert(instance)
            return
        if instance.id in self._alerted:
            self._alerted.discard(instance.id)
            self._tell(instance, "resolved")
        delay_s = missing_mb / _growth_rate(instance) * HOUR_S
        self._alarms[instance.id] = self._world.clock.call_later(delay_s, lambda: self._alert(instance))

    def _alert(self, instance: VolumeInstance) -> None:
        if instance.deleted_at is None and instance.id not in self._alerted:
            self._alerted.add(instance.id)
            self._tell(instance, "triggered")

    def _tell(self, instance: VolumeInstance, event: str) -> None:
        for listener in self.alert_listeners:
            listener(instance, event)

    def _cancel_alarm(self, instance: VolumeInstance) -> None:
        alarm = self._alarms.pop(instance.id, None)
        if alarm is not None:
            alarm.cancel()


def used_mb(instance: VolumeInstance, moment: datetime) -> float:
    """How full a volume is (or was) at a moment, in MB."""
    growth = next((one for one in reversed(instance.growth) if one.since <= moment), None)
    if growth is None:
        return 0.0
    return min(growth.most_mb, growth.used_mb + growth.mb_per_hour * _hours(growth.since, moment))


def megabyte_minutes(
    instance: VolumeInstance, begin: datetime, end: datetime
) -> Iterator[tuple[str | None, float]]:
    """What a volume used between two moments, in MB x minutes: the area under its growth.

    Comes in parts, each with the id of the service that it was mounted in.
    """
    ends = [one.since for one in instance.growth[1:]] + [end]
    for growth, until in zip(instance.growth, ends, strict=True):
        low, high = max(growth.since, begin), min(until, end)
        if low < high:
            hours = _area(growth, _hours(growth.since, low), _hours(growth.since, high))
            yield growth.service_id, hours * 60


def _area(growth: Growth, low_h: float, high_h: float) -> float:
    """The area under min(used + rate t, most) from `low_h` to `high_h`, in MB x hours."""
    rate = growth.mb_per_hour
    full_h = (growth.most_mb - growth.used_mb) / rate if rate else float("inf")
    middle = min(max(full_h, low_h), high_h)
    growing = growth.used_mb * (middle - low_h) + rate * (middle**2 - low_h**2) / 2
    return growing + growth.most_mb * (high_h - middle)


def _growth(instance: VolumeInstance, since: datetime, used_mb: float) -> Growth:
    return Growth(since, used_mb, _growth_rate(instance), float(instance.size_mb), instance.service_id)


def _hours(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / HOUR_S


def _growth_rate(instance: VolumeInstance) -> float:
    low, high = GROWTH_MB_PER_HOUR
    return low + (high - low) * (crc32(instance.id.encode()) % 1000) / 1000


def check_mount_path(path: str) -> None:
    """Refuse a path that is not absolute, or is the root.

    Raises:
        Refusal: Error in mountPath - Invalid input.
    """
    if not path.startswith("/") or not path.strip("/") or ".." in path.split("/"):
        raise errors.invalid_field("mountPath")


def check_unmounted(environment: Environment, service: Service | None) -> None:
    """Refuse a second volume in a service.

    Raises:
        Refusal: It has one in this environment; or it is not in this environment.
    """
    if service is None:
        return
    instance = environment.instances.get(service.id)
    if instance is None:
        raise errors.not_found("ServiceInstance")
    if instance.volume_instances:
        raise errors.invalid("A service can only have one volume")
    if instance.settings.replicas > 1:
        raise errors.invalid("A service with replicas cannot have a volume")
