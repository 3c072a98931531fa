"""How patient the instance manager is."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_PAUSE_S: Final = 900.0
CLOCKS_AGREE_S: Final = 60.0
"""How far the clocks of processes may be apart without being wrong; NTP keeps them within much less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerSettings:
    """Times in seconds, and how often something is tried.

    Raises:
        ConfigurationError: A value is no number, not above 0, or the lease is shorter than a call may take.
    """

    call_timeout_s: float = 45.0
    """Deadline of one call to Railway, with waiting for the rate budget and retries. A write that takes longer is
    looked for, not repeated."""
    lease_s: float = 60.0
    """How long a worker has an instance for itself without a sign of life; another one takes over after it."""
    doubt_s: float = 60.0
    """How long a write whose answer was lost is looked for before it is sent again. A gateway's 504 comes while
    Railway may still be at work."""
    provision_timeout_s: float = 300.0
    """How long Railway may take to make a template's services."""
    deploy_timeout_s: float = 900.0
    """How long services may take to come up."""
    stop_timeout_s: float = 120.0
    """After how long without a sign of stopping a deployment is removed instead. Some images never report a stop."""
    check_interval_s: float = 900.0
    """How often an instance at rest is looked at; webhooks come on top."""
    max_attempts: int = 6
    """How often a write is tried before an operator is asked. What breaks off on our side is no try."""
    max_recoveries: int = 3
    """How often a crashed service is restarted before it is left down."""
    give_up_after_s: float = 86_400.0
    """How long a write may wait for its turn (rate limits, throttles), or break off on our side (a process that dies, a
    database that is full), before an operator is asked."""
    failed_deploy: Literal["undo", "park"] = "undo"
    """What becomes of an instance that does not come up the first time: everything made for it is deleted and its slot
    freed, or it is left as it is for an operator to look at."""

    @property
    def longest_pause_s(self) -> float:
        """No look is put off for longer, and no lease is taken for as long."""
        return max(self.check_interval_s, LONGEST_PAUSE_S, 2 * self.lease_s)

    def believed_until(self, now: datetime) -> datetime:
        """A look or a lease beyond that was put there by a process whose clock ran ahead."""
        return now + timedelta(seconds=self.longest_pause_s + CLOCKS_AGREE_S)

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.name != "failed_deploy":
                _require_number(entry.name, getattr(self, entry.name), whole=isinstance(entry.default, int))
        if self.failed_deploy not in {"undo", "park"}:
            raise ConfigurationError(
                f"ManagerSettings(failed_deploy={self.failed_deploy!r}): must be 'undo' or 'park'"
            )
        if self.lease_s <= self.call_timeout_s:
            raise ConfigurationError(
                f"ManagerSettings(lease_s={self.lease_s:g}): must be longer than call_timeout_s="
                f"{self.call_timeout_s:g}, or a second worker could look while the first one still writes"
            )


def _require_number(name: str, value: object, *, whole: bool) -> None:
    kind = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not 0 < value < math.inf:
        noun = "a whole number" if whole else "a number"
        raise ConfigurationError(f"ManagerSettings({name}={value!r}): must be {noun} above 0, and finite")
