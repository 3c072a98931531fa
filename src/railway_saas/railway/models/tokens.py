"""Tokens as Railway lists them. The secret itself is only ever the answer of a create."""

from __future__ import annotations

from railway_saas.railway.models.base import RailwayModel, Timestamp


class ApiToken(RailwayModel):
    """An account or workspace token."""

    id: str
    name: str | None = None
    display_token: str | None = None
    """The token as the dashboard shows it: masked, for people to recognise."""
    workspace_id: str | None = None
    """None for an account token, which reaches all workspaces of its owner."""
    expires_at: Timestamp | None = None


class ProjectToken(RailwayModel):
    """A token of one environment of one project."""

    id: str
    name: str | None = None
    display_token: str | None = None
    """The token as the dashboard shows it: masked, for people to recognise."""
    project_id: str | None = None
    environment_id: str | None = None
    created_at: Timestamp | None = None
