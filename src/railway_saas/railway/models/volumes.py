"""Volumes, and their state per environment: volume instances. Sizes are megabytes."""

from __future__ import annotations

from pydantic import Field

from railway_saas.railway.models.base import OpenStrEnum, RailwayModel, Timestamp


class VolumeState(OpenStrEnum):
    """What is going on with a volume instance."""

    DELETED = "DELETED"
    DELETING = "DELETING"
    ERROR = "ERROR"
    MIGRATING = "MIGRATING"
    MIGRATION_PENDING = "MIGRATION_PENDING"
    READY = "READY"
    RESTORING = "RESTORING"
    UPDATING = "UPDATING"


class Volume(RailwayModel):
    """A volume of a project."""

    id: str
    name: str | None = None
    project_id: str | None = None
    created_at: Timestamp | None = None


class VolumeInstance(RailwayModel):
    """A volume in one environment: where it is mounted and how full it is."""

    id: str
    volume_id: str | None = None
    service_id: str | None = None
    """None while it is detached."""
    environment_id: str | None = None
    mount_path: str | None = None
    region: str | None = None
    size_mb: int | None = Field(default=None, alias="sizeMB")
    current_size_mb: float | None = Field(default=None, alias="currentSizeMB")
    """What is used; 2-3 % of a new volume is the file system's own."""
    state: VolumeState | None = None
    is_pending_deletion: bool = False
    """Deleted, and restorable for 48 hours by a link in an e-mail."""
    external_id: str | None = None
    created_at: Timestamp | None = None
    deleted_at: Timestamp | None = None
    volume: Volume | None = None

    @property
    def used_share(self) -> float | None:
        """From 0 to 1, how full it is; None when Railway did not say."""
        if not self.size_mb or self.current_size_mb is None:
            return None
        return self.current_size_mb / self.size_mb
