"""Operations on metrics. Source: Railway's GraphQL schema of 2026-08-21. Railway keeps them for 30 days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.metrics import (
    HttpDurationMetricsResult,
    HttpMetricsByStatusResult,
    MetricMeasurement,
    MetricsResult,
    MetricTag,
)
from railway_saas.railway.operations._arguments import choices, period, some_choices
from railway_saas.railway.operations._build import given, operation, or_unset, require_range, require_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from railway_saas._core.operation import Operation

_LONGEST_STEP_S = 30 * 24 * 3600
_SAMPLE_RATES = (
    (timedelta(hours=1), 30),
    (timedelta(hours=6), 60),
    (timedelta(hours=24), 240),
    (timedelta(days=7), 3600),
)
_COARSEST_SAMPLE_S = 14_400


def sample_rate_seconds(window: timedelta) -> int:
    """A distance between samples that suits a window, as Railway's CLI chooses it."""
    return next((rate for longest, rate in _SAMPLE_RATES if window <= longest), _COARSEST_SAMPLE_S)


def get(
    *,
    measurements: Iterable[MetricMeasurement | str],
    start_date: datetime,
    end_date: datetime | None = None,
    project_id: str | None = None,
    environment_id: str | None = None,
    service_id: str | None = None,
    volume_id: str | None = None,
    workspace_id: str | None = None,
    group_by: Iterable[MetricTag | str] | None = None,
    sample_rate_seconds: int | None = None,
    averaging_window_seconds: int | None = None,
    include_deleted: bool | None = None,
) -> Operation[tuple[MetricsResult, ...]]:
    """One series per measurement and group, of a project, environment, service, volume or workspace."""
    scope = given(
        {
            "projectId": or_unset(project_id),
            "environmentId": or_unset(environment_id),
            "serviceId": or_unset(service_id),
            "volumeId": or_unset(volume_id),
            "workspaceId": or_unset(workspace_id),
        }
    )
    if not scope:
        raise RailwayInputError(
            "project_id: name what to measure (or environment_id, service_id, volume_id, workspace_id)",
            argument="project_id",
        )
    require_range(1, _LONGEST_STEP_S, sample_rate_seconds=sample_rate_seconds)
    require_range(1, _LONGEST_STEP_S, averaging_window_seconds=averaging_window_seconds)
    start, end = period(start_date, end_date)
    variables = {
        **scope,
        "measurements": some_choices("measurements", MetricMeasurement, measurements),
        "groupBy": or_unset(None if group_by is None else choices("group_by", MetricTag, group_by)),
        "startDate": start,
        "endDate": or_unset(end),
        "sampleRateSeconds": or_unset(sample_rate_seconds),
        "averagingWindowSeconds": or_unset(averaging_window_seconds),
        "includeDeleted": or_unset(include_deleted),
    }
    return operation("Metrics", tuple[MetricsResult, ...], variables)


def http_by_status(
    *,
    service_id: str,
    environment_id: str,
    start_date: datetime,
    end_date: datetime,
    step_seconds: int | None = None,
    method: str | None = None,
    path: str | None = None,
) -> Operation[tuple[HttpMetricsByStatusResult, ...]]:
    """How many requests were answered with which status code."""
    variables = _requests(
        service_id=service_id,
        environment_id=environment_id,
        start_date=start_date,
        end_date=end_date,
        step_seconds=step_seconds,
        method=method,
        path=path,
    )
    return operation("HttpMetricsByStatus", tuple[HttpMetricsByStatusResult, ...], variables)


def http_durations(
    *,
    service_id: str,
    environment_id: str,
    start_date: datetime,
    end_date: datetime,
    step_seconds: int | None = None,
    method: str | None = None,
    path: str | None = None,
    status_code: int | None = None,
) -> Operation[HttpDurationMetricsResult]:
    """How long requests took, in milliseconds: median, 90th, 95th and 99th percentile."""
    variables = _requests(
        service_id=service_id,
        environment_id=environment_id,
        start_date=start_date,
        end_date=end_date,
        step_seconds=step_seconds,
        method=method,
        path=path,
    )
    require_range(100, 599, status_code=status_code)
    return operation(
        "HttpDurations", HttpDurationMetricsResult, {**variables, "statusCode": or_unset(status_code)}
    )


def _requests(
    *,
    service_id: str,
    environment_id: str,
    start_date: datetime,
    end_date: datetime,
    step_seconds: int | None,
    method: str | None,
    path: str | None,
) -> Mapping[str, object]:
    """Which requests, and when: what both HTTP metrics ask for."""
    require_text(service_id=service_id, environment_id=environment_id)
    require_range(1, _LONGEST_STEP_S, step_seconds=step_seconds)
    start, end = period(start_date, end_date)
    return {
        "serviceId": service_id,
        "environmentId": environment_id,
        "startDate": start,
        "endDate": end,
        "stepSeconds": or_unset(step_seconds),
        "method": or_unset(method),
        "path": or_unset(path),
    }
