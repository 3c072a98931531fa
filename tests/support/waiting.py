"""Waiting for processes and threads that a test cannot step. Anything else is stepped, or has a clock of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LOOK_EVERY_S = 0.05


def eventually(look: Callable[[], T], *, seconds: float = 30.0, what: Callable[[], str] | str = "it") -> T:
    """What a look gives once it is true.

    Raises:
        AssertionError: It did not come about in time; says `what`.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{what if isinstance(what, str) else what()} did not come about in {seconds:.0f} s"
            )
        time.sleep(_LOOK_EVERY_S)
