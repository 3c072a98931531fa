"""Deployments of an instance's services."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Response
from pydantic import Field

from reference_server.api.authentication import needs, platform
from reference_server.api.describing import ApiModel, SortedPageQuery, described, reply
from reference_server.api.instances.blueprint import InstancePath, api, owner
from reference_server.api.instances.models import ID, MOMENT
from reference_server.api.paging import Cursors


class DeploymentModel(ApiModel):
    """A deployment, kept after Railway forgot it."""

    id: UUID = Field(examples=[ID])
    railway_deployment_id: str = Field(description="For a rollback.", examples=[ID])
    service: str = Field(examples=["App"])
    status: str = Field(description="In Railway's words.", examples=["SUCCESS"])
    logs: str | None = Field(description="The last lines of one that failed.", examples=[None])
    started_at: datetime | None = Field(examples=[MOMENT])
    finished_at: datetime | None = Field(examples=[None])
    created_at: datetime = Field(examples=[MOMENT])


class DeploymentPageModel(ApiModel):
    """A page of deployments."""

    items: list[DeploymentModel]
    next_cursor: str | None = Field(None, examples=[None])


@api.get(
    "/<uuid:instance_id>/deployments",
    **described("List deployments", DeploymentPageModel, errors=(404,)),
)
@needs("instances:read")
def list_deployments(path: InstancePath, query: SortedPageQuery) -> Response:
    """Deployments of all its services."""
    cursors = Cursors("deployments", path.instance_id, query.newest_first or None)
    page = platform().manager.deployments(
        path.instance_id,
        user_id=owner(),
        after=cursors.read(query.cursor),
        limit=query.limit,
        newest_first=query.newest_first,
    )
    items = [
        DeploymentModel(
            id=one.id,
            railway_deployment_id=one.railway_deployment_id,
            service=one.service,
            status=one.status,
            logs=one.logs,
            started_at=one.started_at,
            finished_at=one.finished_at,
            created_at=one.created_at,
        )
        for one in page.items
    ]
    return reply(DeploymentPageModel(items=items, next_cursor=cursors.wrap(page.next_cursor)))
