"""Services: what a project is made of. Their settings per environment are service instances."""

from __future__ import annotations

from dataclasses import dataclass, field

from railway_saas.railway.models.base import Nodes, RailwayModel, Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryCredentials:
    """Log-in of a private image registry. Railway: Pro plan only."""

    username: str
    password: str = field(repr=False)


class DeploymentTrigger(RailwayModel):
    """A repository's branch whose pushes deploy a service."""

    id: str
    service_id: str | None = None
    environment_id: str | None = None
    repository: str | None = None
    """`owner/name`."""
    branch: str | None = None
    provider: str | None = None
    check_suites: bool | None = None
    """Whether to wait for the repository's CI."""


class Service(RailwayModel):
    """A service of a project. `repo_triggers` are filled by `get` only."""

    id: str
    name: str | None = None
    icon: str | None = None
    project_id: str | None = None
    group_id: str | None = None
    template_id: str | None = None
    template_service_id: str | None = None
    """The service's key in the template document it was deployed from: the reliable way to map one to the other."""
    template_thread_slug: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    deleted_at: Timestamp | None = None
    is_restricted: bool = False
    has_hidden_registry_credentials_from_template: bool = False
    repo_triggers: Nodes[DeploymentTrigger] = ()
