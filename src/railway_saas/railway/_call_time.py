"""What is left of the time of the call that this thread is in."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_ends_at: ContextVar[float] = ContextVar("railway_saas_call_ends_at", default=math.inf)


@contextmanager
def deadline(seconds: float) -> Generator[None]:
    """Let reads and writes of this thread take no longer than so many seconds in all."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def left_s() -> float:
    """Seconds until the call's time is over; infinite outside of one, negative when it is over."""
    return _ends_at.get() - time.monotonic()
