"""Comparing what is at Railway with what the database says: who accuses whom of what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.prices import EXACT, price_table_at, total_usd
from railway_saas.domain.statuses import GONE, OPEN, DesiredStatus, InstanceStatus
from railway_saas.domain.usage import cost_usd
from railway_saas.instances.placement import read_marker
from railway_saas.railway.models.deployments import IN_PROGRESS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta
    from uuid import UUID

    from railway_saas.domain.instances import Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.railway.models.overview import EnvironmentOverview, OverviewDeployment
    from railway_saas.railway.models.projects import Project

OFF: Final = frozenset({DesiredStatus.STOPPED, DesiredStatus.SUSPENDED, DesiredStatus.DELETED})
"""Wishes under which nothing may run."""

_MOVES_PROJECTS = frozenset({OperationKind.PROJECT_CREATE, OperationKind.PROJECT_DELETE})
_LIVE_DEPLOYMENTS = frozenset({"SUCCESS", "SLEEPING"}) | {str(status) for status in IN_PROGRESS}


class DiscrepancyKind(StrEnum):
    """How Railway and the database disagree."""

    ORPHAN = "orphan"
    """A project that carries our marker, and the instance is unknown, failed or deleted: we pay for nobody."""
    DUPLICATE = "duplicate"
    """A second project that carries the marker of an instance: it was made twice."""
    GHOST = "ghost"
    """An instance whose project is gone at Railway: somebody pays for nothing."""
    ZOMBIE = "zombie"
    """An instance that should be off, and something of it runs: we pay for it."""
    STRAY = "stray"
    """A project of an instance that waits for an operator: only people know what to do with it."""


REPAIRABLE: Final = frozenset(DiscrepancyKind) - {DiscrepancyKind.STRAY}
DESTRUCTIVE: Final = REPAIRABLE - {DiscrepancyKind.ZOMBIE}
"""Kinds whose repair cannot be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenProject:
    """What is kept of a project of ours that does not fit."""

    id: str
    name: str
    created_at: datetime | None
    instance_id: UUID
    """The instance that its marker names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One disagreement."""

    kind: DiscrepancyKind
    reason: str
    """For people."""
    project_id: str
    project_name: str | None = None
    """None where the project was not read."""
    instance_id: UUID
    user_id: UUID | None = None
    """The instance's owner, if the instance is known."""
    cost_usd: Decimal = Decimal(0)
    """What the project cost in this billing period up to now, in dollars at full precision."""
    estimated_usd: Decimal = Decimal(0)
    """What it will have cost at the end of the billing period, by Railway's estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryReport:
    """What is at Railway and in the database, and where they disagree."""

    taken_at: datetime
    workspace_id: str
    namespace: str
    """The installation whose projects were compared."""
    projects: int
    """In the workspace, whoever's: whether Railway caps their number is not known."""
    ours: int
    """Of them, those that carry this installation's marker."""
    foreign: int
    """Of them, those of other installations. They are never touched."""
    unmarked: int
    """Of them, those without a marker. They are never touched."""
    instances: int
    """In the database, that are neither failed nor deleted."""
    in_flight: int
    """What did not fit, and is too young or being worked on: nobody is accused."""
    discrepancies: tuple[Discrepancy, ...] = ()

    def of_kind(self, kind: DiscrepancyKind) -> tuple[Discrepancy, ...]:
        """Those of one kind."""
        return tuple(found for found in self.discrepancies if found.kind is kind)

    @property
    def cost_usd(self) -> Decimal:
        """What the projects in question cost so far, each counted once."""
        return total_usd({found.project_id: found.cost_usd for found in self.discrepancies}.values())

    @property
    def estimated_usd(self) -> Decimal:
        """What they will have cost at the end of the billing period, each counted once."""
        return total_usd({found.project_id: found.estimated_usd for found in self.discrepancies}.values())


