"""Lists in which a key may stand twice, made into lists in which it stands once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.instances import Deployment, InstanceService
    from railway_saas.domain.usage import UsageMetric


def services_by_id(instance_id: UUID, services: Sequence[InstanceService]) -> Mapping[str, InstanceService]:
    """The services of an instance by their Railway id.

    Raises:
        ConflictError: An id stands twice.
    """
    found = {service.railway_service_id: replace(service, instance_id=instance_id) for service in services}
    if len(found) < len(services):
        raise ConflictError("instance_services: two services have the same railway_service_id")
    return found


def latest_deployments(deployments: Sequence[Deployment]) -> Sequence[Deployment]:
    """Each deployment once, as one after the other would leave it."""
    found: dict[str, Deployment] = {}
    for deployment in deployments:
        stored = found.get(deployment.railway_deployment_id)
        found[deployment.railway_deployment_id] = (
            deployment if stored is None else updated_deployment(stored, deployment)
        )
    return list(found.values())


def updated_deployment(stored: Deployment, new: Deployment) -> Deployment:
    """What is stored after an update: logs are kept until there are others."""
    return replace(
        stored,
        status=new.status,
        logs=stored.logs if new.logs is None else new.logs,
        started_at=new.started_at,
        finished_at=new.finished_at,
    )


def latest_metrics(metrics: Sequence[UsageMetric]) -> Sequence[UsageMetric]:
    """Each hour of a measure once, the last one."""
    found: dict[tuple[UUID, datetime, str], UsageMetric] = {
        (metric.instance_id, metric.recorded_at, metric.metric_type): metric for metric in metrics
    }
    return list(found.values())
