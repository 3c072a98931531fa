"""Clocks that stand still until something sleeps on them."""

from __future__ import annotations

import asyncio
import threading


class FakeClock:
    """Sleeping takes no time and moves the clock; `slept` tells how long each sleep was."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds


class AsyncFakeClock(FakeClock):
    """The same for asyncio: other tasks run meanwhile."""

    async def sleep(self, seconds: float) -> None:  # type: ignore[override]
        super().sleep(seconds)
        await asyncio.sleep(0)