class RepairOutcome(StrEnum):
    """What became of a repair."""

    DONE = "done"
    UNNECESSARY = "unnecessary"
    """A fresh look showed that all is well, or no longer as the report says. Nothing was changed."""
    REFUSED = "refused"
    """It is not sure enough. Nothing was changed."""
    FAILED = "failed"
    """A call to Railway failed; repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryRepair:
    """What became of one discrepancy."""

    discrepancy: Discrepancy
    outcome: RepairOutcome
    reason: str = ""
    """For people; empty when it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryRepairs:
    """What became of all that were to be repaired."""

    repairs: tuple[InventoryRepair, ...] = ()

    def with_outcome(self, outcome: RepairOutcome) -> tuple[InventoryRepair, ...]:
        """Those that ended so."""
        return tuple(repair for repair in self.repairs if repair.outcome is outcome)


@dataclass(slots=True)
class Listing:
    """Every project of a workspace, as small as possible: ids of all, more of those that do not fit."""

    namespace: str
    project_ids: set[str] = field(default_factory=set[str])
    ours: int = 0
    foreign: int = 0
    unmarked: int = 0
    suspects: list[SeenProject] = field(default_factory=list[SeenProject])
    """Projects of ours that are not those of their instances."""
    claimed: set[UUID] = field(default_factory=set["UUID"])
    """Instances whose marker a suspect carries."""

    def add(self, projects: Iterable[Project]) -> list[SeenProject]:
        """Count a page of projects; those of this installation come back."""
        own: list[SeenProject] = []
        for project in projects:
            if project.id in self.project_ids or project.deleted_at is not None:
                continue
            self.project_ids.add(project.id)
            if seen := self._classify(project):
                own.append(seen)
        return own

    def _classify(self, project: Project) -> SeenProject | None:
        marker = read_marker(project.description)
        if marker is None:
            self.unmarked += 1
        elif marker.namespace != self.namespace:
            self.foreign += 1
        else:
            self.ours += 1
            return seen_project(project, marker.instance_id)
        return None

    def suspect(self, projects: Iterable[SeenProject], instances: Mapping[UUID, Instance]) -> None:
        """Keep those that are not the project of the instance that they name."""
        for project in projects:
            instance = instances.get(project.instance_id)
            if instance is None or instance.status in GONE or instance.observed.project_id != project.id:
                self.suspects.append(project)
                self.claimed.add(project.instance_id)


def seen_project(project: Project, instance_id: UUID) -> SeenProject:
    """What is kept of a project."""
    return SeenProject(
        id=project.id, name=project.name or project.id, created_at=project.created_at, instance_id=instance_id
    )


def moves_projects(operations: Iterable[ProviderOperation]) -> bool:
    """Whether a project of the instance is being made or deleted."""
    return any(one.kind in _MOVES_PROJECTS and one.state in OPEN for one in operations)


def is_in_flight(
    project: SeenProject,
    instance: Instance | None,
    operations: Iterable[ProviderOperation],
    *,
    listed_at: datetime,
    min_age: timedelta,
) -> bool:
    """Whether a project may not fit only because it was looked at in the middle of something.

    Args:
        project: The project.
        instance: The instance that its marker names.
        operations: The instance's open operations.
        listed_at: When the list of projects was begun: what was deleted since may still be on it.
        min_age: How old a project must be.
    """
    if project.created_at is None or project.created_at > listed_at - min_age:
        return True
    if instance is None:
        return False
    if instance.status in GONE:
        return instance.observed.status_since > listed_at
    return moves_projects(operations)


def judge_project(
    project: SeenProject, instance: Instance | None, project_ids: Collection[str]
) -> Discrepancy | None:
    """What is wrong with a project of ours; None when nothing is, or when the control loop is going to adopt it.

    Args:
        project: The project.
        instance: The instance that its marker names.
        project_ids: Projects that exist.
    """
    if instance is None:
        return _about(DiscrepancyKind.ORPHAN, project, None, "no instance has the id in its marker")
    if instance.status in GONE:
        return _about(DiscrepancyKind.ORPHAN, project, instance, f"its instance is {instance.status}")
    own = instance.observed.project_id
    if own == project.id:
        return None
    if own is None:
        attention = instance.observed.attention
        return _about(DiscrepancyKind.STRAY, project, instance, attention) if attention else None
    if own in project_ids:
        return _about(DiscrepancyKind.DUPLICATE, project, instance, f"its instance has the project {own}")
    # The only project that is left of an instance is not for a program to delete.
    return _about(
        DiscrepancyKind.STRAY,
        project,
        instance,
        f"its instance's project {own} is gone, and this one is left",
    )


