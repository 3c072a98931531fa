"""Collecting what instances used, and saying what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane
from railway_saas.errors import ConfigurationError, RailwayResponseError
from railway_saas.instances.arguments import past_if_given, workspace
from railway_saas.instances.metering import (
    Marks,
    UsageReport,
    amounts_of,
    corrections,
    floor_hour,
    joined,
    lost_hours,
    metrics_of,
    price_periods,
    statement_of,
    windows_due,
)
from railway_saas.railway.operations.usage import BILLED, MAX_USAGE_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.instances.metering import PageAmounts, UsageStatement, UsageWindow
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.railway.models.usage import AggregatedUsage
    from railway_saas.repositories._async.protocols import AsyncDatabase, AsyncUnitOfWork

MAX_PAGES = 20_000
"""Pages of one hour after which a list counts as endless: a million projects. Pages may be empty, as projects that used
nothing in an hour may be listed all the same, so only their number tells."""


class AsyncUsageCollector:
    """Reads what projects used from Railway, hour by hour, and keeps it per instance.

    Call `collect` from a job, a few times per hour; how often does not matter, nor does it harm when two run at once or
    one is killed. Each hour is read twice: soon after its end, and once more when what Railway counts late is in. That
    is two requests per hour for every `page_size` projects.

    ```python
    collector = AsyncUsageCollector(railway, database, workspace_id=workspace_id)
    report = await collector.collect()
    ```

    Args:
        client: Its calls are made in the background lane.
        database: Where usage is kept.
        workspace_id: The Railway workspace.
        now: What time it is, aware; the client's clock unless given.
        page_size: Projects per request, 1 to 50 (Railway's limit).
        settle: How long after its end an hour is read first.
        reread: How long after its end an hour is read again.
        max_windows: Hours read per call at most; the report says how many are left.
        since: From when on to collect, for an installation that ran before it had a collector; by default from the
            current hour on. Not in the future. Counts at the very first call only.

    Raises:
        ConfigurationError: An option cannot be used; the message names it.
    """

    def __init__(
        self,
        client: AsyncRailwayClient,
        database: AsyncDatabase,
        *,
        workspace_id: str,
        now: Callable[[], datetime] | None = None,
        page_size: int = MAX_USAGE_PAGE,
        settle: timedelta = timedelta(minutes=10),
        reread: timedelta = timedelta(hours=2),
        max_windows: int = 12,
        since: datetime | None = None,
    ) -> None:
        workspace(workspace_id)
        if not 1 <= page_size <= MAX_USAGE_PAGE:
            raise ConfigurationError(f"page_size={page_size!r}: must be from 1 to {MAX_USAGE_PAGE}")
        if not timedelta() <= settle <= reread:
            raise ConfigurationError(f"settle={settle}, reread={reread}: must be 0 <= settle <= reread")
        if max_windows < 1:
            raise ConfigurationError(f"max_windows={max_windows!r}: must be at least 1")
        self._client = client.with_options(lane=Lane.BACKGROUND)
        self._database = database
        self._workspace_id = workspace_id
        self._now = now or client.clock.now
        self._page_size = page_size
        self._settle = settle
        self._reread = reread
        self._max_windows = max_windows
        self._since = past_if_given(since, self._now())
        self._names = (f"usage:{workspace_id}", f"usage-final:{workspace_id}")

    async def collect(self) -> UsageReport:
        """Read the hours that are due.

        Raises:
            RailwayError: A page could not be read. Hours read before it are stored; the next call goes on from there.
            RepositoryError: The database failed; the same holds.
        """
        now = self._now()
        marks = await self._begin(now)
        due = windows_due(marks, now, settle=self._settle, reread=self._reread)
        report = UsageReport(lost_hours=lost_hours(marks, now), ahead=marks.first > now, waiting=len(due))
        for window in due[: self._max_windows]:
            reading = await self._read(window)
            report = replace(
                report,
                pages=report.pages + reading.pages,
                rows=report.rows + reading.rows,
                foreign_projects=report.foreign_projects + reading.foreign_projects,
                overtaken=reading.overtaken,
            )
            if reading.overtaken:
                break
            report = replace(report, windows=(*report.windows, window), waiting=report.waiting - 1)
        return report

    async def _begin(self, now: datetime) -> Marks:
        """Up to when everything is read. The first call notes where it begins, so that a later one begins there, too."""
        async with self._database.unit_of_work() as work:
            marks = await self._marks(work)
            if marks is None:
                start = floor_hour(self._since or now)
                marks = Marks(first=start, final=start)
                await self._note(work, marks)
                await work.commit()
        return marks

    async def _marks(self, work: AsyncUnitOfWork) -> Marks | None:
        first, final = [await work.usage.get_watermark(name) for name in self._names]
        if first is None:
            return None
        return Marks(first=first, final=first if final is None else min(first, final))

    async def _note(self, work: AsyncUnitOfWork, marks: Marks) -> None:
        for name, until in zip(self._names, (marks.first, marks.final), strict=True):
            await work.usage.set_watermark(name, until)

    async def _read(self, window: UsageWindow) -> _Reading:
        """Read and store one hour, page by page. Only when all are stored the marks move."""
        reading = _Reading()
        before: PageAmounts = {}
        cursor: str | None = None
        seen: set[str | None] = {None}
        while True:
            page = await self._page(window, cursor)
            reading.pages += 1
            before = joined(amounts_of(page.items), before)
            cursor = page.next_cursor
            await self._store(window, before, reading, is_last=cursor is None)
            if cursor is None or reading.overtaken:
                return reading
            if cursor in seen or reading.pages >= MAX_PAGES:
                raise RailwayResponseError(
                    f"the pages of the hour from {window.start.isoformat()} do not end",
                    operation="projectServiceUsage",
                )
            seen.add(cursor)

    async def _page(self, window: UsageWindow, cursor: str | None) -> Page[AggregatedUsage]:
        return await self._client.usage.list_project_service_usage_page(
            self._workspace_id,
            start_date=window.start,
            end_date=window.end,
            measurements=BILLED,
            include_deleted=True,  # what was deleted within the hour was used until then
            first=self._page_size,
            after=cursor,
        )

    async def _store(
        self, window: UsageWindow, amounts: PageAmounts, reading: _Reading, *, is_last: bool
    ) -> None:
        """Write a page's values, and after the last one move the marks, in one transaction.

        A collector that slept between reading and writing must not replace what another one has read since.
        """
        async with self._database.unit_of_work() as work:
            marks = await self._marks(work)
            if marks is None or marks.has_passed(window):
                reading.overtaken = True
                return
            if amounts:
                await self._record(work, window, amounts, reading)
            if is_last:
                await self._note(work, marks.passed(window))
            await work.commit()

    async def _record(
        self, work: AsyncUnitOfWork, window: UsageWindow, amounts: PageAmounts, reading: _Reading
    ) -> None:
        instances = await work.instances.find_many_by_project(list(amounts))
        metrics = metrics_of(amounts, instances, window.start)
        if window.is_final and instances:
            ids = {instance.id for instance in instances.values()}
            stored = await work.usage.totals(ids, start=window.start, end=window.end)
            metrics = corrections(metrics, stored, window.start)
        if metrics:
            await work.usage.record(metrics)
        reading.rows += len(metrics)
        reading.foreign_projects += len(amounts) - len(instances)


@dataclass(slots=True)
class _Reading:
    """What reading one hour came to."""

    pages: int = 0
    rows: int = 0
    foreign_projects: int = 0
    overtaken: bool = False


class AsyncUsageStatements:
    """What was used and what Railway charges for it, from what a collector has stored.

    Hours before a change of Railway's prices count at the old ones. A time that does not begin with an hour begins with
    the next one, as usage is kept by whole hours.

    Args:
        database: Where usage is kept.
    """

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database

    async def of_owner(self, user_id: UUID, *, start: datetime, end: datetime) -> UsageStatement:
        """All instances that an owner has or had, from `start` up to but not including `end`.

        Raises:
            ConfigurationError: A moment has no time zone, or the end does not come after the start.
            RepositoryError: The database failed.
        """
        periods = price_periods(start, end)
        async with self._database.unit_of_work() as work:
            parts = [
                (period, await work.usage.totals_of_owner(user_id, start=period.start, end=period.end))
                for period in periods
            ]
        return statement_of(parts)

    async def of_instances(
        self, instance_ids: Collection[UUID], *, start: datetime, end: datetime
    ) -> UsageStatement:
        """Some instances, whoever owns them, from `start` up to but not including `end`.

        Raises:
            ConfigurationError: A moment has no time zone, or the end does not come after the start.
            RepositoryError: The database failed.
        """
        periods = price_periods(start, end)
        async with self._database.unit_of_work() as work:
            parts = [
                (period, await work.usage.totals(instance_ids, start=period.start, end=period.end))
                for period in periods
            ]
        return statement_of(parts)

    async def of_instance(self, instance_id: UUID, *, start: datetime, end: datetime) -> UsageStatement:
        """One instance, whoever owns it, from `start` up to but not including `end`.

        Raises:
            ConfigurationError: A moment has no time zone, or the end does not come after the start.
            RepositoryError: The database failed.
        """
        return await self.of_instances([instance_id], start=start, end=end)
