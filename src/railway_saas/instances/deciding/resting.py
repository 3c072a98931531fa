"""An instance at rest: final states, parked ones, and watching what runs. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import Power
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import GONE, DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.deciding.actions import is_action
from railway_saas.instances.deciding.common import ask_operator, environment_seen, joined, listed, rest, write
from railway_saas.instances.deciding.domains import next_refresh_at
from railway_saas.instances.effects import RECOVER_PREFIX, is_upgrade
from railway_saas.instances.steps import EventDraft, Intent, Settled
from railway_saas.instances.view import IN_PROGRESS

if TYPE_CHECKING:
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Record, Verdict
    from railway_saas.instances.view import RailwayView, ServiceView

FIRST_RECOVERY_S: Final = 60.0
RECOVERY_GROWTH: Final = 5
SOON_S: Final = 15.0
STEADY_S: Final = 600.0
"""After how long of running well the count of recoveries begins anew."""


def finished(s: Situation) -> Verdict | None:
    """Nothing is left."""
    return Settled(None) if s.observed.status in GONE else None


def parked(s: Situation) -> Verdict | None:
    """An operator has to decide; a deletion that has not begun may."""
    if s.observed.attention is None:
        return None
    if s.observed.status is InstanceStatus.DELETING:
        return Settled(None)
    return None if s.wanted is DesiredStatus.DELETED else Settled(s.instance.desired.delete_at)


def lost_services(s: Situation) -> Verdict | None:
    """Something of what was built is gone: nothing can be changed or switched any more."""
    if s.observed.power is None or s.wanted is DesiredStatus.DELETED or is_upgrade(s):
        return None
    rows = {row.template_key for row in s.services}
    if all(entry.key in rows for entry in s.template.services):
        return None
    blind = environment_seen(s)
    if blind is not None or s.view is None:
        return blind
    missing = [entry.name for entry in s.template.services if s.view.find(entry.key) is None]
    if not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    return ask_operator(s, f"{listed(missing)} {verb} gone at Railway, deleted by somebody else")


def watch(s: Situation) -> Verdict:
    """Everything agrees: keep an eye on it."""
    blind = environment_seen(s)
    if blind is not None or s.view is None:
        return blind or rest(s)
    lost = lost_services(s)
    if lost is not None:
        return lost
    if s.observed.power is not Power.ON:
        return _resting(s)
    return _running(s, s.view)


def _running(s: Situation, view: RailwayView) -> Verdict:
    services = [service for service in view.services if service.is_known]
    down = [service for service in services if service.is_down]
    if down:
        return _crashed(s, down)
    if any(service.status in IN_PROGRESS for service in services):
        return rest(s, SOON_S)  # Railway itself redeploys at times
    asleep = all(service.status == "SLEEPING" for service in services)
    status = InstanceStatus.SLEEPING if asleep else InstanceStatus.RUNNING
    if status is not s.observed.status:
        told = "sleeps until the next request" if asleep else "everything is running"
        return s.record(s.moved(status, seen_at=s.now), EventDraft("status", told))
    if s.observed.recoveries and s.seconds_since(s.observed.status_since) > STEADY_S:
        return s.record(s.with_observed(recoveries=0, error=None))
    return _forget_unwanted(s) or _resting(s)


def _forget_unwanted(s: Situation) -> Record | None:
    """Writes that wait to be sent and that nothing asks for any more: what they were for was wished otherwise."""
    unwanted = [one for one in s.open_operations(OperationState.INTENDED) if not is_action(one)]
    if not unwanted:
        return None
    return s.record(
        operations=tuple(
            replace(one, state=OperationState.ABANDONED, error="not wanted any more", finished_at=s.now)
            for one in unwanted
        )
    )


def _crashed(s: Situation, crashed: list[ServiceView]) -> Verdict:
    """Railway's own restarts are used up, or its deployment is gone: try again a few times, later and later."""
    if s.observed.status is not InstanceStatus.CRASHED:
        return s.record(
            s.moved(InstanceStatus.CRASHED, error=joined(crashed), seen_at=s.now),
            EventDraft("error", joined(crashed)),
        )
    number = s.observed.recoveries
    if number >= s.settings.max_recoveries:
        return _resting(s)
    due = s.observed.status_since + timedelta(seconds=FIRST_RECOVERY_S * RECOVERY_GROWTH**number)
    if due > s.now:
        return Settled(due)
    intents = [_recovery(service, number) for service in crashed]
    return write(s, intents, "deploy", f"restarting {listed([one.name for one in crashed])}") or _resting(s)


def _recovery(service: ServiceView, number: int) -> Intent:
    """A crashed deployment is started again; one that failed or was taken down is made anew."""
    return Intent(
        kind=OperationKind.RESTART if service.status == "CRASHED" else OperationKind.SERVICE_DEPLOY,
        key=f"{RECOVER_PREFIX}{service.deployment_id}:{number}",
        subject=service.key,
        request={"deployment_id": service.deployment_id, "before": service.deployment_id},
    )


def recovery_keys(s: Situation) -> set[str]:
    """Keys of the operations of the recovery that comes next."""
    return {f"{RECOVER_PREFIX}{row.railway_deployment_id}:{s.observed.recoveries}" for row in s.services}


def _resting(s: Situation) -> Settled:
    """The usual interval, or earlier where something is due."""
    wanted = [s.after(s.settings.check_interval_s), next_refresh_at(s), s.instance.desired.delete_at]
    return Settled(min(moment for moment in wanted if moment is not None and moment > s.now))
