"""What a webhook must be like to be let in, and what is kept of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from railway_saas.errors import ConfigurationError, RailwayInputError, WebhookRefusedError
from railway_saas.railway.webhooks import read_event, verify_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas.railway.webhooks import RailwayEvent

SOURCE: Final = "railway"
"""Under which the inbox keeps Railway's events."""
MAX_BYTES: Final = 64 * 1024
"""Railway's payloads have about a kilobyte."""
MAX_TEXT: Final = 200
"""Characters of a type, an id, or the key made of them; Railway's ids have 36, keys about 100."""


class WebhookOutcome(StrEnum):
    """What was done with a webhook."""

    WOKE = "woke"
    """The instance will be looked at at once."""
    REPEATED = "repeated"
    """It came before."""
    IGNORED = "ignored"
    """Of a type that is not known, or about an instance that is gone."""
    FOREIGN = "foreign"
    """About a project that is none of ours, or about none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceipt:
    """What became of a webhook that was let in."""

    outcome: WebhookOutcome
    instance_id: UUID | None = None
    """The instance it is about, if it is one of ours."""
    event_key: str
    """The same for repeats of the same event."""


def require_secrets(secrets: Sequence[str]) -> tuple[str, ...]:
    """The secrets that let a webhook in.

    Raises:
        ConfigurationError: There is none, an empty one, with which everybody would be let in, or one that no header can
            carry. They are not shown.
    """
    if isinstance(secrets, str | bytes) or not secrets or not all(secrets):
        raise ConfigurationError("secrets: must be a list of at least one secret, none of them empty")
    if not all(_fits_header(secret) for secret in secrets):
        raise ConfigurationError(
            "secrets: must be texts of printable ASCII characters, without blanks around them, as headers carry no others"
        )
    return tuple(secrets)


def _fits_header(secret: object) -> bool:
    return isinstance(secret, str) and secret.isascii() and secret.isprintable() and secret.strip() == secret


def require_known_sender(headers: Mapping[str, str], secrets: Sequence[str], header: str) -> None:
    """Compare the secret header with every secret, always all of them: time must not tell which one fits.

    Raises:
        WebhookRefusedError: None fits; `status_code` is 401.
    """
    values = (value for name, value in headers.items() if str(name).lower() == header.lower())
    given: object = next(values, None)
    fits = [verify_secret(given if isinstance(given, str) else None, secret) for secret in secrets]
    if not any(fits):
        raise WebhookRefusedError(f"the webhook's header {header} does not carry the secret", status_code=401)


def read_body(body: bytes, *, max_bytes: int = MAX_BYTES) -> RailwayEvent:
    """The event in a webhook's body.

    Raises:
        WebhookRefusedError: It is too large (`status_code` 413) or cannot be read (400). What it holds is not shown.
    """
    if not isinstance(body, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
        raise WebhookRefusedError("the webhook has no body that could be read", status_code=400)
    if len(body) > max_bytes:
        raise WebhookRefusedError(
            f"the webhook has {len(body)} bytes; {max_bytes} are allowed", status_code=413
        )
    try:
        event = read_event(body)
    except RailwayInputError as error:
        raise WebhookRefusedError(str(error), status_code=400) from None
    if not all(_can_be_stored(text) for text in _texts(event)):
        raise WebhookRefusedError(
            f"the webhook's type or ids are longer than {MAX_TEXT} characters, or cannot be printed",
            status_code=400,
        )
    return event


def _texts(event: RailwayEvent) -> list[str]:
    """What of an event ends up in the database."""
    return [event.key, *(text for text in stored_payload(event).values() if isinstance(text, str))]


def _can_be_stored(text: str) -> bool:
    """Databases take no NUL, and keys have an end."""
    return text.isprintable() and len(text) <= MAX_TEXT


def event_key(event: RailwayEvent, received_at: datetime) -> str:
    """What tells an event from others. Without a time of its own a second crash would look like the first."""
    return event.key if event.timestamp else f"{event.key}{received_at.isoformat()}"


def stored_payload(event: RailwayEvent) -> dict[str, Any]:
    """What is kept of an event: who and when. Never commit messages or authors; the state itself is read from the API."""
    parts = (("project", event.project), ("environment", event.environment), ("service", event.service))
    return {
        "type": event.raw_type,
        "severity": event.severity,
        "timestamp": event.timestamp.isoformat() if event.timestamp else None,
        **{f"{name}_id": part.id if part else None for name, part in parts},
        "deployment_id": event.deployment_id,
    }
