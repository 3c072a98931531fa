"""Backups of volume instances. Sizes are megabytes."""

from __future__ import annotations

from pydantic import Field

from railway_saas.railway.models.base import OpenStrEnum, RailwayModel, Timestamp


class VolumeInstanceBackupScheduleKind(OpenStrEnum):
    """How often a backup is made by itself, and how long it is kept: 6 days, 1 month, 3 months."""

    DAILY = "DAILY"
    MONTHLY = "MONTHLY"
    WEEKLY = "WEEKLY"


class VolumeInstanceBackup(RailwayModel):
    """A backup."""

    id: str
    name: str | None = None
    created_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    """None for one that is kept: locked, or made by hand."""
    creator_id: str | None = None
    schedule_id: str | None = None
    """None for one made by hand."""
    external_id: str | None = None
    used_mb: int | None = Field(default=None, alias="usedMB")
    """What this backup alone takes, and is billed."""
    referenced_mb: int | None = Field(default=None, alias="referencedMB")
    """What a restore would hold."""
    volume_instance_size_mb: int | None = Field(default=None, alias="volumeInstanceSizeMB")


class VolumeInstanceBackupSchedule(RailwayModel):
    """When backups are made by themselves."""

    id: str
    name: str | None = None
    kind: VolumeInstanceBackupScheduleKind | None = None
    cron: str | None = None
    retention_seconds: int | None = None
    created_at: Timestamp | None = None
