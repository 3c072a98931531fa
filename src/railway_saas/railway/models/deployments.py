"""Deployments: one run of a service's source in one environment."""

from __future__ import annotations

from typing import Final

from pydantic import Field, JsonValue

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp


class DeploymentStatus(OpenStrEnum):
    """Where a deployment is in its life."""

    BUILDING = "BUILDING"
    CRASHED = "CRASHED"
    DEPLOYING = "DEPLOYING"
    FAILED = "FAILED"
    INITIALIZING = "INITIALIZING"
    NEEDS_APPROVAL = "NEEDS_APPROVAL"
    QUEUED = "QUEUED"
    REMOVED = "REMOVED"
    REMOVING = "REMOVING"
    SKIPPED = "SKIPPED"
    SLEEPING = "SLEEPING"
    SUCCESS = "SUCCESS"
    WAITING = "WAITING"


IN_PROGRESS: Final = frozenset(
    {
        DeploymentStatus.BUILDING,
        DeploymentStatus.DEPLOYING,
        DeploymentStatus.INITIALIZING,
        DeploymentStatus.QUEUED,
        DeploymentStatus.WAITING,
    }
)
"""On its way to run. Source: Railway CLI's grouping."""

TERMINAL: Final = frozenset({DeploymentStatus.FAILED, DeploymentStatus.REMOVED, DeploymentStatus.SKIPPED})
"""States that a deployment never leaves, but for a failed one that is removed."""

SETTLED: Final = TERMINAL | {DeploymentStatus.SUCCESS, DeploymentStatus.CRASHED, DeploymentStatus.SLEEPING}
"""States that a deployment does not leave on its way to run. Source: Railway CLI's grouping, and the terminal ones."""


class DeploymentInstanceStatus(OpenStrEnum):
    """What one container of a deployment is doing."""

    CRASHED = "CRASHED"
    CREATED = "CREATED"
    EXITED = "EXITED"
    INITIALIZING = "INITIALIZING"
    REMOVED = "REMOVED"
    REMOVING = "REMOVING"
    RESTARTING = "RESTARTING"
    RUNNING = "RUNNING"
    SKIPPED = "SKIPPED"
    STOPPED = "STOPPED"


class DeploymentEventStep(OpenStrEnum):
    """A step on the way of a deployment."""

    BUILD_IMAGE = "BUILD_IMAGE"
    CONFIGURE_NETWORK = "CONFIGURE_NETWORK"
    CREATE_CONTAINER = "CREATE_CONTAINER"
    DRAIN_INSTANCES = "DRAIN_INSTANCES"
    HEALTHCHECK = "HEALTHCHECK"
    MIGRATE_VOLUMES = "MIGRATE_VOLUMES"
    PRE_DEPLOY_COMMAND = "PRE_DEPLOY_COMMAND"
    PUBLISH_IMAGE = "PUBLISH_IMAGE"
    SNAPSHOT_CODE = "SNAPSHOT_CODE"
    WAIT_FOR_DEPENDENCIES = "WAIT_FOR_DEPENDENCIES"


class DeploymentInstance(RailwayModel):
    """One container of a deployment."""

    id: str
    status: DeploymentInstanceStatus | None = None


class DeploymentCreator(RailwayModel):
    """Who started a deployment."""

    id: str
    name: str | None = None
    email: str | None = None


class DeploymentSocket(RailwayModel):
    """A port that a process of a deployment listens on."""

    port: int | None = None
    ipv6: bool | None = None
    process_name: str | None = None


class Deployment(RailwayModel):
    """One deployment. `meta`, `diagnosis`, `creator` and `sockets` are filled by `get` only (`meta` by `list` too)."""

    id: str
    status: DeploymentStatus | None = None
    deployment_stopped: bool = False
    """Whether no container runs. Railway: true before the first one runs, so never read it without the status;
    `completed` and `is_active` do that."""
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    status_updated_at: Timestamp | None = None
    """Moves with the status and with a restart; a stop leaves it alone. None at first."""
    static_url: str | None = None
    """Host name, without scheme, of the service's newest domain; None without one."""
    url: str | None = None
    can_redeploy: bool = False
    can_rollback: bool = False
    project_id: str | None = None
    environment_id: str | None = None
    service_id: str | None = None
    snapshot_id: str | None = None
    instances: Items[DeploymentInstance] = ()
    meta: dict[str, JsonValue] | None = Field(default=None, repr=False)
    """What was deployed and how. May hold registry credentials."""
    diagnosis: JsonValue = Field(default=None, repr=False)
    suggest_add_service_domain: bool = False
    creator: DeploymentCreator | None = None
    sockets: Items[DeploymentSocket] = ()

    @property
    def in_progress(self) -> bool:
        """Whether it is on its way to run (or to fail)."""
        return self.status in IN_PROGRESS

    @property
    def is_settled(self) -> bool:
        """Whether it has arrived: it runs, sleeps, crashed, failed, was skipped or removed."""
        return self.status in SETTLED

    @property
    def is_terminal(self) -> bool:
        """Whether it can never run again: failed, skipped or removed."""
        return self.status in TERMINAL

    @property
    def is_active(self) -> bool:
        """Whether it runs: what Railway's dashboard calls "Active"."""
        return self.status == DeploymentStatus.SUCCESS and not self.deployment_stopped

    @property
    def completed(self) -> bool:
        """Whether its processes have ended, by themselves with code 0 or by a stop: the dashboard's "Completed"."""
        return self.status == DeploymentStatus.SUCCESS and self.deployment_stopped

    @property
    def image(self) -> str | None:
        """The image that was deployed, as `meta` names it."""
        return self._meta_text("image")

    @property
    def commit_hash(self) -> str | None:
        """The commit that was built. Railway: `branch` in `meta` is not trustworthy, this is."""
        return self._meta_text("commitHash")

    def _meta_text(self, key: str) -> str | None:
        value = (self.meta or {}).get(key)
        return value if isinstance(value, str) else None


class DeploymentEventPayload(RailwayModel):
    """Details of a step."""

    error: str | None = None
    reason: str | None = None
    detail: str | None = None
    skipped: bool | None = None
    duration_ms: int | None = None
    attempt: int | None = None
    max_attempts: int | None = None


class DeploymentEvent(RailwayModel):
    """A step that a deployment has begun, or ended when `completed_at` is set."""

    id: str
    step: DeploymentEventStep | None = None
    created_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    payload: DeploymentEventPayload | None = None


class DeploymentExecution(RailwayModel):
    """One run of a cron service."""

    id: str
    deployment_id: str | None = None
    status: DeploymentInstanceStatus | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    completed_at: Timestamp | None = None
