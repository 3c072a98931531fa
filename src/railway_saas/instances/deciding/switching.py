"""Switching containers off and on: stop, suspend, start, resume, and what drifted back on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import Power
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.deciding.common import (
    ask_operator,
    environment_seen,
    joined,
    levels,
    write,
)
from railway_saas.instances.steps import EventDraft, Intent, Wait
from railway_saas.instances.view import CANCELLABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict
    from railway_saas.instances.view import RailwayView, ServiceView

TARGETS: Final = {
    DesiredStatus.RUNNING: Power.ON,
    DesiredStatus.STOPPED: Power.STOPPED,
    DesiredStatus.SUSPENDED: Power.SUSPENDED,
}
_STATUS: Final = {Power.STOPPED: InstanceStatus.STOPPED, Power.SUSPENDED: InstanceStatus.SUSPENDED}
SWITCH_PAUSE_S: Final = 3.0


def switching_keys(s: Situation) -> set[str]:
    """Keys of the operations of the switch that is going on, or would come next."""
    number = s.observed.switches + 1
    return {
        f"{verb}:{number}:{row.template_key}"
        for row in s.services
        for verb in ("stop", "remove", "on", "on-deploy")
    }


def switch_power(s: Situation) -> Verdict | None:
    """Bring the containers to the wanted power, and note it once Railway says so."""
    target = TARGETS.get(s.wanted)
    if target is None or s.observed.power is None:
        return None
    if target is s.observed.power and target is Power.ON:
        return None
    blind = environment_seen(s)
    if blind is not None or s.view is None:
        return blind
    if target is Power.ON:
        return _switch_on(s, s.view)
    return _switch_off(s, s.view, target)


def _switch_off(s: Situation, view: RailwayView, target: Power) -> Verdict | None:
    """Stop or remove what lives. Also what came back by itself: nothing runs that should not."""
    live = [service for service in view.services if _is_on(service, target)]
    if not live:
        if target is s.observed.power:
            return None
        return s.record(
            s.moved(
                _STATUS[target], power=target, switches=s.observed.switches + 1, error=None, seen_at=s.now
            ),
            EventDraft("power", f"is {_STATUS[target]}"),
        )
    intents = [intent for service in live if (intent := _off(s, service, target)) is not None]
    refused = [
        operation
        for service in live
        if (operation := s.operations.get(_key(s, "remove", service))) is not None
        and operation.state is OperationState.FAILED
    ]
    if refused:
        return ask_operator(s, f"Railway refuses to switch it off: {refused[0].error}")
    word = "stopping" if target is Power.STOPPED else "suspending"
    return write(s, intents, "power", f"{word} {len(intents)} of {len(view.services)}") or Wait(
        s.after(SWITCH_PAUSE_S), "services are going down"
    )


def _is_on(service: ServiceView, target: Power) -> bool:
    """Suspension removes deployments, so that a stopped or crashed one counts as well: Railway may start it again."""
    if target is Power.STOPPED:
        return service.is_live
    return service.is_live or service.status in {"SUCCESS", "CRASHED"}


def _off(s: Situation, service: ServiceView, target: Power) -> Intent | None:
    """How this service goes off; None: it is on its way."""
    stop, remove = _key(s, "stop", service), _key(s, "remove", service)
    request = {"deployment_id": service.deployment_id}
    if target is Power.STOPPED and service.status == "SUCCESS" and not _stop_is_stuck(s, stop):
        if s.confirmed(stop):
            return None
        return Intent(kind=OperationKind.STOP, key=stop, subject=service.key, request=request)
    if s.confirmed(remove):
        return None
    cancel = service.status in CANCELLABLE
    return Intent(
        kind=OperationKind.REMOVE, key=remove, subject=service.key, request={**request, "cancel": cancel}
    )


def _stop_is_stuck(s: Situation, key: str) -> bool:
    """Railway refused to stop it, or does not report that it stopped (seen with one image)."""
    operation = s.operations.get(key)
    if operation is None:
        return False
    if operation.state is OperationState.FAILED:
        return True
    done = operation.finished_at
    return done is not None and s.seconds_since(done) > s.settings.stop_timeout_s


def _switch_on(s: Situation, view: RailwayView) -> Verdict | None:
    """Start level by level, as services wait for those they refer to."""
    services = [service for level in levels(s) for key in level if (service := view.find(key))]
    failed = [service for service in services if service.failed and _was_started(s, service)]
    if failed:
        return s.record(
            s.moved(
                InstanceStatus.CRASHED,
                power=Power.ON,
                switches=s.observed.switches + 1,
                error=joined(failed),
            ),
            EventDraft("error", joined(failed)),
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
            error=None,
            seen_at=s.now,
        ),
        EventDraft("power", "everything is running again"),
    )


def _wait_for(s: Situation, waiting: list[ServiceView]) -> Verdict:
    began = [
        operation.sent_at
        for service in waiting
        for verb in ("on", "on-deploy")
        if (operation := s.operations.get(_key(s, verb, service))) and operation.sent_at
    ]
    if began and s.seconds_since(min(began)) > s.settings.deploy_timeout_s:
        return ask_operator(s, f"it does not start again: {joined(waiting)}")
    return Wait(s.after(SWITCH_PAUSE_S), "services are starting")


def _is_back(s: Situation, service: ServiceView) -> bool:
    """Up; or started and ended again with success, as jobs do."""
    return service.is_up or (service.came_up and _was_started(s, service))


def _was_started(s: Situation, service: ServiceView) -> bool:
    """Whether this switch has started it, and what is seen is not what was there before."""
    if s.confirmed(_key(s, "on", service)):
        return True
    deployed = s.operations.get(_key(s, "on-deploy", service))
    if deployed is None or deployed.state is not OperationState.CONFIRMED:
        return False
    return service.deployment_id != deployed.request.get("before")


def _on(s: Situation, waiting: list[ServiceView]) -> Iterator[Intent]:
    """A stopped deployment is restarted; a removed one is deployed anew."""
    for service in waiting:
        restart, deploy = _key(s, "on", service), _key(s, "on-deploy", service)
        restartable = service.status in {"SUCCESS", "CRASHED"}
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
