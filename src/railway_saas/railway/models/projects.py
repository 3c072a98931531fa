"""Projects, and what hangs directly below them."""

from __future__ import annotations

from railway_saas.railway.models.base import Nodes, OpenStrEnum, RailwayModel, Timestamp


class ProjectRole(OpenStrEnum):
    """What a member may do in a project."""

    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    VIEWER = "VIEWER"


class ProjectsOrderBy(OpenStrEnum):
    """In which order projects are listed."""

    CREATED_AT_DESC = "CREATED_AT_DESC"
    """Newest first: what changes while one pages moves no project from one page to another."""
    NAME_ASC = "NAME_ASC"
    UPDATED_AT_DESC = "UPDATED_AT_DESC"


class EnvironmentRef(RailwayModel):
    """An environment as a project lists it."""

    id: str
    name: str | None = None
    is_ephemeral: bool = False


class ServiceRef(RailwayModel):
    """A service as a project lists it."""

    id: str
    name: str | None = None
    icon: str | None = None
    template_id: str | None = None
    template_service_id: str | None = None
    """The service's key in the template document it was deployed from: the reliable way to map one to the other."""


class VolumeRef(RailwayModel):
    """A volume as a project lists it."""

    id: str
    name: str | None = None


class BucketRef(RailwayModel):
    """A bucket as a project lists it."""

    id: str
    name: str | None = None


class Project(RailwayModel):
    """A Railway project. Lists below it are filled by `get` and (environments) `create`, empty elsewhere."""

    id: str
    name: str | None = None
    description: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    deleted_at: Timestamp | None = None
    workspace_id: str | None = None
    subscription_type: str | None = None
    is_public: bool = False
    base_environment_id: str | None = None
    primary_environment_id: str | None = None
    environments: Nodes[EnvironmentRef] = ()
    services: Nodes[ServiceRef] = ()
    volumes: Nodes[VolumeRef] = ()
    buckets: Nodes[BucketRef] = ()


class ProjectMember(RailwayModel):
    """Who may do what in a project."""

    id: str
    name: str | None = None
    email: str | None = None
    role: ProjectRole | None = None
