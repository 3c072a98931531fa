"""`client.notification_rules`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import notification_rules as ops
from railway_saas.railway.operations._build import UNSET, Unset
from railway_saas.railway.webhooks import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from railway_saas.railway.models.notification_rules import NotificationRule, NotificationSeverity


class AsyncNotificationRules(AsyncResource):
    """What Railway tells others about: its webhooks are channels of notification rules.

    What a webhook receives is read by `railway_saas.railway.webhooks`.
    """

    async def list(self, workspace_id: str, *, project_id: str | None = None) -> tuple[NotificationRule, ...]:
        """The rules of a workspace, or those of one of its projects."""
        return await self._client.run(ops.list_(workspace_id, project_id=project_id))

    async def create(
        self,
        *,
        workspace_id: str,
        event_types: Iterable[str],
        channel_configs: Sequence[Mapping[str, object]],
        project_id: str | None = None,
        severities: Iterable[NotificationSeverity | str] | None = None,
        ephemeral_environments: bool | None = None,
    ) -> NotificationRule:
        """Make a rule with channels of any kind. Not idempotent.

        Args:
            workspace_id: The workspace.
            event_types: What to tell, e.g. `Deployment.failed`.
            channel_configs: Where to, as Railway's JSON; `operations.notification_rules.webhook_config` makes
                one for a webhook.
            project_id: Only about this project, in all its environments.
            severities: Only `CRITICAL`, `WARNING`, `NOTICE` or `INFO`.
            ephemeral_environments: About ephemeral environments too.
        """
        return await self._client.run(
            ops.create(
                workspace_id=workspace_id,
                event_types=event_types,
                channel_configs=channel_configs,
                project_id=project_id,
                severities=severities,
                ephemeral_environments=ephemeral_environments,
            )
        )

    async def create_webhook(
        self,
        *,
        workspace_id: str,
        url: str,
        event_types: Iterable[str],
        secret: str | None = None,
        secret_header: str = SECRET_HEADER,
        project_id: str | None = None,
        severities: Iterable[NotificationSeverity | str] | None = None,
        ephemeral_environments: bool | None = None,
    ) -> NotificationRule:
        """Make a rule that calls a webhook. Not idempotent.

        Railway signs nothing: give it a secret to send along, and check it with `webhooks.verify_secret`.

        Args:
            workspace_id: The workspace.
            url: Where Railway posts to. Without a secret it must be hard to guess.
            event_types: What to tell, e.g. `Deployment.failed`.
            secret: At least 16 characters, e.g. `secrets.token_urlsafe(32)`.
            secret_header: The header that carries it.
            project_id: Only about this project, in all its environments.
            severities: Only `CRITICAL`, `WARNING`, `NOTICE` or `INFO`.
            ephemeral_environments: About ephemeral environments too.

        Raises:
            RailwayInputError: The address or the secret cannot be used; neither is shown. Nothing was sent.
        """
        return await self._client.run(
            ops.create_webhook(
                workspace_id=workspace_id,
                url=url,
                event_types=event_types,
                secret=secret,
                secret_header=secret_header,
                project_id=project_id,
                severities=severities,
                ephemeral_environments=ephemeral_environments,
            )
        )

    async def update(
        self,
        rule_id: str,
        *,
        event_types: Iterable[str] | Unset = UNSET,
        channel_configs: Sequence[Mapping[str, object]] | Unset = UNSET,
        severities: Iterable[NotificationSeverity | str] | Unset | None = UNSET,
        ephemeral_environments: bool | Unset | None = UNSET,
    ) -> NotificationRule:
        """Change what is given; None clears a field.

        Railway does not return a webhook's headers: send changed channels whole, with their secret.
        """
        return await self._client.run(
            ops.update(
                rule_id,
                event_types=event_types,
                channel_configs=channel_configs,
                severities=severities,
                ephemeral_environments=ephemeral_environments,
            )
        )

    async def delete(self, rule_id: str) -> bool:
        """Delete a rule."""
        return await self._client.run(ops.delete(rule_id))

    async def test_webhook(self, url: str, payload: Mapping[str, object] | str) -> int:
        """Have Railway post a payload to an address.

        Args:
            url: Where to.
            payload: What; a mapping is sent as JSON.

        Returns:
            The HTTP status that came back to Railway.
        """
        return await self._client.run(ops.test_webhook(url, payload))
