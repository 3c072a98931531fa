"""How many requests somebody may make: counted in Redis for all processes together, or in each one where there is none.

`limits` counts. That this process counts for itself while Redis is away, and the headers, are ours: what does both for
Flask takes an eighth of the time of a read.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Final

import redis
from flask import current_app, g, request
from limits import parse_many
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from werkzeug.exceptions import TooManyRequests

from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flask import Flask, Response
    from limits import RateLimitItem

    from reference_server.composition import Platform
    from reference_server.data.accounts import Principal

log = logging.getLogger("reference_server.rate_limits")

_LIMIT: Final = "_reference_server_rate_limit"
_GUESSING: Final = "guessing"
_UNLIMITED: Final = "unlimited"
_PREFIX: Final = "railway-saas"
_ALONE_S: Final = 5.0
"""How long each process counts for itself before it asks a Redis again that did not answer."""
_IPV6_NETWORK: Final = 64
"""Bits of an IPv6 address that name a customer's network: whoever has one has all 2^64 addresses of it.

Source: RFC 6177, section 2."""


def guessable(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that a password, a link or an address could be guessed with: counted by network, all such views together."""
    setattr(view, _LIMIT, _GUESSING)
    return view


def unlimited(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that others than customers call, e.g. Railway's webhooks or what asks whether the process lives."""
    setattr(view, _LIMIT, _UNLIMITED)
    return view


@dataclass(frozen=True, slots=True)
class Count:
    """How somebody stands with one limit after a request."""

    item: RateLimitItem
    is_allowed: bool
    remaining: int
    resets_in_s: int
    """When there is room for more, rounded up."""


class Counter:
    """Counts requests, with all other processes as long as Redis answers.

    Args:
        client: The Redis that all share; None: this process is alone.
    """

    def __init__(self, client: redis.Redis | None) -> None:
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = (
            None
            if client is None
            else SlidingWindowCounterRateLimiter(
                RedisStorage("redis://", connection_pool=client.connection_pool)  # the URL is the pool's
            )
        )
        self._alone_until = 0.0
        self._lock = threading.Lock()

    def count(self, items: Iterable[RateLimitItem], *who: str) -> Sequence[Count]:
        """Count one request of somebody against each of their limits."""
        if self._shared is not None and time.monotonic() >= self._alone_until:
            try:
                return [_counted(self._shared, item, who) for item in items]
            except (redis.RedisError, OSError) as error:
                self._go_alone(error)
        return [_counted(self._own, item, who) for item in items]

    def _go_alone(self, error: Exception) -> None:
        with self._lock:
            was_told = time.monotonic() < self._alone_until
            self._alone_until = time.monotonic() + _ALONE_S
        if not was_told:
            log.warning("Redis does not answer (%s): every process counts for itself", type(error).__name__)


def _counted(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItem, who: Sequence[str]) -> Count:
    is_allowed = limiter.hit(item, _PREFIX, *who)
    stats = limiter.get_window_stats(item, _PREFIX, *who)
    return Count(item, is_allowed, stats.remaining, max(1, math.ceil(stats.reset_time - time.time())))


def register(app: Flask, platform: Platform) -> None:
    """Count every request, once it is known who asks; the answer's headers say what is left.

    Raises:
        ConfigurationError: A limit cannot be read.
    """
    settings = platform.settings
    guesses = _items("RATE_LIMIT_LOGIN", settings.rate_limit_login)
    requests = _items("RATE_LIMIT_API", settings.rate_limit_api)
    counter = Counter(platform.redis)

    def check() -> None:
        mark = _mark()
        if mark == _UNLIMITED:
            return
        counts = [*counter.count(guesses, network(), _GUESSING)] if mark == _GUESSING else []
        counts += counter.count(requests, _whoever_asks(), "api")
        g.rate_limit = min(counts, key=lambda one: (one.is_allowed, one.item))
        if not g.rate_limit.is_allowed:
            raise _too_many(g.rate_limit)

    app.before_request(check)
    app.after_request(_tell)


def _items(name: str, limit: str) -> Sequence[RateLimitItem]:
    try:
        return parse_many(limit)
    except ValueError:
        raise ConfigurationError(f"{name}={limit!r}: must be like `10 per minute`") from None


def _too_many(count: Count) -> TooManyRequests:
    return TooManyRequests(
        f"At most {count.item}. Try again in {count.resets_in_s} s.", retry_after=count.resets_in_s
    )


def _tell(response: Response) -> Response:
    count: Count | None = g.pop("rate_limit", None)
    if count is not None:
        response.headers["RateLimit-Limit"] = str(count.item.amount)
        response.headers["RateLimit-Remaining"] = str(count.remaining)
        response.headers["RateLimit-Reset"] = str(count.resets_in_s)
    return response


def _mark() -> str | None:
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, _LIMIT, None)


def _whoever_asks() -> str:
    found: Principal | None = g.get("principal")
    if found is None:
        return network()
    return f"key:{found.api_key_id}" if found.api_key_id else f"user:{found.user.id}"


def network() -> str:
    """Where the request comes from: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{int(address) >> (128 - _IPV6_NETWORK):x}/{_IPV6_NETWORK}"
