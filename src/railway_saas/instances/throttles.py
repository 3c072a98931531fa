"""Railway's creation throttles, remembered: one refusal tells when everybody's next creation will pass. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from railway_saas.domain.operations import OperationKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

THROTTLED: Final = frozenset({OperationKind.PROJECT_CREATE, OperationKind.VOLUME_CREATE})
"""What Railway lets a workspace create only so often ("You are creating projects too quickly")."""

_FORGET: Final = timedelta(hours=1)


class CreationThrottles:
    """When which kind of creation may be tried next. Shared by all turns of one process.

    Without it, every waiting instance would find out for itself, again and again, that it is not its turn.
    """

    def __init__(self) -> None:
        self._closed_until: dict[OperationKind, datetime] = {}
        self._pause: dict[OperationKind, tuple[timedelta, datetime]] = {}

    def closed_until(self, kinds: Iterable[OperationKind], now: datetime) -> datetime | None:
        """Until when none of these is to be tried; None: now is fine."""
        moments = [self._closed_until[kind] for kind in kinds if kind in self._closed_until]
        latest = max(moments, default=now)
        return latest if latest > now else None

    def refused(self, kind: OperationKind, now: datetime, pause_s: float) -> None:
        """Railway said that it comes too quickly."""
        if kind in THROTTLED:
            pause = timedelta(seconds=pause_s)
            self._pause[kind] = (pause, now)
            self._closed_until[kind] = now + pause

    def passed(self, kind: OperationKind, now: datetime) -> None:
        """One went through: where there is a throttle, the next one has to wait."""
        pause, learned = self._pause.get(kind, (timedelta(), now))
        if pause and now - learned < _FORGET:
            self._closed_until[kind] = now + pause
