"""Usage, hour by hour: which hours to read, what a page of them says about instances, what it costs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from railway_saas.domain import prices
from railway_saas.domain.prices import EXACT, PriceTable, price_table_at, total_usd
from railway_saas.domain.usage import UNITS, UsageMetric, cost_usd, summed
from railway_saas.errors import ConfigurationError
from railway_saas.repositories.values import DECIMAL_PLACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from railway_saas.domain.instances import Instance
    from railway_saas.domain.usage import UsageTotal
    from railway_saas.railway.models.usage import AggregatedUsage

HOUR: Final = timedelta(hours=1)
HISTORY: Final = timedelta(days=90)
"""How far back Railway answers, about. Source: docs.railway.com/reference/usage-limits and the CLI's usage command."""


@dataclass(frozen=True, slots=True)
class UsageWindow:
    """One whole hour, and what reading it means."""

    start: datetime
    is_first: bool
    """Nobody has read it yet."""
    is_final: bool
    """It is long enough over for Railway to have counted everything: it is not read again."""

    @property
    def end(self) -> datetime:
        """Its end, which does not belong to it."""
        return self.start + HOUR


@dataclass(frozen=True, slots=True)
class Marks:
    """Up to when the usage of a workspace has been read; `final` is never after `first`."""

    first: datetime
    final: datetime

    def passed(self, window: UsageWindow) -> Marks:
        """The marks once a window is stored."""
        return Marks(
            first=max(self.first, window.end) if window.is_first else self.first,
            final=max(self.final, window.end) if window.is_final else self.final,
        )

    def has_passed(self, window: UsageWindow) -> bool:
        """Whether somebody has stored the window already."""
        return (self.first if window.is_first else self.final) > window.start


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """What one call of a collector did."""

    windows: tuple[UsageWindow, ...] = ()
    """Hours that were read to the end and stored."""
    pages: int = 0
    """Requests to Railway."""
    rows: int = 0
    """Values written."""
    foreign_projects: int = 0
    """Projects that belong to no instance, counted once per page they were on."""
    waiting: int = 0
    """Hours that were due as well, and are left for the next call."""
    lost_hours: int = 0
    """Hours of a pause so long that Railway no longer tells what was used in them."""
    overtaken: bool = False
    """Another collector stored the same hours in the meantime; this one left them to it."""
    ahead: bool = False
    """The hours already read lie in the future: the clock went back. Nothing is read until it has caught up."""


def floor_hour(moment: datetime) -> datetime:
    """The beginning of the hour, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def ceil_hour(moment: datetime) -> datetime:
    """The beginning of the next hour, unless it is one."""
    floor = floor_hour(moment)
    return floor if floor == moment else floor + HOUR


def oldest_hour(now: datetime) -> datetime:
    """The first whole hour that Railway still tells about."""
    return ceil_hour(now - HISTORY)


def windows_due(
    marks: Marks, now: datetime, *, settle: timedelta, reread: timedelta
) -> tuple[UsageWindow, ...]:
    """The hours to read now, oldest first.

    An hour is read `settle` after its end, and once more `reread` after it. What is that old when it is read for the
    first time (after a pause) is read once only.
    """
    hours: list[UsageWindow] = []
    oldest = oldest_hour(now)
    hour = max(marks.final, oldest)
    while hour + HOUR + reread <= now:
        hours.append(UsageWindow(hour, is_first=hour >= marks.first, is_final=True))
        hour += HOUR
    hour = max(marks.first, hour)
    while hour + HOUR + settle <= now:
        hours.append(UsageWindow(hour, is_first=True, is_final=False))
        hour += HOUR
    return tuple(hours)


def lost_hours(marks: Marks, now: datetime) -> int:
    """How many hours nobody has read are too old for Railway by now."""
    return max(0, (oldest_hour(now) - marks.first) // HOUR)


PageAmounts = dict[str, dict[tuple[str | None, str], Decimal]]
"""What projects used: by project id, then by service id and measure."""


def amounts_of(items: Iterable[AggregatedUsage]) -> PageAmounts:
    """What a page says about each of its projects. Measures that nobody pays for, and amounts below 0, are left out.

    Equal entries of one page are added up, as they must come from different parts of a service.
    """
    found: PageAmounts = {}
    for item in items:
        measure, project_id = str(item.measurement), item.tags.project_id
        if project_id is None or measure not in UNITS or item.value < 0:
            continue
        amounts = found.setdefault(project_id, {})
        key = (item.tags.service_id, measure)
        amounts[key] = EXACT.add(amounts.get(key, Decimal(0)), item.value)
    return found


def joined(page: PageAmounts, before: PageAmounts) -> PageAmounts:
    """A page's projects, with what the page before said about other services of theirs.

    Railway pages by project, so a project should never begin on one page and end on the next. If it does all the same,
    the second part must not replace the first; and a page that comes twice must not count twice.
    """
    return {project_id: before.get(project_id, {}) | amounts for project_id, amounts in page.items()}


def metrics_of(amounts: PageAmounts, instances: Mapping[str, Instance], hour: datetime) -> list[UsageMetric]:
    """The values of an hour, all services of an instance added up. Projects that are no instance's are left out."""
    return [
        UsageMetric(
            instance_id=instances[project_id].id,
            metric_type=measure,
            value=value,
            unit=UNITS[measure],
            recorded_at=hour,
        )
        for project_id, parts in amounts.items()
        if project_id in instances
        for measure, value in sorted(_over_services(parts).items())
    ]


