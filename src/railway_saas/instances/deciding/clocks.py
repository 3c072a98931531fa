"""Clocks that were wrong: moments that are still to come, and time in which nobody was there. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from railway_saas.instances.manager_settings import CLOCKS_AGREE_S
from railway_saas.instances.steps import EventDraft

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.domain.instances import Observed
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict

ALIVE_S: Final = 180.0
"""Whoever waits for something looks every 20 seconds. Of a longer pause, nobody can say how long it was: a clock jumped,
no worker ran, or Railway could not be asked."""
COUNTED_S: Final = 60.0
"""What counts of such a pause: whoever always comes late gives up in the end, too."""


def set_right(s: Situation) -> Verdict | None:
    """What happened in the future was written by a clock that ran ahead: it counts from now on.

    Else nothing would be given up, tried again or looked at before that time has come.
    """
    latest = s.after(CLOCKS_AGREE_S)
    observed = _observed_by(s.observed, latest, s.now)
    operations = tuple(
        mended for one in s.operations.values() if (mended := _sent_by(one, latest, s.now)) != one
    )
    domains = tuple(replace(row, updated_at=s.now) for row in s.domains if row.updated_at > latest)
    if observed == s.observed and not operations and not domains:
        return None
    told = EventDraft("waiting", "a clock ran ahead and was set right: what was to be waited for begins anew")
    return s.record(replace(s.instance, observed=observed), told, operations=operations, domains=domains)


def _observed_by(observed: Observed, latest: datetime, now: datetime) -> Observed:
    changed: dict[str, Any] = {
        name: now
        for name in ("status_since", "seen_at")
        if (moment := getattr(observed, name)) is not None and moment > latest
    }
    began = observed.rollout.started_at
    if began is not None and began > latest:
        changed["rollout"] = replace(observed.rollout, started_at=now)
    return replace(observed, **changed)


def _sent_by(operation: ProviderOperation, latest: datetime, now: datetime) -> ProviderOperation:
    changed: dict[str, Any] = {
        name: now
        for name in ("sent_at", "finished_at")
        if (moment := getattr(operation, name)) is not None and moment > latest
    }
    if "sent_at" in changed:
        changed["not_before"] = None
    return replace(operation, **changed)


def lost_s(s: Situation, since: datetime, timeout_s: float) -> float:
    """How much of the time since a moment does not count, where that makes the difference: nobody was looking.

    Args:
        s: The situation.
        since: When something began that is given up when it takes too long.
        timeout_s: How long it may take.
    """
    if s.looked_before is None:
        return 0.0
    pause_s = s.seconds_since(max(since, s.looked_before))
    lost = pause_s - COUNTED_S
    return lost if pause_s > ALIVE_S and s.seconds_since(since) - lost <= timeout_s else 0.0


def lost_time(seconds: float) -> EventDraft:
    """What is told of it."""
    return EventDraft("waiting", f"nobody looked for {seconds + COUNTED_S:.0f} s: that time does not count")
