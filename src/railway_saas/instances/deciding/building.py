"""From an accepted wish to services that run: Railway's own template deploy, else single calls. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from railway_saas.domain.instances import Power
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.instances.deciding.clocks import lost_s, lost_time
from railway_saas.instances.deciding.common import (
    environment_seen,
    give_up,
    intent_of,
    joined,
    levels,
    listed,
    see,
    write,
)
from railway_saas.instances.effects import made
from railway_saas.instances.mounts import place_of
from railway_saas.instances.settings import bucket_keys, domain_keys, volume_keys
from railway_saas.instances.stack import counted
from railway_saas.instances.steps import PROJECTS, Change, EventDraft, Intent, Wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict
    from railway_saas.instances.view import RailwayView

PROJECT_KEY: Final = "project"
TEMPLATE_KEY: Final = "template"
CONFIGURE_KEY: Final = "configure"
LIMITS_KEY: Final = "limits:first"


def build_intents(s: Situation) -> Iterator[Intent]:
    """Every write of a build from single calls, in order; their keys are those of the operations."""
    keys = [service.key for service in s.template.services]
    yield Intent(kind=OperationKind.PROJECT_CREATE, key=PROJECT_KEY)
    yield from (Intent(kind=OperationKind.SERVICE_CREATE, key=f"service:{key}", subject=key) for key in keys)
    made = sorted(made_volumes(s).values())
    yield from (
        Intent(
            kind=OperationKind.VOLUME_CREATE,
            key=f"volume:{key}:{mount}",
            subject=key,
            request={"mount": mount, "before": made},
        )
        for key, mount in volume_keys(s.template)
    )
    yield from (
        Intent(kind=OperationKind.BUCKET_CREATE, key=f"bucket:{key}", subject=key)
        for key in bucket_keys(s.template)
    )
    yield Intent(kind=OperationKind.CONFIGURE, key=CONFIGURE_KEY)
    yield from (
        Intent(
            kind=OperationKind.SERVICE_DOMAIN_CREATE,
            key=f"domain:{key}:{number}",
            subject=key,
            request={"number": number},
        )
        for key, number in domain_keys(s.template)
    )
    yield from (Intent(kind=OperationKind.SERVICE_DEPLOY, key=f"start:{key}", subject=key) for key in keys)


def made_volumes(s: Situation) -> dict[str, str]:
    """Ids of the volumes that a build from single calls has made so far, by place."""
    operations = {
        place_of(key, mount): s.operations.get(f"volume:{key}:{mount}")
        for key, mount in volume_keys(s.template)
    }
    return {
        place: str(operation.result["volume_id"])
        for place, operation in operations.items()
        if operation is not None and operation.state is OperationState.CONFIRMED
    }


def building_keys(s: Situation) -> set[str]:
    """Keys of the operations that belong to a build."""
    return {intent.key for intent in build_intents(s)} | {TEMPLATE_KEY, LIMITS_KEY}


def is_from_calls(s: Situation) -> bool:
    """Whether it is built from single calls: Railway does not know the document, or refused to deploy it."""
    return s.observed.built_from_calls or not s.catalogue.known_to_railway


def build(s: Situation) -> Verdict | None:
    """Make the project and the services, until all of them exist."""
    if s.observed.applied is not None:
        return None
    refused = next(
        (
            operation
            for operation in s.open_operations(OperationState.FAILED)
            if operation.key != TEMPLATE_KEY and operation.key in building_keys(s)
        ),
        None,
    )
    mistaken = _look_for_own_project(s)
    if mistaken is not None:
        return mistaken
    if refused is not None:
        return give_up(s, refused.error or f"Railway refused {refused.key}")
    if s.observed.project_id is None:
        return write(
            s,
            [Intent(kind=OperationKind.PROJECT_CREATE, key=PROJECT_KEY)],
            "project",
            "created the project",
            Change(instance=s.moved(InstanceStatus.PROVISIONING)),
        )
    if is_from_calls(s):
        return _build_from_calls(s)
    template = s.operations.get(TEMPLATE_KEY)
    if template is not None and template.state is OperationState.FAILED:
        if template.result.get("landed"):
            return give_up(s, template.error or "Railway could not deploy the template")
        return s.record(
            s.with_observed(built_from_calls=True),
            EventDraft(
                "template", "Railway does not deploy this template itself: building it from single calls"
            ),
        )
    limits = s.instance.desired.config.limits.to_json()
    return write(
        s,
        [Intent(kind=OperationKind.TEMPLATE_DEPLOY, key=TEMPLATE_KEY, request={"limits": limits})],
        "template",
        f"Railway is deploying {counted(len(s.template.services), 'service')}",
    )


def _look_for_own_project(s: Situation) -> Verdict | None:
    """Nothing could be made in the project yet: Railway may have named another one than the one that it has made.

    Which one is the instance's own, its marker says.
    """
    first = [one for one in s.operations.values() if one.kind in _FIRST_IN_PROJECT]
    if s.observed.project_id is None or not _is_all_in_vain(first):
        return None
    blind = see(s, PROJECTS)
    if blind is not None:
        return blind
    found = s.projects.marked
    if found is None or found.environment_id is None or found.project_id == s.observed.project_id:
        return None
    return s.record(
        s.with_observed(
            project_id=found.project_id, environment_id=found.environment_id, built_from_calls=False
        ),
        EventDraft(
            "project", f"its project is {found.project_id}, not {s.observed.project_id} as Railway had said"
        ),
        operations=tuple(
            replace(one, state=OperationState.INTENDED, attempts=0, not_before=None, finished_at=None)
            for one in first
        ),
    )


_FIRST_IN_PROJECT: Final = frozenset({OperationKind.TEMPLATE_DEPLOY, OperationKind.SERVICE_CREATE})
_IN_VAIN: Final = 2
"""After so many refusals that may pass it is time to look."""


def _is_all_in_vain(operations: Sequence[ProviderOperation]) -> bool:
    """Whether Railway has made nothing of it: it refused a service, or the same thing again and again.

    That it refuses to deploy a template itself is usual.
    """
    may_be_there = {OperationState.CONFIRMED, OperationState.SENT}
    if any(one.state in may_be_there or "landed" in one.result for one in operations):
        return False
    return any(
        one.kind is OperationKind.SERVICE_CREATE
        if one.state is OperationState.FAILED
        else one.attempts >= _IN_VAIN
        for one in operations
    )


def _build_from_calls(s: Situation) -> Verdict | None:
    """One request per kind of call; volumes one by one, as Railway allows only so many in half a minute."""
    intents = [intent for intent in build_intents(s) if intent.kind is not OperationKind.SERVICE_DEPLOY]
    for kind, step, message in (
        (OperationKind.SERVICE_CREATE, "services", f"created {counted(len(s.template.services), 'service')}"),
        (OperationKind.VOLUME_CREATE, "volumes", "created a volume"),
        (OperationKind.BUCKET_CREATE, "volumes", "created a bucket"),
    ):
        wanted = s.unsent([intent for intent in intents if intent.kind is kind])
        if wanted:
            return write(s, wanted if kind is OperationKind.SERVICE_CREATE else wanted[:1], step, message)
    settings = [
        intent
        for intent in intents
        if intent.kind in {OperationKind.CONFIGURE, OperationKind.SERVICE_DOMAIN_CREATE}
    ]
    if CONFIGURE_KEY in s.operations and s.unsent(settings) and made_volumes(s):
        blind = environment_seen(s)  # volumes may be in place since the attempt before, and can only grow
        if blind is not None:
            return blind
    done = write(s, settings, "settings", "configured the services and their domains")
    return done or s.record(made(s))


def come_up(s: Situation) -> Verdict | None:
    """Bring services to run for the first time."""
    if s.observed.applied is None or s.observed.power is not None:
        return None
    refused = [
        one
        for one in s.open_operations(OperationState.FAILED)
        if one.key.startswith("start:") or one.key == LIMITS_KEY
    ]
    if refused:  # nothing runs without the limits that were asked for
        return give_up(s, refused[0].error or "Railway refused to start a service")
    limits = s.instance.desired.config.limits
    if limits != s.observed.applied.limits and not _anything_started(s):
        verdict = write(s, [Intent(kind=OperationKind.LIMITS, key=LIMITS_KEY)], "limits", "set the limits")
        if verdict is not None:
            return verdict
    retried = [one for one in s.open_operations(OperationState.INTENDED) if one.key.startswith("retry:")]
    if retried:
        return write(s, [intent_of(one) for one in retried], "deploy", "deploying anew what did not come up")
    if not _anything_started(s):
        return _start_level(s, levels(s)[0])
    blind = environment_seen(s, s.observed.status_since)
    if blind is not None or s.view is None:
        return blind
    return _judge_start(s, s.view)


def _anything_started(s: Situation) -> bool:
    first = levels(s)[:1]
    return not is_from_calls(s) or not s.unsent(_starts(first[0] if first else []))


def _starts(keys: list[str]) -> list[Intent]:
    return [Intent(kind=OperationKind.SERVICE_DEPLOY, key=f"start:{key}", subject=key) for key in keys]


def _start_level(s: Situation, keys: list[str]) -> Verdict | None:
    names = {service.key: service.name for service in s.template.services}
    return write(s, _starts(keys), "deploy", f"started {listed([names[key] for key in keys])}")


def _judge_start(s: Situation, view: RailwayView) -> Verdict:
    wanted = [entry.key for entry in s.template.services]
    services = [service for key in wanted if (service := view.find(key))]
    failed = [service for service in services if service.failed]
    if failed:
        return give_up(s, joined(failed), failed)
    if len(services) == len(wanted) and all(service.came_up for service in services):
        asleep = services and all(service.status == "SLEEPING" for service in services)
        return s.record(
            s.moved(
                InstanceStatus.SLEEPING if asleep else InstanceStatus.RUNNING,
                power=Power.ON,
                error=None,
                seen_at=s.now,
            ),
            EventDraft("status", "everything is running"),
        )
    if is_from_calls(s):
        started = _next_level(s, view)
        if started is not None:
            return started
    if s.seconds_since(s.observed.status_since) > s.settings.deploy_timeout_s:
        lost = lost_s(s, s.observed.status_since, s.settings.deploy_timeout_s)
        if lost:
            began = s.observed.status_since + timedelta(seconds=lost)
            return s.record(s.with_observed(status_since=began), lost_time(lost))
        late = [service for service in services if not service.came_up]
        missing = [entry.name for entry in s.template.services if view.find(entry.key) is None]
        reason = joined(late) or f"{listed(missing)} never appeared"
        return give_up(s, f"not everything runs after {s.settings.deploy_timeout_s:.0f} s: {reason}", late)
    return Wait(s.look_again_at(s.observed.status_since), "services are coming up")


def _next_level(s: Situation, view: RailwayView) -> Verdict | None:
    """Start the services whose forerunners run."""
    for keys in levels(s):
        if s.unsent(_starts(keys)):
            return _start_level(s, keys)
        if not all((service := view.find(key)) and service.came_up for key in keys):
            return None
    return None
