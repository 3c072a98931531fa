"""Instances and what belongs to them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from railway_saas.domain.instances import (
    Applied,
    Deployment,
    Desired,
    DnsRecord,
    DomainState,
    Instance,
    InstanceConfig,
    InstanceDomain,
    InstanceEvent,
    InstanceService,
    Observed,
    Power,
    Rollout,
    ServiceLimits,
    Wish,
)
from railway_saas.domain.plans import BOUNDED_NAMES, Resources, Slots
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus
from railway_saas.repositories.sealing import (
    open_applied,
    open_config,
    stored_config,
    stored_values,
)
from railway_saas.repositories.values import name_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from railway_saas.repositories.sealing import VariableCipher
    from railway_saas.repositories.sqlalchemy.models import (
        DeploymentRow,
        InstanceDomainRow,
        InstanceEventRow,
        InstanceRow,
        InstanceServiceRow,
    )


def instance_of(row: InstanceRow, cipher: VariableCipher | None = None) -> Instance:
    """Read a row of `instances`; what is sealed is opened when somebody looks at it."""
    return Instance(
        id=row.id,
        user_id=row.user_id,
        template_id=row.template_id,
        name=row.name,
        desired=_desired_of(row, cipher),
        observed=_observed_of(row, cipher),
        resources=Resources(
            services=row.services, vcpus=row.vcpus, memory_gb=row.memory_gb, volume_gb=row.volume_gb
        ),
        holds_slot=row.holds_slot,
        next_check_at=row.next_check_at,
        wakes=row.wakes,
        lease_owner=row.lease_owner,
        lease_until=row.lease_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _desired_of(row: InstanceRow, cipher: VariableCipher | None) -> Desired:
    return Desired(
        status=DesiredStatus(row.desired_status),
        revision_id=row.revision_id,
        config=InstanceConfig.from_json(open_config(row.config, cipher, row.id)),
        delete_at=row.delete_at,
        generation=row.generation,
        wishes=tuple(Wish.from_json(one) for one in row.wishes or ()),
    )


def _observed_of(row: InstanceRow, cipher: VariableCipher | None) -> Observed:
    return Observed(
        status=InstanceStatus(row.status),
        status_since=row.status_since,
        project_id=row.railway_project_id,
        environment_id=row.railway_environment_id,
        primary_service_id=row.railway_service_id,
        domain=row.domain,
        built_from_calls=row.built_from_calls,
        undoing=row.undoing,
        applied=None if row.applied is None else _applied_of(open_applied(row.applied, cipher, row.id)),
        power=None if row.power is None else Power(row.power),
        switches=row.switches,
        rollout=_rollout_of(row.rollout),
        recoveries=row.recoveries,
        error=row.error,
        attention=row.attention,
        seen_at=row.seen_at,
    )


def instance_values(instance: Instance) -> dict[str, Any]:
    """A row of `instances`."""
    return {
        "id": instance.id,
        "user_id": instance.user_id,
        "template_id": instance.template_id,
        "next_check_at": instance.next_check_at,
        "wakes": instance.wakes,
        "lease_owner": instance.lease_owner,
        "lease_until": instance.lease_until,
        "created_at": instance.created_at,
        **desired_values(instance),
        **observed_values(instance),
    }


def desired_values(instance: Instance) -> dict[str, Any]:
    """The columns that verbs change."""
    desired, resources = instance.desired, instance.resources
    return {
        "name": instance.name,
        "name_key": name_key(instance.name),
        "desired_status": desired.status.value,
        "revision_id": desired.revision_id,
        "config": stored_config(desired.config),
        "delete_at": desired.delete_at,
        "generation": desired.generation,
        "wishes": [wish.to_json() for wish in desired.wishes],
        "services": resources.services,
        "vcpus": resources.vcpus,
        "memory_gb": resources.memory_gb,
        "volume_gb": resources.volume_gb,
        "updated_at": instance.updated_at,
    }


def observed_values(instance: Instance) -> dict[str, Any]:
    """The columns that the control loop changes."""
    observed = instance.observed
    return {
        "status": observed.status.value,
        "status_since": observed.status_since,
        "railway_project_id": observed.project_id,
        "railway_environment_id": observed.environment_id,
        "railway_service_id": observed.primary_service_id,
        "domain": observed.domain,
        "built_from_calls": observed.built_from_calls,
        "undoing": observed.undoing,
        "applied": None if observed.applied is None else _applied_values(observed.applied),
        "power": None if observed.power is None else observed.power.value,
        "switches": observed.switches,
        "rollout": _rollout_values(observed.rollout),
        "recoveries": observed.recoveries,
        "error": observed.error,
        "attention": observed.attention,
        "seen_at": observed.seen_at,
        "holds_slot": instance.holds_slot,
        "updated_at": instance.updated_at,
    }


def _applied_of(stored: Mapping[str, Any]) -> Applied:
    return Applied(
        revision_id=UUID(stored["revision_id"]),
        inputs=stored["inputs"],
        previous_inputs=stored["previous_inputs"],
        previous_values=stored["previous_values"],
        new_volumes=stored["new_volumes"],
        unneeded_volumes=tuple(stored["unneeded_volumes"]),
        variables=stored["variables"],
        limits=ServiceLimits.from_json(stored["limits"]),
    )


def _applied_values(applied: Applied) -> dict[str, Any]:
    return {
        "revision_id": str(applied.revision_id),
        **stored_values(applied),
        "new_volumes": dict(applied.new_volumes),
        "unneeded_volumes": list(applied.unneeded_volumes),
        "limits": applied.limits.to_json(),
    }


def _rollout_of(stored: Mapping[str, Any]) -> Rollout:
    started_at, previous = stored["started_at"], stored["previous_revision_id"]
    return Rollout(
        number=stored["number"],
        pending=tuple(stored["pending"]),
        watching=tuple(stored["watching"]),
        started_at=None if started_at is None else datetime.fromisoformat(started_at),
        previous_revision_id=None if previous is None else UUID(previous),
        rolling_back=stored["rolling_back"],
    )


def _rollout_values(rollout: Rollout) -> dict[str, Any]:
    started_at, previous = rollout.started_at, rollout.previous_revision_id
    return {
        "number": rollout.number,
        "pending": list(rollout.pending),
        "watching": list(rollout.watching),
        "started_at": None if started_at is None else started_at.isoformat(),
        "previous_revision_id": None if previous is None else str(previous),
        "rolling_back": rollout.rolling_back,
    }


def slots_of(row: Row[*tuple[Any, ...]]) -> Slots:
    """Read the sums of `statements.instances.slots_of`."""
    return Slots(
        instances=row.instances,
        domains=row.domains,
        resources=Resources(
            services=row.services, vcpus=row.vcpus, memory_gb=row.memory_gb, volume_gb=row.volume_gb
        ),
        unbounded=frozenset(name for name in BOUNDED_NAMES if getattr(row, f"unbounded_{name}")),
    )


def service_of(row: InstanceServiceRow) -> InstanceService:
    """Read a row of `instance_services`."""
    return InstanceService(
        id=row.id,
        instance_id=row.instance_id,
        template_key=row.template_key,
        name=row.name,
        railway_service_id=row.railway_service_id,
        railway_deployment_id=row.railway_deployment_id,
        status=row.status,
        stopped=row.stopped,
        domain=row.domain,
        updated_at=row.updated_at,
    )


def service_values(service: InstanceService) -> dict[str, Any]:
    """A row of `instance_services`."""
    return {
        "id": service.id,
        "instance_id": service.instance_id,
        "template_key": service.template_key,
        "name": service.name,
        "railway_service_id": service.railway_service_id,
        "railway_deployment_id": service.railway_deployment_id,
        "status": service.status,
        "stopped": service.stopped,
        "domain": service.domain,
        "updated_at": service.updated_at,
    }


def domain_of(row: InstanceDomainRow) -> InstanceDomain:
    """Read a row of `instance_domains`."""
    return InstanceDomain(
        id=row.id,
        instance_id=row.instance_id,
        domain=row.domain,
        service=row.service,
        target_port=row.target_port,
        state=DomainState(row.state),
        railway_domain_id=row.railway_domain_id,
        dns_records=tuple(DnsRecord(**record) for record in row.dns_records),
        verified=row.verified,
        error=row.error,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def domain_values(domain: InstanceDomain) -> dict[str, Any]:
    """A row of `instance_domains`."""
    return {
        "id": domain.id,
        "instance_id": domain.instance_id,
        "domain": domain.domain,
        "service": domain.service,
        "target_port": domain.target_port,
        "state": domain.state.value,
        "railway_domain_id": domain.railway_domain_id,
        "dns_records": [
            {
                "record_type": record.record_type,
                "name": record.name,
                "value": record.value,
                "is_set": record.is_set,
            }
            for record in domain.dns_records
        ],
        "verified": domain.verified,
        "error": domain.error,
        "created_at": domain.created_at,
        "updated_at": domain.updated_at,
    }


def deployment_of(row: DeploymentRow) -> Deployment:
    """Read a row of `deployments`."""
    return Deployment(
        id=row.id,
        instance_id=row.instance_id,
        railway_deployment_id=row.railway_deployment_id,
        service=row.service,
        status=row.status,
        logs=row.logs,
        started_at=row.started_at,
        finished_at=row.finished_at,
        created_at=row.created_at,
    )


def deployment_values(deployment: Deployment) -> dict[str, Any]:
    """A row of `deployments`."""
    return {
        "id": deployment.id,
        "instance_id": deployment.instance_id,
        "railway_deployment_id": deployment.railway_deployment_id,
        "service": deployment.service,
        "status": deployment.status,
        "logs": deployment.logs,
        "started_at": deployment.started_at,
        "finished_at": deployment.finished_at,
        "created_at": deployment.created_at,
    }


def event_of(row: InstanceEventRow) -> InstanceEvent:
    """Read a row of `instance_events`."""
    return InstanceEvent(
        id=row.id,
        instance_id=row.instance_id,
        at=row.at,
        step=row.step,
        message=row.message,
        status=InstanceStatus(row.status),
        service=row.service,
        done=row.done,
        total=row.total,
    )


def event_values(event: InstanceEvent) -> dict[str, Any]:
    """A row of `instance_events`."""
    return {
        "id": event.id,
        "instance_id": event.instance_id,
        "at": event.at,
        "step": event.step,
        "message": event.message,
        "status": event.status.value,
        "service": event.service,
        "done": event.done,
        "total": event.total,
    }
