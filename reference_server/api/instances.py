"""Customers' instances."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from railway_saas.domain import Instance, InstanceStatus
from reference_server.api.authentication import needs, platform, principal
from reference_server.api.describing import ApiModel, PageQuery, described, reply

api = APIBlueprint(
    "instances",
    __name__,
    url_prefix="/api/instances",
    abp_tags=[Tag(name="instances", description="What customers run")],
)


class InstancePath(ApiModel):
    """Which one."""

    instance_id: UUID


class InstanceModel(ApiModel):
    """An instance."""

    id: UUID
    template_id: UUID
    name: str
    status: InstanceStatus
    domain: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


class InstancePageModel(ApiModel):
    """A page of instances."""

    items: list[InstanceModel]
    next_cursor: str | None = Field(None, description="`cursor` of the next page; none on the last.")


def instance_model(instance: Instance) -> InstanceModel:
    """How an instance is shown."""
    return InstanceModel(
        id=instance.id,
        template_id=instance.template_id,
        name=instance.name,
        status=instance.status,
        domain=instance.observed.domain,
        error=instance.observed.error,
        created_at=instance.created_at,
        updated_at=instance.updated_at,
    )


@api.get("/<uuid:instance_id>", **described("Read an instance", InstanceModel, errors=(404,)))
@needs("instances:read")
def read_instance(path: InstancePath) -> Response:
    """One of your instances."""
    instance = platform().manager.get(path.instance_id, user_id=principal().user.id)
    return reply(instance_model(instance))


@api.get("", **described("List instances", InstancePageModel))
@needs("instances:read")
def list_instances(query: PageQuery) -> Response:
    """Your instances, oldest first."""
    page = platform().manager.list_page(user_id=principal().user.id, after=query.cursor, limit=query.limit)
    return reply(
        InstancePageModel(items=[instance_model(one) for one in page.items], next_cursor=page.next_cursor)
    )
