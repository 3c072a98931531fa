"""Projects, environments, services and service instances.

A service exists once per project; what it is in one environment is its *service instance*. An instance's settings
and variables are immutable values that an update replaces, so a deployment keeps what it was made from by
pointing at it, and a roll-back is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.accounts import Member, Workspace
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.networking import CustomDomain, ServiceDomain, TcpProxy
    from railway_saas.emulator.world.storage import Bucket, Volume, VolumeInstance


@dataclass(slots=True, frozen=True)
class Variable:
    """One variable as the user wrote it, `${{...}}` and all."""

    id: str
    name: str
    value: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    is_sealed: bool = False


Variables = Mapping[str, Variable]
NO_VARIABLES: Variables = MappingProxyType({})


@dataclass(slots=True, frozen=True)
class ServiceSource:
    """Where a service's image comes from: a registry, or a repository that it is built from."""

    image: str | None
    repo: str | None


@dataclass(slots=True, frozen=True)
class ServiceSettings:
    """How a service is built and run in one environment."""

    image: str | None = None
    repo: str | None = None
    branch: str | None = None
    commit_sha: str | None = None
    root_directory: str | None = None
    upstream_url: str | None = None
    registry_credentials: Mapping[str, str] | None = field(default=None, repr=False)
    builder: str = "RAILPACK"
    build_command: str | None = None
    dockerfile_path: str | None = None
    watch_patterns: tuple[str, ...] = ()
    nixpacks_plan: Any = None
    railway_config_file: str | None = None
    start_command: str | None = None
    pre_deploy_command: tuple[str, ...] | None = None
    healthcheck_path: str | None = None
    healthcheck_timeout: int | None = None
    cron_schedule: str | None = None
    region: str | None = None
    num_replicas: int | None = None
    multi_region_config: Mapping[str, Mapping[str, Any] | None] | None = None
    restart_policy_type: str = "ON_FAILURE"
    restart_policy_max_retries: int = 10
    sleep_application: bool = False
    draining_seconds: int | None = None
    overlap_seconds: int | None = None
    ipv6_egress_enabled: bool | None = None
    required_mount_path: str | None = None
    limit_override: Mapping[str, Any] | None = None
    """`{"containers": {"cpu": n, "memoryBytes": n}}`."""
    further_config: Mapping[str, Mapping[str, Any]] | None = None
    """What an environment config says besides: kept and shown, by section; it changes nothing here."""

    @property
    def source(self) -> ServiceSource | None:
        """What is deployed, or None when nothing is connected yet."""
        return ServiceSource(self.image, self.repo) if self.image or self.repo else None

    @property
    def replicas(self) -> int:
        """How many containers run."""
        if self.multi_region_config:
            return sum(_replicas_in(region) for region in self.multi_region_config.values())
        return self.num_replicas or 1


def _replicas_in(region: Mapping[str, Any] | None) -> int:
    return int((region or {}).get("numReplicas", 1))


DEFAULT_SETTINGS = ServiceSettings()


@dataclass(slots=True, eq=False)
class Project:
    """One project."""

    id: str
    name: str
    description: str | None
    workspace: Workspace
    created_at: datetime
    updated_at: datetime
    is_public: bool = False
    pr_deploys: bool = False
    bot_pr_environments: bool = False
    focused_pr_environments: bool = False
    base_environment_id: str | None = None
    deleted_at: datetime | None = None
    scheduled_deletion: datetime | None = None
    unreadable_times: int = 0
    """How many more reads answer "Not Authorized": rights spread to a new project with a delay."""
    environments: dict[str, Environment] = field(default_factory=dict[str, "Environment"])
    services: dict[str, Service] = field(default_factory=dict[str, "Service"])
    volumes: dict[str, Volume] = field(default_factory=dict[str, "Volume"])
    buckets: dict[str, Bucket] = field(default_factory=dict[str, "Bucket"])
    deleted_instances: list[ServiceInstance] = field(default_factory=list["ServiceInstance"])
    """What they used stays on the bill."""
    deleted_volume_instances: list[VolumeInstance] = field(default_factory=list["VolumeInstance"])
    """The same holds for these."""
    members: list[Member] = field(default_factory=list["Member"])
    """Members of this project only; those of the workspace come on top."""

    @property
    def workspace_id(self) -> str:
        """Id of the owning workspace."""
        return self.workspace.id

    @property
    def primary_environment_id(self) -> str | None:
        """The oldest environment that is not ephemeral."""
        return next((e.id for e in self.environments.values() if not e.is_ephemeral), None)


@dataclass(slots=True, eq=False)
class Environment:
    """One environment of a project."""

    id: str
    name: str
    project: Project
    created_at: datetime
    updated_at: datetime
    is_ephemeral: bool = False
    deleted_at: datetime | None = None
    source_environment: Environment | None = None
    shared_variables: Variables = field(default_factory=lambda: NO_VARIABLES)
    instances: dict[str, ServiceInstance] = field(default_factory=dict[str, "ServiceInstance"])
    """By service id."""
    volume_instances: dict[str, VolumeInstance] = field(default_factory=dict[str, "VolumeInstance"])
    """By volume id."""

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.project.id


@dataclass(slots=True, eq=False)
class RepoTrigger:
    """Pushes to this branch deploy the service."""

    id: str
    repository: str
    branch: str
    environment: Environment
    service: Service
    provider: str = "github"
    check_suites: bool = False


@dataclass(slots=True, eq=False)
class Service:
    """One service of a project."""

    id: str
    name: str
    project: Project
    created_at: datetime
    updated_at: datetime
    icon: str | None = None
    deleted_at: datetime | None = None
    group_id: str | None = None
    template_id: str | None = None
    template_service_id: str | None = None
    repo_triggers: list[RepoTrigger] = field(default_factory=list[RepoTrigger])

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.project.id


@dataclass(slots=True, eq=False)
class ServiceInstance:
    """A service in one environment."""

    id: str
    service: Service
    environment: Environment
    created_at: datetime
    updated_at: datetime
    settings: ServiceSettings = DEFAULT_SETTINGS
    variables: Variables = field(default_factory=lambda: NO_VARIABLES)
    deleted_at: datetime | None = None
    deployments: list[Deployment] = field(default_factory=list["Deployment"])
    """Oldest first."""
    service_domains: list[ServiceDomain] = field(default_factory=list["ServiceDomain"])
    custom_domains: list[CustomDomain] = field(default_factory=list["CustomDomain"])
    tcp_proxies: list[TcpProxy] = field(default_factory=list["TcpProxy"])
    private_name: str | None = None
    """Its host name in the private network, where that is not simply the service's name."""

    @property
    def service_id(self) -> str:
        """Id of the service."""
        return self.service.id

    @property
    def service_name(self) -> str:
        """Name of the service."""
        return self.service.name

    @property
    def environment_id(self) -> str:
        """Id of the environment."""
        return self.environment.id

    @property
    def project(self) -> Project:
        """The project that both belong to."""
        return self.service.project

    @property
    def latest_deployment(self) -> Deployment | None:
        """The newest deployment, in whatever state."""
        return self.deployments[-1] if self.deployments else None

    @property
    def volume_instances(self) -> list[VolumeInstance]:
        """Volumes mounted here."""
        mounted = self.environment.volume_instances.values()
        return [volume for volume in mounted if volume.service is self.service]