def _about(
    kind: DiscrepancyKind, project: SeenProject, instance: Instance | None, reason: str
) -> Discrepancy:
    return Discrepancy(
        kind=kind,
        reason=reason,
        project_id=project.id,
        project_name=project.name,
        instance_id=project.instance_id,
        user_id=instance.user_id if instance else None,
    )


def stray_of(instance: Instance, project_ids: Collection[str]) -> Discrepancy | None:
    """The project of an instance that waits for an operator."""
    project_id, attention = instance.observed.project_id, instance.observed.attention
    if instance.status in GONE or project_id not in project_ids or project_id is None or not attention:
        return None
    return _of(DiscrepancyKind.STRAY, instance, project_id, attention)


def should_have_project(instance: Instance, now: datetime, *, min_age: timedelta) -> bool:
    """Whether it is a mistake when the project of an instance is gone."""
    observed = instance.observed
    return (
        observed.project_id is not None
        and observed.status not in GONE | {InstanceStatus.DELETING}
        and not observed.undoing
        and wanted(instance, now) is not DesiredStatus.DELETED
        and instance.created_at <= now - min_age
    )


def ghost_of(instance: Instance) -> Discrepancy:
    """An instance whose project is gone."""
    project_id = instance.observed.project_id or ""
    reason = f"it is {instance.status}, and its project is gone at Railway"
    return _of(DiscrepancyKind.GHOST, instance, project_id, reason)


def wanted(instance: Instance, now: datetime) -> DesiredStatus:
    """What is wanted at this moment: a scheduled deletion counts from its time on."""
    delete_at = instance.desired.delete_at
    return DesiredStatus.DELETED if delete_at is not None and delete_at <= now else instance.desired.status


def should_be_off(instance: Instance, now: datetime) -> bool:
    """Whether nothing of an instance may run, and nobody is switching it off at this moment."""
    is_leased = instance.lease_until is not None and instance.lease_until > now
    return instance.status not in GONE and wanted(instance, now) in OFF and not is_leased


def zombie_of(instance: Instance, overview: EnvironmentOverview, now: datetime) -> Discrepancy | None:
    """An instance that should be off, if something of it runs or is on its way to."""
    live = [
        f"{service.service_name or service.service_id} ({deployment.status})"
        for service in overview.service_instances
        if (deployment := service.latest_deployment) is not None and _is_live(deployment)
    ]
    if not live:
        return None
    reason = f"it should be {wanted(instance, now)}, but there is {', '.join(sorted(live))}"
    return _of(DiscrepancyKind.ZOMBIE, instance, instance.observed.project_id or "", reason)


def _is_live(deployment: OverviewDeployment) -> bool:
    """Railway: a stopped deployment stays SUCCESS, and one that has not started yet says that it is stopped."""
    if deployment.status not in _LIVE_DEPLOYMENTS:
        return False
    return deployment.status != "SUCCESS" or not deployment.deployment_stopped


def _of(kind: DiscrepancyKind, instance: Instance, project_id: str, reason: str) -> Discrepancy:
    return Discrepancy(
        kind=kind, reason=reason, project_id=project_id, instance_id=instance.id, user_id=instance.user_id
    )


def costs_of(
    amounts: Iterable[tuple[str | None, str, Decimal]], project_ids: Collection[str], now: datetime
) -> dict[str, Decimal]:
    """What projects cost at today's prices, by project id.

    Args:
        amounts: Project id, measure and amount; projects that were not asked for are left out.
        project_ids: The projects in question.
        now: Whose day's prices hold.
    """
    used: dict[str, dict[str, Decimal]] = {}
    for project_id, measure, amount in amounts:
        if project_id in project_ids and project_id is not None and amount >= 0:
            own = used.setdefault(project_id, {})
            own[measure] = EXACT.add(own.get(measure, Decimal(0)), amount)
    prices = price_table_at(now)
    return {project_id: cost_usd(measured, prices) for project_id, measured in used.items()}
