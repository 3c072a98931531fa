"""One instance: reading, changing, deleting."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from flask import Response
from pydantic import AwareDatetime, Field, model_validator

from railway_saas.domain import Instance
from reference_server.api.authentication import needs, platform, reading, reads
from reference_server.api.describing import ApiModel, described
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.blueprint import (
    InstancePath,
    accepted,
    accepting,
    actor,
    api,
    asker,
    owner,
)
from reference_server.api.instances.models import (
    InstanceModel,
    LimitsBody,
    instance_model,
    under_way,
)
from reference_server.api.preconditions import reply_with_etag, require_match, updates
from reference_server.api.problems import invalid
from reference_server.data.database import ServerUnitOfWork


class InstanceBody(ApiModel):
    """What to change; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=64, examples=["blog"])
    limits: LimitsBody | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.name is None and self.limits is None:
            raise ValueError("give a name, or limits, or both")
        return self


class DeleteQuery(ApiModel):
    """When to delete."""

    at: AwareDatetime | None = Field(
        None,
        description="A later moment, with its time zone; until then `cancel-deletion` calls it off. Now unless given.",
        examples=["2026-03-01T12:00:00Z"],
    )


def shown(work: ServerUnitOfWork, instance: Instance) -> InstanceModel:
    """To whoever asks."""
    is_under_way = instance.id in under_way(work, [instance])
    return instance_model(instance, is_under_way=is_under_way, for_admin=owner() is None)


def require_seen(work: ServerUnitOfWork, instance: Instance) -> None:
    """Whoever changes the instance has seen it as it is.

    Raises:
        Problem: If-Match is missing, or says otherwise.
    """
    require_match(shown(work, instance))


@api.get("/<uuid:instance_id>", **described("Read an instance", InstanceModel, errors=(404,)))
@needs("instances:read")
@reads
def read_instance(path: InstancePath) -> Response:
    """One of your instances. Its ETag goes into If-Match of an update."""
    with reading() as work:
        return reply_with_etag(
            shown(work, platform().manager_in(work).get(path.instance_id, user_id=owner()))
        )


@api.put("/<uuid:instance_id>", **described("Change an instance", InstanceModel, errors=(404, 409)))
@needs("instances:write")
@updates
def update_instance(path: InstancePath, body: InstanceBody) -> Response:
    """Give an instance another name or other limits: both, or none of it."""
    limits = body.limits.to_limits() if body.limits else None
    instance = platform().updates.change(
        path.instance_id, asker(), check=require_seen, name=body.name, limits=limits
    )
    with platform().database.unit_of_work() as work:
        return reply_with_etag(shown(work, instance))


@api.delete("/<uuid:instance_id>", **accepting("Delete an instance"))
@needs("instances:write")
def delete_instance(path: InstancePath, query: DeleteQuery) -> Response:
    """Delete an instance with everything in it, its volumes as well: now, or later."""
    after = None if query.at is None else query.at - platform().now()
    if query.at is not None and query.at <= platform().now():
        raise invalid("at: must not be past.", {"pointer": "#/at", "detail": "Must not be past."})
    instance = platform().manager.delete(path.instance_id, after=after, user_id=owner(), actor=actor())
    return accepted(instance, "will be deleted" if query.at is None else _later(instance.desired.delete_at))


def _later(at: datetime | None) -> str:
    return f"will be deleted at {at.isoformat()}" if at else "will be deleted"


@api.post("/<uuid:instance_id>/cancel-deletion", **accepting("Call a scheduled deletion off"))
@needs("instances:write")
@idempotent
def cancel_deletion(path: InstancePath) -> Response:
    """Keep an instance whose deletion was scheduled."""
    instance = platform().manager.cancel_deletion(path.instance_id, user_id=owner(), actor=actor())
    return accepted(instance, "is kept")
