"""Waiting for the rate budget: a thread-safe pacer, one for asyncio, and the interface for your own.

Each lane has one caller at its head that asks for budget; the rest of the lane queues behind it. So a sweep
of ten thousand reads holds one place at the counter, and a click waits for one slot, not for the sweep.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from aiolimiter import AsyncLimiter

from railway_saas._core.operation import Lane
from railway_saas._core.pacing import RateBudget, RateHeaders, SlotBucket, burst_and_rate
from railway_saas.errors import RailwayRateLimitError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from railway_saas.config import RateLimit
    from railway_saas.railway._clock import AsyncClock, Clock

_LOOK_AGAIN_S = 5.0
"""The longest sleep before asking again: an answer may meanwhile have told of a larger quota."""


class Pacer(Protocol):
    """Decides when a request may leave. Share one between all clients that use the same token."""

    def acquire(self, lane: Lane, timeout_s: float) -> None:
        """Return when one request may be sent.

        Raises:
            RailwayRateLimitError: That would take longer than `timeout_s`; nothing was sent.
        """
        ...

    def observe(self, headers: RateHeaders) -> None:
        """Learn from an answer's headers."""
        ...

    def pause(self, seconds: float) -> None:
        """Let nothing leave for so many seconds."""
        ...


class AsyncPacer(Protocol):
    """The same for asyncio."""

    async def acquire(self, lane: Lane, timeout_s: float) -> None:
        """Return when one request may be sent.

        Raises:
            RailwayRateLimitError: That would take longer than `timeout_s`; nothing was sent.
        """
        ...

    def observe(self, headers: RateHeaders) -> None:
        """Learn from an answer's headers."""
        ...

    def pause(self, seconds: float) -> None:
        """Let nothing leave for so many seconds."""
        ...


def _over_budget(lane: Lane, wait_s: float) -> RailwayRateLimitError:
    return RailwayRateLimitError(
        f"the rate budget of the {lane.name.lower()} lane is used up for another {wait_s:.0f} s, which is longer "
        "than this call may take; nothing was sent",
        transient=True,
        retry_after_s=wait_s,
        attempts=0,
    )


class ThreadPacer:
    """Paces all threads of a process that share one token."""

    def __init__(self, limit: RateLimit, clock: Clock) -> None:
        self._clock = clock
        self._budget = RateBudget(limit)
        self._slots = SlotBucket(self._budget.per_second)
        self._lock = threading.Lock()
        self._heads = {lane: threading.Lock() for lane in Lane}
        self._waiting: set[Lane] = set()

    def acquire(self, lane: Lane, timeout_s: float) -> None:
        """Block this thread until one request may be sent; see `Pacer.acquire`."""
        deadline = self._clock.monotonic() + timeout_s
        if not self._heads[lane].acquire(timeout=timeout_s):
            raise _over_budget(lane, timeout_s)
        try:
            self._wait_at_head(lane, deadline)
        finally:
            with self._lock:
                self._waiting.discard(lane)
            self._heads[lane].release()

    def _wait_at_head(self, lane: Lane, deadline: float) -> None:
        while (wait_s := self._reserve(lane)) > 0:
            if self._clock.monotonic() + wait_s > deadline:
                raise _over_budget(lane, wait_s)
            self._clock.sleep(min(wait_s, _LOOK_AGAIN_S))

    def _reserve(self, lane: Lane) -> float:
        """Take a slot and a request of the quota together, or neither; seconds to wait."""
        with self._lock:
            now = self._clock.monotonic()
            if any(other < lane for other in self._waiting):
                return 1 / self._slots.sustained
            wait_s = self._slots.peek(now)
            if wait_s > 0:
                self._waiting.add(lane)
                return wait_s
            wait_s = self._budget.reserve(now, lane)
            if wait_s > 0:  # out of quota: must not hold up lanes that still have some
                self._waiting.discard(lane)
                return wait_s
            self._slots.take(now)
            return 0.0

    def observe(self, headers: RateHeaders) -> None:
        """Learn from an answer's headers."""
        with self._lock:
            self._budget.observe(self._clock.monotonic(), headers)
            self._slots.set_rate(self._budget.per_second)

    def pause(self, seconds: float) -> None:
        """Let nothing leave for so many seconds."""
        with self._lock:
            self._budget.pause(self._clock.monotonic(), seconds)


class _LoopState:
    """What belongs to one event loop: its queues and its limiter."""

    def __init__(self, per_second: float) -> None:
        burst, rate = burst_and_rate(per_second)
        self.per_second = per_second
        self.limiter = AsyncLimiter(burst, burst / rate)
        self.heads = {lane: asyncio.Lock() for lane in Lane}
        self._turn = asyncio.Condition()
        self._taken = False
        self._waiting: list[Lane] = []

    @asynccontextmanager
    async def turn(self, lane: Lane) -> AsyncGenerator[None]:
        """One head at a time, the most urgent first."""
        self._waiting.append(lane)
        try:
            async with self._turn:
                await self._turn.wait_for(lambda: not self._taken and min(self._waiting) == lane)
                self._taken = True
        finally:
            self._waiting.remove(lane)
        try:
            yield
        finally:
            async with self._turn:
                self._taken = False
                self._turn.notify_all()


class LoopPacer:
    """Paces all tasks of a process that share one token; the rate per second is kept for each event loop."""

    def __init__(self, limit: RateLimit, clock: AsyncClock) -> None:
        self._clock = clock
        self._budget = RateBudget(limit)
        self._lock = threading.Lock()  # held for arithmetic only, never while waiting
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopState] = (
            weakref.WeakKeyDictionary()
        )

    async def acquire(self, lane: Lane, timeout_s: float) -> None:
        """Wait until one request may be sent; see `AsyncPacer.acquire`."""
        deadline = self._clock.monotonic() + timeout_s
        state = self._state()
        try:
            async with asyncio.timeout(timeout_s), state.heads[lane]:
                await self._wait_for_quota(lane, deadline)
                async with state.turn(lane):
                    await state.limiter.acquire()
        except TimeoutError:
            raise _over_budget(lane, timeout_s) from None

    async def _wait_for_quota(self, lane: Lane, deadline: float) -> None:
        while (wait_s := self._reserve(lane)) > 0:
            if self._clock.monotonic() + wait_s > deadline:
                raise _over_budget(lane, wait_s)
            await self._clock.sleep(min(wait_s, _LOOK_AGAIN_S))

    def _reserve(self, lane: Lane) -> float:
        with self._lock:
            return self._budget.reserve(self._clock.monotonic(), lane)

    def _state(self) -> _LoopState:
        loop = asyncio.get_running_loop()
        state = self._loops.get(loop)
        if state is None or state.per_second != self._budget.per_second:
            state = self._loops[loop] = _LoopState(self._budget.per_second)
        return state

    def observe(self, headers: RateHeaders) -> None:
        """Learn from an answer's headers."""
        with self._lock:
            self._budget.observe(self._clock.monotonic(), headers)

    def pause(self, seconds: float) -> None:
        """Let nothing leave for so many seconds."""
        with self._lock:
            self._budget.pause(self._clock.monotonic(), seconds)
