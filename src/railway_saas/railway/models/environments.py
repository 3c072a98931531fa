"""Environments of a project, their configuration, and the patches that change it."""

from __future__ import annotations

from pydantic import Field, JsonValue

from railway_saas.railway.models.base import Nodes, OpenStrEnum, RailwayModel, Timestamp
from railway_saas.railway.models.deployments import Deployment
from railway_saas.railway.models.service_instances import ServiceSource


class EnvironmentPatchStatus(OpenStrEnum):
    """How far a patch of an environment's configuration is."""

    APPLYING = "APPLYING"
    COMMITTED = "COMMITTED"
    STAGED = "STAGED"


class EnvironmentServiceInstance(RailwayModel):
    """A service instance as its environment lists it."""

    id: str
    service_id: str | None = None
    service_name: str | None = None
    source: ServiceSource | None = None
    latest_deployment: Deployment | None = None


class EnvironmentVolumeInstance(RailwayModel):
    """A volume instance as its environment lists it."""

    id: str
    volume_id: str | None = None
    service_id: str | None = None
    mount_path: str | None = None
    size_mb: int | None = Field(default=None, alias="sizeMB")
    current_size_mb: float | None = Field(default=None, alias="currentSizeMB")
    state: str | None = None
    region: str | None = None
    is_pending_deletion: bool = False


class SourceEnvironment(RailwayModel):
    """The environment that another was copied from."""

    id: str
    name: str | None = None


class EnvironmentMeta(RailwayModel):
    """What a pull request's environment knows about it."""

    base_branch: str | None = None
    branch: str | None = None
    pr_number: int | None = None
    pr_repo: str | None = None
    pr_title: str | None = None


class Environment(RailwayModel):
    """An environment. From `config_etag` on, fields are filled by `get` only."""

    id: str
    name: str | None = None
    project_id: str | None = None
    is_ephemeral: bool = False
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    deleted_at: Timestamp | None = None
    unmerged_changes_count: int | None = None
    """How many changes wait in the staged patch."""
    config_etag: str | None = None
    source_environment: SourceEnvironment | None = None
    meta: EnvironmentMeta | None = None
    service_instances: Nodes[EnvironmentServiceInstance] = ()
    """As many as Railway puts on one page; `client.service_instances.list` goes through all."""
    volume_instances: Nodes[EnvironmentVolumeInstance] = ()


class EnvironmentConfig(RailwayModel):
    """The whole configuration of an environment: services, shared variables, volumes, buckets."""

    id: str
    """The environment's."""
    name: str | None = None
    config: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue], repr=False)
    """Railway's document, as it came. Holds variables' values."""
    config_etag: str | None = None
    """Names this state of the configuration; another one means that something has changed."""
    unmerged_changes_count: int | None = None


class PatchAuthor(RailwayModel):
    """Who applied a patch."""

    id: str
    name: str | None = None
    email: str | None = None


class EnvironmentPatch(RailwayModel):
    """A change of an environment's configuration. Railway gives an empty one where nothing waits."""

    id: str
    environment_id: str | None = None
    status: EnvironmentPatchStatus | None = None
    message: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    applied_at: Timestamp | None = None
    applied_by: PatchAuthor | None = None
    last_applied_error: str | None = None
    """Why the last attempt to apply it failed."""
    patch: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue], repr=False)
    """The change itself; not filled by `patches`. May hold variables' values."""

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing, as far as it was read."""
        return not any(part is not None and part != {} for part in self.patch.values())
