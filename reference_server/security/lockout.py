"""When log-ins of an address are locked: the rule. Pure; it holds for addresses that have no account just the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

MAX_FAILURES: Final = 10
WINDOW: Final = timedelta(minutes=15)
"""So many failures within this time lock the address."""
FIRST_LOCK: Final = timedelta(minutes=15)
LONGEST_LOCK: Final = timedelta(hours=4)
"""Each lock is twice as long as the one before, up to this."""
FORGOTTEN_AFTER: Final = timedelta(hours=24)
"""After so long without a failure the next lock is a first one again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """What is known of an address."""

    count: int
    """Since `window_began_at`."""
    window_began_at: datetime
    locks: int = 0
    """How many there were lately."""
    locked_until: datetime | None = None
    last_at: datetime

    def is_locked(self, now: datetime) -> bool:
        """Whether log-ins are refused, right or wrong."""
        return self.locked_until is not None and now < self.locked_until

    @classmethod
    def none_yet(cls, now: datetime) -> Failures:
        """Of an address that nothing is known of."""
        return cls(count=0, window_began_at=now, last_at=now)


def after_failure(before: Failures, now: datetime) -> Failures:
    """One more failure. While the address is locked nothing is counted: a lock that others keep alive would never end."""
    if before.is_locked(now):
        return before
    if now - before.last_at >= FORGOTTEN_AFTER:
        before = Failures.none_yet(now)
    if now - before.window_began_at >= WINDOW:
        before = replace(before, count=0, window_began_at=now)
    counted = replace(before, count=before.count + 1, last_at=now)
    if counted.count < MAX_FAILURES:
        return counted
    length = min(FIRST_LOCK * 2**before.locks, LONGEST_LOCK)
    return replace(counted, count=0, window_began_at=now, locks=before.locks + 1, locked_until=now + length)
