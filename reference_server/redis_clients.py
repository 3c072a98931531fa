"""How this process opens Redis: a Redis that does not answer is given up soon, and not tried again within the same call.

Everything that uses it goes on without it, so waiting for it would cost more than it brings.
"""

from __future__ import annotations

from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S: Final = 0.5
"""A Redis that does not answer holds a request up for no longer."""


def open_redis(url: str) -> redis.Redis:
    """A client with a pool of its own; close it."""
    return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )
