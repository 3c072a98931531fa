"""Volumes and buckets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.projects import Environment, Project, Service


@dataclass(slots=True, eq=False)
class Volume:
    """A volume of a project; its state per environment is a `VolumeInstance`."""

    id: str
    name: str
    project: Project
    created_at: datetime

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.project.id


class Growth(NamedTuple):
    """How a volume fills from one moment on, until the next such entry."""

    since: datetime
    used_mb: float
    mb_per_hour: float
    most_mb: float
    service_id: str | None
    """Where it is mounted in that time: who pays."""


@dataclass(slots=True, eq=False)
class VolumeInstance:
    """A volume in one environment."""

    id: str
    volume: Volume
    environment: Environment
    service: Service | None
    mount_path: str
    size_mb: int
    created_at: datetime
    region: str | None = None
    state: str = "READY"
    deleted_at: datetime | None = None
    """When its deletion was asked for; it is gone 48 hours later."""
    purged_at: datetime | None = None
    """When it was gone, with its backups."""
    growth: list[Growth] = field(default_factory=list[Growth])
    """How full it is and was. Usage is counted from it."""
    backups: list[VolumeBackup] = field(default_factory=list["VolumeBackup"])
    schedules: list[BackupSchedule] = field(default_factory=list["BackupSchedule"])

    @property
    def volume_id(self) -> str:
        """Id of the volume."""
        return self.volume.id

    @property
    def environment_id(self) -> str:
        """Id of the environment."""
        return self.environment.id

    @property
    def service_id(self) -> str | None:
        """Id of the service it is mounted in."""
        return self.service.id if self.service else None


@dataclass(slots=True, eq=False)
class VolumeBackup:
    """What a volume held at one moment. Railway: only its own increment is stored and billed."""

    id: str
    name: str
    created_at: datetime
    used_mb: int
    referenced_mb: int
    volume_instance_size_mb: int
    service_id: str | None = None
    """Where its volume was mounted: who pays."""
    creator_id: str | None = None
    schedule_id: str | None = None
    expires_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(slots=True, eq=False)
class BackupSchedule:
    """Backups that are made by themselves."""

    id: str
    kind: str
    created_at: datetime
    ended: bool = False


@dataclass(slots=True, eq=False)
class Bucket:
    """An S3 bucket of a project."""

    id: str
    name: str
    project: Project
    created_at: datetime
    updated_at: datetime
    instances: dict[str, BucketInstance] = field(default_factory=dict[str, "BucketInstance"])
    """By environment id."""

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.project.id


@dataclass(slots=True, eq=False)
class BucketInstance:
    """A bucket in one environment, with the key that opens it."""

    bucket: Bucket
    environment: Environment
    region: str
    name: str
    """Its name towards S3, unique in the world."""
    created_at: datetime
    access_key_id: str
    secret_access_key: str = field(repr=False)
    credentials_created_at: datetime
