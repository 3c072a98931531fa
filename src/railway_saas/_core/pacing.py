"""Keeping ahead of Railway's rate limits. Arithmetic only: callers lock, sleep and read the clock.

Two limits hold at once: a quota per window (an hour) and a rate per second. Nothing is known about where
Railway's windows begin, so the quota is kept over every stretch of a window's length, in slots of 1/120 of
it, and a tenth of a slot longer for requests that travel slowly: whatever the server counts, it never sees
more, and 99 % of the quota can be used.
"""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.config import RateLimit

SLOTS = 120
SLOT_ENDS = 1.1
"""When the last request of a slot has arrived, in slots: a tenth is for those that travel slowly."""
HOUR_S = 3600.0
HOBBY_PER_HOUR = 1_000
_PRO_PER_HOUR = 10_000
_HOBBY_PER_SECOND = 10.0
_PRO_PER_SECOND = 50.0

USED_SHARE = 0.98
LATE_SHARE = 0.01
"""A caller that wakes late may catch up by this share of a second's requests, or waking would cost capacity."""

_LOOP_USED_SHARE = 0.975
_LOOP_LATE_SHARE = 0.005
"""One event loop keeps just inside the rate of the process, so that alone it never waits for both."""

_ROUNDING = 1e-9
TICK_S = 0.001
"""The shortest wait: one lost in rounding would be asked for again and again."""

LANE_SHARES = {Lane.USER: 1.0, Lane.DELETION: 0.99, Lane.BACKGROUND: 0.97}
"""How much of the quota each lane may use: the rest stays for the lanes before it."""

_POLICY = re.compile(r"q=(\d{1,9})[^,]*?;\s*w=(\d{1,9})")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """What an answer says about the limits; each part may be missing."""

    quota: int | None = None
    window_s: float | None = None
    remaining: int | None = None


def read_rate_headers(headers: Mapping[str, str]) -> RateHeaders:
    """Read `RateLimit-Policy` (IETF draft: `"default";q=1000;w=3600`) and `X-RateLimit-*`.

    Of several policies the one with the longest window is the quota.
    """
    quota, window_s = _read_policy(headers.get("ratelimit-policy", ""))
    return RateHeaders(
        quota=quota or _read_number(headers.get("x-ratelimit-limit")) or None,
        window_s=window_s,
        remaining=_read_number(headers.get("x-ratelimit-remaining")),
    )


@lru_cache(maxsize=16)  # the same text on every answer
def _read_policy(text: str) -> tuple[int, float] | tuple[None, None]:
    policies = [(int(quota), float(window)) for quota, window in _POLICY.findall(text)]
    usable = [policy for policy in policies if all(policy)]
    return max(usable, key=lambda policy: policy[1]) if usable else (None, None)


def _read_number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None


