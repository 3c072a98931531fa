"""Volumes and buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


@dataclass(slots=True, eq=False)
class Bucket:
    """An S3 bucket of a project."""

    id: str
    name: str
    project: Project
    created_at: datetime
    updated_at: datetime

    @property
    def project_id(self) -> str:
        """Id of the project."""
        return self.project.id
