"""Switching containers off and on: stop, suspend, start, resume, and what drifted back on. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import POWER_OF, Power, Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.instances.deciding.clocks import lost_s, lost_time
from railway_saas.instances.deciding.common import (
    ask_operator,
    environment_seen,
    joined,
    levels,
    see,
    write,
)
from railway_saas.instances.steps import ENVIRONMENT, ON_THEIR_WAY, EventDraft, Intent, Look, Wait
from railway_saas.instances.view import CANCELLABLE, IN_PROGRESS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict
    from railway_saas.instances.view import RailwayView, ServiceView

_STATUS: Final = {Power.STOPPED: InstanceStatus.STOPPED, Power.SUSPENDED: InstanceStatus.SUSPENDED}
_AT_EVERYTHING: Final = Look((ON_THEIR_WAY, ENVIRONMENT))
"""One request, in this order: what comes up in between is seen at least once. What rests is looked at without the
first: an environment shows of each service the newest deployment and what is up, and not what is on its way behind it.
"""
SWITCH_PAUSE_S: Final = 3.0
JOB_S: Final = 6.0
"""A restarted service that does not run after so many seconds has ended: Railway takes less than one to start it."""


def switching_keys(s: Situation) -> set[str]:
    """Keys of the operations of the switch that is going on, or would come next."""
    number = s.observed.switches + 1
    return {
        f"{verb}:{number}:{row.template_key}"
        for row in s.services
        for verb in ("on", "on-deploy", "older", "abort")
    } | {
        f"{verb}:{number}:{row.railway_deployment_id}"
        for row in s.services
        for verb in ("stop", "cancel", "remove")
    }


def switch_power(s: Situation) -> Verdict | None:
    """Bring the containers to the wanted power, and note it once Railway says so."""
    target = POWER_OF.get(s.wanted)
    if target is None or s.observed.power is None:
        return None
    if target is s.observed.power and target is Power.ON:
        return None
    if target not in {Power.ON, s.observed.power} and ON_THEIR_WAY not in s.seen:
        return _AT_EVERYTHING
    blind = environment_seen(s)
    if blind is not None or s.view is None:
        return blind
    if target is Power.ON:
        return _switch_on(s, s.view)
    return _switch_off(s, s.view, target)


def _switch_off(s: Situation, view: RailwayView, target: Power) -> Verdict | None:
    """Stop or remove what lives, and abort what is on its way, also behind a newer deployment.

    Also what came back by itself: nothing runs that should not.
    """
    live = [service for service in view.services if service.is_known and _is_on(s, service, target)]
    if not live and target is s.observed.power and not _has_switched(s):
        return None
    if ON_THEIR_WAY not in s.seen:
        return _AT_EVERYTHING
    if not live:
        return see(s, ON_THEIR_WAY) or s.record(
            s.moved(
                _STATUS[target], power=target, switches=s.observed.switches + 1, error=None, seen_at=s.now
            ),
            EventDraft("power", f"is {_STATUS[target]}"),
            operations=_unneeded(s),
        )
    another = _another_round(s, live, target)
    if another is not None:
        return another
    intents = [intent for service in live for intent in _off(s, service, target)]
    refused = next(
        (one for one in _switched(s, "remove", "older") if one.state is OperationState.FAILED), None
    )
    if refused is not None:
        return ask_operator(s, f"Railway refuses to switch it off: {refused.error}")
    word = "stopping" if target is Power.STOPPED else "suspending"
    touched = len({intent.subject for intent in intents})
    return write(s, intents, "power", f"{word} {touched} of {len(view.services)}") or Wait(
        s.after(SWITCH_PAUSE_S), "services are going down"
    )


def _another_round(s: Situation, live: list[ServiceView], target: Power) -> Verdict | None:
    """What came up beside what was taken down needs a write of its own; what stays needs an operator."""
    again = s.with_observed(switches=s.observed.switches + 1)
    for service in live:
        besides = _besides(s, service, target)
        if any(_is_another(s, _key(s, verb, service), ids) for verb, ids in besides.items()):
            return s.record(again)
        if service.status == "REMOVING":
            continue
        key = f"remove:{s.observed.switches + 1}:{service.deployment_id}"
        if besides["older"] and s.confirmed(_key(s, "older", service)):
            key = _key(s, "older", service)
        if s.confirmed(key) and _is_stuck(s, key):
            step = ask_operator(s, f"Railway does not take {service.name} down, though it said so")
            changed = replace(step.change.instance.observed, switches=again.observed.switches)
            return s.record(replace(again, observed=changed), *step.change.events)
    return None


def _is_another(s: Situation, key: str, deployment_ids: list[str]) -> bool:
    """Whether one of these was not there when Railway took the others down."""
    operation = s.operations.get(key)
    if operation is None or operation.state is not OperationState.CONFIRMED:
        return False
    return not set(deployment_ids) <= set(operation.request["deployment_ids"])


def _besides(s: Situation, service: ServiceView, target: Power) -> dict[str, list[str]]:
    """What is to go besides the newest deployment, by the verb: aborted where that will do, else taken down."""
    gone = [one for one in service.older if one.runs or one.is_coming or target is Power.SUSPENDED]
    aborted = [] if _is_stuck(s, _key(s, "abort", service)) else [one for one in gone if one.is_cancellable]
    return {
        "older": [one.deployment_id for one in gone if one not in aborted],
        "abort": [one.deployment_id for one in aborted],
    }


def _switched(s: Situation, *verbs: str) -> Iterator[ProviderOperation]:
    """Operations of the switch that is going on."""
    prefixes = tuple(f"{verb}:{s.observed.switches + 1}:" for verb in verbs)
    return (operation for operation in s.operations.values() if operation.key.startswith(prefixes))


_OFF: Final = ("stop", "cancel", "remove", "older", "abort")
_VERBS: Final = (*_OFF, "on", "on-deploy")


def _unneeded(s: Situation) -> tuple[ProviderOperation, ...]:
    """What was to be sent again, its answer having been lost, and turned out to be done: an open write hides zombies."""
    return tuple(
        replace(operation, state=OperationState.ABANDONED, finished_at=s.now)
        for operation in _switched(s, *_VERBS)
        if operation.state is OperationState.INTENDED
    )


def _has_switched(s: Situation) -> bool:
    """Whether something that had come back was switched off: the next time is another switch."""
    done = _switched(s, *_OFF)
    return any(operation.state in {OperationState.CONFIRMED, OperationState.INTENDED} for operation in done)


def _is_on(s: Situation, service: ServiceView, target: Power) -> bool:
    """Suspension removes deployments, so that a stopped or crashed one counts as well: Railway may start it again."""
    if service.status == "REMOVING":
        return bool(service.older) or not _has_taken_long(s, service.status_updated_at)
    if target is Power.STOPPED:
        return service.is_live
    return service.is_live or bool(service.older) or service.status in {"SUCCESS", "CRASHED"}


def _off(s: Situation, service: ServiceView, target: Power) -> Iterator[Intent]:
    """How this service goes off; nothing where it is on its way."""
    for verb, ids in _besides(s, service, target).items():
        key = _key(s, verb, service)
        if ids and not s.confirmed(key):
            request = {"deployment_ids": ids, "cancel": verb == "abort"}
            yield Intent(kind=OperationKind.REMOVE, key=key, subject=service.key, request=request)
    newest = _off_newest(s, service, target)
    if newest is not None:
        yield newest


def _off_newest(s: Situation, service: ServiceView, target: Power) -> Intent | None:
    """Stop what runs where that will do; abort what has not started; take everything else down."""
    if not (service.is_up or service.status in IN_PROGRESS or service.status in {"SUCCESS", "CRASHED"}):
        return None
    if target is Power.STOPPED and not (service.is_up or service.status in IN_PROGRESS):
        return None
    stop, cancel, remove = (
        f"{verb}:{s.observed.switches + 1}:{service.deployment_id}" for verb in ("stop", "cancel", "remove")
    )
    whole: dict[str, object] = {"deployment_ids": [service.deployment_id]}
    if target is Power.STOPPED and service.status == "SUCCESS" and not _is_stuck(s, stop):
        if s.confirmed(stop):
            return None
        request = {"deployment_id": service.deployment_id}
        return Intent(kind=OperationKind.STOP, key=stop, subject=service.key, request=request)
    if service.status in CANCELLABLE and not _is_stuck(s, cancel):
        if s.confirmed(cancel):
            return None
        whole["cancel"] = True
        return Intent(kind=OperationKind.REMOVE, key=cancel, subject=service.key, request=whole)
    if s.confirmed(remove):
        return None
    return Intent(kind=OperationKind.REMOVE, key=remove, subject=service.key, request=whole)


def _has_taken_long(s: Situation, since: datetime | None) -> bool:
    return since is not None and s.seconds_since(since) > s.settings.stop_timeout_s


def _is_stuck(s: Situation, key: str) -> bool:
    """Railway refused it, or does not report that it is done (a stop was seen so, with one image)."""
    operation = s.operations.get(key)
    if operation is None:
        return False
    if operation.state is OperationState.FAILED:
        return True
    return _has_taken_long(s, operation.finished_at)


def _switch_on(s: Situation, view: RailwayView) -> Verdict | None:
    """Start level by level, as services wait for those they refer to."""
    refused = next((one for one in _switched(s, "on-deploy") if one.state is OperationState.FAILED), None)
    if refused is not None:
        return ask_operator(s, f"Railway refuses to start it again: {refused.error}")
    services = [service for level in levels(s) for key in level if (service := view.find(key))]
    failed = [service for service in services if service.failed and _was_started(s, service)]
    if failed:
        return s.record(
            s.moved(
                InstanceStatus.CRASHED,
                power=Power.ON,
                switches=s.observed.switches + 1,
                rollout=_left_to_deploy(s, services),
                error=joined(failed),
            ),
            EventDraft("error", joined(failed)),
            operations=_unneeded(s),
        )
    for level in levels(s):
        waiting = [service for key in level if (service := view.find(key)) and not _is_back(s, service)]
        intents = list(_on(s, waiting))
        if intents:
            return write(s, intents, "power", f"starting {len(intents)} of {len(services)}")
        if waiting:
            return _wait_for(s, waiting)
    return s.record(
        s.moved(
            InstanceStatus.RUNNING,
            power=Power.ON,
            switches=s.observed.switches + 1,
            rollout=_left_to_deploy(s, services),
            error=s.observed.error if _is_change_refused(s) else None,
            seen_at=s.now,
        ),
        EventDraft("power", "everything is running again"),
        operations=_unneeded(s),
    )


def _is_change_refused(s: Situation) -> bool:
    """Whether Railway does not take what changed meanwhile: that is told on."""
    generation = s.instance.desired.generation
    return any(
        s.state_of(f"{kind}:{generation}") is OperationState.FAILED for kind in ("variables", "limits")
    )


def _left_to_deploy(s: Situation, services: list[ServiceView]) -> Rollout:
    """What this switch has deployed has everything that was to be deployed."""
    rollout = s.observed.rollout
    deployed = {service.key for service in services if s.confirmed(_key(s, "on-deploy", service))}
    pending = tuple(key for key in rollout.pending if key not in deployed)
    going_on = pending or rollout.watching or rollout.previous_revision_id or rollout.rolling_back
    return replace(rollout, pending=pending) if going_on else Rollout(number=rollout.number)


def _wait_for(s: Situation, waiting: list[ServiceView]) -> Verdict:
    began = [
        operation.sent_at
        for service in waiting
        for verb in ("on", "on-deploy")
        if (operation := s.operations.get(_key(s, verb, service))) and operation.sent_at
    ]
    since = max(
        min(began, default=s.now), s.observed.status_since
    )  # an operator's retry gives it its time again
    if s.seconds_since(since) > s.settings.deploy_timeout_s:
        lost = lost_s(s, since, s.settings.deploy_timeout_s)
        if lost:
            later = s.with_observed(status_since=since + timedelta(seconds=lost))
            return s.record(later, lost_time(lost))
        return ask_operator(s, f"it does not start again: {joined(waiting)}")
    return Wait(s.after(SWITCH_PAUSE_S), "services are starting")


def _is_back(s: Situation, service: ServiceView) -> bool:
    """Up; or started a while ago, and ended again with success, as jobs do."""
    if service.is_up or not service.came_up or not _was_started(s, service):
        return service.is_up
    ended = (s.operations.get(_key(s, verb, service)) for verb in ("on", "on-deploy"))
    started = max(one.finished_at for one in ended if one is not None and one.finished_at is not None)
    return s.seconds_since(started) >= JOB_S


def _was_started(s: Situation, service: ServiceView) -> bool:
    """Whether this switch has started it, and what is seen is not what was there before."""
    if s.confirmed(_key(s, "on", service)):
        return True
    deployed = s.operations.get(_key(s, "on-deploy", service))
    if deployed is None or deployed.state is not OperationState.CONFIRMED:
        return False
    return service.deployment_id != deployed.request.get("before")


def _on(s: Situation, waiting: list[ServiceView]) -> Iterator[Intent]:
    """A stopped deployment is restarted; a removed one, and one whose settings have changed, is deployed anew."""
    for service in waiting:
        restart, deploy = _key(s, "on", service), _key(s, "on-deploy", service)
        changed = service.key in s.observed.rollout.pending
        restartable = service.status in {"SUCCESS", "CRASHED"} and not changed
        if restartable and s.state_of(restart) in {None, OperationState.INTENDED}:
            yield Intent(
                kind=OperationKind.RESTART,
                key=restart,
                subject=service.key,
                request={"deployment_id": service.deployment_id},
            )
        elif s.state_of(deploy) in {None, OperationState.INTENDED} and not s.confirmed(restart):
            yield Intent(
                kind=OperationKind.SERVICE_DEPLOY,
                key=deploy,
                subject=service.key,
                request={"before": service.deployment_id},
            )


def _key(s: Situation, verb: str, service: ServiceView) -> str:
    return f"{verb}:{s.observed.switches + 1}:{service.key}"