class RateBudget:
    """What may still be sent, for all lanes of one token. Not thread-safe: callers hold a lock.

    Times are readings of one monotonic clock, in seconds. Of a limit that several processes keep without
    knowing of each other, each has its part: `processes` says how many they are.
    """

    def __init__(self, limit: RateLimit, *, processes: int = 1) -> None:
        self._processes = processes
        self._learns_quota = limit.per_hour is None
        self._learns_rate = limit.per_second is None
        self._quota = limit.per_hour or HOBBY_PER_HOUR
        self._window_s = HOUR_S
        self.per_second = (limit.per_second or rate_of(self._quota)) / processes
        self._used: deque[tuple[int, int]] = deque()
        self._total = 0
        self._paused_until = 0.0

    @property
    def quota(self) -> int:
        """Requests allowed per window."""
        return self._quota

    def used(self, now: float) -> int:
        """How many requests count against the window that ends now."""
        self._forget(now)
        return self._total

    def remaining(self, now: float, lane: Lane = Lane.USER) -> int:
        """How many requests a lane may still send in the window that ends now."""
        self._forget(now)
        return max(0, self._allowed(lane) - self._total)

    def reserve(self, now: float, lane: Lane) -> float:
        """Take one request from the quota and return 0, or return the seconds to wait before asking again."""
        if now < self._paused_until:
            return max(TICK_S, self._paused_until - now)
        if self.remaining(now, lane) > 0:
            self.count(now, 1)
            return 0.0
        return max(TICK_S, self._leaves_at(self._used[0][0]) - now)

    def pause(self, now: float, seconds: float) -> None:
        """Send nothing for a while: the server said so. At most a window: by then the quota is whole again."""
        self._paused_until = max(self._paused_until, now + min(seconds, self._window_s))

    def observe(self, now: float, seen: RateHeaders) -> None:
        """Learn from an answer: the plan's quota, and what others with the same token have used."""
        if seen.quota and self._learns_quota:
            self._learn(now, seen.quota, seen.window_s or HOUR_S)
        if seen.remaining is not None:
            self._forget(now)
            by_others = ((seen.quota or self._quota) - seen.remaining) // self._processes - self._total
            if by_others > 0:
                self.count(now, by_others)

    def count(self, now: float, requests: int) -> None:
        """Note requests that left or were sent by others, whether or not there was room for them."""
        slot = self._slot_of(now)
        if self._used and self._used[-1][0] == slot:
            self._used[-1] = (slot, self._used[-1][1] + requests)
        else:
            self._used.append((slot, requests))
        self._total += requests

    def _learn(self, now: float, quota: int, window_s: float) -> None:
        if (quota, window_s) == (self._quota, self._window_s):
            return
        self._forget(now)
        other_slots = window_s != self._window_s
        self._quota, self._window_s = quota, window_s
        if (
            self._used and other_slots
        ):  # slots of another length cannot be compared: all were used just now, at worst
            self._used = deque([(self._slot_of(now), self._total)])
        if self._learns_rate:
            self.per_second = rate_of(quota) / self._processes

    @property
    def _slot_s(self) -> float:
        return self._window_s / SLOTS

    def _allowed(self, lane: Lane) -> int:
        return max(1, int(self._quota * LANE_SHARES[lane] / self._processes))

    def _forget(self, now: float) -> None:
        while self._used and self._leaves_at(self._used[0][0]) <= now:
            self._total -= self._used.popleft()[1]

    def _slot_of(self, now: float) -> int:
        return int(now // self._slot_s)

    def _leaves_at(self, slot: int) -> float:
        """When the last request of a slot is a window old, however long it was on its way."""
        return (slot + SLOT_ENDS) * self._slot_s + self._window_s


class Spacing:
    """Spreads requests evenly, so that no second sees more than the rate. Not thread-safe: callers hold a lock."""

    def __init__(self, per_second: float) -> None:
        self.set_rate(per_second)
        self._level = 0.0
        self._at = 0.0

    def set_rate(self, per_second: float) -> None:
        """Change the rate; what was taken stays taken."""
        self._depth, self._rate = depth_and_rate(per_second, USED_SHARE, LATE_SHARE)

    @property
    def interval_s(self) -> float:
        """Seconds from one request to the next."""
        return 1 / self._rate

    def wait_s(self, now: float) -> float:
        """Seconds until the next request may leave; 0 when it may now."""
        self._level = max(0.0, self._level - (now - self._at) * self._rate)
        self._at = now
        missing = self._level + 1 - self._depth
        return max(TICK_S, missing / self._rate) if missing > _ROUNDING else 0.0

    def take(self) -> None:
        """Note that the request for which `wait_s` was 0 leaves."""
        self._level += 1


def depth_and_rate(
    per_second: float, used: float = _LOOP_USED_SHARE, late: float = _LOOP_LATE_SHARE
) -> tuple[float, float]:
    """Depth and leak per second of a bucket that lets at most `per_second` requests into any one second.

    Into a stretch of one second fit `depth + rate` requests, rounded down. With a depth of just over one they
    leave evenly, and their sum stays below the limit plus one.
    """
    whole = math.floor(per_second) if per_second >= 1 else per_second
    return 1 + late * whole, used * whole


def rate_of(quota: int) -> float:
    """Requests per second that Railway documents for the plan with this hourly quota."""
    return _PRO_PER_SECOND if quota >= _PRO_PER_HOUR else _HOBBY_PER_SECOND
