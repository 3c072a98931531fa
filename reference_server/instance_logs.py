"""Log lines of an instance: pages of them, and following them. No HTTP here."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from railway_saas.railway.operations import logs as log_operations

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from railway_saas import RailwayClient
    from railway_saas.railway.models.logs import Log
    from reference_server.streaming import Streams

BACKLOG: Final = 100
"""Lines that a stream begins with."""
_DIGEST_CHARACTERS: Final = 12
SAME_MOMENT: Final = 100
"""Lines of one millisecond, the finest that Railway counts in, that are told apart between two pages."""
_A_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE: Final = re.compile(r"([1-9][0-9]{0,15})~([0-9a-f]{12})", re.ASCII)
"""Microseconds up to the year 2286."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which lines."""

    text: str | None = None
    level: str | None = None
    railway_service_id: str | None = None

    def in_railways_words(self) -> str | None:
        """Railway's filter language. What a customer types stays a phrase: quotes cannot be written inside one.

        Source: docs.railway.com/guides/logs, "Filtering logs".
        """
        parts = [
            f"@service:{self.railway_service_id}" if self.railway_service_id else "",
            f"@level:{self.level}" if self.level else "",
            f'"{self.text.replace(chr(34), " ")}"' if self.text and self.text.strip() else "",
        ]
        return " AND ".join(part for part in parts if part) or None


@dataclass(frozen=True, slots=True)
class LinePlace:
    """Where a line stands: its moment in microseconds since 1970, and what tells it from others of the same moment."""

    microseconds: int
    digest: str

    def __str__(self) -> str:
        return f"{self.microseconds}~{self.digest}"

    @property
    def moment(self) -> datetime:
        """When it was written."""
        return _EPOCH + timedelta(microseconds=self.microseconds)

    @classmethod
    def of(cls, line: Log) -> LinePlace | None:
        """That of a line; None where its moment cannot be read."""
        if line.at is None:
            return None
        digest = hashlib.sha256(repr(log_operations.log_key(line)).encode(errors="replace")).hexdigest()
        return cls((line.at - _EPOCH) // timedelta(microseconds=1), digest[:_DIGEST_CHARACTERS])

    @classmethod
    def read(cls, text: str) -> LinePlace:
        """What `str` wrote.

        Raises:
            ValueError: It is none.
        """
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ValueError("not the place of a log line")
        return cls(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class LinePage:
    """Some lines, oldest first, and where to go on for older ones; None: there are none."""

    lines: Sequence[Log]
    older: LinePlace | None


def lines_before(
    client: RailwayClient, environment_id: str, lines: LogFilter, *, before: LinePlace | None, limit: int
) -> LinePage:
    """The newest lines before a place: none of them twice from page to page, though several have the same moment."""
    words = lines.in_railways_words()
    asked = limit + (1 if before is None else SAME_MOMENT)
    if before is None:
        found = client.logs.environment(environment_id, limit=asked, filter=words)
    else:
        found = client.logs.environment_around(
            environment_id,
            anchor_date=before.moment + _A_MILLISECOND,
            before_limit=asked,
            filter=words,
        )
    kept = _before(found, before)
    page = kept[-limit:]
    has_more = len(kept) > limit or len(found) >= asked
    places = (LinePlace.of(line) for line in page)
    return LinePage(page, next((one for one in places if one), None) if has_more else None)


def _before(lines: Sequence[Log], place: LinePlace | None) -> Sequence[Log]:
    if place is None:
        return lines
    places = [LinePlace.of(line) for line in lines]
    if place in places:
        return lines[: places.index(place)]
    return [
        line
        for line, one in zip(lines, places, strict=True)
        if one is not None and one.microseconds < place.microseconds
    ]


class LogTail:
    """Follows the lines of an environment, without loss or repeats, from a place on.

    Railway pushes them over one connection. Where there are no sockets, as with an emulator in this process, they are
    asked for again and again, which costs nothing there.

    Args:
        client: The Railway client.
        streams: Says when to stop.
        has_sockets: Whether Railway can push.
    """

    def __init__(self, client: RailwayClient, streams: Streams, *, has_sockets: bool) -> None:
        self._client = client
        self._streams = streams
        self._has_sockets = has_sockets

    def follow(
        self, environment_id: str, lines: LogFilter, *, after: LinePlace | None
    ) -> Generator[Sequence[Log]]:
        """Lines as they come; empty ones now and then."""
        if self._has_sockets:
            return self._pushed(environment_id, lines, after)
        return self._asked(environment_id, lines, after)

    def _pushed(
        self, environment_id: str, lines: LogFilter, after: LinePlace | None
    ) -> Generator[Sequence[Log]]:
        operation = log_operations.stream_environment(
            environment_id,
            limit=BACKLOG if after is None else log_operations.MAX_ROWS,
            filter=lines.in_railways_words(),
            since=_a_little_before(after),
        )
        seen = _Seen(after)
        is_backlog = True  # which alone may hold what was given before
        for batch in self._client.subscribe(operation, idle_s=self._streams.limits.pause_s):
            yield seen.fresh(batch or ()) if is_backlog else tuple(batch or ())
            is_backlog = is_backlog and not batch

    def _asked(
        self, environment_id: str, lines: LogFilter, after: LinePlace | None
    ) -> Generator[Sequence[Log]]:
        seen, words = _Seen(after), lines.in_railways_words()
        while not self._streams.closing:
            yield seen.fresh(
                self._client.logs.environment(
                    environment_id,
                    limit=BACKLOG if seen.last is None else log_operations.MAX_ROWS,
                    filter=words,
                    start_date=_a_little_before(seen.last),
                )
            )
            self._streams.pause()


def _a_little_before(place: LinePlace | None) -> datetime | None:
    """From when on to ask: Railway counts in milliseconds."""
    return None if place is None else place.moment - _A_MILLISECOND


class _Seen:
    """Which lines were given already, where they come in the order of time."""

    def __init__(self, after: LinePlace | None) -> None:
        self.last = after
        self._at_last: set[str] = set() if after is None else {after.digest}

    def fresh(self, batch: Iterable[Log]) -> list[Log]:
        """Those that were not."""
        return [line for line in batch if self._note(LinePlace.of(line))]

    def _note(self, place: LinePlace | None) -> bool:
        if place is None:
            return True
        if self.last is None or place.microseconds > self.last.microseconds:
            self.last, self._at_last = place, {place.digest}
            return True
        if place.microseconds < self.last.microseconds or place.digest in self._at_last:
            return False
        self._at_last.add(place.digest)
        return True
