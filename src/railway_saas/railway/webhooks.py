"""What Railway's webhooks send, read and compared. Pure: any web framework can hand its request over.

```python
if not verify_secret(request.headers.get(SECRET_HEADER), secret):
    return 401
event = read_event(request.get_data())
```

Railway does not sign its webhooks, sends them at least once, in any order, and documents neither its retries
nor its time limit. So: compare the secret, answer 2xx at once, drop repeats by `event.key`, and take an event
as a hint to read the deployment from the API.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

from pydantic_core import from_json

from railway_saas.errors import ConfigurationError, RailwayInputError
from railway_saas.railway.models.base import OpenStrEnum

__all__ = [
    "SECRET_HEADER",
    "EventResource",
    "EventType",
    "RailwayEvent",
    "normalized_type",
    "read_event",
    "verify_secret",
]

SECRET_HEADER: Final = "X-Webhook-Secret"  # noqa: S105 - the header's name, not its value
"""The header that carries the secret unless another is chosen for the rule."""


class EventType(OpenStrEnum):
    """Events that clients have seen, in the form of `normalized_type`. Unknown ones are kept: see `known`."""

    DEPLOYMENT_BUILDING = "deployment.building"
    DEPLOYMENT_CRASHED = "deployment.crashed"
    DEPLOYMENT_DEPLOYED = "deployment.deployed"
    DEPLOYMENT_DEPLOYING = "deployment.deploying"
    DEPLOYMENT_FAILED = "deployment.failed"
    DEPLOYMENT_NEEDS_APPROVAL = "deployment.needsapproval"
    DEPLOYMENT_OOM_KILLED = "deployment.oomkilled"
    DEPLOYMENT_QUEUED = "deployment.queued"
    DEPLOYMENT_REDEPLOYED = "deployment.redeployed"
    DEPLOYMENT_REMOVED = "deployment.removed"
    DEPLOYMENT_RESTARTED = "deployment.restarted"
    DEPLOYMENT_RESUMED = "deployment.resumed"
    DEPLOYMENT_SLEPT = "deployment.slept"
    DEPLOYMENT_WAITING = "deployment.waiting"
    MONITOR_DELETED = "monitor.deleted"
    MONITOR_RESOLVED = "monitor.resolved"
    MONITOR_TRIGGERED = "monitor.triggered"
    VOLUME_ALERT_RESOLVED = "volumealert.resolved"
    VOLUME_ALERT_TRIGGERED = "volumealert.triggered"


@dataclass(frozen=True, slots=True)
class EventResource:
    """Something an event is about."""

    id: str | None = None
    name: str | None = None
    is_ephemeral: bool | None = None
    """Told for environments only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RailwayEvent:
    """One event. Everything but its type may be missing."""

    type: EventType
    """What happened. Go by this, not by `details["status"]`: Railway's own sample of a failure says SUCCESS."""
    raw_type: str
    """The type as it was sent; its spelling differs from sender to sender."""
    timestamp: datetime | None = None
    severity: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    workspace: EventResource | None = None
    project: EventResource | None = None
    environment: EventResource | None = None
    service: EventResource | None = None
    deployment_id: str | None = None

    @property
    def key(self) -> str:
        """The same for repeats of the same event, so that they can be dropped.

        Railway sends no event id: the key is made of type, deployment and timestamp. For events without a
        deployment, such as volume alerts, service, environment and project tell them apart.
        """
        about = self.deployment_id or "/".join(
            part.id or "-" if part else "-" for part in (self.project, self.environment, self.service)
        )
        when = self.timestamp.astimezone(UTC).isoformat() if self.timestamp else "-"
        return f"{self.type}:{about}:{when}"


def verify_secret(header_value: str | None, secret: str) -> bool:
    """Whether a webhook carried the secret, compared in constant time.

    Args:
        header_value: The header's value as it came; None when there was none.
        secret: The value the rule was made with.

    Raises:
        ConfigurationError: The secret is empty, so that anybody could send it.
    """
    if not secret:
        raise ConfigurationError("secret: is empty, so every sender would be let in")
    # Half a character, which frameworks make of odd bytes, is compared like any other: as something that does not fit.
    return hmac.compare_digest(
        (header_value or "").encode("utf-8", "surrogatepass"), secret.encode("utf-8", "surrogatepass")
    )


def normalized_type(raw_type: str) -> str:
    """An event's type in one spelling: `Deployment.oom_killed` and `Deployment.OomKilled` are the same."""
    return raw_type.strip().replace("_", "").lower()


def read_event(body: bytes | str | Mapping[str, Any]) -> RailwayEvent:
    """Read a webhook's body, raw or already parsed.

    Raises:
        RailwayInputError: It is not a JSON object with a `type`. What it holds is not shown.
    """
    payload = _payload(body)
    raw_type = _text(payload.get("type"))
    if raw_type is None:
        raise RailwayInputError("body: the webhook's payload has no type", argument="body")
    resource = _mapping(payload.get("resource"))
    deployment = _resource(resource.get("deployment"))
    details = _mapping(payload.get("details"))
    return RailwayEvent(
        type=EventType(normalized_type(raw_type)),
        raw_type=raw_type,
        timestamp=_timestamp(payload.get("timestamp")),
        severity=_text(payload.get("severity")),
        details=details,
        workspace=_resource(resource.get("workspace")),
        project=_resource(resource.get("project")),
        environment=_resource(resource.get("environment")),
        service=_resource(resource.get("service")),
        deployment_id=deployment.id if deployment else None,
    )


def _payload(body: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        payload = body if isinstance(body, Mapping) else from_json(body)
    except (ValueError, TypeError):
        payload = None
    if not isinstance(payload, Mapping):
        raise RailwayInputError("body: must be a JSON object", argument="body")
    return cast("Mapping[str, Any]", payload)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _resource(value: object) -> EventResource | None:
    if not isinstance(value, Mapping):
        return None
    fields = _mapping(cast("object", value))
    ephemeral = fields.get("isEphemeral")
    return EventResource(
        id=_text(fields.get("id")),
        name=_text(fields.get("name")),
        is_ephemeral=ephemeral if isinstance(ephemeral, bool) else None,
    )


def _timestamp(value: object) -> datetime | None:
    """A moment in UTC, or None for what is no RFC 3339 text: an event is worth reading all the same."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 in a zone east of Greenwich has no UTC
        return None
