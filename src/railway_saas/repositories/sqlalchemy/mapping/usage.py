"""Usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.domain.ids import new_id
from railway_saas.domain.usage import UsageMetric, UsageTotal

if TYPE_CHECKING:
    from sqlalchemy import Row

    from railway_saas.repositories.sqlalchemy.models import UsageMetricRow


def metric_of(row: UsageMetricRow) -> UsageMetric:
    """Read a row of `usage_metrics`."""
    return UsageMetric(
        instance_id=row.instance_id,
        metric_type=row.metric_type,
        value=row.value,
        unit=row.unit,
        recorded_at=row.recorded_at,
    )


def metric_values(metric: UsageMetric) -> dict[str, Any]:
    """A row of `usage_metrics`, under a new id."""
    return {
        "id": new_id(metric.recorded_at),
        "instance_id": metric.instance_id,
        "metric_type": metric.metric_type,
        "value": metric.value,
        "unit": metric.unit,
        "recorded_at": metric.recorded_at,
    }


def total_of(row: Row[*tuple[Any, ...]]) -> UsageTotal:
    """Read a sum of `statements.usage.totals`."""
    return UsageTotal(
        instance_id=row.instance_id, metric_type=row.metric_type, value=row.value, unit=row.unit
    )
