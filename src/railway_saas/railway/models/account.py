"""The token's owner, and what the token may reach."""

from __future__ import annotations

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp


class Plan(OpenStrEnum):
    """What a workspace pays for."""

    FREE = "FREE"
    HOBBY = "HOBBY"
    PRO = "PRO"


class ApiTokenRateLimit(RailwayModel):
    """What is left of the hourly quota, as Railway counts it."""

    remaining_points: int | None = None
    resets_at: str | None = None
    """When the quota is full again. The schema types it as text and does not say in which form."""


class WorkspaceRef(RailwayModel):
    """A workspace as its members list it."""

    id: str
    name: str | None = None
    plan: Plan | None = None
    preferred_region: str | None = None
    created_at: Timestamp | None = None


class User(RailwayModel):
    """Whose account token it is."""

    id: str
    name: str | None = None
    email: str | None = None
    username: str | None = None
    is_verified: bool = False
    created_at: Timestamp | None = None
    workspaces: Items[WorkspaceRef] = ()
    """Every workspace the user is a member of."""
    api_token_rate_limit: ApiTokenRateLimit | None = None


class ApiTokenWorkspace(RailwayModel):
    """A workspace that a token can operate on."""

    id: str
    name: str | None = None


class ApiTokenContext(RailwayModel):
    """What a Bearer token (account, workspace or OAuth) can reach."""

    workspaces: Items[ApiTokenWorkspace] = ()


class TokenProject(RailwayModel):
    """The project of a project token."""

    id: str
    name: str | None = None
    workspace_id: str | None = None
    subscription_type: str | None = None


class TokenEnvironment(RailwayModel):
    """The environment of a project token."""

    id: str
    name: str | None = None
    is_ephemeral: bool = False


class ProjectTokenInfo(RailwayModel):
    """What a project token can reach: one environment of one project."""

    id: str
    name: str | None = None
    project_id: str
    environment_id: str
    created_at: Timestamp | None = None
    project: TokenProject | None = None
    environment: TokenEnvironment | None = None
