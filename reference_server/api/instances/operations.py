"""Following what was asked for, and what operators decide where it got stuck."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Response
from pydantic import Field

from railway_saas.domain import OperationKind, OperationState, ProviderOperation
from reference_server.api.authentication import admins_only, needs, platform
from reference_server.api.describing import ApiModel, PageQuery, described, reply
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.blueprint import (
    InstancePath,
    accepted,
    accepting,
    actor,
    api,
    owner,
)
from reference_server.api.instances.models import ID, MOMENT, OperationModel, operation_model, under_way
from reference_server.api.paging import Cursors
from reference_server.api.problems import not_found
from reference_server.following import follow


class OperationPath(InstancePath):
    """Which operation of which instance."""

    number: int = Field(ge=1, le=2**31 - 1, description="Its number, from 1.")


class ProviderOperationModel(ApiModel):
    """A write to Railway."""

    id: UUID = Field(examples=[ID])
    instance_id: UUID = Field(examples=[ID])
    kind: OperationKind = Field(examples=["project_create"])
    state: OperationState = Field(examples=["confirmed"])
    attempts: int = Field(examples=[1])
    error: str | None = Field(examples=[None])
    created_at: datetime = Field(examples=[MOMENT])
    sent_at: datetime | None = Field(examples=[MOMENT])
    finished_at: datetime | None = Field(examples=[MOMENT])
    key: str | None = Field(description="Which step it is. For administrators.", examples=["project"])
    trace_id: str | None = Field(
        description="Railway's, of the latest failure. For administrators.", examples=[None]
    )


class ProviderOperationPageModel(ApiModel):
    """A page of writes to Railway."""

    items: list[ProviderOperationModel]
    next_cursor: str | None = Field(None, examples=[None])


class ProviderOperationQuery(PageQuery):
    """Which writes."""

    state: OperationState | None = Field(None, description="Only those that stand so.")


class AdoptBody(ApiModel):
    """Which Railway project is the instance's."""

    project_id: str = Field(min_length=1, max_length=255, examples=[ID])


@api.get(
    "/<uuid:instance_id>/operations",
    **described("List writes to Railway", ProviderOperationPageModel, errors=(404,)),
)
@needs("instances:read")
def list_operations(path: InstancePath, query: ProviderOperationQuery) -> Response:
    """What was asked of Railway for an instance, oldest first."""
    mine = owner()
    platform().manager.get(path.instance_id, user_id=mine)
    cursors = Cursors("operations", path.instance_id, query.state)
    page = platform().manager.operations(
        instance_id=path.instance_id,
        state=query.state,
        after=cursors.read(query.cursor),
        limit=query.limit,
    )
    return reply(
        ProviderOperationPageModel(
            items=[_model(one, for_admin=mine is None) for one in page.items],
            next_cursor=cursors.wrap(page.next_cursor),
        )
    )


def _model(operation: ProviderOperation, *, for_admin: bool) -> ProviderOperationModel:
    return ProviderOperationModel(
        id=operation.id,
        instance_id=operation.instance_id,
        kind=operation.kind,
        state=operation.state,
        attempts=operation.attempts,
        error=operation.error,
        created_at=operation.created_at,
        sent_at=operation.sent_at,
        finished_at=operation.finished_at,
        key=operation.key if for_admin else None,
        trace_id=operation.trace_id if for_admin else None,
    )


@api.get(
    "/<uuid:instance_id>/operations/<int:number>",
    **described("Follow what was asked for", OperationModel, errors=(404,)),
)
@needs("instances:read")
def read_operation(path: OperationPath) -> Response:
    """How far something is that was asked of an instance. Ask again every few seconds while it is `running`.

    What was asked for later contains what was asked for before, so that operations stand as the instance does. One that
    something later took the place of, before it was done, is `replaced`.
    """
    mine = owner()
    with platform().database.unit_of_work() as work:
        instance = (
            work.instances.find_many([path.instance_id]).get(path.instance_id)
            if mine is None
            else work.instances.find_owned(path.instance_id, mine)
        )
        if instance is None:
            raise not_found("instance")
        if path.number > instance.desired.generation:
            raise not_found("operation")
        seen = follow(
            instance,
            path.number,
            event=work.events.latest(instance.id),
            is_under_way=instance.id in under_way(work, [instance]),
            was_dropped=work.views.was_dropped(instance.id, path.number),
        )
    return reply(operation_model(instance, seen))


@api.post("/<uuid:instance_id>/retry", **accepting("Let the control loop try again"))
@admins_only
@needs("instances:write")
@idempotent
def retry(path: InstancePath) -> Response:
    """Have an instance that needs attention tried again. For administrators."""
    return accepted(platform().manager.retry(path.instance_id, actor=actor()), "will be tried again")


@api.post("/<uuid:instance_id>/abandon", **accepting("Give an instance up"))
@admins_only
@needs("instances:write")
@idempotent
def abandon(path: InstancePath) -> Response:
    """Delete what there is of an instance that needs attention; it ends as failed. For administrators."""
    return accepted(platform().manager.abandon(path.instance_id, actor=actor()), "is given up")


@api.post("/<uuid:instance_id>/adopt", **accepting("Say which project is an instance's"))
@admins_only
@needs("instances:write")
@idempotent
def adopt(path: InstancePath, body: AdoptBody) -> Response:
    """Say which Railway project belongs to an instance that needs attention. For administrators."""
    return accepted(
        platform().manager.adopt(path.instance_id, body.project_id, actor=actor()),
        "goes on with that project",
    )
