"""Notification rules: how Railway tells others what happens. Webhooks are one of their channels."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp


class NotificationSeverity(OpenStrEnum):
    """How bad it is."""

    CRITICAL = "CRITICAL"
    INFO = "INFO"
    NOTICE = "NOTICE"
    WARNING = "WARNING"


class NotificationChannel(RailwayModel):
    """Where a notification goes."""

    id: str
    config: dict[str, Any] = Field(default_factory=dict, repr=False)
    """`{"type": "webhook", "url": ...}` and the like. Headers are write-only: they do not come back."""
    created_at: Timestamp | None = None

    @property
    def url(self) -> str | None:
        """The address of a webhook; None for other channels. It may be the secret that authenticates it."""
        url = self.config.get("url")
        return url if isinstance(url, str) else None


class NotificationRule(RailwayModel):
    """Which events go to which channels."""

    id: str
    workspace_id: str | None = None
    project_id: str | None = None
    """None for a rule of the whole workspace."""
    environment_id: str | None = None
    service_id: str | None = None
    event_types: Items[str] = ()
    severities: Items[NotificationSeverity] = ()
    ephemeral_environments: bool | None = None
    channels: Items[NotificationChannel] = ()
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
