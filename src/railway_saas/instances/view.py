"""How an instance's services stand at Railway, as one read tells it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import InstanceService
from railway_saas.instances.stack import sentence_of
from railway_saas.instances.texts import storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas.railway.models.overview import (
        EnvironmentOverview,
        OverviewDeployment,
        OverviewService,
    )
    from railway_saas.templates import Template

UP: Final = frozenset({"SUCCESS", "SLEEPING"})
CANCELLABLE: Final = frozenset({"INITIALIZING", "QUEUED", "BUILDING", "WAITING", "NEEDS_APPROVAL"})
"""States in which `deploymentCancel` ends a deployment; later ones need `deploymentRemove`."""
IN_PROGRESS: Final = CANCELLABLE | {"DEPLOYING"}
DOWN: Final = frozenset({"FAILED", "CRASHED"})
ENDED: Final = frozenset({"REMOVED", "REMOVING", "SKIPPED"})


@dataclass(frozen=True, slots=True)
class OlderDeployment:
    """A deployment before the newest one that Railway has not taken out of service, or that may still come up."""

    deployment_id: str
    status: str | None
    stopped: bool = False
    """No container runs, though the status says SUCCESS."""

    @property
    def runs(self) -> bool:
        """Whether it is up, or sleeps until the next request."""
        return self.status == "SLEEPING" or (self.status == "SUCCESS" and not self.stopped)

    @property
    def is_coming(self) -> bool:
        """Whether it is on its way, and comes up whatever becomes of the newest one."""
        return self.status in IN_PROGRESS

    @property
    def is_cancellable(self) -> bool:
        """Whether it has not come so far that it must be taken down."""
        return self.status in CANCELLABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceView:
    """One service and its newest deployment."""

    key: str
    """Its key in the template document; its Railway id where the document does not know it."""
    name: str
    service_id: str
    deployment_id: str | None = None
    status: str | None = None
    stopped: bool = False
    """No container runs, though the status says SUCCESS."""
    status_updated_at: datetime | None = None
    deployed_at: datetime | None = None
    older: tuple[OlderDeployment, ...] = ()
    """What is active besides: where the newest one failed, the one before stays in service. What is on its way besides
    is among it where that was looked for."""
    hosts: tuple[str, ...] = ()
    """Public host names, a customer's own first."""
    service_hosts: tuple[str, ...] = ()
    """Railway's own among them."""
    is_known: bool = True
    """Whether it is the template's, or was before an upgrade; anything else in the project is somebody else's."""

    @property
    def is_up(self) -> bool:
        """Whether its newest deployment came up and has not been stopped."""
        return self.status == "SLEEPING" or (self.status == "SUCCESS" and not self.stopped)

    @property
    def serves(self) -> bool:
        """Whether the newest deployment is up, or the one before is still in service."""
        return self.is_up or any(one.runs for one in self.older)

    @property
    def is_down(self) -> bool:
        """Whether nothing of it runs, nor will by itself."""
        return self.failed and self.status != "REMOVING" and not self.serves

    @property
    def came_up(self) -> bool:
        """Whether its newest deployment came up; it may have ended since, as jobs do."""
        return self.status in UP

    @property
    def is_live(self) -> bool:
        """Whether it runs, or is on its way to, by itself: what suspension must switch off."""
        return self.serves or self.status in IN_PROGRESS or any(one.is_coming for one in self.older)

    @property
    def failed(self) -> bool:
        """Whether its newest deployment will not come up by itself."""
        return self.status in DOWN | ENDED

    @property
    def sentence(self) -> str:
        """What is happening to it, for people."""
        return sentence_of(self.name, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeView:
    """One volume of the environment."""

    volume_id: str
    volume_instance_id: str
    service_id: str | None
    mount_path: str | None
    size_mb: int | None
    state: str | None
    is_going: bool = False
    """Whether somebody has deleted it: Railway keeps it for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RailwayView:
    """Everything in an instance's environment."""

    services: tuple[ServiceView, ...]
    volumes: tuple[VolumeView, ...] = ()

    def find(self, key: str) -> ServiceView | None:
        """A service by its template key."""
        return next((service for service in self.services if service.key == key), None)

    @property
    def running(self) -> int:
        """How many services are up."""
        return sum(service.serves for service in self.services)


def read_view(
    overview: EnvironmentOverview,
    template: Template,
    known: Sequence[InstanceService] = (),
    on_their_way: Iterable[OverviewDeployment] = (),
) -> RailwayView:
    """Map Railway's services to the template's.

    By what was stored when they were made, else by Railway's `templateServiceId`, else by name: names are unique in a
    project, and the project is the instance's own.

    Args:
        overview: The environment.
        template: The document.
        known: Services that the database knows.
        on_their_way: Deployments of the environment that have not come up yet, as far as they were looked for.
    """
    keys = {service.railway_service_id: service.template_key for service in known}
    by_name = {service.name: service.key for service in template.services}
    in_document = set(by_name.values())
    coming = tuple(on_their_way)
    services = tuple(
        sorted(
            (
                _read_service(entry, coming, keys, by_name, in_document)
                for entry in overview.service_instances
            ),
            key=lambda service: service.name,
        )
    )
    volumes = tuple(
        VolumeView(
            volume_id=volume.volume_id,
            volume_instance_id=volume.id,
            service_id=volume.service_id,
            mount_path=volume.mount_path,
            size_mb=volume.size_mb,
            state=volume.state,
            is_going=volume.is_pending_deletion or volume.state in {"DELETING", "DELETED"},
        )
        for volume in overview.volume_instances
    )
    return RailwayView(services=services, volumes=volumes)


def _read_service(
    entry: OverviewService,
    on_their_way: Sequence[OverviewDeployment],
    keys: Mapping[str, str],
    by_name: Mapping[str, str],
    in_document: set[str],
) -> ServiceView:
    name = storable(entry.service_name or entry.service_id)
    origin = entry.service.template_service_id if entry.service else None
    stored = keys.get(entry.service_id)
    key = next((one for one in (stored, origin, by_name.get(name)) if one in in_document), stored)
    deployment = entry.latest_deployment
    own = entry.domains.service_domains if entry.domains else ()
    return ServiceView(
        key=key or entry.service_id,
        name=name,
        service_id=storable(entry.service_id),
        deployment_id=storable(deployment.id) if deployment else None,
        status=storable(deployment.status or "") or None if deployment else None,
        stopped=bool(deployment and deployment.deployment_stopped and deployment.status == "SUCCESS"),
        status_updated_at=deployment.status_updated_at if deployment else None,
        deployed_at=deployment.created_at if deployment else None,
        older=tuple(_older(entry, on_their_way)),
        hosts=tuple(map(storable, entry.public_hosts)),
        service_hosts=tuple(storable(domain.domain) for domain in own),
        is_known=key is not None,
    )


def _older(entry: OverviewService, on_their_way: Sequence[OverviewDeployment]) -> Iterator[OlderDeployment]:
    coming = [one for one in on_their_way if one.service_id == entry.service_id and one.status in IN_PROGRESS]
    besides = {one.id: one for one in (*coming, *entry.active_deployments)}
    if entry.latest_deployment is not None:
        besides.pop(entry.latest_deployment.id, None)
    for one in besides.values():
        yield OlderDeployment(one.id, one.status, stopped=bool(one.deployment_stopped))


def service_rows(
    view: RailwayView, known: Sequence[InstanceService], instance_id: UUID, now: datetime
) -> tuple[InstanceService, ...]:
    """The view as rows: those that are known keep their id, and unchanged ones their `updated_at`."""
    rows = {row.railway_service_id: row for row in known}
    return tuple(
        _row(service, rows.get(service.service_id), instance_id, now)
        for service in view.services
        if service.is_known
    )


def _row(
    service: ServiceView, known: InstanceService | None, instance_id: UUID, now: datetime
) -> InstanceService:
    row = InstanceService(
        id=known.id if known else new_id(now),
        instance_id=instance_id,
        template_key=service.key,
        name=service.name,
        railway_service_id=service.service_id,
        railway_deployment_id=service.deployment_id,
        status=service.status,
        stopped=service.stopped,
        domain=service.service_hosts[0] if service.service_hosts else None,
        updated_at=known.updated_at if known else now,
    )
    return row if row == known else replace(row, updated_at=now)
