"""The one notification rule by which Railway tells us what happens: what is there, what is missing. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from railway_saas.errors import ConfigurationError
from railway_saas.railway.webhooks import normalized_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from railway_saas.railway.models.notification_rules import NotificationRule

ALL_DEPLOYMENT_EVENTS: Final = tuple(
    f"Deployment.{name}"
    for name in (
        "building",
        "crashed",
        "deployed",
        "deploying",
        "failed",
        "needsApproval",
        "oomKilled",
        "queued",
        "redeployed",
        "removed",
        "restarted",
        "resumed",
        "slept",
        "waiting",
    )
)
"""Everything that clients have seen Railway tell about deployments; see `railway_saas.railway.webhooks.EventType`."""

_OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSetupReport:
    """How the rule came to be as it should."""

    rule_id: str
    created: bool = False
    updated: bool = False
    deleted: tuple[str, ...] = ()
    """Ids of other rules of ours for the same address, which sent everything twice."""


def require_secure(url: str) -> None:
    """Refuse an address at which the secret would travel in the clear.

    Raises:
        ConfigurationError: It is not https://, nor http:// to this machine. It is not shown, as it may be a secret.
    """
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" and bool(parts.hostname)
        secure = secure or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
    except ValueError:
        secure = False
    if not secure:
        raise ConfigurationError("url: must be an absolute https:// address (http:// only for this machine)")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def own_rules(rules: Iterable[NotificationRule], url: str) -> list[NotificationRule]:
    """The rules that are ours for sure, oldest first: for the whole workspace, and calling this address and nobody else.

    A rule that also mails somebody is somebody else's, whatever addresses it calls.
    """
    own = [
        rule
        for rule in rules
        if not (rule.project_id or rule.environment_id or rule.service_id)
        and [_address(channel.url or "") for channel in rule.channels] == [_address(url)]
    ]
    return sorted(own, key=lambda rule: (rule.created_at or _OLDEST, rule.id))


def _address(url: str) -> tuple[object, ...]:
    """An address in one spelling, as nobody says that Railway returns it as it was sent."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return (url,)
    return parts.scheme, parts.hostname, port, parts.path or "/", parts.query


def tells_of(rule: NotificationRule, event_types: Sequence[str]) -> bool:
    """Whether a rule is for exactly these events; Railway's spellings differ."""
    return {normalized_type(one) for one in rule.event_types} == {normalized_type(one) for one in event_types}
