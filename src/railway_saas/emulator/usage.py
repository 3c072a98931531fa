"""What projects used, in the units Railway bills: GB-minutes, vCPU-minutes, and GB of traffic.

Everything is computed from what is known anyway: when containers ran, and how full volumes were. So a window may lie
anywhere, and the usage of two windows side by side is that of both together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from railway_saas.emulator import backups, volumes
from railway_saas.emulator.load import load_of
from railway_saas.emulator.regions import DEFAULT_REGION
from railway_saas.emulator.resolvers.account import PLAN_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Project, ServiceInstance
    from railway_saas.emulator.world.storage import VolumeInstance

MONTH_MINUTES = 43_200
PRICES = {
    "MEMORY_USAGE_GB": 10 / MONTH_MINUTES,
    "CPU_USAGE": 20 / MONTH_MINUTES,
    "NETWORK_TX_GB": 0.05,
    "DISK_USAGE_GB": 0.15 / MONTH_MINUTES,
    "BACKUP_USAGE_GB": 0.15 / MONTH_MINUTES,
}
"""Dollars per unit. Source: Railway CLI, its price formula (a month has 43,200 minutes)."""

MB_PER_GB = 1000

TAG_FIELDS = {
    "DEPLOYMENT_ID": "deployment_id",
    "DEPLOYMENT_INSTANCE_ID": "deployment_instance_id",
    "ENVIRONMENT_ID": "environment_id",
    "PROJECT_ID": "project_id",
    "REGION": "region",
    "SERVICE_ID": "service_id",
    "VOLUME_ID": "volume_id",
    "VOLUME_INSTANCE_ID": "volume_instance_id",
}
"""`MetricTag` to the field of `MetricTags` that it fills."""


class Tags(NamedTuple):
    """Whose usage something is."""

    project_id: str | None = None
    environment_id: str | None = None
    service_id: str | None = None
    deployment_id: str | None = None
    deployment_instance_id: str | None = None
    region: str | None = None
    volume_id: str | None = None
    volume_instance_id: str | None = None

    def only(self, names: Collection[str]) -> Tags:
        """Railway: only the tags that were asked for are filled."""
        return Tags(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time."""

    begin: datetime
    end: datetime

    def minutes(self, begin: datetime, end: datetime | None) -> float:
        """How much of it lies between two moments (None: still going on)."""
        low, high = max(begin, self.begin), self.end if end is None else min(end, self.end)
        return max(0.0, (high - low).total_seconds() / 60)


Amounts = dict[tuple[str, Tags], float]
"""Usage by measurement and tags."""

_RATES: dict[str, Callable[[Deployment], float]] = {
    "CPU_USAGE": lambda one: load_of(one).cpu,
    "CPU_USAGE_2": lambda one: load_of(one).cpu,
    "MEMORY_USAGE_GB": lambda one: load_of(one).memory_gb,
    "NETWORK_TX_GB": lambda one: load_of(one).sent_gb_per_minute,
    "NETWORK_RX_GB": lambda one: load_of(one).received_gb_per_minute,
    "EPHEMERAL_DISK_USAGE_GB": lambda one: load_of(one).disk_gb,
    "CPU_LIMIT": lambda one: float(_limits(one)["cpu"]),
    "MEMORY_LIMIT_GB": lambda one: float(_limits(one)["memoryBytes"]) / 1e9,
}


def rate(deployment: Deployment, measurement: str) -> float:
    """What a deployment uses per minute while it runs, all replicas together; 0 for what only volumes have."""
    of_one = _RATES.get(measurement)
    return of_one(deployment) * deployment.settings.replicas if of_one else 0.0


def measure(
    projects: Iterable[Project], span: Span, measurements: Collection[str], tags: Collection[str] = ()
) -> Amounts:
    """The usage of projects, added up for every combination of the tags asked for (names of fields of `Tags`)."""
    amounts: defaultdict[tuple[str, Tags], float] = defaultdict(float)
    for project in projects:
        for measurement, whose, amount in _amounts(project, span, measurements):
            amounts[measurement, whose.only(tags)] += amount
    return dict(amounts)


def price(amounts: Mapping[tuple[str, Tags], float]) -> float:
    """What usage costs, in dollars."""
    return sum(PRICES.get(measurement, 0.0) * amount for (measurement, _), amount in amounts.items())


def cost(projects: Iterable[Project], span: Span) -> float:
    """What projects cost in a span of time, in dollars."""
    return price(measure(projects, span, PRICES))


def tags_of(deployment: Deployment) -> Tags:
    """Whose usage a deployment's is."""
    instances = deployment.instances
    return Tags(
        project_id=deployment.project_id,
        environment_id=deployment.environment_id,
        service_id=deployment.service_id,
        deployment_id=deployment.id,
        deployment_instance_id=instances[0].id if instances else None,
        region=deployment.settings.region or DEFAULT_REGION,
    )


def tags_of_volume(instance: VolumeInstance, service_id: str | None) -> Tags:
    """Whose usage a volume's is."""
    return Tags(
        project_id=instance.volume.project.id,
        environment_id=instance.environment.id,
        service_id=service_id,
        region=instance.region,
        volume_id=instance.volume.id,
        volume_instance_id=instance.id,
    )


def service_instances_of(project: Project) -> Iterator[ServiceInstance]:
    """All that ever were in a project."""
    for environment in project.environments.values():
        yield from environment.instances.values()
    yield from project.deleted_instances


def volume_instances_of(project: Project) -> Iterator[VolumeInstance]:
    """All that ever were in a project."""
    for environment in project.environments.values():
        yield from environment.volume_instances.values()
    yield from project.deleted_volume_instances


def _amounts(
    project: Project, span: Span, measurements: Collection[str]
) -> Iterator[tuple[str, Tags, float]]:
    for instance in service_instances_of(project):
        for deployment in instance.deployments:
            minutes = sum(span.minutes(begin, end) for begin, end in deployment.runs)
            if minutes:
                whose = tags_of(deployment)
                for measurement in measurements:
                    amount = rate(deployment, measurement) * minutes
                    if amount:
                        yield measurement, whose, amount
    for volume in volume_instances_of(project):
        for measurement, parts in _VOLUME_PARTS.items():
            if measurement in measurements:
                for service_id, megabyte_minutes in parts(volume, span.begin, span.end):
                    yield measurement, tags_of_volume(volume, service_id), megabyte_minutes / MB_PER_GB


_VOLUME_PARTS = {
    "DISK_USAGE_GB": volumes.megabyte_minutes,
    "BACKUP_USAGE_GB": backups.megabyte_minutes,
}


def _limits(deployment: Deployment) -> dict[str, float]:
    plan: dict[str, float] = PLAN_LIMITS[deployment.project.workspace.plan]["containers"]
    own: dict[str, float] = (deployment.settings.limit_override or {}).get("containers", {})
    return {**plan, **own}
