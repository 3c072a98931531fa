"""`usage_metrics` and `usage_watermarks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, select, tuple_

from railway_saas.repositories.paging import page_limit, usage_cursor
from railway_saas.repositories.sqlalchemy.models import InstanceRow, UsageMetricRow, UsageWatermarkRow
from railway_saas.repositories.sqlalchemy.statements.common import insert_into, one_of
from railway_saas.repositories.sqlalchemy.types import UtcDateTime, exact_sum
from railway_saas.repositories.values import text, utc

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, Insert, Select


def record(dialect: str) -> Insert:
    """To be sent with many values."""
    statement = insert_into(UsageMetricRow, dialect)
    return statement.on_conflict_do_update(
        index_elements=["instance_id", "recorded_at", "metric_type"],
        set_={"value": statement.excluded.value, "unit": statement.excluded.unit},
    )


def totals(
    instance_ids: Collection[UUID], *, start: datetime, end: datetime, dialect: str
) -> Select[*tuple[Any, ...]]:
    return _totals(start, end).where(one_of(UsageMetricRow.instance_id, instance_ids, dialect))


def totals_of_owner(user_id: UUID, *, start: datetime, end: datetime) -> Select[*tuple[Any, ...]]:
    owned = select(InstanceRow.id).where(InstanceRow.user_id == user_id)
    return _totals(start, end).where(UsageMetricRow.instance_id.in_(owned))


def _totals(start: datetime, end: datetime) -> Select[*tuple[Any, ...]]:
    groups = UsageMetricRow.instance_id, UsageMetricRow.metric_type, UsageMetricRow.unit
    return (
        select(*groups, exact_sum(UsageMetricRow.value).label("value"))
        .where(*_between(start, end))
        .group_by(*groups)
        .order_by(*groups)
    )


def list_page(
    instance_id: UUID,
    *,
    metric_type: str | None,
    start: datetime,
    end: datetime,
    after: str | None,
    limit: int,
) -> Select[UsageMetricRow]:
    query = select(UsageMetricRow).where(UsageMetricRow.instance_id == instance_id, *_between(start, end))
    if metric_type is not None:
        query = query.where(UsageMetricRow.metric_type == text(metric_type))
    order = UsageMetricRow.recorded_at, UsageMetricRow.metric_type
    if (cursor := usage_cursor(after)) is not None:
        query = query.where(tuple_(*order) > tuple_(literal(cursor[0], UtcDateTime()), literal(cursor[1])))
    return query.order_by(*order).limit(page_limit(limit) + 1)


def get_watermark(name: str) -> Select[datetime]:
    return select(UsageWatermarkRow.until).where(UsageWatermarkRow.name == text(name))


def set_watermark(name: str, until: datetime, dialect: str) -> Insert:
    statement = insert_into(UsageWatermarkRow, dialect).values(
        name=text(name, "name", 100), until=utc(until, "until")
    )
    return statement.on_conflict_do_update(index_elements=["name"], set_={"until": statement.excluded.until})


def _between(start: datetime, end: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return UsageMetricRow.recorded_at >= utc(start, "start"), UsageMetricRow.recorded_at < utc(end, "end")
