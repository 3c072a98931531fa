"""What the control loop can do next, as values: look, write, record, wait, or nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from railway_saas.domain.instances import Deployment, Instance, InstanceDomain, InstanceService
    from railway_saas.domain.operations import OperationKind, ProviderOperation


class SightKind(StrEnum):
    """What can be looked at. Every one is a read that Railway answers as often as it is asked."""

    ENVIRONMENT = "environment"
    """Services, their newest deployments, domains, volumes: `EnvironmentOverview`."""
    ON_THEIR_WAY = "on_their_way"
    """Deployments that have not come up yet, newest or not: a page of `OverviewDeployment`."""
    WORKFLOW = "workflow"
    """A workflow's status; the subject is its id: `WorkflowResult`."""
    PROJECTS = "projects"
    """Projects that carry the instance's marker or id: `ProjectSearch`."""
    PROJECT = "project"
    """The instance's project: `Project`."""
    DOMAINS = "domains"
    """Domains of a service; the subject is its Railway id: `Domains`."""
    BACKUPS = "backups"
    """Backups of a volume; the subject is the volume instance's id."""
    VARIABLES = "variables"
    """Variables of a service as they were set; the subject is its Railway id: `Variables`."""
    STAGED = "staged"
    """Changes that wait in the environment: `EnvironmentPatch`."""
    LOGS = "logs"
    """The last lines of a deployment; the subject is its id."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing to look at."""

    kind: SightKind
    subject: str = ""


ENVIRONMENT = Sight(SightKind.ENVIRONMENT)
ON_THEIR_WAY = Sight(SightKind.ON_THEIR_WAY)
PROJECTS = Sight(SightKind.PROJECTS)
PROJECT = Sight(SightKind.PROJECT)
STAGED = Sight(SightKind.STAGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProject:
    """A project that carries the instance's marker, or is the one it has."""

    project_id: str
    environment_id: str | None
    created_at: datetime | None
    marked: bool
    """Whether its description holds the instance's marker."""


@dataclass(frozen=True, slots=True)
class ProjectSearch:
    """What a search of the workspace found, oldest first."""

    found: tuple[FoundProject, ...] = ()

    @property
    def marked(self) -> FoundProject | None:
        """The oldest one that carries the marker: whoever looks takes the same one."""
        return next((project for project in self.found if project.marked), None)

    def holds(self, project_id: str | None) -> bool:
        """Whether a project is among them."""
        return any(project.project_id == project_id for project in self.found)


@dataclass(frozen=True, slots=True)
class EventDraft:
    """Something to tell, before it has an id and a moment."""

    step: str
    message: str
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentsOver:
    """Deployments that nobody sees end: newer ones took their place, or all of it is gone."""

    at: datetime
    services: tuple[str, ...] | None = None
    """Names of the services that they belong to; None: all."""
    but: tuple[str, ...] = ()
    """Railway's ids of those that go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Everything that one decision writes to the database, in one transaction."""

    instance: Instance
    desired_changed: bool = False
    """Whether the desired half is written, too: only the way back from an upgrade does that."""
    services: tuple[InstanceService, ...] | None = None
    """None: they stay as they are."""
    domains: tuple[InstanceDomain, ...] = ()
    """Rows to update."""
    domains_gone: tuple[InstanceDomain, ...] = ()
    operations: tuple[ProviderOperation, ...] = ()
    """Rows to update."""
    new_operations: tuple[ProviderOperation, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    deployments_over: tuple[DeploymentsOver, ...] = ()
    events: tuple[EventDraft, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One write to Railway that is wanted; its operation row carries the same key."""

    kind: OperationKind
    key: str
    subject: str = ""
    """The template key of the service, the bucket's key, the domain's name: what the write is about."""
    request: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, hash=False)
    """What is needed to find out later whether it landed."""


@dataclass(frozen=True, slots=True)
class Look:
    """Read these from Railway, then decide again."""

    sights: tuple[Sight, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Commit these intents, send them as one request, and record what came of it."""

    intents: tuple[Intent, ...]
    step: str
    message: str
    """What is told once it has worked."""
    change: Change | None = None
    """What is true as soon as it is sent, e.g. that provisioning has begun."""


@dataclass(frozen=True, slots=True)
class Record:
    """Write this to the database, then decide again."""

    change: Change


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until then."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Desired and observed agree, or an operator has to decide. Look again at `check_at`; None: not by itself."""

    check_at: datetime | None


Step: TypeAlias = Look | Write | Record
Verdict: TypeAlias = Look | Write | Record | Wait | Settled
