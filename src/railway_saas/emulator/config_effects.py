"""What a config patch does: it makes, changes and deletes services, volumes, buckets, domains and variables.

A patch is first checked as a whole, then applied section by section; nothing is applied of one that is refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from railway_saas.emulator import errors, structure, variables
from railway_saas.emulator.backups import RETENTION, Backups
from railway_saas.emulator.buckets import REGIONS as BUCKET_REGIONS
from railway_saas.emulator.buckets import Buckets
from railway_saas.emulator.config_settings import changed
from railway_saas.emulator.config_shape import ENVIRONMENT_CONFIG, check_shape
from railway_saas.emulator.config_variables import patched_variables
from railway_saas.emulator.domains import Domains, check_port, read_port
from railway_saas.emulator.private_networks import rename_endpoint
from railway_saas.emulator.regions import is_region
from railway_saas.emulator.volumes import Volumes, check_mount_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.emulator.world.projects import Environment, Service, ServiceInstance
    from railway_saas.emulator.world.world import World

Config: TypeAlias = Mapping[str, Any]

DEFAULT_MOUNT_PATH = "/data"

_DEPLOYED_SECTIONS = ("source", "build", "deploy", "variables", "volumeMounts", "isCreated", "configFile")
_DEPLOYED_NETWORKING = ("tcpProxies", "privateNetworkEndpoint")


@dataclass(slots=True)
class Effects:
    """Who has to be deployed because of a patch."""

    changed: list[ServiceInstance] = field(default_factory=list["ServiceInstance"])
    """What the patch itself changes: deployed even if it never was."""
    referring: list[ServiceInstance] = field(default_factory=list["ServiceInstance"])
    """What refers to changed variables: deployed again if it was before."""

    def to_deploy(self) -> list[ServiceInstance]:
        """All of them, once each, without those that the patch deleted."""
        wanted = [*self.changed, *(one for one in self.referring if one.deployments)]
        return [
            one for place, one in enumerate(wanted) if one.deleted_at is None and one not in wanted[:place]
        ]


def check_patch(world: World, environment: Environment, patch: Config) -> None:
    """Refuse a patch that cannot be applied.

    Raises:
        Refusal: A key that does not exist, a service, volume or bucket that is not there, a value that does not fit.
    """
    check_shape(patch, ENVIRONMENT_CONFIG)
    for service_id, config in section(patch, "services"):
        _check_id(service_id, environment.instances, config, "Service")
        if config and service_id in environment.instances:
            changed(environment.instances[service_id], config)
        _check_networking(world, environment.instances.get(service_id), _object(config, "networking"))
        _check_mounts(environment, patch, _object(config, "volumeMounts"))
    for volume_id, config in section(patch, "volumes"):
        _check_id(volume_id, environment.project.volumes, config, "Volume")
        if config and config.get("region") and not is_region(config["region"]):
            raise errors.invalid_field("region")
    for bucket_id, config in section(patch, "buckets"):
        _check_id(bucket_id, environment.project.buckets, config, "Bucket")
        if config and config.get("region") and config["region"] not in BUCKET_REGIONS:
            raise errors.invalid_field("region")


def apply_patch(world: World, environment: Environment, patch: Config) -> Effects:
    """Carry a checked patch out, without deploying anything yet.

    Raises:
        Refusal: Something that only shows on the way, such as a domain that is taken.
    """
    return _Application(world, environment, patch).run()


def section(patch: Config, name: str) -> Iterator[tuple[str, Config | None]]:
    """The entries of one section."""
    yield from _object(patch, name).items()


def _object(config: Config | None, name: str) -> Mapping[str, Any]:
    return (config or {}).get(name) or {}


class _Application:
    """One patch on its way into the world."""

    def __init__(self, world: World, environment: Environment, patch: Config) -> None:
        self._world = world
        self._environment = environment
        self._patch = patch
        self._effects = Effects()

    def run(self) -> Effects:
        for service_id, config in section(self._patch, "services"):
            self._create_service(service_id, config)
        for bucket_id, config in section(self._patch, "buckets"):
            self._bucket(bucket_id, config)
        for volume_id, config in section(self._patch, "volumes"):
            self._volume(volume_id, config)
        self._shared_variables(self._patch.get("sharedVariables"))
        for service_id, config in section(self._patch, "services"):
            self._unmount(service_id, config)
        for service_id, config in section(self._patch, "services"):
            self._service(service_id, config)
        structure.touch(self._world, self._environment.project)
        self._environment.updated_at = self._world.clock.now()
        return self._effects

    # Services -------------------------------------------------------------------------------------------------------

    def _create_service(self, service_id: str, config: Config | None) -> None:
        if config is None or not config.get("isCreated") or service_id in self._environment.instances:
            return
        project = self._environment.project
        known = project.services.get(service_id)
        if known is not None:
            structure.add_instance(self._world, known, self._environment)
            return
        structure.create_service(
            self._world, project, environments=[self._environment], service_id=service_id
        )

    def _service(self, service_id: str, config: Config | None) -> None:
        instance = self._environment.instances[service_id]
        if config is None or config.get("isDeleted"):
            structure.delete_service(self._world, instance.service, [self._environment])
            return
        self._settings(instance, config)
        self._networking(instance, _object(config, "networking"))
        for volume_id, mount in section(config, "volumeMounts"):
            if mount is not None:
                self._mount(instance, volume_id, mount)
        if "variables" in config:
            self._variables(instance, config["variables"])
        if _needs_deploy(config):
            self._effects.changed.append(instance)

    def _settings(self, instance: ServiceInstance, config: Config) -> None:
        settings = changed(instance, config)
        if settings != instance.settings:
            structure.update_settings(self._world, instance, settings)
        if "source" in config:
            structure.connect_trigger(self._world, instance)
        if "groupId" in config:
            instance.service.group_id = config["groupId"]

    def _variables(self, instance: ServiceInstance, patch: Config | None) -> None:
        after = patched_variables(self._world, instance.variables, patch)
        variables.write(self._world, self._environment, instance, after)
        self._effects.referring += variables.affected(self._environment, instance)

    def _shared_variables(self, patch: Config | None) -> None:
        if patch is None and "sharedVariables" not in self._patch:
            return
        environment = self._environment
        after = patched_variables(self._world, environment.shared_variables, patch)
        variables.write(self._world, environment, None, after)
        self._effects.referring += variables.affected(environment, None)

    # Networking -----------------------------------------------------------------------------------------------------

    def _networking(self, instance: ServiceInstance, networking: Config) -> None:
        domains = self._world.part(Domains)
        for name, config in section(networking, "serviceDomains"):
            known = next((one for one in instance.service_domains if one.domain == name), None)
            if config is None:
                if known is not None:
                    domains.delete(known)
            elif known is None:
                domains.add_service_domain(instance, name=name, target_port=config.get("port"))
            else:
                domains.update_service_domain(known, name=name, target_port=config.get("port"))
        for name, config in section(networking, "customDomains"):
            custom = next((one for one in instance.custom_domains if one.domain == name), None)
            if config is None:
                if custom is not None:
                    domains.delete(custom)
            elif custom is None:
                domains.add_custom_domain(instance, name, target_port=config.get("port"))
            else:
                domains.update_custom_domain(custom, config.get("port"))
        self._tcp_proxies(instance, networking)
        if "privateNetworkEndpoint" in networking:
            rename_endpoint(self._world, instance, networking["privateNetworkEndpoint"])

    def _tcp_proxies(self, instance: ServiceInstance, networking: Config) -> None:
        domains = self._world.part(Domains)
        wanted = dict(section(networking, "tcpProxies"))
        for proxy in tuple(instance.tcp_proxies):
            if wanted.get(str(proxy.application_port), {}) is None:
                domains.delete(proxy)
        for port, config in wanted.items():
            exists = any(str(one.application_port) == port for one in instance.tcp_proxies)
            if config is not None and not exists:
                domains.add_tcp_proxy(instance, int(port))

    # Volumes and buckets --------------------------------------------------------------------------------------------

    def _volume(self, volume_id: str, config: Config | None) -> None:
        volumes, environment = self._world.part(Volumes), self._environment
        instance = environment.volume_instances.get(volume_id)
        if config is None or config.get("isDeleted"):
            if instance is not None:
                volumes.delete_instance(instance)
            return
        size_mb = config.get("sizeMB")
        if instance is not None:
            if size_mb is not None:
                volumes.resize(instance, int(size_mb))
            instance.region = config.get("region") or instance.region
            return
        path, service = self._mount_of(volume_id)
        region, project = config.get("region"), environment.project
        volume = project.volumes.get(volume_id)
        if volume is None:
            name = volumes.free_name(project, service)
            volume = volumes.create(project, [], mount_path=path, name=name, volume_id=volume_id)
        size_mb = None if size_mb is None else int(size_mb)
        volumes.place(volume, environment, None, mount_path=path, region=region, size_mb=size_mb)

    def _mount_of(self, volume_id: str) -> tuple[str, Service | None]:
        """Where the patch mounts a volume: path and service."""
        for service_id, config in section(self._patch, "services"):
            mount = _object(config, "volumeMounts").get(volume_id)
            if mount and mount.get("mountPath"):
                return str(mount["mountPath"]), self._environment.instances[service_id].service
        return DEFAULT_MOUNT_PATH, None

    def _unmount(self, service_id: str, config: Config | None) -> None:
        """Unmount everywhere first, so that volumes can change places in one patch."""
        instance = self._environment.instances[service_id]
        for volume_id, mount in section(config or {}, "volumeMounts"):
            mounted = self._environment.volume_instances.get(volume_id)
            if mount is None and mounted is not None and mounted.service is instance.service:
                self._world.part(Volumes).mount(mounted, None)

    def _mount(self, instance: ServiceInstance, volume_id: str, mount: Config) -> None:
        volumes = self._world.part(Volumes)
        mounted = self._environment.volume_instances.get(volume_id)
        if mounted is None:
            volume = self._environment.project.volumes[volume_id]
            path = mount.get("mountPath") or DEFAULT_MOUNT_PATH
            mounted = volumes.place(volume, self._environment, None, mount_path=path)
        volumes.mount(mounted, instance.service, mount.get("mountPath"))
        if mount.get("backupSchedules") is not None:
            self._world.part(Backups).schedule(mounted, mount["backupSchedules"])

    def _bucket(self, bucket_id: str, config: Config | None) -> None:
        buckets, environment = self._world.part(Buckets), self._environment
        bucket = environment.project.buckets.get(bucket_id)
        if config is None or config.get("isDeleted"):
            if bucket is not None:
                buckets.remove(bucket, environment)
            return
        if bucket is None:
            bucket = buckets.create(environment.project, bucket_id=bucket_id)
        buckets.place(bucket, environment, config.get("region"))


def _needs_deploy(config: Config) -> bool:
    networking = _object(config, "networking")
    return any(key in config for key in _DEPLOYED_SECTIONS) or any(
        key in networking for key in _DEPLOYED_NETWORKING
    )


def _check_id(entity_id: str, known: Mapping[str, object], config: Config | None, noun: str) -> None:
    """Railway: ids are needed, names are not accepted; a new id comes with `isCreated`."""
    if entity_id in known:
        return
    if not (config and config.get("isCreated")) or not _is_uuid(entity_id):
        raise errors.not_found(noun)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _check_networking(world: World, instance: ServiceInstance | None, networking: Config) -> None:
    domains = world.part(Domains)
    checks = {"serviceDomains": domains.check_service_domain, "customDomains": domains.check_custom_domain}
    for name, check in checks.items():
        for domain, config in section(networking, name):
            check_port((config or {}).get("port"))
            known = domains.find(domain)
            if config is not None and (known is None or known.instance is not instance):
                check(domain)
    wanted = {port for port, config in section(networking, "tcpProxies") if config is not None}
    removed = {port for port, config in section(networking, "tcpProxies") if config is None}
    there = {str(one.application_port) for one in instance.tcp_proxies} if instance else set[str]()
    for port in wanted:
        read_port(port, "tcpProxies")
    if len(wanted | there - removed) > 1:  # Railway: one per service instance
        raise errors.invalid_field("tcpProxies")


def _check_mounts(environment: Environment, patch: Config, mounts: Config) -> None:
    for volume_id, mount in mounts.items():
        created = _object(_object(patch, "volumes"), volume_id).get("isCreated")
        if volume_id not in environment.project.volumes and not created:
            raise errors.not_found("Volume")
        if mount and mount.get("mountPath") is not None:
            check_mount_path(mount["mountPath"])
        if mount and not set(mount.get("backupSchedules") or ()) <= RETENTION.keys():
            raise errors.invalid_field("backupSchedules")
