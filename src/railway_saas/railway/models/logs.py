"""Log lines of builds and processes, and of HTTP requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import from_json

from railway_saas._core.streams import parse_timestamp
from railway_saas.railway.models.base import RailwayModel


def _attributes(value: object) -> object:
    """`[{key, value}]` with JSON-encoded values, as a plain object."""
    if not isinstance(value, list):
        return {} if value is None else value
    pairs = cast("list[dict[str, Any]]", value)
    return {pair["key"]: _decoded(pair.get("value")) for pair in pairs if isinstance(pair.get("key"), str)}


def _decoded(value: object) -> object:
    """Railway: a text comes with its quotes (`"info"`); what is no JSON is taken as it is."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return value


class LogTags(RailwayModel):
    """Where a line comes from."""

    project_id: str | None = None
    environment_id: str | None = None
    service_id: str | None = None
    deployment_id: str | None = None
    deployment_instance_id: str | None = None
    snapshot_id: str | None = None


class Log(RailwayModel):
    """One line of a build or of a process."""

    timestamp: str = ""
    """RFC 3339 with nanoseconds, as Railway sent it."""
    severity: str | None = None
    message: str = ""
    attributes: Annotated[dict[str, JsonValue], BeforeValidator(_attributes)] = Field(
        default_factory=dict[str, JsonValue]
    )
    """What else a structured line held; `level` is always there."""
    tags: LogTags | None = None

    @property
    def at(self) -> datetime | None:
        """The timestamp, to the microsecond; None when it cannot be read."""
        return parse_timestamp(self.timestamp)

    @property
    def level(self) -> str | None:
        """The level that the line names, or else its severity."""
        level = self.attributes.get("level")
        return level if isinstance(level, str) else self.severity


class HttpLog(RailwayModel):
    """One request that came in from outside."""

    timestamp: str = ""
    """RFC 3339 with nanoseconds, as Railway sent it."""
    request_id: str | None = None
    deployment_id: str | None = None
    deployment_instance_id: str | None = None
    method: str | None = None
    path: str | None = None
    host: str | None = None
    http_status: int | None = None
    total_duration: int | None = None
    """Milliseconds."""
    upstream_rq_duration: int | None = None
    """Milliseconds that the service took."""
    src_ip: str | None = None
    client_ua: str | None = None
    edge_region: str | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    downstream_proto: str | None = None
    upstream_proto: str | None = None
    upstream_address: str | None = None
    upstream_errors: str | None = None
    response_details: str | None = None

    @property
    def at(self) -> datetime | None:
        """The timestamp, to the microsecond; None when it cannot be read."""
        return parse_timestamp(self.timestamp)
