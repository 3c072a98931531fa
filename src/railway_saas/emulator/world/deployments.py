"""Deployments: what runs, ran, or tried to. How they change is in `railway_saas.emulator.lifecycle`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.accounts import User
    from railway_saas.emulator.world.projects import (
        Environment,
        Project,
        Service,
        ServiceInstance,
        ServiceSettings,
        Variables,
    )

IN_PROGRESS = frozenset({"INITIALIZING", "NEEDS_APPROVAL", "WAITING", "QUEUED", "BUILDING", "DEPLOYING"})
TERMINAL = frozenset({"FAILED", "REMOVED", "SKIPPED"})
ACTIVE = frozenset({"SUCCESS", "SLEEPING", "CRASHED"})


@dataclass(slots=True, frozen=True)
class Outcome:
    """How a deployment is going to end when it is not simply well; set by a fault."""

    kind: str
    after_s: float = 0.0
    """Seconds after the process started."""
    exit_code: int = 1


@dataclass(slots=True, eq=False)
class DeploymentInstance:
    """One container of a deployment."""

    id: str
    status: str


@dataclass(slots=True, eq=False)
class DeploymentEvent:
    """One step on the way of a deployment."""

    id: str
    step: str
    created_at: datetime
    completed_at: datetime | None = None
    error: str | None = None
    reason: str | None = None
    skipped: bool | None = None


@dataclass(slots=True, eq=False)
class InstanceExecution:
    """One run of a cron service."""

    id: str
    deployment: Deployment
    status: str
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


@dataclass(slots=True, eq=False)
class Deployment:
    """One deployment of a service instance."""

    id: str
    instance: ServiceInstance
    settings: ServiceSettings
    variables: Variables
    shared_variables: Variables
    created_at: datetime
    updated_at: datetime
    status: str = "INITIALIZING"
    status_updated_at: datetime | None = None
    deployment_stopped: bool = True
    """True until the first container runs, too."""
    reason: str = "deploy"
    creator: User | None = None
    snapshot_id: str | None = None
    commit_hash: str | None = None
    commit_message: str | None = None
    outcome: Outcome | None = None
    succeeded_at: datetime | None = None
    removed_at: datetime | None = None
    last_request_at: datetime | None = None
    restarts: int = 0
    stage: int = 0
    """Goes up whenever something overtakes what was queued for this deployment."""
    waiting_for: set[str] = field(default_factory=set[str])
    """Ids of the deployments that a batch deploy wants to see running first."""
    instances: list[DeploymentInstance] = field(default_factory=list[DeploymentInstance])
    events: list[DeploymentEvent] = field(default_factory=list[DeploymentEvent])
    runs: list[tuple[datetime, datetime | None]] = field(
        default_factory=list["tuple[datetime, datetime | None]"]
    )
    """When its containers ran: start and end, the last one open while they still do. Usage is counted from it."""
    notes: list[tuple[datetime, str, str]] = field(default_factory=list["tuple[datetime, str, str]"])
    """The few log lines that something made happen: time, severity, message. All others are computed."""
    executions: list[InstanceExecution] = field(default_factory=list[InstanceExecution])

    @property
    def environment(self) -> Environment:
        """Where it was deployed."""
        return self.instance.environment

    @property
    def environment_id(self) -> str:
        """Id of the environment."""
        return self.instance.environment.id

    @property
    def service(self) -> Service:
        """What was deployed."""
        return self.instance.service

    @property
    def service_id(self) -> str:
        """Id of the service."""
        return self.instance.service.id

    @property
    def project(self) -> Project:
        """The project."""
        return self.instance.service.project

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.instance.service.project.id

    @property
    def is_running(self) -> bool:
        """Whether its containers run now."""
        return bool(self.runs) and self.runs[-1][1] is None
