"""`instance_events`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from railway_saas.repositories.sqlalchemy.models import InstanceEventRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import paged
from railway_saas.repositories.values import utc

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Delete, Insert, Select


def append() -> Insert:
    """To be sent with many values."""
    return insert(table_of(InstanceEventRow))


def latest(instance_id: UUID) -> Select[InstanceEventRow]:
    query = select(InstanceEventRow).where(InstanceEventRow.instance_id == instance_id)
    return query.order_by(InstanceEventRow.id.desc()).limit(1)


def latest_id(instance_id: UUID) -> Select[UUID]:
    query = select(InstanceEventRow.id).where(InstanceEventRow.instance_id == instance_id)
    return query.order_by(InstanceEventRow.id.desc()).limit(1)


def list_page(
    instance_id: UUID, *, after: str | None, limit: int, newest_first: bool
) -> Select[InstanceEventRow]:
    query = select(InstanceEventRow).where(InstanceEventRow.instance_id == instance_id)
    return paged(query, InstanceEventRow.id, after, limit, newest_first=newest_first)


def forget_before(moment: datetime, limit: int) -> Delete:
    old = (
        select(InstanceEventRow.id)
        .where(InstanceEventRow.at < utc(moment))
        .order_by(InstanceEventRow.at)
        .limit(max(limit, 0))
    )
    return delete(table_of(InstanceEventRow)).where(InstanceEventRow.id.in_(old))
