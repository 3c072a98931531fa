"""How often one may ask: Railway's quotas, Cloudflare's burst rule, and the throttles on creating things.

Windows run on the emulator's clock. Quotas per hour always count; the two rules per second count only while time runs
by itself, because on a stepping clock any number of requests falls into the same moment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from railway_saas.emulator import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.emulator.clock import EmulatorClock

HOUR = timedelta(hours=1)
CLOUDFLARE_PER_SECOND = 10


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests allowed to one token."""

    per_hour: int
    per_second: int | None


PLAN_QUOTAS: Mapping[str, Quota] = {
    "FREE": Quota(100, None),
    "HOBBY": Quota(1_000, 10),
    "PRO": Quota(10_000, 50),
}
"""Source: Railway's documentation of the public API."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `count` creations of one kind per `window_s` seconds and workspace."""

    count: int
    window_s: int = 30


DEFAULT_THROTTLES: Mapping[str, Throttle] = {"environment": Throttle(1), "volume": Throttle(10)}
"""Railway throttles projects too, how exactly is not established: add `"project": Throttle(1)` to rehearse it."""


@dataclass(frozen=True, slots=True)
class LimitRules:
    """Which limits hold.

    `quota` replaces the plan's; `per_second=None` means: only when the clock runs by itself.
    """

    enabled: bool = True
    quota: Quota | None = None
    per_second: bool | None = None
    rate_limit_headers: bool = False
    """Send `X-RateLimit-*` on every answer. They are documented but were absent from all recorded ones."""
    cloudflare: bool = True
    throttles: Mapping[str, Throttle] = field(default_factory=lambda: DEFAULT_THROTTLES)


NO_LIMITS = LimitRules(enabled=False)


@dataclass(slots=True)
class _Window:
    """Requests of one token in the current hour and second."""

    ends: datetime
    used: int = 0
    recent: deque[datetime] = field(default_factory=deque[datetime])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say about one request."""

    quota: Quota
    remaining: int
    resets_at: datetime
    retry_after_s: int | None = None
    """Set when the request is refused."""
    blocked_by_cloudflare: bool = False


class Limits:
    """Counts requests and creations."""

    def __init__(self, clock: EmulatorClock, rules: LimitRules) -> None:
        self.rules = rules
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._bare: deque[datetime] = deque()
        self._created: dict[tuple[str, str], deque[datetime]] = {}

    def peek(self, key: str, plan: str) -> Verdict:
        """What is left to a token, without counting a request."""
        quota, window = self._quota(plan), self._window(key)
        return Verdict(quota, max(0, quota.per_hour - window.used), window.ends)

    def charge(self, key: str, plan: str, *, bare_url: bool) -> Verdict:
        """Count one request of a token; `bare_url` says that its URL had no query parameter."""
        now, quota, window = self._clock.now(), self._quota(plan), self._window(key)
        if self._cloudflare_blocks(now, bare_url=bare_url):
            return Verdict(quota, quota.per_hour - window.used, window.ends, blocked_by_cloudflare=True)
        retry_after_s = self._retry_after(now, quota, window)
        if retry_after_s is None:
            window.used += 1
            window.recent.append(now)
        return Verdict(quota, max(0, quota.per_hour - window.used), window.ends, retry_after_s)

    def check_creation(self, noun: str, workspace_id: str) -> None:
        """Count a creation.

        Raises:
            Refusal: "You are creating ... too quickly".
        """
        throttle = self.rules.throttles.get(noun)
        if throttle is None or not self.rules.enabled:
            return
        made = self._created.setdefault((noun, workspace_id), deque())
        _forget(made, self._clock.now() - timedelta(seconds=throttle.window_s))
        if len(made) >= throttle.count:
            raise errors.too_quickly(noun, count=throttle.count, window_s=throttle.window_s)
        made.append(self._clock.now())

    @property
    def _per_second_counts(self) -> bool:
        chosen = self.rules.per_second
        return not self._clock.stepping if chosen is None else chosen

    def _quota(self, plan: str) -> Quota:
        return self.rules.quota or PLAN_QUOTAS.get(plan, PLAN_QUOTAS["PRO"])

    def _window(self, key: str) -> _Window:
        window = self._windows.get(key)
        if window is None or window.ends <= self._clock.now():
            window = self._windows[key] = _Window(self._clock.now() + HOUR)
        return window

    def _cloudflare_blocks(self, now: datetime, *, bare_url: bool) -> bool:
        rules = self.rules
        if not (bare_url and rules.enabled and rules.cloudflare and self._per_second_counts):
            return False
        _forget(self._bare, now - timedelta(seconds=1))
        self._bare.append(now)
        return len(self._bare) > CLOUDFLARE_PER_SECOND

    def _retry_after(self, now: datetime, quota: Quota, window: _Window) -> int | None:
        if not self.rules.enabled:
            return None
        if window.used >= quota.per_hour:
            return max(1, ceil((window.ends - now).total_seconds()))
        if quota.per_second is not None and self._per_second_counts:
            _forget(window.recent, now - timedelta(seconds=1))
            if len(window.recent) >= quota.per_second:
                return 1
        return None


def _forget(moments: deque[datetime], before: datetime) -> None:
    while moments and moments[0] <= before:
        moments.popleft()
