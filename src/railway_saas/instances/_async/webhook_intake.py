"""Taking in Railway's webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.domain.ids import new_id
from railway_saas.domain.records import InboxEvent
from railway_saas.domain.statuses import GONE
from railway_saas.errors import ConfigurationError
from railway_saas.instances.intake import (
    MAX_BYTES,
    SOURCE,
    WebhookOutcome,
    WebhookReceipt,
    event_key,
    read_body,
    require_known_sender,
    require_secrets,
    stored_payload,
)
from railway_saas.railway._clock import SystemClock
from railway_saas.railway.webhooks import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from railway_saas.domain.instances import Instance
    from railway_saas.railway.webhooks import RailwayEvent
    from railway_saas.repositories._async.protocols import AsyncDatabase, AsyncUnitOfWork


class AsyncWebhookIntake:
    """Lets Railway's webhooks wake the instances they are about.

    An event is a hint, never a fact: Railway does not sign it. So it changes nothing but when the instance is looked at.

    ```python
    try:
        receipt = await intake.receive(request.headers, await request.body())
    except WebhookRefusedError as error:
        return Response(status_code=error.status_code)
    ```

    Args:
        database: Where the inbox and the instances are.
        secrets: What the header may carry: the present secret first, and during a rotation the one before.
        now: What time it is, aware; the machine's clock unless given.
        header: The header that carries the secret; its case does not matter.
        max_bytes: How long a body may be.

    Raises:
        ConfigurationError: There is no secret, an empty one, or `max_bytes` is not above 0.
    """

    def __init__(
        self,
        database: AsyncDatabase,
        *,
        secrets: Sequence[str],
        now: Callable[[], datetime] | None = None,
        header: str = SECRET_HEADER,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        if max_bytes <= 0:
            raise ConfigurationError(f"max_bytes={max_bytes!r}: must be above 0")
        self._database = database
        self._secrets = require_secrets(secrets)
        self._now = now or SystemClock().now
        self._header = header
        self._max_bytes = max_bytes

    async def receive(self, headers: Mapping[str, str], body: bytes) -> WebhookReceipt:
        """Check a webhook, and have the instance it is about looked at. Answer 2xx to whatever comes back.

        Only events about instances that exist are kept: the others would fill the inbox for nothing.

        Args:
            headers: Of the HTTP request.
            body: Of the HTTP request, as it came.

        Raises:
            WebhookRefusedError: The secret is wrong (`status_code` 401), the body too large (413) or unreadable (400).
                Nothing was written.
            RepositoryError: The database failed. Answer 5xx, so that Railway may try again.
        """
        require_known_sender(headers, self._secrets, self._header)
        event = read_body(body, max_bytes=self._max_bytes)
        now = self._now()
        key = event_key(event, now)
        if event.project is None or event.project.id is None:
            return WebhookReceipt(outcome=WebhookOutcome.FOREIGN, event_key=key)
        async with self._database.unit_of_work() as work:
            instance = await work.instances.find_by_project(event.project.id)
            if instance is None:
                return WebhookReceipt(outcome=WebhookOutcome.FOREIGN, event_key=key)
            outcome = await self._take(work, event, instance, key, now)
            await work.commit()
        return WebhookReceipt(outcome=outcome, instance_id=instance.id, event_key=key)

    async def _take(
        self, work: AsyncUnitOfWork, event: RailwayEvent, instance: Instance, key: str, now: datetime
    ) -> WebhookOutcome:
        wakes = event.type.known and instance.status not in GONE
        outcome = WebhookOutcome.WOKE if wakes else WebhookOutcome.IGNORED
        is_new = await work.inbox.add(
            InboxEvent(
                id=new_id(now),
                source=SOURCE,
                key=key,
                kind=event.raw_type,
                payload=stored_payload(event),
                received_at=now,
                processed_at=now,
                outcome=outcome,
            )
        )
        if not is_new:
            return WebhookOutcome.REPEATED
        if wakes:
            await work.instances.wake(instance.id, at=now)
        return outcome
