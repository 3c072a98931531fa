"""All instances: listing, counting, deploying."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from flask import Response
from pydantic import Field

from railway_saas.domain import Instance, InstanceStatus
from railway_saas.domain.statuses import GONE
from railway_saas.errors import TemplateError
from reference_server.api.authentication import needs, platform, principal, reading, reads
from reference_server.api.describing import ApiModel, SortedPageQuery, described, reply, reply_json
from reference_server.api.idempotency import derived_key, idempotent
from reference_server.api.instances.blueprint import accepted, actor, api, inputs_refused, owner
from reference_server.api.instances.models import (
    InstancePageModel,
    LimitsBody,
    OperationModel,
    instance_model,
    operation_model,
    under_way,
)
from reference_server.api.paging import Cursors
from reference_server.api.problems import forbidden
from reference_server.cache import STATUS
from reference_server.data.database import ServerUnitOfWork
from reference_server.following import follow, is_changing

STATUS_TTL_S = 5
"""Changes are seen at once; what was said last about a deploy may be so old."""
MOST_LIVE = 200
"""Instances that a status looks at; plans allow fewer."""


class InstanceQuery(SortedPageQuery):
    """Which instances."""

    status: InstanceStatus | None = Field(None, description="Only those that stand so.")
    template_id: UUID | None = Field(None, description="Only those of this template.")
    user_id: UUID | None = Field(None, description="Only this owner's. For administrators.")
    needs_attention: bool = Field(
        default=False, description="Only those that wait for an operator. For administrators."
    )


class DeployBody(ApiModel):
    """What to deploy."""

    template_id: UUID = Field(description="Of the catalogue.")
    revision_id: UUID | None = Field(None, description="Of the template; the latest unless given.")
    name: str = Field(
        min_length=1,
        max_length=64,
        description="Yours for it; unique among yours, whatever the case.",
        examples=["blog"],
    )
    inputs: dict[str, str] = Field(
        default_factory=dict[str, str],
        max_length=500,
        description="Values for the template's inputs, by `Service.NAME` or `NAME`.",
        examples=[{"App.ADMIN_EMAIL": "ann@example.com"}],
    )
    limits: LimitsBody | None = Field(
        None, description="What each service may use; the template's own unless given."
    )


class ChangingModel(ApiModel):
    """An instance that is on its way."""

    id: UUID
    name: str = Field(examples=["blog"])
    status: InstanceStatus = Field(examples=["deploying"])
    operation: OperationModel


class StatusModel(ApiModel):
    """How all of one's instances stand."""

    counts: dict[InstanceStatus, int] = Field(
        description="How many there are of each; those that are none are left out.",
        examples=[{"running": 2, "deploying": 1}],
    )
    total: int = Field(description="How many are not gone.", examples=[3])
    needs_attention: int = Field(
        description="How many of those listed below wait for an operator.", examples=[0]
    )
    changing: list[ChangingModel] = Field(description="Those that change, or wait for an operator.")


@api.get("", **described("List instances", InstancePageModel))
@needs("instances:read")
@reads
def list_instances(query: InstanceQuery) -> Response:
    """Your instances; for an administrator everybody's."""
    user_id = _whose(query)
    cursors = Cursors(
        "instances",
        user_id,
        query.status,
        query.template_id,
        query.needs_attention or None,
        query.newest_first or None,
    )
    after = cursors.read(query.cursor)
    with reading() as work:
        page = (
            platform()
            .manager_in(work)
            .list_page(
                user_id=user_id,
                status=query.status,
                template_id=query.template_id,
                needs_attention=query.needs_attention,
                after=after,
                limit=query.limit,
                newest_first=query.newest_first,
            )
        )
        moving = under_way(work, page.items)
    is_admin = owner() is None
    return reply(
        InstancePageModel.model_construct(
            items=[
                instance_model(one, is_under_way=one.id in moving, for_admin=is_admin) for one in page.items
            ],
            next_cursor=cursors.wrap(page.next_cursor),
        )
    )


def _whose(query: InstanceQuery) -> UUID | None:
    mine = owner()
    if mine is None:
        return query.user_id
    if query.needs_attention or query.user_id not in {None, mine}:
        raise forbidden("The filters user_id and needs_attention are for administrators.")
    return mine


@api.get("/status", **described("Count instances, and see which change", StatusModel))
@needs("instances:read")
@reads
def read_status() -> Response:
    """How many instances stand how, and everything that changes right now, in one request."""
    user_id = owner()

    def make() -> str:
        return _status(user_id).model_dump_json()

    if user_id is None or not platform().cache.is_shared:  # elsewhere a change would not be seen at once
        return reply_json(make())
    return reply_json(
        platform().cache.get_or_make(STATUS, "mine", make, group=str(user_id), ttl_s=STATUS_TTL_S)
    )


def _status(user_id: UUID | None) -> StatusModel:
    with reading() as work:
        counts = work.views.count_by_status(user_id=user_id)
        live = [status for status in counts if status not in GONE]
        looked_at: Sequence[Instance] = _looked_at(work, user_id) if live else ()
        moving = under_way(work, looked_at)
        changing = [one for one in looked_at if _is_on_its_way(one, moving)]
        latest = work.views.latest_events([one.id for one in changing])
    listed = [
        ChangingModel(
            id=one.id,
            name=one.name,
            status=one.status,
            operation=operation_model(
                one,
                follow(
                    one,
                    one.desired.generation,
                    event=latest.get(one.id),
                    is_under_way=one.id in moving,
                ),
            ),
        )
        for one in changing
    ]
    return StatusModel(
        counts=dict(counts),
        total=sum(counts[status] for status in live),
        needs_attention=sum(one.observed.attention is not None for one in changing),
        changing=listed,
    )


def _is_on_its_way(instance: Instance, moving: Collection[UUID]) -> bool:
    waits = instance.observed.attention is not None
    return waits or is_changing(instance, is_under_way=instance.id in moving)


def _looked_at(work: ServerUnitOfWork, user_id: UUID | None) -> Sequence[Instance]:
    ids = work.views.live_ids(user_id=user_id, limit=MOST_LIVE)
    found = work.instances.find_many(ids)
    return [found[one] for one in ids if one in found]


@api.post("", **described("Deploy a template", OperationModel, status=202, errors=(404, 409)))
@needs("instances:write")
@idempotent
def create_instance(body: DeployBody) -> Response:
    """Deploy a template of the catalogue as a new instance of yours.

    Everything is checked and your plan's slots are taken before this answers. The work itself goes on: follow the
    operation that is answered; a mail tells how it ended.
    """
    return deploy(body)


def deploy(body: DeployBody) -> Response:
    """Accept a deploy; `POST /api/templates/deploy` is the same."""
    try:
        instance = platform().manager.deploy(
            user_id=principal().user.id,
            template_id=body.template_id,
            revision_id=body.revision_id,
            name=body.name,
            inputs=body.inputs,
            limits=body.limits.to_limits() if body.limits else None,
            idempotency_key=derived_key(),
            actor=actor(),
        )
    except TemplateError as error:
        raise inputs_refused(error, body.template_id, body.revision_id) from None
    return accepted(instance, "accepted")
