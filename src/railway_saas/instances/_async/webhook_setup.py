"""Having Railway tell us what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import RailwayError
from railway_saas.instances.arguments import workspace
from railway_saas.instances.webhook_rules import (
    ALL_DEPLOYMENT_EVENTS,
    WebhookSetupReport,
    own_rules,
    require_secure,
    tells_of,
)
from railway_saas.railway.operations._build import UNSET
from railway_saas.railway.operations.notification_rules import webhook_config
from railway_saas.railway.webhooks import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.railway.models.notification_rules import NotificationRule


class AsyncWebhookSetup:
    """Makes the notification rule by which Railway calls our webhook about every project of a workspace.

    Args:
        client: With a token that may administer the workspace.
        workspace_id: The Railway workspace.

    Raises:
        ConfigurationError: `workspace_id` is blank.
    """

    def __init__(self, client: AsyncRailwayClient, *, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace(workspace_id)

    async def ensure_rule(
        self,
        *,
        url: str,
        secret: str,
        header: str = SECRET_HEADER,
        event_types: Sequence[str] = ALL_DEPLOYMENT_EVENTS,
        renew_secret: bool = False,
    ) -> WebhookSetupReport:
        """Have exactly one rule for this address. To be called at every start: when all is well it only looks.

        Rules are found again by their address, so use one address per installation. Rules that are not ours for sure
        (of one project only, or with further channels) are left alone.

        Args:
            url: Where Railway posts to: https://, or http:// on this machine.
            secret: At least 16 characters, e.g. `secrets.token_urlsafe(32)`.
            header: The header that carries it.
            event_types: What to tell.
            renew_secret: Send secret and header anew to a rule that exists. Railway never shows them, so nobody can see
                whether they are still the same: set it when they have changed.

        Raises:
            ConfigurationError: The address is not https://.
            RailwayInputError: The secret, the header or an event type cannot be used. Nothing was sent.
            RailwayError: A call failed. Call again: what was done is found.
        """
        require_secure(url)
        channel = webhook_config(url, secret=secret, secret_header=header)
        rules = await self._look(url)
        created = not rules
        if created:
            made = await self._create(url, secret, header, event_types)
            rules = await self._look(url) or [made]  # another process may have made one at the same moment
        kept, *surplus = rules
        stale = not tells_of(kept, event_types)
        updated = not created and (stale or renew_secret)
        if updated:
            await self._client.notification_rules.update(
                kept.id,
                event_types=event_types if stale else UNSET,
                channel_configs=[channel] if renew_secret else UNSET,
            )
        for rule in surplus:
            await self._delete(rule, url)
        deleted = tuple(rule.id for rule in surplus)
        return WebhookSetupReport(rule_id=kept.id, created=created, updated=updated, deleted=deleted)

    async def _look(self, url: str) -> list[NotificationRule]:
        return own_rules(await self._client.notification_rules.list(self._workspace_id), url)

    async def _create(
        self, url: str, secret: str, header: str, event_types: Sequence[str]
    ) -> NotificationRule:
        try:
            return await self._client.notification_rules.create_webhook(
                workspace_id=self._workspace_id,
                url=url,
                event_types=event_types,
                secret=secret,
                secret_header=header,
            )
        except RailwayError as error:
            landed = await self._look(url) if error.maybe_applied else []
            if not landed:
                raise
            return landed[0]

    async def _delete(self, rule: NotificationRule, url: str) -> None:
        try:
            await self._client.notification_rules.delete(rule.id)
        except RailwayError:
            if rule.id in {one.id for one in await self._look(url)}:
                raise  # else its answer was lost, or another process was faster
