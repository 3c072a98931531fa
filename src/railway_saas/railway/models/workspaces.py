"""Workspaces: what Railway bills and limits."""

from __future__ import annotations

from pydantic import JsonValue

from railway_saas.railway.models.account import ApiTokenRateLimit, Plan
from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp
from railway_saas.railway.models.customers import Customer


class TeamRole(OpenStrEnum):
    """What a member may do in a workspace."""

    ADMIN = "ADMIN"
    MEMBER = "MEMBER"
    VIEWER = "VIEWER"


class WorkspaceMember(RailwayModel):
    """Who belongs to a workspace."""

    id: str
    name: str | None = None
    email: str | None = None
    role: TeamRole | None = None


class Workspace(RailwayModel):
    """A workspace with its members, its plan and who pays for it."""

    id: str
    name: str | None = None
    plan: Plan | None = None
    preferred_region: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    project_count: int | None = None
    """Projects that are not deleted."""
    subscription_plan_limit: JsonValue = None
    """The plan's limits. Railway documents no shape for them."""
    api_token_rate_limit: ApiTokenRateLimit | None = None
    members: Items[WorkspaceMember] = ()
    customer: Customer | None = None
