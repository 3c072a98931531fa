"""Waiting for the rate budget: a thread-safe pacer, one for asyncio, and the interface for your own.

Each lane has one caller at its head that asks for budget; the rest of the lane queues behind it. So a sweep
of ten thousand reads holds one place at the counter, and a click waits for one slot, not for the sweep.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Protocol

from aiolimiter import AsyncLimiter

from railway_saas._core.operation import Lane
from railway_saas._core.pacing import RateBudget, RateHeaders, Spacing, depth_and_rate
from railway_saas.errors import RailwayRateLimitError

if TYPE_CHECKING:
    from railway_saas.config import RateLimit
    from railway_saas.railway._clock import AsyncClock, Clock

LOOK_AGAIN_S = 5.0
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


def over_budget(lane: Lane, wait_s: float) -> RailwayRateLimitError:
    """What a call is told that would have to wait too long."""
    return RailwayRateLimitError(
        f"the rate budget of the {lane.name.lower()} lane is used up for another {wait_s:.0f} s, which is longer "
        "than this call may take; nothing was sent",
        transient=True,
        retry_after_s=wait_s,
    )


class SharedBudget:
    """What all threads and event loops of a process share. Its lock is held for arithmetic only."""

    def __init__(self, limit: RateLimit, clock: Clock | AsyncClock) -> None:
        self._clock = clock
        self._budget = RateBudget(limit)
        self._spacing = Spacing(self._budget.per_second)
        self._lock = threading.Lock()
        self._next_in_line: set[Lane] = set()

    def observe(self, headers: RateHeaders) -> None:
        """Learn from an answer's headers."""
        with self._lock:
            self._budget.observe(self._clock.monotonic(), headers)
            self._spacing.set_rate(self._budget.per_second)

    def pause(self, seconds: float) -> None:
        """Let nothing leave for so many seconds."""
        with self._lock:
            self._budget.pause(self._clock.monotonic(), seconds)

    def _reserve(self, lane: Lane) -> float:
        """Take a place in this second and a request of the quota together, or neither; seconds to wait."""
        with self._lock:
            now = self._clock.monotonic()
            if any(other < lane for other in self._next_in_line):
                return self._spacing.interval_s
            wait_s = self._spacing.wait_s(now)
            if wait_s > 0:
                self._next_in_line.add(lane)
                return wait_s
            self._next_in_line.discard(lane)  # out of quota, it must not hold up lanes that still have some
            wait_s = self._budget.reserve(now, lane)
            if wait_s == 0:
                self._spacing.take()
            return wait_s

    def _nap_s(self, lane: Lane, wait_s: float, deadline: float) -> float:
        """How long to sleep before asking again; raises when the wait cannot end in time."""
        if self._clock.monotonic() + wait_s > deadline:
            raise over_budget(lane, wait_s)
        return min(wait_s, LOOK_AGAIN_S)

    def _leave_line(self, lane: Lane) -> None:
        with self._lock:
            self._next_in_line.discard(lane)


class ThreadPacer(SharedBudget):
    """Paces all threads of a process that share one token."""

    def __init__(self, limit: RateLimit, clock: Clock) -> None:
        super().__init__(limit, clock)
        self._sleep = clock.sleep
        self._heads = {lane: threading.Lock() for lane in Lane}
        self._pid = os.getpid()

    def acquire(self, lane: Lane, timeout_s: float) -> None:
        """Block this thread until one request may be sent; see `Pacer.acquire`."""
        deadline = self._clock.monotonic() + timeout_s
        head = self._head(lane)
        if not head.acquire(timeout=timeout_s):
            raise over_budget(lane, timeout_s)
        try:
            while (wait_s := self._reserve(lane)) > 0:
                self._sleep(self._nap_s(lane, wait_s, deadline))
        finally:
            self._leave_line(lane)
            head.release()

    def _head(self, lane: Lane) -> threading.Lock:
        """The lane's lock. A forked child has only one thread, and the locks that others held are held for ever."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._lock = threading.Lock()
            self._next_in_line.clear()
            self._heads = {one: threading.Lock() for one in Lane}
        return self._heads[lane]


class _Turn:
    """Held by one head at a time, and handed on to the most urgent lane that waits."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: dict[Lane, asyncio.Future[None]] = {}

    async def acquire(self, lane: Lane) -> None:
        if not self._taken:
            self._taken = True
            return
        mine = self._waiting[lane] = asyncio.get_running_loop().create_future()
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # cancelled just after it was handed over
                self.release()
            elif self._waiting.get(lane) is mine:  # the lane's next head may have taken the place already
                del self._waiting[lane]
            raise

    def release(self) -> None:
        while self._waiting:
            waiter = self._waiting.pop(min(self._waiting))
            if not waiter.done():  # a task that was cancelled in this very cycle has not woken up to say so
                waiter.set_result(None)
                return
        self._taken = False


class _LoopState:
    """What belongs to one event loop: its queues and its limiter."""

    def __init__(self) -> None:
        self._per_second = 0.0
        self.limiter = AsyncLimiter(1, 1)
        self.heads = {lane: asyncio.Lock() for lane in Lane}
        self.turn = _Turn()

    def set_rate(self, per_second: float) -> None:
        """Follow what was learned about the plan."""
        if per_second != self._per_second:
            self._per_second = per_second
            depth, rate = depth_and_rate(per_second)
            self.limiter = AsyncLimiter(depth, depth / rate)

    @property
    def idle(self) -> bool:
        """Whether nobody waits who would be overtaken."""
        return not any(head.locked() for head in self.heads.values())


class LoopPacer(SharedBudget):
    """Paces all tasks of a process that share one token.

    aiolimiter keeps the tasks of one event loop apart; it belongs to that loop. The shared budget holds for all
    loops together, and has just enough room that a single loop never waits for it.
    """

    def __init__(self, limit: RateLimit, clock: AsyncClock) -> None:
        super().__init__(limit, clock)
        self._sleep = clock.sleep
        self._loops: dict[asyncio.AbstractEventLoop, _LoopState] = {}

    async def acquire(self, lane: Lane, timeout_s: float) -> None:
        """Wait until one request may be sent; see `AsyncPacer.acquire`."""
        state = self._state()
        if state.idle and state.limiter.has_capacity() and self._reserve(lane) == 0:
            await state.limiter.acquire()  # there is room: comes back at once
            return
        deadline = self._clock.monotonic() + timeout_s
        late = False
        try:
            async with asyncio.timeout(timeout_s), state.heads[lane]:
                await self._wait_at_head(state, lane, deadline)
        except TimeoutError:
            late = True
        if late:
            raise over_budget(lane, timeout_s)

    async def _wait_at_head(self, state: _LoopState, lane: Lane, deadline: float) -> None:
        try:
            while (wait_s := await self._take_turn(state, lane)) > 0:
                await self._sleep(self._nap_s(lane, wait_s, deadline))
        finally:
            self._leave_line(lane)

    async def _take_turn(self, state: _LoopState, lane: Lane) -> float:
        await state.turn.acquire(lane)
        try:
            await state.limiter.acquire()
            return self._reserve(lane)
        finally:
            state.turn.release()

    def _state(self) -> _LoopState:
        loop = asyncio.get_running_loop()
        with self._lock:
            state = self._loops.get(loop)
            if state is None:
                # A state holds on to its loop, so weak references would keep every loop for ever.
                self._loops = {one: known for one, known in self._loops.items() if not one.is_closed()}
                state = self._loops[loop] = _LoopState()
            state.set_rate(self._budget.per_second)
            return state
