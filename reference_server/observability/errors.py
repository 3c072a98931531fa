"""Errors reported to Sentry, without anything secret and without what people sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, cast

import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration

import railway_saas
from reference_server.observability.context import current_fields
from reference_server.observability.masking import Masker

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event, Hint

    from reference_server.settings import Settings

_KEPT_HEADERS: Final = frozenset(
    {"content-type", "content-length", "user-agent", "accept", "x-request-id", "host"}
)
_FLUSH_S: Final = 2


def start_error_tracking(
    settings: Settings, *, service: str, transport: type[Transport] | Transport | None = None
) -> bool:
    """Report errors from now on; whether that was asked for.

    Args:
        settings: `SENTRY_DSN`, and the secrets to mask.
        service: What this process is.
        transport: Where reports go, for tests.
    """
    if settings.sentry_dsn is None:
        return False
    scrubber = Scrubber(Masker.of(settings))
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        release=f"railway-saas@{railway_saas.__version__}",
        environment=settings.app_env,
        server_name=service,
        max_request_body_size="never",
        include_local_variables=False,  # a frame's locals hold whatever people sent
        traces_sample_rate=None,
        before_send=scrubber.event,
        before_breadcrumb=scrubber.breadcrumb,
        shutdown_timeout=_FLUSH_S,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        transport=transport,
    )
    sentry_sdk.set_tag("service", service)
    return True


class Scrubber:
    """The last to see a report.

    Args:
        masker: Knows the secrets.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def event(self, event: Event, _: Hint) -> Event:
        """Drop what people sent, say in whose request it was, and mask the rest."""
        plain = cast("dict[str, Any]", event)
        if "request" in plain:
            plain["request"] = _harmless(plain["request"])
        known = current_fields()
        plain.setdefault("tags", {}).update(
            {name: known[name] for name in ("request_id", "action") if known.get(name)}
        )
        if known.get("user_id"):
            plain["user"] = {"id": known["user_id"]}
        return cast("Event", self._masker.value(plain))

    def breadcrumb(self, crumb: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
        """Mask what happened before."""
        masked: dict[str, Any] = self._masker.value(crumb)
        return masked


def _harmless(request: Any) -> dict[str, Any]:
    """No body, no cookies, no query, no header that is not known to be harmless."""
    headers = {
        name: value
        for name, value in dict(request.get("headers") or {}).items()
        if name.lower() in _KEPT_HEADERS
    }
    return {"url": request.get("url"), "method": request.get("method"), "headers": headers}
