"""`client.metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import metrics as ops

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from railway_saas.railway.models.metrics import (
        HttpDurationMetricsResult,
        HttpMetricsByStatusResult,
        MetricMeasurement,
        MetricsResult,
        MetricTag,
    )


class AsyncMetrics(AsyncResource):
    """Measurements over time, kept for 30 days. Moments are aware datetimes, in and out."""

    async def get(
        self,
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
    ) -> tuple[MetricsResult, ...]:
        """One series per measurement and group.

        Args:
            measurements: What to measure, e.g. `CPU_USAGE` (vCPU) or `MEMORY_USAGE_GB`.
            start_date: From when on.
            end_date: Until when; now when None.
            project_id: Of this project. Give at least one of the five ids.
            environment_id: Of this environment.
            service_id: Of this service.
            volume_id: Of this volume.
            workspace_id: Of this workspace.
            group_by: One series each, e.g. per `SERVICE_ID`. Only these tags are filled in the answer.
            sample_rate_seconds: Distance between samples; `operations.metrics.sample_rate_seconds(window)`
                tells what Railway's CLI would take.
            averaging_window_seconds: Over how long CPU usage is averaged; the sample rate when None.
            include_deleted: Deleted projects too.

        Raises:
            RailwayInputError: A moment has no time zone, or the end is not after the start. Nothing was sent.
        """
        return await self._client.run(
            ops.get(
                measurements=measurements,
                start_date=start_date,
                end_date=end_date,
                project_id=project_id,
                environment_id=environment_id,
                service_id=service_id,
                volume_id=volume_id,
                workspace_id=workspace_id,
                group_by=group_by,
                sample_rate_seconds=sample_rate_seconds,
                averaging_window_seconds=averaging_window_seconds,
                include_deleted=include_deleted,
            )
        )

    async def http_by_status(
        self,
        *,
        service_id: str,
        environment_id: str,
        start_date: datetime,
        end_date: datetime,
        step_seconds: int | None = None,
        method: str | None = None,
        path: str | None = None,
    ) -> tuple[HttpMetricsByStatusResult, ...]:
        """How many requests were answered with which status code, over time.

        Args:
            service_id: The service.
            environment_id: The environment.
            start_date: From when on.
            end_date: Until when.
            step_seconds: Distance between samples.
            method: Only requests with this HTTP method.
            path: Only requests to this path.
        """
        return await self._client.run(
            ops.http_by_status(
                service_id=service_id,
                environment_id=environment_id,
                start_date=start_date,
                end_date=end_date,
                step_seconds=step_seconds,
                method=method,
                path=path,
            )
        )

    async def http_durations(
        self,
        *,
        service_id: str,
        environment_id: str,
        start_date: datetime,
        end_date: datetime,
        step_seconds: int | None = None,
        method: str | None = None,
        path: str | None = None,
        status_code: int | None = None,
    ) -> HttpDurationMetricsResult:
        """How long requests took, in milliseconds, over time: median, 90th, 95th and 99th percentile.

        Args:
            service_id: The service.
            environment_id: The environment.
            start_date: From when on.
            end_date: Until when.
            step_seconds: Distance between samples.
            method: Only requests with this HTTP method.
            path: Only requests to this path.
            status_code: Only requests answered with this status.
        """
        return await self._client.run(
            ops.http_durations(
                service_id=service_id,
                environment_id=environment_id,
                start_date=start_date,
                end_date=end_date,
                step_seconds=step_seconds,
                method=method,
                path=path,
                status_code=status_code,
            )
        )
