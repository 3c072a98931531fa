"""Operations on notification rules, above all webhooks. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from railway_saas._core.operation import Lane, Operation
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.notification_rules import NotificationRule, NotificationSeverity
from railway_saas.railway.operations._arguments import choices, document, texts
from railway_saas.railway.operations._build import (
    UNSET,
    Unset,
    given,
    operation,
    or_unset,
    require_some,
    require_text,
)
from railway_saas.railway.webhooks import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MIN_SECRET_LENGTH = 16
"""Characters that a webhook's secret must have; `secrets.token_urlsafe(32)` makes a good one."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: token


def list_(workspace_id: str, *, project_id: str | None = None) -> Operation[tuple[NotificationRule, ...]]:
    """The rules of a workspace, or those of one of its projects."""
    require_text(workspace_id=workspace_id)
    if project_id is not None:
        require_text(project_id=project_id)
    variables = {"workspaceId": workspace_id, "projectId": or_unset(project_id)}
    return operation("NotificationRuleList", tuple[NotificationRule, ...], variables)


def create(
    *,
    workspace_id: str,
    event_types: Iterable[str],
    channel_configs: Sequence[Mapping[str, object]],
    project_id: str | None = None,
    severities: Iterable[NotificationSeverity | str] | None = None,
    ephemeral_environments: bool | None = None,
) -> Operation[NotificationRule]:
    """A new rule with channels of any kind, each as Railway's JSON: `webhook_config` makes one for a webhook."""
    require_text(workspace_id=workspace_id)
    if project_id is not None:
        require_text(project_id=project_id)
    body = given(
        {
            "workspaceId": workspace_id,
            "projectId": or_unset(project_id),
            "eventTypes": _event_types(event_types),
            "channelConfigs": _channels(channel_configs),
            "severities": or_unset(_severities(severities)),
            "ephemeralEnvironments": or_unset(ephemeral_environments),
        }
    )
    return operation("NotificationRuleCreate", NotificationRule, {"input": body})


def create_webhook(
    *,
    workspace_id: str,
    url: str,
    event_types: Iterable[str],
    secret: str | None = None,
    secret_header: str = SECRET_HEADER,
    project_id: str | None = None,
    severities: Iterable[NotificationSeverity | str] | None = None,
    ephemeral_environments: bool | None = None,
) -> Operation[NotificationRule]:
    """A new rule that calls one webhook. Not idempotent: every call makes another rule."""
    return create(
        workspace_id=workspace_id,
        event_types=event_types,
        channel_configs=[webhook_config(url, secret=secret, secret_header=secret_header)],
        project_id=project_id,
        severities=severities,
        ephemeral_environments=ephemeral_environments,
    )


def webhook_config(
    url: str, *, secret: str | None = None, secret_header: str = SECRET_HEADER
) -> dict[str, object]:
    """The channel of a webhook. Railway does not sign what it sends; a secret header is what authenticates it.

    Raises:
        RailwayInputError: The address, the header's name or the secret cannot be used. Neither the address
            nor the secret is shown.
    """
    _require_address(url)
    config: dict[str, object] = {"type": "webhook", "url": url}
    if secret is not None:
        _require_header(secret_header, secret)
        config["headers"] = {secret_header: secret}
    return config


def update(
    rule_id: str,
    *,
    event_types: Iterable[str] | Unset = UNSET,
    channel_configs: Sequence[Mapping[str, object]] | Unset = UNSET,
    severities: Iterable[NotificationSeverity | str] | Unset | None = UNSET,
    ephemeral_environments: bool | Unset | None = UNSET,
) -> Operation[NotificationRule]:
    """Change what is given; None clears a field. Headers do not come back, so send channels whole."""
    require_text(rule_id=rule_id)
    body = given(
        {
            "eventTypes": UNSET if isinstance(event_types, Unset) else _event_types(event_types),
            "channelConfigs": UNSET if isinstance(channel_configs, Unset) else _channels(channel_configs),
            "severities": UNSET if isinstance(severities, Unset) else _severities(severities),
            "ephemeralEnvironments": ephemeral_environments,
        }
    )
    require_some("update", body)
    variables = {"id": rule_id, "input": body}
    return operation("NotificationRuleUpdate", NotificationRule, variables, safe_to_repeat=True)


def delete(rule_id: str) -> Operation[bool]:
    """Delete a rule."""
    require_text(rule_id=rule_id)
    return operation("NotificationRuleDelete", bool, {"id": rule_id}, lane=Lane.DELETION)


def test_webhook(url: str, payload: Mapping[str, object] | str) -> Operation[int]:
    """Have Railway post a payload to an address; the answer is the HTTP status that came back."""
    _require_address(url)
    body = payload if isinstance(payload, str) else json.dumps(document("payload", payload))
    return operation("WebhookTest", int, {"url": url, "payload": body})


def _event_types(event_types: Iterable[str]) -> list[str]:
    """Not held to a list: Railway documents none that is complete."""
    found = texts("event_types", event_types)
    require_some("event_types", found)
    return found


def _channels(channel_configs: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    require_some("channel_configs", channel_configs)
    return [document("channel_configs", config) for config in channel_configs]


def _severities(severities: Iterable[NotificationSeverity | str] | None) -> list[str] | None:
    return None if severities is None else choices("severities", NotificationSeverity, severities)


def _require_address(url: str) -> None:
    """An address that cannot be guessed is a secret, so it is not shown."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except (ValueError, AttributeError, TypeError):
        usable = False
    if not usable:
        raise RailwayInputError("url: must be an absolute http:// or https:// address", argument="url")


def _require_header(name: str, secret: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise RailwayInputError(
            f"secret_header={name!r}: must be the name of an HTTP header", argument="secret_header"
        )
    if len(secret) < MIN_SECRET_LENGTH or not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise RailwayInputError(
            f"secret: must have at least {MIN_SECRET_LENGTH} characters, all printable ASCII without blanks",
            argument="secret",
        )
