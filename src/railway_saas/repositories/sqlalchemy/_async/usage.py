"""Usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.repositories.folding import latest_metrics
from railway_saas.repositories.paging import page_of, usage_cursor_of
from railway_saas.repositories.sqlalchemy._async.base import AsyncSqlRepository
from railway_saas.repositories.sqlalchemy.mapping.usage import metric_of, metric_values, total_of
from railway_saas.repositories.sqlalchemy.statements import usage as statements
from railway_saas.repositories.values import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.usage import UsageMetric, UsageTotal


class AsyncSqlUsage(AsyncSqlRepository):
    """See `AsyncUsageRepository`."""

    async def record(self, metrics: Sequence[UsageMetric]) -> None:
        values = [metric_values(metric) for metric in latest_metrics([clean(one) for one in metrics])]
        if values:
            await self._transaction.write(statements.record(self._dialect), values)

    async def totals(
        self, instance_ids: Collection[UUID], *, start: datetime, end: datetime
    ) -> Sequence[UsageTotal]:
        query = statements.totals(instance_ids, start=start, end=end, dialect=self._dialect)
        return [total_of(row) for row in await self._transaction.rows(query)]

    async def totals_of_owner(self, user_id: UUID, *, start: datetime, end: datetime) -> Sequence[UsageTotal]:
        query = statements.totals_of_owner(user_id, start=start, end=end)
        return [total_of(row) for row in await self._transaction.rows(query)]

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
        query = statements.list_page(
            instance_id, metric_type=metric_type, start=start, end=end, after=after, limit=limit
        )
        rows = await self._transaction.all(query)
        return page_of([metric_of(row) for row in rows], limit, usage_cursor_of)

    async def get_watermark(self, name: str) -> datetime | None:
        return await self._transaction.first(statements.get_watermark(name))

    async def set_watermark(self, name: str, until: datetime) -> None:
        await self._transaction.run(statements.set_watermark(name, until, self._dialect))
