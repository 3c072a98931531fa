"""How many requests somebody may make: counted in Redis for all processes together, or in each one where there is none.

Written here, as every request pays for it: what counts for Flask asks Redis three times and took an eighth of the time of
a read (docs/adr/0018). `limits` reads what the settings say.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import redis
from flask import current_app, g, request
from limits import parse_many
from werkzeug.exceptions import TooManyRequests

from reference_server.redis_clients import Absence

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
    """When the present window ends, rounded up."""


class Counter:
    """Counts requests by sliding windows: those of the window before weigh as much as it still overlaps.

    With all other processes, as long as Redis answers; else each process counts for itself.

    Args:
        client: The Redis that all share; None: this process is alone.
        now: Seconds since the epoch.
    """

    def __init__(self, client: redis.Redis | None, *, now: Callable[[], float] = time.time) -> None:
        self._own = _OwnWindows()
        self._shared = None if client is None else _SharedWindows(client)
        self._now = now
        self._absence = Absence()

    def count(self, items: Iterable[RateLimitItem], *who: str) -> Sequence[Count]:
        """Count one request of somebody against each of their limits."""
        if self._shared is not None and not self._absence.lasts:
            try:
                return [self._count(self._shared, item, who) for item in items]
            except (redis.RedisError, OSError) as error:
                if self._absence.begin():
                    log.warning(
                        "Redis does not answer (%s): every process counts for itself", type(error).__name__
                    )
        return [self._count(self._own, item, who) for item in items]

    def _count(self, windows: _Windows, item: RateLimitItem, who: Sequence[str]) -> Count:
        length_s, now = item.get_expiry(), self._now()
        number, passed_s = int(now // length_s), now % length_s
        counted = windows.hit(
            item.key_for(_PREFIX, *who), number, length_s, 1 - passed_s / length_s, item.amount
        )
        return Count(
            item,
            is_allowed=counted <= item.amount,
            remaining=max(0, item.amount - counted),
            resets_in_s=max(1, math.ceil(length_s - passed_s)),
        )


class _Windows(Protocol):
    def hit(self, key: str, number: int, length_s: int, weight: float, limit: int) -> int:
        """Count one more in a window, unless the limit is reached; how many it makes, above the limit if refused."""
        ...


class _SharedWindows:
    """In Redis, with one request."""

    _SCRIPT: Final = """
local counted = math.floor(tonumber(redis.call('GET', KEYS[1]) or '0') * tonumber(ARGV[1]))
    + tonumber(redis.call('GET', KEYS[2]) or '0') + 1
if counted <= tonumber(ARGV[2]) then
    redis.call('INCR', KEYS[2])
    redis.call('EXPIRE', KEYS[2], ARGV[3])
end
return counted
"""

    def __init__(self, client: redis.Redis) -> None:
        self._script = client.register_script(self._SCRIPT)

    def hit(self, key: str, number: int, length_s: int, weight: float, limit: int) -> int:
        keys = [f"{{{key}}}:{number - 1}", f"{{{key}}}:{number}"]  # braces: one node of a cluster holds both
        return cast("int", self._script(keys, [f"{weight:.6f}", limit, 2 * length_s]))


class _OwnWindows:
    """In this process. What is over is forgotten whenever there is twice as much as was left the last time."""

    _FEW: Final = 10_000

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], int] = {}
        self._ends: dict[tuple[str, int], float] = {}
        self._tidy_at = self._FEW
        self._lock = threading.Lock()

    def hit(self, key: str, number: int, length_s: int, weight: float, limit: int) -> int:
        with self._lock:
            before = self._counts.get((key, number - 1), 0)
            counted = math.floor(before * weight) + self._counts.get((key, number), 0) + 1
            if counted <= limit:
                self._counts[key, number] = self._counts.get((key, number), 0) + 1
                self._ends[key, number] = (number + 2) * length_s
                if len(self._counts) > self._tidy_at:
                    self._tidy((number + 1 - weight) * length_s)
        return counted

    def _tidy(self, now: float) -> None:
        for window in [window for window, end in self._ends.items() if end <= now]:
            del self._counts[window], self._ends[window]
        self._tidy_at = max(self._FEW, 2 * len(self._counts))


def register(app: Flask, platform: Platform) -> None:
    """Count every request, once it is known who asks; the answer's headers say what is left."""
    settings = platform.settings
    guesses = parse_many(settings.rate_limit_login)
    requests = parse_many(settings.rate_limit_api)
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
