"""Subscriptions, outbox, inbox, audit log and idempotency keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.repositories.sqlalchemy._async.base import AsyncSqlRepository
from railway_saas.repositories.sqlalchemy.mapping.records import (
    audit_entry_of,
    idempotency_key_of,
    inbox_event_of,
    message_of,
    subscription_of,
)
from railway_saas.repositories.sqlalchemy.reading import found, page, touched
from railway_saas.repositories.sqlalchemy.statements import audit as audit_statements
from railway_saas.repositories.sqlalchemy.statements import idempotency as idempotency_statements
from railway_saas.repositories.sqlalchemy.statements import inbox as inbox_statements
from railway_saas.repositories.sqlalchemy.statements import outbox as outbox_statements
from railway_saas.repositories.sqlalchemy.statements import subscriptions as subscription_statements
from railway_saas.repositories.values import utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.records import (
        AuditEntry,
        IdempotencyKey,
        InboxEvent,
        OutboxMessage,
        Subscription,
    )


class AsyncSqlSubscriptions(AsyncSqlRepository):
    """See `AsyncSubscriptionRepository`."""

    async def upsert(self, subscription: Subscription) -> None:
        await self._transaction.write(subscription_statements.upsert(subscription, self._dialect))

    async def find_by_stripe_id(self, stripe_subscription_id: str) -> Subscription | None:
        query = subscription_statements.find_by_stripe_id(stripe_subscription_id)
        return found(await self._transaction.first(query), subscription_of)

    async def current(self, user_id: UUID) -> Subscription | None:
        return found(await self._transaction.first(subscription_statements.current(user_id)), subscription_of)

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Subscription]:
        query = subscription_statements.list_page(user_id=user_id, status=status, after=after, limit=limit)
        return page(await self._transaction.all(query), subscription_of, limit)


class AsyncSqlOutbox(AsyncSqlRepository):
    """See `AsyncOutboxRepository`."""

    async def add(self, message: OutboxMessage) -> bool:
        async with self._transaction.savepoint():
            return bool(await self._transaction.rows(outbox_statements.add(message, self._dialect)))

    async def claim_due(
        self, topic: str, *, now: datetime, retry_at: datetime, limit: int
    ) -> Sequence[OutboxMessage]:
        due = await self._transaction.all(outbox_statements.due(topic, now=now, limit=limit))
        messages = [message_of(row) for row in due]
        if messages:
            ids = [message.id for message in messages]
            note = outbox_statements.note_attempt(ids, retry_at=retry_at, dialect=self._dialect)
            await self._transaction.run(note)
        return [
            replace(message, attempts=message.attempts + 1, not_before=utc(retry_at)) for message in messages
        ]

    async def save(self, message: OutboxMessage) -> None:
        touched(await self._transaction.run(outbox_statements.save(message)), f"outbox message {message.id}")

    async def list_page(
        self,
        *,
        topic: str | None = None,
        failed: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[OutboxMessage]:
        query = outbox_statements.list_page(topic=topic, failed=failed, after=after, limit=limit)
        return page(await self._transaction.all(query), message_of, limit)


class AsyncSqlInbox(AsyncSqlRepository):
    """See `AsyncInboxRepository`."""

    async def add(self, event: InboxEvent) -> bool:
        async with self._transaction.savepoint():
            return bool(await self._transaction.rows(inbox_statements.add(event, self._dialect)))

    async def save(self, event: InboxEvent) -> None:
        touched(await self._transaction.run(inbox_statements.save(event)), f"inbox event {event.id}")

    async def list_unprocessed(self, source: str, *, limit: int = 50) -> Sequence[InboxEvent]:
        rows = await self._transaction.all(inbox_statements.list_unprocessed(source, limit))
        return [inbox_event_of(row) for row in rows]

    async def forget_before(self, moment: datetime, *, limit: int = 1000) -> int:
        return await self._transaction.run(inbox_statements.forget_before(moment, limit))


class AsyncSqlAudit(AsyncSqlRepository):
    """See `AsyncAuditRepository`."""

    async def append(self, entry: AuditEntry) -> None:
        await self._transaction.write(audit_statements.append(entry))

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        subject_type: str | None = None,
        subject_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[AuditEntry]:
        query = audit_statements.list_page(
            user_id=user_id, subject_type=subject_type, subject_id=subject_id, after=after, limit=limit
        )
        return page(await self._transaction.all(query), audit_entry_of, limit)


class AsyncSqlIdempotencyKeys(AsyncSqlRepository):
    """See `AsyncIdempotencyRepository`."""

    async def reserve(self, key: IdempotencyKey) -> IdempotencyKey | None:
        if await self._transaction.rows(idempotency_statements.reserve(key, self._dialect)):
            return None
        stored = await self._transaction.first(idempotency_statements.find(key.user_id, key.key))
        return found(stored, idempotency_key_of)

    async def complete(self, user_id: UUID, key: str, response: Mapping[str, object]) -> None:
        done = await self._transaction.run(idempotency_statements.complete(user_id, key, response))
        touched(done, "idempotency key")

    async def forget_expired(self, now: datetime, *, limit: int = 1000) -> int:
        return await self._transaction.run(idempotency_statements.forget_expired(now, limit))
