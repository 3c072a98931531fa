"""An asyncio event loop whose time passes only while everybody waits: hours of pacing take seconds."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

COMPUTING_S = 1e-6
"""What one round of the loop takes at least: in no real program does time stand still while it works."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Skips the time until the next timer instead of waiting for it.

    Args:
        on_advance: Called with the seconds that pass, so that other clocks can follow.
    """

    def __init__(self, on_advance: Callable[[float], None]) -> None:
        self._virtual_s = 0.0
        self._on_advance = on_advance
        super().__init__(_SkippingSelector(self._skip))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual_s

    def _skip(self, seconds: float) -> None:
        self._virtual_s += seconds
        self._on_advance(seconds)


class _SkippingSelector(selectors.DefaultSelector):
    """Looks at the sockets without waiting, and says how long it would have waited."""

    def __init__(self, skip: Callable[[float], None]) -> None:
        super().__init__()
        self._skip = skip

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the loop asks; `timeout` is None when only another thread could go on, which is really waited for."""
        if timeout is None:
            return super().select()
        self._skip(max(timeout, COMPUTING_S))
        return super().select(0)


class LoopClock:
    """The running loop's time, as the client waits on it."""

    def monotonic(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let that much of the loop's time pass."""
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, T], on_advance: Callable[[float], None]) -> T:
    """Run a coroutine to its end on a virtual-time loop."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(on_advance)) as runner:
        return runner.run(main)
