"""Streams that stay open: how many a process bears, how long each may last, and how all of them end. No HTTP here."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from railway_saas import RailwaySaasError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from uuid import UUID

PAUSE_S: Final = 1.0
"""Between two looks at what is polled."""
HEARTBEAT_S: Final = 15.0
"""Proxies close what is silent for longer than 30 to 60 s; a write is also how a closed browser is noticed."""
RECHECK_S: Final = 5.0
"""How soon a stream ends after the session that it belongs to."""
LONG_ANSWERS: Final[WeakSet[object]] = WeakSet()
"""Connections whose answer is a stream, so that whoever looks after connections gives them its time."""


class StreamsFullError(Exception):
    """The process, or the user, has as many open streams as may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How much streams may take of a process whose every stream holds a thread."""

    per_process: int
    per_user: int
    longest_s: float
    pause_s: float = PAUSE_S
    heartbeat_s: float = HEARTBEAT_S
    recheck_s: float = RECHECK_S

    @classmethod
    def for_threads(cls, threads: int, *, most: int, longest_s: float) -> StreamLimits:
        """`most` of them, or half of the threads where it is 0; a user may have half of those."""
        per_process = most or max(1, threads // 2)
        return cls(per_process=per_process, per_user=max(1, per_process // 2), longest_s=longest_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to push."""

    event: str
    data: dict[str, Any]
    id: str | None = None
    """Where a client goes on that was cut off after this one."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a stream is over: `time`, `shutdown`, `session`, `gone` or `error`."""

    reason: str


class Streams:
    """All open streams of a process.

    Args:
        limits: How many, how long.
        monotonic: Seconds, for the length of a stream: real ones, also where the platform's clock stands still.
    """

    def __init__(self, limits: StreamLimits, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._monotonic = monotonic
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: Counter[UUID] = Counter()

    @property
    def count(self) -> int:
        """How many are open."""
        with self._lock:
            return self._open.total()

    def close(self) -> None:
        """Have all of them end: within a pause, or with the next thing that they push."""
        self._stop.set()

    @property
    def closing(self) -> bool:
        """Whether the process is about to stop."""
        return self._stop.is_set()

    def take(self, user_id: UUID) -> Callable[[], None]:
        """Have a place; what gives it back, once, however often it is called.

        Raises:
            StreamsFullError: There is none.
        """
        with self._lock:
            is_full = self._open.total() >= self.limits.per_process
            if self.closing or is_full or self._open[user_id] >= self.limits.per_user:
                raise StreamsFullError
            self._open[user_id] += 1
        return _Place(self._lock, self._open, user_id).give_back

    def polled(self, look: Callable[[], Iterable[Message]]) -> Generator[Iterable[Message]]:
        """What looking again and again finds; ends at shutdown."""
        while not self.closing:
            yield look()
            self.pause()

    def pause(self) -> None:
        """Wait between two looks; at shutdown not at all."""
        self._stop.wait(self.limits.pause_s)

    def run(
        self, batches: Iterator[Iterable[Message]], *, may_go_on: Callable[[], bool]
    ) -> Generator[Message | Ended | None]:
        """What to push, in its order. None: nothing for a while, to be pushed as a sign of life.

        Args:
            batches: What there is to push; an empty batch now and then, so that time can be looked at.
            may_go_on: Whether whoever asked is still logged in.
        """
        begun = pushed = checked = self._monotonic()
        try:
            for batch in batches:
                for message in batch:
                    yield message
                    pushed = self._monotonic()
                now = self._monotonic()
                if now - checked >= self.limits.recheck_s:
                    checked = now
                    if not may_go_on():
                        yield Ended("session")
                        return
                if self.closing or now - begun >= self.limits.longest_s:
                    break
                if now - pushed >= self.limits.heartbeat_s:
                    pushed = now
                    yield None
            yield Ended("shutdown" if self.closing else "time")
        except RailwaySaasError:
            yield Ended("error")  # the client comes again by itself, and the next answer says what is wrong
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()


class _Place:
    def __init__(self, lock: threading.Lock, places: Counter[UUID], user_id: UUID) -> None:
        self._lock = lock
        self._places = places
        self._user_id = user_id
        self._is_held = True

    def give_back(self) -> None:
        with self._lock:
            if not self._is_held:
                return
            self._is_held = False
            self._places[self._user_id] -= 1
            if self._places[self._user_id] <= 0:
                del self._places[self._user_id]
