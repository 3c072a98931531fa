"""How this process opens Redis: a Redis that does not answer is given up soon, and not tried again within the same call.

Everything that uses it goes on without it, so waiting for it would cost more than it brings.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S: Final = 0.5
"""A Redis that does not answer holds a request up for no longer."""


def open_redis(url: str) -> redis.Redis:
    """A client with a pool of its own; close it."""
    return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


class Absence:
    """A Redis that did not answer is left alone for a while, so that not every request waits for it to fail again.

    Args:
        now: Seconds, from any beginning, that never go back.
    """

    LASTS_S: Final = 5.0

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._until = float("-inf")
        self._lock = threading.Lock()

    @property
    def lasts(self) -> bool:
        """Whether it is to be left alone now."""
        return self._now() < self._until

    def begin(self) -> bool:
        """It did not answer; whether that is news."""
        with self._lock:
            is_news = not self.lasts
            self._until = self._now() + self.LASTS_S
        return is_news

    def end(self) -> None:
        """It answers."""
        self._until = float("-inf")
