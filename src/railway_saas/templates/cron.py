"""Five-field crontab lines as Railway runs them: UTC, at least five minutes apart."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from railway_saas.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["MINIMUM_GAP_MINUTES", "CronSchedule", "fault_of_cron"]

MINIMUM_GAP_MINUTES = 5
"""Railway: runs must be at least five minutes apart."""

_DAY_MINUTES = 1_440
_CYCLE_START = date(2000, 1, 1)
_CYCLE_DAYS = 10_227
"""28 years: after them the calendar's weekdays and leap days repeat (between 1901 and 2099)."""
_MONTH_DAYS = 30
"""Railway bills a month of 43,200 minutes."""

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_PART = re.compile(r"(?:\*|([0-9A-Z]{1,9})(?:-([0-9A-Z]{1,9}))?)(?:/([0-9]{1,9}))?")
_LONGEST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def read(self, text: str) -> frozenset[int]:
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, part: str) -> range:
        match = _PART.fullmatch(part.upper())
        if match is None:
            raise TemplateError(f"cron: {_shown(part)} is not a {self.name}")
        first, last, step = match.groups()
        low = self.low if first is None else self._number(first)
        high = self._number(last) if last else self.high if first is None or step else low
        if low > high:
            raise TemplateError(f"cron: the {self.name} range {part!r} runs backwards")
        if step is not None and int(step) == 0:
            raise TemplateError(f"cron: the step of {part!r} is 0")
        return range(low, high + 1, int(step or 1))

    def _number(self, text: str) -> int:
        if text in self.names:
            return self.names.index(text) + self.low
        if not text.isdigit() or not self.low <= int(text) <= self.high:
            raise TemplateError(f"cron: {text!r} is not a {self.name} ({self.low} to {self.high})")
        return int(text)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of week", 0, 7, tuple(_WEEKDAYS)),
)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """When a cron service runs."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Both day fields are restricted, so a day matches when either does. Source: POSIX crontab."""

    @classmethod
    def parse(cls, text: str) -> CronSchedule:
        """Read `minute hour day month weekday`.

        Raises:
            TemplateError: Not five fields, or a field out of its range.
        """
        parts = text.split()
        if len(parts) != len(_FIELDS):
            raise TemplateError(
                f"cron: {len(parts)} fields; there must be 5: minute hour day-of-month month day-of-week"
            )
        minutes, hours, days, months, weekdays = (
            field.read(part) for field, part in zip(_FIELDS, parts, strict=True)
        )
        either_day = not parts[2].startswith("*") and not parts[4].startswith("*")
        return cls(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either_day)

    def runs_on(self, day: date) -> bool:
        """Whether there is a run on this day."""
        in_month = day.day in self.days
        in_week = day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (in_month or in_week if self.either_day else in_month and in_week)

    def minutes_of_day(self) -> list[int]:
        """The runs of one day, in minutes after midnight."""
        return sorted(hour * 60 + minute for hour in self.hours for minute in self.minutes)

    def shortest_gap_minutes(self) -> int | None:
        """The shortest time between two runs within a day or over one midnight; None without a second run."""
        times = self.minutes_of_day()
        gaps = [later - earlier for earlier, later in pairwise(times)]
        if _days_of(self).consecutive:
            gaps.append(_DAY_MINUTES - times[-1] + times[0])
        return min(gaps, default=None)

    def runs_per_month(self) -> Decimal:
        """How often it runs in 30 days, on average over the calendar's whole cycle."""
        days = Decimal(_days_of(self).count) * _MONTH_DAYS / _CYCLE_DAYS
        return days * len(self.minutes_of_day())


@dataclass(frozen=True, slots=True)
class _Days:
    count: int
    consecutive: bool


def _days_of(schedule: CronSchedule) -> _Days:
    """Each set of days is a number with one bit per day of the cycle: a few operations instead of 10,227."""
    calendar = _calendar()
    in_month = _any_of(calendar.days, schedule.days)
    in_week = _any_of(calendar.weekdays, schedule.weekdays)
    days = in_month | in_week if schedule.either_day else in_month & in_week
    runs = days & _any_of(calendar.months, schedule.months)
    return _Days(runs.bit_count(), bool(runs & (runs >> 1)))


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The days of the cycle that have a number in the month, a month, a weekday; bit 0 is the first day."""

    days: Mapping[int, int]
    months: Mapping[int, int]
    weekdays: Mapping[int, int]


@cache
def _calendar() -> _Calendar:
    days: defaultdict[int, int] = defaultdict(int)
    months: defaultdict[int, int] = defaultdict(int)
    weekdays: defaultdict[int, int] = defaultdict(int)
    for number in range(_CYCLE_DAYS):
        day, bit = _CYCLE_START + timedelta(days=number), 1 << number
        days[day.day] |= bit
        months[day.month] |= bit
        weekdays[day.isoweekday() % 7] |= bit
    return _Calendar(days, months, weekdays)


def _any_of(bits: Mapping[int, int], wanted: Iterable[int]) -> int:
    found = 0
    for number in wanted:
        found |= bits[number]
    return found


def _shown(part: str) -> str:
    """A part as an error quotes it: whole unless somebody wrote a book."""
    return repr(part if len(part) <= _LONGEST_SHOWN else f"{part[:_LONGEST_SHOWN]}...")


def fault_of_cron(text: str) -> str | None:
    """What is wrong with a `cronSchedule`, or None."""
    try:
        schedule = CronSchedule.parse(text)
    except TemplateError as error:
        return str(error)
    if not _days_of(schedule).count:
        return "cron: never runs, as no such day exists"
    gap = schedule.shortest_gap_minutes()
    if gap is not None and gap < MINIMUM_GAP_MINUTES:
        return f"cron: runs are {gap} min apart; Railway needs at least {MINIMUM_GAP_MINUTES}"
    return None
