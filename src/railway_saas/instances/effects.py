"""What a confirmed or refused write means for the instance. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from railway_saas.domain.instances import (
    Applied,
    DnsRecord,
    DomainState,
    InstanceDomain,
    Rollout,
    ServiceLimits,
)
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import OPEN, InstanceStatus, OperationState
from railway_saas.instances.masking import known_values, masked
from railway_saas.instances.mounts import place_of
from railway_saas.instances.steps import Change, DeploymentsOver, EventDraft, Intent
from railway_saas.instances.texts import storable, storable_json
from railway_saas.railway.models.domains import DNSRecordStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from railway_saas.domain.instances import Desired, Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.instances.situation import Situation
    from railway_saas.railway.models.domains import CustomDomain

UPGRADE_PREFIX: Final = "upgrade:"
RECOVER_PREFIX: Final = "recover:"
PREVIEW_PREFIX: Final = "preview:"
RESTORE_COMMIT_PREFIX: Final = "restore-commit:"
RESTORE_PREFIXES: Final = ("restore:", RESTORE_COMMIT_PREFIX)
_WATCHED_PREFIXES: Final = (
    "deploy:",
    "redeploy:",
    "restart:",
    RECOVER_PREFIX,
    "rollback:",
    RESTORE_COMMIT_PREFIX,
)


def confirm(s: Situation, operation: ProviderOperation, result: Mapping[str, Any]) -> Change:
    """Railway has done it."""
    done = replace(
        operation,
        state=OperationState.CONFIRMED,
        result=storable_json(dict(result)),
        error=None,
        finished_at=s.now,
    )
    change = Change(instance=s.instance, operations=(done,))
    if done.key.startswith(_WATCHED_PREFIXES):
        change = replace(change, instance=_watched(s, done))
        s = replace(s, instance=change.instance)
    if done.key.startswith(RECOVER_PREFIX):
        change = replace(change, instance=_recovered(s, done))
        s = replace(s, instance=change.instance)
    effect = _EFFECTS.get(operation.kind)
    return effect(s, done, change) if effect else change


def merged(first: Change, then: Change) -> Change:
    """Both, in this order; the later instance holds."""
    return Change(
        instance=then.instance,
        desired_changed=first.desired_changed or then.desired_changed,
        services=first.services if then.services is None else then.services,
        domains=first.domains + then.domains,
        domains_gone=first.domains_gone + then.domains_gone,
        operations=first.operations + then.operations,
        new_operations=first.new_operations + then.new_operations,
        deployments=first.deployments + then.deployments,
        deployments_over=first.deployments_over + then.deployments_over,
        events=first.events + then.events,
    )


def refuse(s: Situation, operation: ProviderOperation, reason: str, *, landed: bool = False) -> Change:
    """Railway will not do it, or could not finish it.

    Args:
        s: The situation.
        operation: The write.
        reason: Railway's words, or ours.
        landed: Whether something of it may be there.
    """
    reason = storable(masked(reason, known_values(s)))
    failed = replace(
        operation,
        state=OperationState.FAILED,
        error=reason,
        result={**operation.result, "landed": True} if landed else operation.result,
        finished_at=s.now,
    )
    change = Change(
        instance=s.with_observed(error=reason),
        operations=(failed,),
        events=(EventDraft("error", f"{operation.kind.replace('_', ' ')} failed: {reason}"),),
    )
    if operation.kind is OperationKind.CUSTOM_DOMAIN_CREATE:
        return replace(
            change,
            instance=s.instance,
            domains=tuple(
                replace(row, state=DomainState.REFUSED, error=reason, updated_at=s.now)
                for row in s.domains
                if row.domain == operation.request.get("domain")
            ),
        )
    if is_upgrade(s) and operation.kind in {
        OperationKind.CONFIGURE,
        OperationKind.SERVICE_CREATE,
        OperationKind.VOLUME_CREATE,
    }:
        return merged(change, stay_on_applied_revision(replace(s, instance=change.instance)))
    return change


def is_restoring(operations: Iterable[ProviderOperation]) -> bool:
    """Whether Railway has staged, or is about to stage, what a restored backup needs.

    Args:
        operations: The instance's; those that are over do not matter.
    """
    return any(one.state in OPEN and one.key.startswith(RESTORE_PREFIXES) for one in operations)


def is_upgrade(s: Situation) -> bool:
    """Whether the desired revision is another than the applied one, or is filled in otherwise."""
    return s.instance.awaits_upgrade


def stay_on_applied_revision(s: Situation) -> Change:
    """Take an upgrade back that never began."""
    applied = s.observed.applied
    if applied is None:
        return Change(instance=s.instance)
    desired = with_revision(s.instance.desired, applied.revision_id, applied.inputs)
    kept = replace(without_new_volumes(applied), previous_values={})
    instance = s.with_observed(applied=kept)
    return Change(instance=replace(instance, desired=desired), desired_changed=True)


def without_new_volumes(applied: Applied) -> Applied:
    """What was made for a revision that never came to run is not needed."""
    unneeded = (*applied.unneeded_volumes, *applied.new_volumes.values())
    return replace(applied, new_volumes={}, unneeded_volumes=unneeded)


def with_revision(desired: Desired, revision_id: UUID, inputs: Mapping[str, str]) -> Desired:
    """Another revision wanted, filled in with these inputs."""
    return replace(desired, revision_id=revision_id, config=replace(desired.config, inputs=inputs))


def made(s: Situation, limits: ServiceLimits | None = None) -> Instance:
    """The instance once all its services exist; `limits`: those that they were made with."""
    desired = s.instance.desired
    return s.moved(
        InstanceStatus.DEPLOYING,
        applied=Applied(
            revision_id=desired.revision_id,
            inputs=desired.config.inputs,
            limits=limits or ServiceLimits(),
        ),
    )


def gone(s: Situation) -> Change:
    """Nothing of it is left at Railway: its slot is free."""
    ended = InstanceStatus.FAILED if s.observed.undoing else InstanceStatus.DELETED
    instance = s.moved(ended, rollout=Rollout(number=s.observed.rollout.number), attention=None)
    return Change(
        instance=replace(instance, holds_slot=False),
        services=(),
        operations=tuple(
            replace(operation, state=OperationState.ABANDONED, finished_at=s.now)
            for operation in s.open_operations(*OPEN)
            if operation.kind is not OperationKind.PROJECT_DELETE
        ),
        domains_gone=tuple(s.domains),
        deployments_over=(DeploymentsOver(at=s.now),),
        events=(EventDraft("delete", "deleted with everything in it"),),
    )


def _watched(s: Situation, operation: ProviderOperation) -> Instance:
    """A deployment is on its way: watch it come up."""
    rollout = s.observed.rollout
    subject = operation.request.get("subject")
    pending = rollout.pending
    if operation.key.startswith("deploy:"):
        pending = tuple(key for key in pending if key != subject)
    return s.with_observed(
        rollout=replace(
            rollout,
            pending=pending,
            watching=(*rollout.watching, operation.key),
            started_at=rollout.started_at or s.now,
        )
    )


# Effects by kind ------------------------------------------------------------------------------------------------


def _project_created(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    adopted = operation.result.get("adopted")
    told = (EventDraft("project", "found the project that was already made"),) if adopted else ()
    instance = s.with_observed(
        project_id=operation.result["project_id"],
        environment_id=operation.result["environment_id"],
    )
    return replace(change, instance=instance, events=told)


def _template_deployed(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    instance = made(s, ServiceLimits.from_json(operation.request.get("limits")))
    return replace(change, instance=instance, events=(EventDraft("services", "Railway made the services"),))


def _volume_made(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    """An upgrade's own until that runs. What was there before the write was sent was not made by it: it holds data."""
    applied, volume_id = s.observed.applied, str(operation.result["volume_id"])
    if applied is None or volume_id in operation.request.get("before", ()):
        return change
    place = place_of(str(operation.request.get("subject")), str(operation.request.get("mount")))
    return replace(change, instance=_applied(s, new_volumes={**applied.new_volumes, place: volume_id}))


