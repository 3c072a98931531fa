"""Usage in memory."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from railway_saas.domain.prices import EXACT
from railway_saas.domain.usage import UsageTotal
from railway_saas.repositories._async.memory.base import AsyncMemoryRepository, first_page
from railway_saas.repositories.paging import usage_cursor, usage_cursor_of
from railway_saas.repositories.values import text, utc

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.usage import UsageMetric


class AsyncMemoryUsage(AsyncMemoryRepository):
    """See `AsyncUsageRepository`."""

    async def record(self, metrics: Sequence[UsageMetric]) -> None:
        for metric in metrics:
            self._tables.instances.need(metric.instance_id)
        for metric in metrics:
            self._tables.usage.put(metric)

    async def totals(
        self, instance_ids: Collection[UUID], *, start: datetime, end: datetime
    ) -> Sequence[UsageTotal]:
        return self._totals(instance_ids, start, end)

    async def totals_of_owner(self, user_id: UUID, *, start: datetime, end: datetime) -> Sequence[UsageTotal]:
        rows = self._tables.instances.rows("user_id", user_id)
        return self._totals((row.id for row in rows), start, end)

    def _totals(self, instance_ids: Iterable[UUID], start: datetime, end: datetime) -> Sequence[UsageTotal]:
        sums: dict[tuple[UUID, str, str], Decimal] = {}
        for instance_id in set(instance_ids):
            for row in self._between(instance_id, start, end):
                key = (instance_id, row.metric_type, row.unit)
                sums[key] = EXACT.add(sums[key], row.value) if key in sums else row.value
        return [
            UsageTotal(instance_id=instance_id, metric_type=metric_type, unit=unit, value=value)
            for (instance_id, metric_type, unit), value in sorted(sums.items())
        ]

    def _between(
        self, instance_id: UUID, start: datetime, end: datetime, after: tuple[datetime, str] | None = None
    ) -> Iterator[UsageMetric]:
        begin, stop = utc(start, "start"), utc(end, "end")
        first = max((begin,), after) if after is not None else (begin,)
        rows = self._tables.usage.rows("instance_id", instance_id, first, inclusive=first != after)
        return takewhile(lambda row: row.recorded_at < stop, rows)

    async def list_page(
        self,
        instance_id: UUID,
        *,
        metric_type: str | None = None,
        start: datetime,
        end: datetime,
        after: str | None = None,
        limit: int = 500,
    ) -> Page[UsageMetric]:
        rows = (
            row
            for row in self._between(instance_id, start, end, usage_cursor(after))
            if metric_type is None or row.metric_type == metric_type
        )
        return first_page(rows, limit, usage_cursor_of)

    async def get_watermark(self, name: str) -> datetime | None:
        return self._tables.watermarks.get(text(name))

    async def set_watermark(self, name: str, until: datetime) -> None:
        self._tables.set_watermark(text(name, "name", 100), utc(until, "until"))
