"""Measurements over time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel


def _from_unix_seconds(value: object) -> object:
    """Read a number as seconds, never as milliseconds, however large it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    return value


UnixSeconds = Annotated[AwareDatetime, BeforeValidator(_from_unix_seconds)]
"""Railway sends whole seconds since 1970; read as an aware datetime in UTC."""


class MetricMeasurement(OpenStrEnum):
    """What is measured."""

    BACKUP_USAGE_GB = "BACKUP_USAGE_GB"
    CPU_LIMIT = "CPU_LIMIT"
    CPU_USAGE = "CPU_USAGE"
    CPU_USAGE_2 = "CPU_USAGE_2"
    DISK_USAGE_GB = "DISK_USAGE_GB"
    EPHEMERAL_DISK_USAGE_GB = "EPHEMERAL_DISK_USAGE_GB"
    MEASUREMENT_UNSPECIFIED = "MEASUREMENT_UNSPECIFIED"
    MEMORY_LIMIT_GB = "MEMORY_LIMIT_GB"
    MEMORY_USAGE_GB = "MEMORY_USAGE_GB"
    NETWORK_RX_GB = "NETWORK_RX_GB"
    NETWORK_TX_GB = "NETWORK_TX_GB"
    UNRECOGNIZED = "UNRECOGNIZED"


class MetricTag(OpenStrEnum):
    """By what measurements can be grouped."""

    DEPLOYMENT_ID = "DEPLOYMENT_ID"
    DEPLOYMENT_INSTANCE_ID = "DEPLOYMENT_INSTANCE_ID"
    ENVIRONMENT_ID = "ENVIRONMENT_ID"
    HOST_TYPE = "HOST_TYPE"
    KEY_UNSPECIFIED = "KEY_UNSPECIFIED"
    PLUGIN_ID = "PLUGIN_ID"
    PROJECT_ID = "PROJECT_ID"
    REGION = "REGION"
    SERVICE_ID = "SERVICE_ID"
    UNRECOGNIZED = "UNRECOGNIZED"
    VOLUME_ID = "VOLUME_ID"
    VOLUME_INSTANCE_ID = "VOLUME_INSTANCE_ID"


class MetricTags(RailwayModel):
    """What a series belongs to. Only what was named in `group_by` is filled."""

    project_id: str | None = None
    environment_id: str | None = None
    service_id: str | None = None
    deployment_id: str | None = None
    deployment_instance_id: str | None = None
    region: str | None = None
    volume_id: str | None = None
    volume_instance_id: str | None = None


class Metric(RailwayModel):
    """One sample: vCPU for CPU, GB for memory, disk and network."""

    ts: UnixSeconds
    value: float


class MetricsResult(RailwayModel):
    """One series."""

    measurement: MetricMeasurement
    tags: MetricTags = MetricTags()
    values: Items[Metric] = ()


class HttpMetricsSample(RailwayModel):
    """How many requests there were."""

    ts: UnixSeconds
    value: float


class HttpMetricsByStatusResult(RailwayModel):
    """The requests that were answered with one status code."""

    status_code: int
    samples: Items[HttpMetricsSample] = ()


class HttpDurationMetricsSample(RailwayModel):
    """How long requests took, in milliseconds."""

    ts: UnixSeconds
    p50: float
    p90: float
    p95: float
    p99: float


class HttpDurationMetricsResult(RailwayModel):
    """How long requests took over time."""

    samples: Items[HttpDurationMetricsSample] = ()
