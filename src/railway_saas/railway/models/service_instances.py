"""Service instances: a service in one environment, with its settings and deployments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic import Field, JsonValue

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp
from railway_saas.railway.models.deployments import Deployment
from railway_saas.railway.models.domains import Domains

if TYPE_CHECKING:
    from collections.abc import Mapping


class Builder(OpenStrEnum):
    """What builds code. Railway: config documents also know `DOCKERFILE`; this enum does not."""

    HEROKU = "HEROKU"
    NIXPACKS = "NIXPACKS"
    PAKETO = "PAKETO"
    RAILPACK = "RAILPACK"


class RestartPolicyType(OpenStrEnum):
    """When an ended process is started again. Railway: `ON_FAILURE` with 10 retries unless set."""

    ALWAYS = "ALWAYS"
    NEVER = "NEVER"
    ON_FAILURE = "ON_FAILURE"


class ServiceSource(RailwayModel):
    """What is deployed: an image, or a repository."""

    image: str | None = None
    repo: str | None = None


class ServiceInstance(RailwayModel):
    """A service in one environment."""

    id: str
    service_id: str | None = None
    service_name: str | None = None
    environment_id: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    deleted_at: Timestamp | None = None
    source: ServiceSource | None = None
    builder: Builder | None = None
    build_command: str | None = None
    start_command: str | None = None
    pre_deploy_command: str | tuple[str, ...] | None = None
    """Railway reads it back as a text or as a list."""
    root_directory: str | None = None
    dockerfile_path: str | None = None
    watch_patterns: Items[str] = ()
    railway_config_file: str | None = None
    nixpacks_plan: JsonValue = Field(default=None, repr=False)
    healthcheck_path: str | None = None
    healthcheck_timeout: int | None = None
    """Seconds."""
    cron_schedule: str | None = None
    next_cron_run_at: Timestamp | None = None
    region: str | None = None
    num_replicas: int | None = None
    """None until the first deployment."""
    restart_policy_type: RestartPolicyType | None = None
    restart_policy_max_retries: int | None = None
    sleep_application: bool | None = None
    draining_seconds: int | None = None
    overlap_seconds: int | None = None
    ipv6_egress_enabled: bool | None = Field(default=None, alias="ipv6EgressEnabled")
    upstream_url: str | None = None
    is_updatable: bool | None = None
    domains: Domains | None = None
    """Without the DNS state of custom domains: `client.domains.list` reads that."""
    latest_deployment: Deployment | None = None
    """None before the first deployment."""
    active_deployments: Items[Deployment] = ()


class AutoDeployStatus(RailwayModel):
    """Whether pushes deploy a service, and whether that can be switched on."""

    enabled: bool = False
    can_enable: bool = False
    reason: str | None = None
    """Why it cannot, e.g. `NO_INSTALLATION`: the GitHub App is not installed."""


@dataclass(frozen=True, slots=True)
class ServiceInstanceLimits:
    """CPU, memory and disk that each container of a service may use.

    Railway does not document the shape of these; what is known is read leniently and `raw` holds all of it.
    """

    raw: Mapping[str, JsonValue]

    @property
    def vcpus(self) -> float | None:
        """Virtual CPUs."""
        return self._number("cpu")

    @property
    def memory_bytes(self) -> int | None:
        """Memory in bytes."""
        return self._whole("memoryBytes")

    @property
    def disk_bytes(self) -> int | None:
        """Ephemeral disk in bytes."""
        return self._whole("diskBytes")

    def _whole(self, key: str) -> int | None:
        value = self._number(key)
        return None if value is None else int(value)

    def _number(self, key: str) -> float | None:
        containers = self.raw.get("containers")
        within = cast("Mapping[str, JsonValue]", containers) if isinstance(containers, dict) else self.raw
        value = within.get(key)
        if isinstance(value, str):  # big integers may come as text
            value = float(value) if value.replace(".", "", 1).isdigit() else None
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
