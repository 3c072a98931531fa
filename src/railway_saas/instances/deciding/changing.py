"""Variables, limits and revisions that changed, and the deployments they need. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from secrets import SystemRandom
from typing import TYPE_CHECKING

from railway_saas.domain.instances import Power, Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.instances.deciding.clocks import lost_s, lost_time
from railway_saas.instances.deciding.common import (
    ask_operator,
    environment_seen,
    joined,
    levels,
    listed,
    see,
    write,
)
from railway_saas.instances.deciding.leftovers import delete_leftovers, leftover_keys, removed_services
from railway_saas.instances.effects import (
    RECOVER_PREFIX,
    UPGRADE_PREFIX,
    is_restoring,
    is_upgrade,
    with_revision,
    without_new_volumes,
)
from railway_saas.instances.settings import volume_keys
from railway_saas.instances.steps import (
    PROJECT,
    Change,
    EventDraft,
    Intent,
    Record,
    Sight,
    SightKind,
    Wait,
)
from railway_saas.instances.upgrades import plan_upgrade
from railway_saas.railway.models.projects import Project
from railway_saas.railway.models.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from railway_saas.domain.instances import Applied, Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict
    from railway_saas.instances.upgrades import UpgradePlan
    from railway_saas.instances.view import RailwayView, ServiceView
    from railway_saas.templates import RandomSource

_RANDOM = SystemRandom()


def changing_keys(s: Situation) -> set[str]:
    """Keys of the operations of the change and the rollout that are going on."""
    generation, rollout = s.instance.desired.generation, s.observed.rollout
    keys = {f"variables:{generation}", f"limits:{generation}", f"{UPGRADE_PREFIX}{generation}"}
    keys |= {f"deploy:{rollout.number}:{entry.key}" for entry in s.template.services}
    keys |= {f"deploy:{rollout.number}:{key}" for key in rollout.pending}
    for service in s.template.services:
        keys.add(f"service:g{generation}:{service.key}")
        keys |= {f"domain:g{generation}:{service.key}:{n}" for n, _ in enumerate(service.service_domains, 1)}
    keys |= {f"volume:g{generation}:{key}:{mount}" for key, mount in volume_keys(s.template)}
    return keys | leftover_keys(s) | set(rollout.watching)


def apply_changes(s: Situation) -> Verdict | None:
    """Give Railway what changed, then deploy what needs it. One change at a time."""
    applied = s.observed.applied
    if applied is None or s.observed.power is not Power.ON or s.wanted is not DesiredStatus.RUNNING:
        return None
    rollout = s.observed.rollout
    if rollout.pending or rollout.watching or rollout.previous_revision_id:
        return _roll(s, rollout)
    return (
        _variables(s, applied)
        or _limits(s, applied)
        or _upgrade(s)
        or delete_leftovers(s)
        or _ended(s, rollout)
    )


def settings_first(s: Situation) -> Verdict | None:
    """What changed while it was off is set before it starts: what is deployed then has it, and is not deployed twice."""
    applied = s.observed.applied
    off = s.observed.power in {Power.STOPPED, Power.SUSPENDED}
    if applied is None or not off or s.wanted is not DesiredStatus.RUNNING:
        return None
    return _variables(s, applied) or _limits(s, applied)


def _ended(s: Situation, rollout: Rollout) -> Verdict | None:
    """The way back needed no deployment."""
    if rollout.rolling_back:
        return s.record(s.with_observed(rollout=Rollout(number=rollout.number)))
    return None


def changed_variables(s: Situation, applied: Applied) -> dict[str, dict[str, str | None]]:
    """What is to be set or taken away, by service name; a service that an upgrade brings comes later."""
    wanted, given = s.instance.desired.config.variables, applied.variables
    there = {row.template_key for row in s.services}
    names = {service.name for service in s.template.services if service.key in there}
    differences = {
        service: {
            name: value
            for name, value in values.items()
            if name not in given.get(service, {}) or given[service][name] != value
        }
        for service, values in wanted.items()
        if service in names
    }
    return {service: values for service, values in differences.items() if values}


def _variables(s: Situation, applied: Applied) -> Verdict | None:
    changed = changed_variables(s, applied)
    if not changed:
        return None
    keys = {service.name: service.key for service in s.template.services}
    intent = Intent(
        kind=OperationKind.VARIABLES,
        key=f"variables:{s.instance.desired.generation}",
        request={
            "affected": [keys[service] for service in changed if service in keys],
            "names": {service: sorted(values) for service, values in changed.items()},
        },
    )
    count = sum(len(values) for values in changed.values())
    what = "1 variable" if count == 1 else f"{count} variables"
    return write(s, [intent], "variables", f"changed {what} of {listed(sorted(changed))}")


def _limits(s: Situation, applied: Applied) -> Verdict | None:
    if s.instance.desired.config.limits == applied.limits:
        return None
    intent = Intent(kind=OperationKind.LIMITS, key=f"limits:{s.instance.desired.generation}")
    return write(s, [intent], "limits", "changed the limits")


def _upgrade(s: Situation) -> Verdict | None:
    """Create what is new, then commit one patch for everything else."""
    if not is_upgrade(s) or s.applied_template is None or is_restoring(s.operations.values()):
        return None  # a patch of ours would replace what is staged of it
    blind = environment_seen(s)
    if blind is not None or s.view is None:
        return blind
    plan = planned_upgrade(s, s.view, _RANDOM)
    generation = s.instance.desired.generation
    back = s.observed.rollout.rolling_back
    if plan.volumes:  # what is new in the project after the write is what the write has made
        blind = see(s, PROJECT)
        if blind is not None:
            return blind
    for intents, step, message in _creations(s, plan):
        verdict = write(s, intents, step, message)
        if verdict is not None:
            return verdict
    unseen = [key for key in plan.added if s.confirmed(f"service:g{generation}:{key}")]
    if unseen:
        return Wait(s.after(2), "new services are not to be seen yet")
    keeping = None if back else _keep_values(s, s.view, plan)
    if keeping is not None:
        return keeping
    affected = dict.fromkeys((*plan.affected, *_just_created(s, generation)))
    intent = Intent(
        kind=OperationKind.CONFIGURE,
        key=f"{UPGRADE_PREFIX}{generation}",
        request={"affected": list(affected)},
    )
    step, message = (
        ("rollback", "went back to the revision before") if back else ("upgrade", "changed the settings")
    )
    return write(s, [intent], step, message)


def _keep_values(s: Situation, view: RailwayView, plan: UpgradePlan) -> Verdict | None:
    """What was generated once cannot be made again: note what the patch replaces, for the way back."""
    applied = s.observed.applied
    if applied is None:
        return None
    lost = {
        service: names
        for key, names in plan.generated.items()
        if key not in applied.previous_values and (service := view.find(key))
    }
    sights = {service: Sight(SightKind.VARIABLES, service.service_id) for service in lost}
    blind = see(s, *sights.values())
    if blind is not None or not lost:
        return blind
    values: dict[str, dict[str, str]] = {}
    for service, names in lost.items():
        found = s.sight(sights[service], Variables) or Variables({})
        values[service.key] = {name: found[name] for name in names if name in found}
    kept = replace(applied, previous_values={**applied.previous_values, **values})
    return s.record(s.with_observed(applied=kept))


def planned_upgrade(s: Situation, view: RailwayView, random: RandomSource) -> UpgradePlan:
    """What is between the applied and the desired revision."""
    config, applied = s.instance.desired.config, s.observed.applied
    return plan_upgrade(
        s.applied_template or s.template,
        s.template,
        view,
        random,
        overlay=config.variables,
        limits=config.limits,
        kept=applied.previous_values if applied and s.observed.rollout.rolling_back else {},
        made=applied.new_volumes if applied else {},
        unneeded=applied.unneeded_volumes if applied else (),
    )


def _creations(s: Situation, plan: UpgradePlan) -> Iterator[tuple[list[Intent], str, str]]:
    generation, project = s.instance.desired.generation, s.sight(PROJECT, Project)
    before = [volume.id for volume in project.volumes] if project else []
    yield (
        [
            Intent(kind=OperationKind.SERVICE_CREATE, key=f"service:g{generation}:{key}", subject=key)
            for key in plan.added
        ],
        "upgrade",
        "created new services",
    )
    for key, mount in plan.volumes:
        intent = Intent(
            kind=OperationKind.VOLUME_CREATE,
            key=f"volume:g{generation}:{key}:{mount}",
            subject=key,
            request={"mount": mount, "before": before},
        )
        yield [intent], "upgrade", "created a new volume"
    yield (
        [
            Intent(
                kind=OperationKind.SERVICE_DOMAIN_CREATE,
                key=f"domain:g{generation}:{key}:{number}",
                subject=key,
                request={"number": number},
            )
            for key, number in plan.domains
        ],
        "upgrade",
        "created a new domain",
    )


def _just_created(s: Situation, generation: int) -> list[str]:
    return [
        service.key for service in s.template.services if s.confirmed(f"service:g{generation}:{service.key}")
    ]


# Rollouts -----------------------------------------------------------------------------------------------------------


def _roll(s: Situation, rollout: Rollout) -> Verdict:
    """Deploy level by level and watch each come up."""
    refused = next(
        (
            operation
            for operation in s.open_operations(OperationState.FAILED)
            if operation.key.startswith(f"deploy:{rollout.number}:")
        ),
        None,
    )
    if refused is not None:
        return _failed(s, refused.error or "Railway refused to deploy", [])
    blind = environment_seen(s, rollout.started_at if rollout.watching else None)
    if blind is not None:
        return blind
    if s.view is None:
        return Wait(s.after(1), "the environment is not to be seen")
    watched = [(key, s.operations.get(key)) for key in rollout.watching]
    found = [(operation, _service(s.view, operation)) for _, operation in watched if operation is not None]
    news = [service for operation, service in found if service and _is_new(operation, service)]
    failed = [service for service in news if service.failed]
    if failed:
        return _failed(s, joined(failed), failed)
    if len([service for service in news if service.came_up]) < len(watched):
        began = rollout.started_at or s.now
        if s.seconds_since(began) > s.settings.deploy_timeout_s:
            lost = lost_s(s, began, s.settings.deploy_timeout_s)
            if lost:
                later = replace(rollout, started_at=began + timedelta(seconds=lost))
                return s.record(s.with_observed(rollout=later), lost_time(lost))
            late = [service for service in news if not service.came_up]
            reason = (
                f"took longer than {s.settings.deploy_timeout_s:.0f} s: {_missing(found) or joined(late)}"
            )
            return _failed(s, reason, late)
        return Wait(s.look_again_at(began), "new deployments are coming up")
    if rollout.pending:
        return _deploy_next(s, s.view, rollout)
    return _done(s, s.view, rollout)


def _missing(found: Sequence[tuple[ProviderOperation, ServiceView | None]]) -> str:
    """Of which services nothing new is to be seen."""
    names = [
        service.name if service else str(operation.request.get("subject"))
        for operation, service in found
        if service is None or not _is_new(operation, service)
    ]
    return f"there is no new deployment of {listed(names)}" if names else ""


def _service(view: RailwayView, operation: ProviderOperation) -> ServiceView | None:
    return view.find(str(operation.request.get("subject", "")))


def _is_new(operation: ProviderOperation, service: ServiceView) -> bool:
    """Whether what is seen came of the operation, and is not what was there before."""
    if operation.kind is OperationKind.RESTART:
        return True
    return service.deployment_id != operation.request.get("before")


def _deploy_next(s: Situation, view: RailwayView, rollout: Rollout) -> Verdict:
    """The first level that has something to deploy: services wait for those they refer to."""
    ordered = [[key for key in level if key in rollout.pending] for level in levels(s)]
    known = {key for level in ordered for key in level}
    keys = next((level for level in ordered if level), [key for key in rollout.pending if key not in known])
    intents = [
        Intent(
            kind=OperationKind.SERVICE_DEPLOY,
            key=f"deploy:{rollout.number}:{key}",
            subject=key,
            request={"before": service.deployment_id},
        )
        for key in keys
        if (service := view.find(key)) is not None
    ]
    names = listed([service.name for key in keys if (service := view.find(key))])
    verdict = write(s, intents, "deploy", f"deploying {names}")
    if verdict is not None:
        return verdict
    rest = tuple(key for key in rollout.pending if key not in keys)
    return s.record(s.with_observed(rollout=replace(rollout, pending=rest, watching=())))


def _done(s: Situation, view: RailwayView, rollout: Rollout) -> Verdict:
    """What came of another service before is told on, as long as it has not come up."""
    back = rollout.rolling_back
    troubled = any(service.is_known and not service.came_up for service in view.services)
    instance = s.moved(
        InstanceStatus.RUNNING,
        applied=_come_up(s, view, rollout),
        rollout=Rollout(number=rollout.number),
        error=s.observed.error if back or troubled else None,
        recoveries=s.observed.recoveries if _is_recovery(rollout) else 0,
        seen_at=s.now,
    )
    step = "rollback" if back else "upgrade" if rollout.previous_revision_id else "status"
    message = "the revision before is running again" if back else "the change is running"
    return s.record(instance, EventDraft(step, message))


def _come_up(s: Situation, view: RailwayView, rollout: Rollout) -> Applied | None:
    """There is no way back any more: new volumes are needed, and those of services that go are not."""
    applied = s.observed.applied
    if applied is None or rollout.previous_revision_id is None:
        return applied
    going = {row.railway_service_id for row in removed_services(s)}
    theirs = tuple(volume.volume_id for volume in view.volumes if volume.service_id in going)
    unneeded = tuple(dict.fromkeys((*applied.unneeded_volumes, *theirs)))
    return replace(applied, previous_inputs={}, previous_values={}, new_volumes={}, unneeded_volumes=unneeded)


def _is_recovery(rollout: Rollout) -> bool:
    """A restart after a crash: that it came up does not mean that it stays up."""
    return any(key.startswith(RECOVER_PREFIX) for key in rollout.watching)


def _failed(s: Situation, reason: str, services: list[ServiceView]) -> Verdict:
    """Go back after an upgrade; else say so: the deployment before stays in service (Railway)."""
    rollout = s.observed.rollout
    if rollout.rolling_back:
        step = ask_operator(s, f"the upgrade failed, and the way back, too: {reason}")
        return replace(step, change=replace(step.change, instance=_to_deploy_again(step.change.instance)))
    if rollout.previous_revision_id is not None:
        return Record(_go_back(s, reason, rollout))
    crashed = any(service.status == "CRASHED" for service in services)
    ended = Rollout(number=rollout.number)
    instance = (
        s.moved(InstanceStatus.CRASHED, rollout=ended, error=reason)
        if crashed
        else s.with_observed(rollout=ended, error=reason)
    )
    return s.record(instance, EventDraft("error", f"the change did not come up: {reason}"))


def _to_deploy_again(instance: Instance) -> Instance:
    """With everything of its rollout to be deployed anew, should an operator say so."""
    rollout = instance.observed.rollout
    keys = (key.rpartition(":")[2] for key in rollout.watching)
    again = Rollout(
        number=rollout.number + 1,
        pending=tuple(dict.fromkeys((*keys, *rollout.pending))),
        rolling_back=True,
    )
    return replace(instance, observed=replace(instance.observed, rollout=again))


def _go_back(s: Situation, reason: str, rollout: Rollout) -> Change:
    """The desired revision becomes the one before, with its inputs, and the same machinery takes the instance there."""
    wanted, applied = s.instance.desired, s.observed.applied
    previous = rollout.previous_revision_id or wanted.revision_id
    inputs = applied.previous_inputs if applied else wanted.config.inputs
    desired = replace(with_revision(wanted, previous, inputs), generation=wanted.generation + 1)
    back = s.with_observed(
        applied=without_new_volumes(applied) if applied else None,
        rollout=Rollout(number=rollout.number, rolling_back=True),
        error=f"the upgrade was rolled back: {reason}",
    )
    return Change(
        instance=replace(back, desired=desired),
        desired_changed=True,
        events=(EventDraft("rollback", f"the upgrade did not come up, going back: {reason}"),),
    )
