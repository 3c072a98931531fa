"""An event loop whose time jumps to the next thing that is due, so that hours pass in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


_STEP_S = 1e-6
"""What each turn of the loop takes at least: a wait lost in rounding must end all the same."""


class _JumpingSelector(selectors.DefaultSelector):
    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("every task waits for another: nothing will ever happen")
            self.loop.now += max(timeout, _STEP_S)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 1,000 seconds."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.loop = self
        self.now = 1_000.0

    def time(self) -> float:
        return self.now


class LoopClock:
    """The running loop's own time."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
