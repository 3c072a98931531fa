"""Reads: one statement each, but for the status."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from benchmarks.serving.bare.answers import (
    GONE,
    ChangingOut,
    InstanceOut,
    InstancesOut,
    OperationOut,
    StatusOut,
    TemplateOut,
    TemplatesOut,
    is_changing,
)
from benchmarks.serving.bare.database import RefusedError, set_scope
from railway_saas.repositories.sqlalchemy.models import (
    InstanceDomainRow,
    InstanceEventRow,
    InstanceRow,
    ProviderOperationRow,
    TemplateRow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from benchmarks.serving.bare.database import Backend
    from reference_server.data.models import UserRow

MOST_LIVE = 200
OPEN = ("intended", "sent")
UNDER_WAY = or_(
    exists().where(
        ProviderOperationRow.instance_id == InstanceRow.id,
        (ProviderOperationRow.state + "").in_(
            OPEN
        ),  # an expression: the index of states is as long as the backlog
        ProviderOperationRow.kind != "preview",
    ),
    exists().where(
        InstanceDomainRow.instance_id == InstanceRow.id,
        InstanceDomainRow.state.in_(("attaching", "removing")),
    ),
)
"""Whether something is still to be done at Railway that the row of an instance does not tell."""


def read_instance(backend: Backend, session: Session, user: UserRow, instance_id: UUID) -> InstanceOut:
    found = session.execute(
        select(InstanceRow, UNDER_WAY).where(InstanceRow.id == instance_id, InstanceRow.user_id == user.id)
    ).one_or_none()
    if found is None:
        raise RefusedError(HTTPStatus.NOT_FOUND, "There is no such instance.")
    return InstanceOut.of(found[0], backend.inputs, is_under_way=found[1])


def list_instances(
    backend: Backend, session: Session, user: UserRow, limit: int, after: str | None
) -> InstancesOut:
    query = select(InstanceRow, UNDER_WAY).where(InstanceRow.user_id == user.id)
    if after is not None:
        query = query.where(InstanceRow.id > UUID(after))
    rows = session.execute(query.order_by(InstanceRow.id).limit(limit + 1)).all()
    shown = rows[:limit]
    return InstancesOut(
        items=[InstanceOut.of(row, backend.inputs, is_under_way=moves) for row, moves in shown],
        next_cursor=str(shown[-1][0].id) if len(rows) > limit else None,
    )


def read_status(backend: Backend, session: Session, user: UserRow) -> StatusOut:
    """Counts, and whatever is on its way with what was said of it last."""
    rows = session.execute(
        select(InstanceRow.status, func.count())
        .where(InstanceRow.user_id == user.id)
        .group_by(InstanceRow.status)
    )
    counts = {row[0]: row[1] for row in rows}
    live = session.scalars(
        select(InstanceRow)
        .where(InstanceRow.user_id == user.id, InstanceRow.status.not_in(GONE))
        .order_by(InstanceRow.id)
        .limit(MOST_LIVE)
    ).all()
    at_work = set(
        session.scalars(
            select(ProviderOperationRow.instance_id)
            .where(ProviderOperationRow.instance_id.in_([row.id for row in live]))
            .where(ProviderOperationRow.state.in_(OPEN))
        )
    )
    on_their_way = [
        row
        for row in live
        if row.attention is not None or is_changing(row, backend.inputs, is_under_way=row.id in at_work)
    ]
    latest = _latest_events(session, on_their_way)
    return StatusOut(
        counts=counts,
        total=sum(count for status, count in counts.items() if status not in GONE),
        needs_attention=sum(row.attention is not None for row in on_their_way),
        changing=[
            ChangingOut(
                id=row.id, name=row.name, status=row.status, operation=_operation(row, latest.get(row.id))
            )
            for row in on_their_way
        ],
    )


def _latest_events(session: Session, rows: Sequence[InstanceRow]) -> dict[UUID, InstanceEventRow]:
    if not rows:
        return {}
    found = session.scalars(
        select(InstanceEventRow)
        .ext(distinct_on(InstanceEventRow.instance_id))
        .where(InstanceEventRow.instance_id.in_([row.id for row in rows]))
        .order_by(InstanceEventRow.instance_id, InstanceEventRow.id.desc())
    )
    return {event.instance_id: event for event in found}


def _operation(row: InstanceRow, event: InstanceEventRow | None) -> OperationOut:
    total = max(event.total if event else 0, row.services)
    return OperationOut.of(
        row,
        state="running" if row.attention is None else "needs_attention",
        message=event.message if event else row.status,
        done=min(event.done if event else 0, total),
        total=total,
    )


def list_templates(backend: Backend, limit: int) -> TemplatesOut:
    """Everybody may see what is offered."""
    with backend.sessions() as session:
        set_scope(session, "")
        rows = session.scalars(
            select(TemplateRow)
            .where(TemplateRow.is_active.is_(True))
            .order_by(TemplateRow.id)
            .limit(limit + 1)
        ).all()
    shown = rows[:limit]
    return TemplatesOut(
        items=[TemplateOut.of(row) for row in shown],
        next_cursor=str(shown[-1].id) if len(rows) > limit else None,
    )
