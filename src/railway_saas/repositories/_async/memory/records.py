"""Subscriptions, outbox, inbox, audit log and idempotency keys in memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from railway_saas.errors import NotFoundError
from railway_saas.repositories._async.memory.base import AsyncMemoryRepository, first_page
from railway_saas.repositories.memory_tables import EVERYTHING
from railway_saas.repositories.paging import id_after
from railway_saas.repositories.values import clean, utc

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


class AsyncMemorySubscriptions(AsyncMemoryRepository):
    """See `AsyncSubscriptionRepository`."""

    async def upsert(self, subscription: Subscription) -> None:
        stored = await self.find_by_stripe_id(subscription.stripe_subscription_id)
        if stored is None:
            self._tables.subscriptions.add(subscription)
        else:
            kept = replace(subscription, id=stored.id, created_at=stored.created_at)
            self._tables.subscriptions.replace(kept)

    async def find_by_stripe_id(self, stripe_subscription_id: str) -> Subscription | None:
        return self._tables.subscriptions.find_by("stripe_subscription_id", stripe_subscription_id)

    async def current(self, user_id: UUID) -> Subscription | None:
        return max(
            self._tables.subscriptions.all_of("user_id", user_id),
            key=lambda row: (row.grants_plan, row.created_at, row.id),
            default=None,
        )

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Subscription]:
        wanted: dict[str, Any] = {"user_id": user_id, "status": status}
        filters = {name: value for name, value in wanted.items() if value is not None}
        index, group = next(iter(filters.items()), ("all", EVERYTHING))
        rows = (
            row
            for row in self._tables.subscriptions.rows(index, group, id_after(after))
            if status is None or row.status == status
        )
        return first_page(rows, limit, lambda row: str(row.id))


class AsyncMemoryOutbox(AsyncMemoryRepository):
    """See `AsyncOutboxRepository`."""

    async def add(self, message: OutboxMessage) -> bool:
        checked = clean(message)
        if self._tables.outbox.find_by("key", (checked.topic, checked.key)) is not None:
            return False
        self._tables.outbox.add(checked)
        return True

    async def claim_due(
        self, topic: str, *, now: datetime, retry_at: datetime, limit: int
    ) -> Sequence[OutboxMessage]:
        moment, again = utc(now, "now"), utc(retry_at, "retry_at")
        due = takewhile(lambda row: row.not_before <= moment, self._tables.outbox.rows("due", topic))
        oldest = sorted(due, key=lambda row: row.id)[: max(limit, 0)]
        for row in oldest:
            self._tables.outbox.replace(replace(row, not_before=again, attempts=row.attempts + 1))
        return [self._tables.outbox.get(row.id) for row in oldest]

    async def save(self, message: OutboxMessage) -> None:
        stored = self._tables.outbox.get(message.id)
        self._tables.outbox.replace(
            replace(
                stored,
                attempts=message.attempts,
                error=message.error,
                not_before=message.not_before,
                sent_at=message.sent_at,
                failed_at=message.failed_at,
            )
        )

    async def list_page(
        self,
        *,
        topic: str | None = None,
        failed: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[OutboxMessage]:
        index, group = (
            ("failed", EVERYTHING) if failed else ("all", EVERYTHING) if topic is None else ("topic", topic)
        )
        rows = (
            row
            for row in self._tables.outbox.rows(index, group, id_after(after))
            if topic is None or row.topic == topic
        )
        return first_page(rows, limit, lambda row: str(row.id))


class AsyncMemoryInbox(AsyncMemoryRepository):
    """See `AsyncInboxRepository`."""

    async def add(self, event: InboxEvent) -> bool:
        checked = clean(event)
        if self._tables.inbox.find_by("key", (checked.source, checked.key)) is not None:
            return False
        self._tables.inbox.add(checked)
        return True

    async def save(self, event: InboxEvent) -> None:
        stored = self._tables.inbox.get(event.id)
        self._tables.inbox.replace(replace(stored, processed_at=event.processed_at, outcome=event.outcome))

    async def list_unprocessed(self, source: str, *, limit: int = 50) -> Sequence[InboxEvent]:
        return self._tables.inbox.first("unprocessed", lambda _: True, limit, group=source)

    async def forget_before(self, moment: datetime, *, limit: int = 1000) -> int:
        before = utc(moment)
        old = self._tables.inbox.first("processed", lambda row: row.received_at < before, limit)
        for event in old:
            self._tables.inbox.remove(event.id)
        return len(old)


class AsyncMemoryAudit(AsyncMemoryRepository):
    """See `AsyncAuditRepository`."""

    async def append(self, entry: AuditEntry) -> None:
        self._tables.audit.add(entry)

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        subject_type: str | None = None,
        subject_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[AuditEntry]:
        wanted: dict[str, Any] = {
            "subject_id": subject_id,
            "user_id": user_id,
            "subject_type": subject_type,
        }
        filters = {name: value for name, value in wanted.items() if value is not None}
        index, group = next(iter(filters.items()), ("all", EVERYTHING))
        rows = (
            row
            for row in self._tables.audit.rows(index, group, id_after(after))
            if all(getattr(row, name) == value for name, value in filters.items())
        )
        return first_page(rows, limit, lambda row: str(row.id))


class AsyncMemoryIdempotencyKeys(AsyncMemoryRepository):
    """See `AsyncIdempotencyRepository`."""

    async def reserve(self, key: IdempotencyKey) -> IdempotencyKey | None:
        checked = clean(key)
        stored = self._tables.idempotency_keys.find((checked.user_id, checked.key))
        if stored is not None and stored.expires_at > checked.created_at:
            return stored
        self._tables.idempotency_keys.put(checked)
        return None

    async def complete(self, user_id: UUID, key: str, response: Mapping[str, object]) -> None:
        stored = self._tables.idempotency_keys.find((user_id, key))
        if stored is None:
            raise NotFoundError("idempotency_keys: there is no row of that key")
        self._tables.idempotency_keys.replace(replace(stored, response=response))

    async def forget_expired(self, now: datetime, *, limit: int = 1000) -> int:
        moment = utc(now, "now")
        old = self._tables.idempotency_keys.first("expiry", lambda row: row.expires_at <= moment, limit)
        for row in old:
            self._tables.idempotency_keys.remove((row.user_id, row.key))
        return len(old)
