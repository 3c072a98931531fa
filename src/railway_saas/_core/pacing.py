"""Keeping ahead of Railway's rate limits. Arithmetic only: callers lock, sleep and read the clock.

Two limits hold at once: a quota per window (an hour) and a rate per second. Nothing is known about where
Railway's windows begin, so the quota is kept over every stretch of a window's length, in slots of 1/120 of
it: whatever the server counts, it never sees more, and 99 % of the quota can be used.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.config import RateLimit

_SLOTS = 120
_HOUR_S = 3600.0
_HOBBY_PER_HOUR = 1_000
_PRO_PER_HOUR = 10_000
_HOBBY_PER_SECOND = 10.0
_PRO_PER_SECOND = 50.0

BURST_SHARE = 0.1
"""Share of the rate per second that may leave at once; the rest is spread, so no second exceeds the limit."""

LANE_SHARES = {Lane.USER: 1.0, Lane.DELETION: 0.99, Lane.BACKGROUND: 0.97}
"""How much of the quota each lane may use: the rest stays for the lanes before it."""

_POLICY = re.compile(r"q=(\d+).*?w=(\d+)")


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """What an answer says about the limits; each part may be missing."""

    quota: int | None = None
    window_s: float | None = None
    remaining: int | None = None


def read_rate_headers(headers: Mapping[str, str]) -> RateHeaders:
    """Read `RateLimit-Policy` (IETF draft: `"default";q=1000;w=3600`) and `X-RateLimit-*`."""
    policy = _POLICY.search(headers.get("ratelimit-policy", ""))
    limit, remaining = headers.get("x-ratelimit-limit", ""), headers.get("x-ratelimit-remaining", "")
    return RateHeaders(
        quota=int(policy[1]) if policy else int(limit) if limit.isdigit() else None,
        window_s=float(policy[2]) if policy else None,
        remaining=int(remaining) if remaining.isdigit() else None,
    )


class RateBudget:
    """What may still be sent, for all lanes of one token. Not thread-safe: callers hold a lock.

    Times are readings of one monotonic clock, in seconds.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._learns_quota = limit.per_hour is None
        self._learns_rate = limit.per_second is None
        self._quota = limit.per_hour or _HOBBY_PER_HOUR
        self._window_s = _HOUR_S
        self.per_second = limit.per_second or _rate_of(self._quota)
        self._used: deque[tuple[int, int]] = deque()
        self._total = 0
        self._paused_until = 0.0

    @property
    def quota(self) -> int:
        """Requests allowed per window."""
        return self._quota

    def remaining(self, now: float, lane: Lane = Lane.USER) -> int:
        """How many requests a lane may still send in the window that ends now."""
        self._forget(now)
        return max(0, self._allowed(lane) - self._total)

    def reserve(self, now: float, lane: Lane) -> float:
        """Take one request from the quota and return 0, or return the seconds to wait before asking again."""
        if now < self._paused_until:
            return self._paused_until - now
        if self.remaining(now, lane) > 0:
            self._count(now, 1)
            return 0.0
        # The oldest slot leaves the window next.
        return (self._used[0][0] + 1) * self._slot_s + self._window_s - now if self._used else self._slot_s

    def pause(self, now: float, seconds: float) -> None:
        """Send nothing for a while: the server said so."""
        self._paused_until = max(self._paused_until, now + seconds)

    def observe(self, now: float, seen: RateHeaders) -> None:
        """Learn from an answer: the plan's quota, and what others with the same token have used."""
        if seen.quota and self._learns_quota:
            self._learn(seen.quota, seen.window_s or _HOUR_S)
        if seen.remaining is not None:
            self._forget(now)
            by_others = (seen.quota or self._quota) - seen.remaining - self._total
            if by_others > 0:
                self._count(now, by_others)

    def _learn(self, quota: int, window_s: float) -> None:
        if (quota, window_s) == (self._quota, self._window_s):
            return
        if window_s != self._window_s:  # slots of another length cannot be compared
            self._used.clear()
            self._total = 0
        self._quota, self._window_s = quota, window_s
        if self._learns_rate:
            self.per_second = _rate_of(quota)

    @property
    def _slot_s(self) -> float:
        return self._window_s / _SLOTS

    def _allowed(self, lane: Lane) -> int:
        return max(1, int(self._quota * LANE_SHARES[lane]))

    def _count(self, now: float, requests: int) -> None:
        slot = int(now // self._slot_s)
        if self._used and self._used[-1][0] == slot:
            self._used[-1] = (slot, self._used[-1][1] + requests)
        else:
            self._used.append((slot, requests))
        self._total += requests

    def _forget(self, now: float) -> None:
        while self._used and (self._used[0][0] + 1) * self._slot_s + self._window_s <= now:
            self._total -= self._used.popleft()[1]


class SlotBucket:
    """A rate per second with a small burst. Not thread-safe: callers hold a lock."""

    def __init__(self, per_second: float) -> None:
        self.set_rate(per_second)
        self._level = 0.0
        self._at = 0.0

    def set_rate(self, per_second: float) -> None:
        """Change the rate; what was taken stays taken."""
        self.burst, self.sustained = burst_and_rate(per_second)

    def peek(self, now: float) -> float:
        """Seconds until a slot is free; 0 when one is."""
        self._level = max(0.0, self._level - (now - self._at) * self.sustained)
        self._at = now
        return max(0.0, (self._level + 1 - self.burst) / self.sustained)

    def take(self, now: float) -> None:
        """Take the slot that `peek` said is free."""
        self._at = now
        self._level += 1


def burst_and_rate(per_second: float) -> tuple[float, float]:
    """Split a limit per second into a burst and a sustained rate whose sum never exceeds it."""
    burst = max(1.0, per_second * BURST_SHARE)
    return burst, max(per_second - burst, per_second / 2)


def _rate_of(quota: int) -> float:
    """Requests per second that Railway documents for the plan with this hourly quota."""
    return _PRO_PER_SECOND if quota >= _PRO_PER_HOUR else _HOBBY_PER_SECOND
