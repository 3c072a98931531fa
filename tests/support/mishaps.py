"""A local Railway that watches what is done to it, workers that die or freeze at a chosen point, and what must hold always."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from railway_saas.domain.instances import Power
from railway_saas.domain.statuses import FOLLOWERS, GONE, DesiredStatus, InstanceStatus
from railway_saas.emulator import Emulator
from railway_saas.emulator.world.deployments import IN_PROGRESS
from railway_saas.instances.placement import read_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from railway_saas.domain.instances import Instance
    from railway_saas.emulator.messages import Request, Response
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Project, ServiceInstance
    from railway_saas.templates import Template, TemplateService


class Death(BaseException):
    """The worker's process has ended: nothing of ours may catch this."""


@dataclass
class Fate:
    """When the worker dies: after so many more commits and requests, each counted before and after it happens."""

    points_left: int | None = None
    passed: int = 0

    def point(self) -> None:
        """Something is about to happen, or has just happened."""
        self.passed += 1
        if self.points_left is None:
            return
        self.points_left -= 1
        if self.points_left < 0:
            self.points_left = None
            raise Death


class WatchedRailway(Emulator):
    """Counts writes, and looks after each request whether what must hold does."""

    def __init__(self, fate: Fate | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.fate = fate or Fate()
        self.writes: Counter[str] = Counter()
        """How often each write was asked for, by its root field and variables."""
        self.watchers: list[Callable[[], None]] = []

    def handle(self, request: Request) -> Response:
        self.fate.point()
        self._count(request)
        response = super().handle(request)
        for watch in self.watchers:
            watch()
        self.fate.point()
        return response

    def _count(self, request: Request) -> None:
        payload = json.loads(request.body) if request.body else {}
        if str(payload.get("query", "")).lstrip().startswith("mutation"):
            self.writes[json.dumps([payload["query"], payload.get("variables")], sort_keys=True)] += 1

    @property
    def living(self) -> list[Project]:
        """Projects that are not deleted."""
        return [one for one in self.world.projects.values() if one.deleted_at is None]

    def marked(self, instance_id: UUID, namespace: str = "default") -> list[Project]:
        """Living projects that carry an instance's marker."""
        found = []
        for project in self.living:
            marker = read_marker(project.description)
            if marker is not None and (marker.namespace, marker.instance_id) == (namespace, instance_id):
                found.append(project)
        return found

    def services_of(self, project_id: str) -> dict[str, ServiceInstance]:
        """Service instances of a project's only environment, by name."""
        project = self.world.projects[project_id]
        (environment,) = project.environments.values()
        return {one.service.name: one for one in environment.instances.values()}


def fingerprint(project: Project) -> object:
    """Everything about a project that somebody could have changed."""
    return (
        project.deleted_at,
        project.name,
        project.description,
        sorted(
            (one.service.name, one.settings.image, len(one.deployments), sorted(one.variables))
            for place in project.environments.values()
            for one in place.instances.values()
        ),
    )


@dataclass
class Rules:
    """What must hold after every commit and every request."""

    railway: WatchedRailway
    strangers: dict[str, object] = field(default_factory=dict[str, object])
    """Projects that are not ours, as they were."""
    seen: dict[UUID, InstanceStatus] = field(default_factory=dict["UUID", InstanceStatus])

    def leave_alone(self, project_id: str) -> None:
        """From now on nobody may touch this project."""
        self.strangers[project_id] = fingerprint(self.railway.world.projects[project_id])

    def check_railway(self) -> None:
        """One project per instance, and nobody else's touched."""
        markers = Counter(
            (marker.namespace, marker.instance_id)
            for project in self.railway.living
            if project.id not in self.strangers and (marker := read_marker(project.description))
        )
        assert all(count == 1 for count in markers.values()), f"an instance has two projects: {markers}"
        for project_id, before in self.strangers.items():
            assert fingerprint(self.railway.world.projects[project_id]) == before, "a stranger was touched"

    def check_rows(self, instances: Iterable[Instance]) -> None:
        """Statuses follow each other as they may, and slots are held exactly while something may run."""
        for instance in instances:
            before = self.seen.get(instance.id, InstanceStatus.ACCEPTED)
            assert instance.status == before or instance.status in FOLLOWERS[before], (
                f"{before} became {instance.status}"
            )
            self.seen[instance.id] = instance.status
            assert instance.holds_slot == (instance.status not in GONE), f"{instance.status}, and the slot"


def check_end(railway: WatchedRailway, instance: Instance, template: Template) -> None:
    """Nothing is going on any more: what is wanted is so, or somebody is told why not."""
    marked = railway.marked(instance.id)
    if instance.status in GONE:
        assert not marked, "an orphan"
        assert not instance.holds_slot
        return
    if instance.observed.attention is not None:
        assert instance.observed.attention.strip()
        return
    wanted = instance.desired.status
    assert wanted is not DesiredStatus.DELETED, "it was to be deleted"
    assert [project.id for project in marked] == [instance.observed.project_id]
    services = railway.services_of(marked[0].id)
    if wanted is DesiredStatus.RUNNING:
        check_running(instance, template, services)
        return
    power = {DesiredStatus.STOPPED: Power.STOPPED, DesiredStatus.SUSPENDED: Power.SUSPENDED}[wanted]
    assert (instance.status.value, instance.observed.power) == (wanted.value, power)
    for service in services.values():
        alive = [one.status for one in service.deployments if _is_alive(one)]
        assert not alive, f"{service.service_name} is {alive}"


def _is_alive(deployment: Deployment) -> bool:
    """Whether it runs or will by itself."""
    if deployment.status == "REMOVING":
        return False
    return deployment.is_running or deployment.status in IN_PROGRESS


def check_running(instance: Instance, template: Template, services: dict[str, ServiceInstance]) -> None:
    """Everything runs, as wanted; or the last change did not come up, and `error` says so."""
    if instance.status is InstanceStatus.CRASHED or instance.observed.error:
        assert instance.observed.error
        return
    assert instance.status in {InstanceStatus.RUNNING, InstanceStatus.SLEEPING}, instance.status
    assert instance.observed.power is Power.ON
    assert set(services) == {service.name for service in template.services}
    assert instance.observed.applied is not None
    assert instance.observed.applied.revision_id == instance.desired.revision_id
    check_volumes(template, services)
    limits = instance.desired.config.limits
    for service in template.services:
        latest = services[service.name].latest_deployment
        assert latest is not None, f"{service.name} was never deployed"
        assert latest.status in {"SUCCESS", "SLEEPING"}, f"{service.name} is {latest.status}"
        assert latest.settings.image == service.source.image
        for name, value in _chosen(instance, service).items():
            deployed = latest.variables.get(name)
            assert (deployed.value if deployed else None) == value, f"{service.name}.{name}"
        containers = (latest.settings.limit_override or {}).get("containers", {})
        assert containers.get("cpu") == (None if limits.vcpus is None else float(limits.vcpus))


def check_volumes(template: Template, services: dict[str, ServiceInstance]) -> None:
    """Every volume of the document is mounted, and none is left that nothing needs."""
    wanted = sorted((one.name, volume.mount_path) for one in template.services for volume in one.volumes)
    environments = {one.environment for one in services.values()}
    there = [volume for one in environments for volume in one.volume_instances.values()]
    living = [volume for volume in there if volume.deleted_at is None]
    mounted = sorted((one.service.name if one.service else "", one.mount_path) for one in living)
    assert mounted == wanted
    known = {volume.id for one in environments for volume in one.project.volumes.values()}
    assert known == {volume.volume_id for volume in there}, "a volume was made twice"


def _chosen(instance: Instance, service: TemplateService) -> dict[str, str | None]:
    """What the owner has chosen for variables of a service: inputs, and over them what was set since."""
    config = instance.desired.config
    keys = {f"{service.name}.{variable.name}": variable.name for variable in service.variables}
    inputs = {name: config.inputs[key] for key, name in keys.items() if key in config.inputs}
    return {**inputs, **config.variables.get(service.name, {})}
