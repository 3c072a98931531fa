"""The one clock of an emulator, and the queue of what is going to happen.

Two modes. A *stepping* clock stands still until `advance` is called: nothing sleeps and every run is the same. A
*running* clock follows real time, `speed` times as fast. In both, everything that changes by itself (a
deployment's status, a certificate, a cron run) is an event with a due time; events run in order, each at exactly
its own time, before anything looks at the world.
"""

from __future__ import annotations

import heapq
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""Where a stepping clock starts unless told otherwise: a Monday morning."""


class Timer:
    """One event in the queue; `cancel` takes it out."""

    __slots__ = ("action", "due")

    def __init__(self, due: datetime, action: Callable[[], object]) -> None:
        self.due = due
        self.action: Callable[[], object] | None = action

    def cancel(self) -> None:
        """Make sure the event never runs. Harmless when it already has."""
        self.action = None


class EmulatorClock:
    """Emulated time, always aware UTC.

    Args:
        start: First moment. Default: `DEFAULT_START` for a stepping clock, now for a running one.
        speed: Emulated seconds per real second; None makes a stepping clock.
        monotonic: Where real seconds come from.
    """

    def __init__(
        self,
        *,
        start: datetime | None = None,
        speed: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed is not None and speed <= 0:
            raise ValueError(f"speed must be a number above 0, not {speed}")
        self.speed = speed
        self.lock = threading.RLock()
        """Held by whoever looks at or changes the world."""
        self.on_earlier: Callable[[], None] | None = None
        """Called when an event was queued that is due before all others, so that a waiting thread looks again."""
        self._monotonic = monotonic
        self._start = start or (DEFAULT_START if speed is None else datetime.now(UTC))
        self._now = self._start
        self._anchor = monotonic()
        self._queue: list[tuple[datetime, int, Timer]] = []
        self._sequence = 0

    @property
    def stepping(self) -> bool:
        """Whether time stands still between calls of `advance`."""
        return self.speed is None

    def now(self) -> datetime:
        """The present moment; it does not move while one request or one event is being handled."""
        return self._now

    def present(self) -> datetime:
        """The present moment of a clock that nobody has looked at for a while: catch up first."""
        with self.lock:
            self.tick()
            return self._now

    def call_at(self, due: datetime, action: Callable[[], object]) -> Timer:
        """Queue an event. One that is due in the past runs at the next `tick`."""
        timer = Timer(due, action)
        self._sequence += 1
        heapq.heappush(self._queue, (due, self._sequence, timer))
        if self.on_earlier is not None and self._queue[0][2] is timer:
            self.on_earlier()
        return timer

    def call_later(self, delay_s: float, action: Callable[[], object]) -> Timer:
        """Queue an event `delay_s` emulated seconds from now."""
        return self.call_at(self._now + timedelta(seconds=delay_s), action)

    def tick(self) -> None:
        """Catch up with real time (running clock) and run every event that is due."""
        with self.lock:
            self._run_until(self._wall() if self.speed is not None else self._now)

    def advance(self, seconds: float) -> None:
        """Move time forward, running every event on the way. A running clock jumps ahead and runs on from there.

        Raises:
            ValueError: `seconds` is negative: time never goes back.
        """
        with self.lock:
            self.tick()
            self.advance_to(self._now + timedelta(seconds=seconds))

    def advance_to(self, moment: datetime) -> None:
        """Move time forward to a moment (aware), running every event on the way.

        Raises:
            ValueError: The moment has passed.
        """
        with self.lock:
            if moment < self._now:
                raise ValueError(f"time never goes back: it is {self._now.isoformat()}")
            if self.speed is not None:
                self._start += max(timedelta(), moment - self._wall())
            self._run_until(moment)

    def seconds_until_next(self) -> float | None:
        """Real seconds until the next event is due on a running clock; None when nothing is queued."""
        with self.lock:
            self._drop_cancelled()
            if not self._queue or self.speed is None:
                return None
            return max(0.0, (self._queue[0][0] - self._wall()).total_seconds() / self.speed)

    def _wall(self) -> datetime:
        elapsed_s = (self._monotonic() - self._anchor) * (self.speed or 0)
        return self._start + timedelta(seconds=elapsed_s)

    def _run_until(self, moment: datetime) -> None:
        while self._queue and self._queue[0][0] <= moment:
            due, _, timer = heapq.heappop(self._queue)
            if timer.action is not None:
                self._now = max(self._now, due)
                timer.action()
        self._now = max(self._now, moment)

    def _drop_cancelled(self) -> None:
        while self._queue and self._queue[0][2].action is None:
            heapq.heappop(self._queue)
