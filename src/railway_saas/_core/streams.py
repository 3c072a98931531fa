"""Following something over connections that break: no row lost, none given twice. Pure.

Railway's CLI reconnects up to 12 times, after 1 s growing by 1.5 up to 8 s, and looks back 30 s when it does;
a connection that lived 30 s or delivered something resets the count.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

T = TypeVar("T")

MAX_TRIES: Final = 12
LOOK_BACK_S: Final = 30.0
MAX_REMEMBERED: Final = 50_000
"""Rows remembered at most: Railway drops what exceeds 500 lines a second and replica, so this is seconds to minutes."""

_FIRST_PAUSE_S = 1.0
_FACTOR = 1.5
_MAX_PAUSE_S = 8.0
_LONG_LIFE_S = 30.0
_SPREAD = 0.5
"""Share of a pause that is left to chance, so that many clients do not return as one."""

_NS = 1_000_000_000
_MS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?\s*([Zz]|[+-]\d\d:?\d\d)")


def parse_nanoseconds(text: str) -> int | None:
    """An RFC 3339 text as nanoseconds since 1970; None when it is no such text."""
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        return None
    seconds, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(seconds + ("+00:00" if zone in "Zz" else zone))
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1) * _NS + int((fraction or "0").ljust(9, "0"))


def parse_timestamp(text: str) -> datetime | None:
    """An RFC 3339 text as a UTC datetime, to the microsecond; None when it is no such text."""
    nanoseconds = parse_nanoseconds(text)
    return None if nanoseconds is None else _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def milliseconds_from(nanoseconds: int) -> datetime:
    """The last whole millisecond at or before a moment: Railway's dates know no finer."""
    return _EPOCH + timedelta(milliseconds=nanoseconds // _MS)


def milliseconds_until(nanoseconds: int) -> datetime:
    """The first whole millisecond at or after a moment."""
    return _EPOCH + timedelta(milliseconds=-(-nanoseconds // _MS))


class Reconnects:
    """How long to wait before connecting again, and when to give up. Times are of one monotonic clock."""

    def __init__(self) -> None:
        self.failures = 0
        self._started = 0.0
        self._delivered = False

    def connecting(self, now: float) -> None:
        """A connection is about to be made."""
        self._started = now
        self._delivered = False

    def delivered(self) -> None:
        """The connection brought something."""
        self._delivered = True

    def pause_s(self, now: float, jitter: float) -> float | None:
        """Seconds to wait after the connection was lost, or None to give up.

        Args:
            now: The time.
            jitter: A random number from 0 to 1.
        """
        if self._delivered or now - self._started >= _LONG_LIFE_S:
            self.failures = 0
        self.failures += 1
        if self.failures >= MAX_TRIES:
            return None
        longest = min(_MAX_PAUSE_S, _FIRST_PAUSE_S * _FACTOR ** (self.failures - 1))
        return longest * (1 - _SPREAD * jitter)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time, in nanoseconds since 1970, whose rows did not fit into a backlog."""

    start: int
    end: int


class Tail(Generic[T]):
    """The end of a stream of rows, remembered so that the next connection can go on exactly there.

    A connection begins with a backlog that overlaps what was given before. Rows have no ids, and equal rows
    are not always the same row, so rows are counted: of each, as many are dropped as were given already. Rows
    from before the look-back are dropped unseen; they were given, or were older than the first backlog.

    Args:
        key: What makes two rows equal.
        at: A row's time in nanoseconds since 1970, or None.
        look_back_s: Seconds before the newest row within which rows may still be late or repeated.
        max_remembered: Rows remembered at most; beyond it the look-back is shorter.
    """

    def __init__(
        self,
        *,
        key: Callable[[T], Hashable],
        at: Callable[[T], int | None],
        look_back_s: float = LOOK_BACK_S,
        max_remembered: int = MAX_REMEMBERED,
    ) -> None:
        self._key = key
        self._at = at
        self._look_back = int(look_back_s * _NS)
        self._max = max_remembered
        self._given: deque[tuple[int, Hashable]] = deque()
        self._owed: Counter[Hashable] = Counter()
        self._newest: int | None = None
        self._forgotten: int | None = None
        self._floor: int | None = None
        self._may_have_gap = False

    def connect(self) -> int | None:
        """Begin a connection: the moment (in nanoseconds since 1970) to look back to, None on the first one."""
        self._owed = Counter(key for _, key in self._given)
        self._floor = self._look_back_to()
        self._may_have_gap = self._floor is not None
        return self._floor

    def gap(self, rows: Sequence[T], *, full: int) -> Gap | None:
        """What is missing before the first rows of a new connection.

        Args:
            rows: The backlog, oldest first.
            full: How many rows it holds at most: a shorter one lacks nothing.
        """
        may_have_gap, self._may_have_gap = self._may_have_gap, False
        return self._before(rows) if may_have_gap and len(rows) >= full else None

    def fill(self, older: Sequence[T], rows: Sequence[T], *, full: int) -> tuple[list[T], Gap | None]:
        """Put rows that were asked for in front of a backlog; also returns what is missing before those.

        Args:
            older: The rows up to and including the backlog's first moment, oldest first.
            rows: The backlog.
            full: How many rows could be asked for at once.
        """
        start = self._first(rows)
        if not older or start is None:
            return list(rows), None
        joined = [row for row in older if (self._at(row) or 0) <= start]
        joined += [row for row in rows if (self._at(row) or start + 1) > start]
        progressed = (self._first(older) or start) < start
        return joined, self._before(joined) if progressed and len(older) >= full else None

    def fresh(self, rows: Sequence[T]) -> Iterator[T]:
        """Those rows that were not given before; each counts as given when it is taken."""
        for row in rows:
            at, key = self._at(row), self._key(row)
            if self._floor is not None and at is not None and at < self._floor:
                continue
            if self._owed[key] > 0:
                self._owed[key] -= 1
                continue
            self._remember(at, key)
            yield row

    def _before(self, rows: Sequence[T]) -> Gap | None:
        start = self._first(rows)
        if self._floor is None or start is None or start <= self._floor:
            return None
        return Gap(self._floor, start)

    def _first(self, rows: Sequence[T]) -> int | None:
        return min((at for row in rows if (at := self._at(row)) is not None), default=None)

    def _look_back_to(self) -> int | None:
        if self._newest is None:
            return None
        floor = self._newest - self._look_back
        return floor if self._forgotten is None else max(floor, self._forgotten + 1)

    def _remember(self, at: int | None, key: Hashable) -> None:
        if at is not None:
            self._newest = at if self._newest is None else max(self._newest, at)
        self._given.append((at if at is not None else self._newest or 0, key))
        while len(self._given) > self._max:
            forgotten = self._given.popleft()[0]
            self._forgotten = forgotten if self._forgotten is None else max(self._forgotten, forgotten)
        while self._given and self._newest is not None and self._given[0][0] < self._newest - self._look_back:
            self._given.popleft()