def _volume_deleted(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    unneeded = s.observed.applied.unneeded_volumes if s.observed.applied else ()
    left = tuple(volume_id for volume_id in unneeded if volume_id != operation.request["volume_id"])
    return replace(change, instance=_applied(s, unneeded_volumes=left))


def _limits_set(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    instance = _applied(s, limits=s.instance.desired.config.limits)
    if operation.key == "limits:first":
        return replace(change, instance=instance)
    everything = tuple(row.template_key for row in s.services)
    return replace(change, instance=with_rollout(replace(s, instance=instance), everything))


def _variables_set(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    """Those of the services that were written to: others may not exist yet."""
    wanted = s.instance.desired.config.variables
    given: Mapping[str, Mapping[str, str | None]] = s.observed.applied.variables if s.observed.applied else {}
    named = {service: wanted[service] for service in operation.request.get("names", ()) if service in wanted}
    instance = _applied(s, variables={**given, **named})
    affected = tuple(operation.request.get("affected", ()))
    return replace(change, instance=with_rollout(replace(s, instance=instance), affected))


def _configured(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    if not operation.key.startswith(UPGRADE_PREFIX) or s.observed.applied is None:
        return change
    previous, desired = s.observed.applied, s.instance.desired
    back = s.observed.rollout.rolling_back
    instance = _applied(
        s,
        revision_id=desired.revision_id,
        inputs=desired.config.inputs,
        previous_inputs={} if back else previous.inputs,
        previous_values={} if back else previous.previous_values,
    )
    affected = tuple(operation.request.get("affected", ()))
    rolled = with_rollout(replace(s, instance=instance), affected)
    rollout = rolled.observed.rollout
    if not back:
        rollout = replace(rollout, previous_revision_id=previous.revision_id)
    return replace(change, instance=replace(rolled, observed=replace(rolled.observed, rollout=rollout)))


def _applied(s: Situation, **changes: Any) -> Instance:
    """An error of before is told until everything has come up."""
    applied = s.observed.applied
    return s.with_observed(applied=replace(applied, **changes) if applied else None)


def with_rollout(s: Situation, keys: Iterable[str]) -> Instance:
    """New deployments for these services, besides those that are already pending."""
    rollout = s.observed.rollout
    pending = tuple(dict.fromkeys((*rollout.pending, *keys)))
    return s.with_observed(
        rollout=replace(rollout, number=rollout.number + 1, pending=pending, started_at=s.now)
    )


def _recovered(s: Situation, operation: ProviderOperation) -> Instance:
    """One more recovery, however many services it starts again."""
    number = int(operation.key.rpartition(":")[2])
    return s.with_observed(recoveries=max(s.observed.recoveries, number + 1))


def _domain_attached(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    rows = tuple(
        replace(
            row,
            state=DomainState.ATTACHED if row.state is DomainState.ATTACHING else row.state,
            railway_domain_id=operation.result["domain_id"],
            error=None,
            updated_at=s.now,
        )
        for row in s.domains
        if row.domain == operation.request.get("domain")
    )
    return replace(change, domains=rows)


def _domain_removed(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    return replace(
        change,
        domains_gone=tuple(row for row in s.domains if row.domain == operation.request.get("domain")),
    )


def _backed_up(_s: Situation, _operation: ProviderOperation, change: Change) -> Change:
    return replace(change, events=(EventDraft("backup", "the backup is complete"),))


def _restored(s: Situation, operation: ProviderOperation, change: Change) -> Change:
    """Railway stages the change of volumes; somebody has to commit it, and that is us."""
    commit = Intent(
        kind=OperationKind.RESTORE_COMMIT,
        key=f"{RESTORE_COMMIT_PREFIX}{operation.key}",
        subject=str(operation.request.get("subject", "")),
        request={name: operation.request.get(name) for name in ("before", "volume_instance_id")},
    )
    return replace(
        change,
        new_operations=(s.new_operation(commit),),
        events=(EventDraft("backup", "the backup is restored into a new volume"),),
    )


def _put_in_place(_s: Situation, operation: ProviderOperation, change: Change) -> Change:
    """Railway keeps the volume that was replaced, mounted nowhere: people should know what they pay for."""
    before = operation.request.get("volume_instance_id")
    told = EventDraft(
        "backup",
        f"the restored volume is in place; the one before, {before}, stays in the project, mounted nowhere, "
        "until the instance is deleted",
    )
    return replace(change, events=(told,))


def _project_deleted(s: Situation, _operation: ProviderOperation, change: Change) -> Change:
    return merged(change, gone(s))


_EFFECTS: Final[dict[OperationKind, Callable[[Situation, ProviderOperation, Change], Change]]] = {
    OperationKind.PROJECT_CREATE: _project_created,
    OperationKind.TEMPLATE_DEPLOY: _template_deployed,
    OperationKind.VOLUME_CREATE: _volume_made,
    OperationKind.VOLUME_DELETE: _volume_deleted,
    OperationKind.LIMITS: _limits_set,
    OperationKind.VARIABLES: _variables_set,
    OperationKind.CONFIGURE: _configured,
    OperationKind.CUSTOM_DOMAIN_CREATE: _domain_attached,
    OperationKind.CUSTOM_DOMAIN_DELETE: _domain_removed,
    OperationKind.BACKUP_CREATE: _backed_up,
    OperationKind.BACKUP_RESTORE: _restored,
    OperationKind.RESTORE_COMMIT: _put_in_place,
    OperationKind.PROJECT_DELETE: _project_deleted,
}


def with_dns(row: InstanceDomain, domain: CustomDomain) -> InstanceDomain:
    """The row with what Railway says about the domain: the records its owner must set, and which are seen."""
    status = domain.status
    if status is None:
        return row
    records = [
        DnsRecord(
            record_type=str(record.record_type or "").removeprefix("DNS_RECORD_TYPE_"),
            name=record.fqdn or record.hostlabel or row.domain,
            value=record.required_value or "",
            is_set=record.status == DNSRecordStatus.PROPAGATED,
        )
        for record in status.dns_records
    ]
    if status.verification_dns_host and status.verification_token:
        records.append(
            DnsRecord(
                record_type="TXT",
                name=status.verification_dns_host,
                value=status.verification_token,
                is_set=status.verified,
            )
        )
    return replace(
        row,
        railway_domain_id=domain.id,
        dns_records=tuple(records),
        verified=status.verified,
        error=storable(status.certificate_error_message) if status.certificate_error_message else None,
    )
