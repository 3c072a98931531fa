"""Crontab lines: when is the next run? Railway: five fields, UTC, at least five minutes apart."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

MINIMUM_GAP = timedelta(minutes=5)
HORIZON = timedelta(days=366 * 8)
"""How far ahead a run is looked for: 29 February comes within it."""

_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
_NAMES = {
    name: number
    for names, first in (
        ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1),
        ("SUN MON TUE WED THU FRI SAT", 0),
    )
    for number, name in enumerate(names.split(), first)
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A crontab line, understood."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Both day fields are restricted: crontab then takes a day that matches one of them."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first run after a moment, or None when there never is one."""
        candidate = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = moment + HORIZON
        while candidate <= end:
            if candidate.month not in self.months or not self._is_day(candidate):
                candidate = candidate.replace(hour=0, minute=0) + timedelta(days=1)
            elif candidate.hour not in self.hours:
                candidate = candidate.replace(minute=0) + timedelta(hours=1)
            elif candidate.minute not in self.minutes:
                candidate += timedelta(minutes=1)
            else:
                return candidate
        return None

    def _is_day(self, moment: datetime) -> bool:
        by_date = moment.day in self.days
        by_weekday = moment.isoweekday() % 7 in self.weekdays
        return (by_date or by_weekday) if self.either_day else (by_date and by_weekday)

    def shortest_gap(self) -> timedelta:
        """The smallest distance between two runs, looked at within a day and over midnight."""
        times = sorted(hour * 60 + minute for hour in self.hours for minute in self.minutes)
        around = [*times, times[0] + 24 * 60]
        return timedelta(minutes=min(after - before for before, after in itertools.pairwise(around)))


@lru_cache(maxsize=1024)
def parse(line: str) -> Schedule:
    """Read a crontab line.

    Raises:
        ValueError: It is not one; the message names the field.
    """
    parts = line.upper().split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"a crontab line has five fields, not {len(parts)}")
    minutes, hours, days, months, weekdays = (
        _field(part, name, low, high) for part, (name, low, high) in zip(parts, _FIELDS, strict=True)
    )
    either_day = not parts[2].startswith("*") and not parts[4].startswith("*")
    return Schedule(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either_day)


def is_acceptable(line: str) -> bool:
    """Whether Railway takes this schedule."""
    try:
        return parse(line).shortest_gap() >= MINIMUM_GAP
    except ValueError:
        return False


def _field(text: str, name: str, low: int, high: int) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _range(part, name, low, high))


def _range(part: str, name: str, low: int, high: int) -> range:
    span, slash, step_text = part.partition("/")
    step = int(step_text) if step_text.isdigit() else 0 if slash else 1
    first, dash, last = span.partition("-")
    start = low if span == "*" else _value(first, name)
    end = high if span == "*" or (slash and not dash) else _value(last, name) if dash else start
    if step < 1 or not low <= start <= end <= high:
        raise ValueError(f"{part!r} is not a {name} of {low} to {high}")
    return range(start, end + 1, step)


def _value(text: str, name: str) -> int:
    if text in _NAMES:
        return _NAMES[text]
    if not text.isdigit():
        raise ValueError(f"{text!r} is not a {name}")
    return int(text)
