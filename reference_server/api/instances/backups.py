"""Backups of an instance's volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from flask import Response
from pydantic import Field

from railway_saas.errors import InstanceInputError
from railway_saas.railway.models.backups import VolumeInstanceBackup
from reference_server.api.authentication import needs, platform
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.blueprint import (
    InstancePath,
    ServiceQuery,
    accepted,
    accepting,
    actor,
    api,
    owner,
)
from reference_server.api.instances.models import ID, MOMENT


class BackupModel(ApiModel):
    """A backup, as Railway lists it."""

    id: str = Field(examples=[ID])
    service: str = Field(examples=["Postgres"])
    name: str | None = Field(examples=["nightly"])
    created_at: datetime | None = Field(examples=[MOMENT])
    expires_at: datetime | None = Field(description="Null for one that is kept.", examples=[None])
    used_mb: int | None = Field(examples=[120])


class BackupsModel(ApiModel):
    """All backups of an instance; Railway keeps few."""

    items: list[BackupModel]


class RestoreBody(ApiModel):
    """What to put back."""

    backup_id: str = Field(min_length=1, max_length=255, description="Of the list.", examples=[ID])


@api.get("/<uuid:instance_id>/backups", **described("List backups", BackupsModel, errors=(404, 409)))
@needs("instances:read")
def list_backups(path: InstancePath) -> Response:
    """Backups of all its volumes, by service; none where there is no volume."""
    found: Mapping[str, Sequence[VolumeInstanceBackup]] = {}
    with suppress(InstanceInputError):  # there is no volume
        found = platform().manager.backups(path.instance_id, user_id=owner())
    return reply(
        BackupsModel(
            items=[
                BackupModel(
                    id=one.id,
                    service=service,
                    name=one.name,
                    created_at=one.created_at,
                    expires_at=one.expires_at,
                    used_mb=one.used_mb,
                )
                for service, backups in sorted(found.items())
                for one in backups
            ]
        )
    )


@api.post("/<uuid:instance_id>/backups", **accepting("Back volumes up"))
@needs("instances:write")
@idempotent
def back_up(path: InstancePath, query: ServiceQuery) -> Response:
    """Back every volume up, or those of one service."""
    instance = platform().manager.back_up(
        path.instance_id, service=query.service, user_id=owner(), actor=actor()
    )
    return accepted(instance, "will be backed up")


@api.post("/<uuid:instance_id>/restore", **accepting("Put a backup back"))
@needs("instances:write")
@idempotent
def restore(path: InstancePath, body: RestoreBody) -> Response:
    """Put a backup in the place of its volume. What was written since is lost, and Railway removes newer backups."""
    instance = platform().manager.restore(path.instance_id, body.backup_id, user_id=owner(), actor=actor())
    return accepted(instance, "will be restored")