def _over_services(parts: Mapping[tuple[str | None, str], Decimal]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for (_, measure), value in parts.items():
        sums[measure] = EXACT.add(sums.get(measure, Decimal(0)), value)
    return sums


_STORED_STEP = Decimal(1).scaleb(-DECIMAL_PLACES)
"""What is stored differs from what was read by less."""


def corrections(
    metrics: Sequence[UsageMetric], stored: Iterable[UsageTotal], hour: datetime
) -> list[UsageMetric]:
    """What has to be written so that an hour read again says what Railway says now, and nothing else.

    A value that is stored and that Railway no longer knows becomes 0: writing only replaces what is written.

    Args:
        metrics: What Railway says now.
        stored: What is stored for the hour and these instances.
        hour: Its beginning.
    """
    known = {(total.instance_id, total.metric_type): total for total in stored}
    told = {(metric.instance_id, metric.metric_type) for metric in metrics}
    changed = [
        metric
        for metric in metrics
        if (old := known.get((metric.instance_id, metric.metric_type))) is None
        or abs(EXACT.subtract(old.value, metric.value)) >= _STORED_STEP
    ]
    withdrawn = [
        UsageMetric(
            instance_id=old.instance_id,
            metric_type=old.metric_type,
            value=Decimal(0),
            unit=old.unit,
            recorded_at=hour,
        )
        for key, old in known.items()
        if key not in told and old.value
    ]
    return changed + withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceUsage:
    """What one instance used, and what that costs."""

    instance_id: UUID
    amounts: Mapping[str, Decimal]
    """By measure, in the units of `railway_saas.domain.usage.UNITS`."""
    cost_usd: Decimal
    """What Railway charges for it, in dollars at full precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageStatement:
    """What instances used over a time, and what Railway charges for it."""

    start: datetime
    end: datetime
    """The first moment that does not belong to it."""
    amounts: Mapping[str, Decimal]
    """All instances together, by measure."""
    cost_usd: Decimal
    """All instances together, in dollars at full precision."""
    instances: tuple[InstanceUsage, ...]
    """Those that used something."""

    def of(self, instance_id: UUID) -> InstanceUsage:
        """One instance's part; nothing for an instance that used nothing."""
        nothing = InstanceUsage(instance_id=instance_id, amounts={}, cost_usd=Decimal(0))
        return next((part for part in self.instances if part.instance_id == instance_id), nothing)


@dataclass(frozen=True, slots=True)
class PricePeriod:
    """A part of a time in which the prices stay the same."""

    start: datetime
    end: datetime
    prices: PriceTable


def price_periods(start: datetime, end: datetime) -> tuple[PricePeriod, ...]:
    """Cut a time where Railway's prices change: at midnight UTC of a price table's first day.

    Raises:
        ConfigurationError: A moment has no time zone, or the end does not come after the start.
    """
    if start.utcoffset() is None or end.utcoffset() is None:
        raise ConfigurationError("start and end need a time zone, e.g. datetime.now(UTC)")
    if end <= start:
        raise ConfigurationError(f"end={end.isoformat()}: must be after start={start.isoformat()}")
    first_days = (table.effective_from for table in prices.PRICE_TABLES)
    changes = (datetime.combine(day, time(), UTC) for day in first_days)
    edges = [start, *sorted(change for change in changes if start < change < end), end]
    return tuple(PricePeriod(low, high, price_table_at(low)) for low, high in pairwise(edges))


def statement_of(parts: Sequence[tuple[PricePeriod, Sequence[UsageTotal]]]) -> UsageStatement:
    """Price the totals of each period at its own prices, and add everything up.

    Args:
        parts: At least one period with what was used in it; side by side, oldest first.
    """
    totals: dict[UUID, list[UsageTotal]] = {}
    costs: dict[UUID, list[Decimal]] = {}
    for period, used in parts:
        by_instance: dict[UUID, list[UsageTotal]] = {}
        for total in used:
            by_instance.setdefault(total.instance_id, []).append(total)
        for instance_id, own in by_instance.items():
            totals.setdefault(instance_id, []).extend(own)
            costs.setdefault(instance_id, []).append(cost_usd(summed(own), period.prices))
    instances = tuple(
        InstanceUsage(
            instance_id=instance_id,
            amounts=summed(totals[instance_id]),
            cost_usd=total_usd(costs[instance_id]),
        )
        for instance_id in sorted(totals)
    )
    return UsageStatement(
        start=parts[0][0].start,
        end=parts[-1][0].end,
        amounts=summed(total for _, used in parts for total in used),
        cost_usd=total_usd(part.cost_usd for part in instances),
        instances=instances,
    )
