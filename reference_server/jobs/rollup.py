"""Usage rolled up by day: `usage_days` from `usage_metrics`, by an upsert that may be repeated.

Source of the choice: a roll-up reads one tenant's month out of ten million rows 13 to 17 times faster than the hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from railway_saas.repositories.sqlalchemy.models import InstanceRow, UsageMetricRow
from reference_server.data.models import UsageDayRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from reference_server.composition import Platform
    from reference_server.data.database import ServerUnitOfWork

ROLLED: Final = "usage_days"
"""The watermark: hours before it were final when they were rolled up."""
MAX_DAYS: Final = 62
"""Days per run; the next run goes on."""


def roll_up_usage(platform: Platform, _: str) -> str:
    """Roll up the days whose hours may have changed since the last time.

    Railway counts late, so that the collector reads each hour twice: everything since the hour that was final at the last
    roll-up is rolled again.
    """
    with platform.database.unit_of_work() as work:
        since, final = _since(work), _final(work, platform.workspace_id)
    if since is None:
        return "nothing to roll up"
    days = list(_days(since.date(), platform.now().date()))
    for day in days[:MAX_DAYS]:
        with platform.database.unit_of_work() as work:
            roll_up_day(work.session, day)
            work.commit()
    is_all = len(days) <= MAX_DAYS
    mark = (final or since) if is_all else _begin(days[MAX_DAYS])
    with platform.database.unit_of_work() as work:
        work.usage.set_watermark(ROLLED, mark)
        work.commit()
    return f"{min(len(days), MAX_DAYS)} days" + ("" if is_all else ", more to do")


def _since(work: ServerUnitOfWork) -> datetime | None:
    """Where the last run ended, else the oldest hour that there is."""
    rolled = work.usage.get_watermark(ROLLED)
    if rolled is not None:
        return rolled
    oldest: datetime | None = work.session.scalar(
        select(UsageMetricRow.recorded_at).order_by(UsageMetricRow.recorded_at).limit(1)
    )
    return oldest


def _final(work: ServerUnitOfWork, workspace_id: str) -> datetime | None:
    """Hours before it are not read again: the collector's own watermark."""
    return work.usage.get_watermark(f"usage-final:{workspace_id}")


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def roll_up_day(session: Session, day: date) -> None:
    """Write the sums of one day (UTC); those that are there are replaced, never added to."""
    hours = (
        select(
            UsageMetricRow.instance_id,
            literal(day),
            UsageMetricRow.metric_type,
            InstanceRow.user_id,
            func.sum(UsageMetricRow.value),
            func.max(UsageMetricRow.unit),
        )
        .join(InstanceRow, InstanceRow.id == UsageMetricRow.instance_id)
        .where(
            UsageMetricRow.recorded_at >= _begin(day),
            UsageMetricRow.recorded_at < _begin(day + timedelta(days=1)),
        )
        .group_by(UsageMetricRow.instance_id, UsageMetricRow.metric_type, InstanceRow.user_id)
    )
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = insert(UsageDayRow).from_select(
        ["instance_id", "day", "metric_type", "user_id", "value", "unit"], hours
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["instance_id", "day", "metric_type"],
            set_={name: statement.excluded[name] for name in ("user_id", "value", "unit")},
        )
    )
