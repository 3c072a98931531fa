"""`outbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from railway_saas.repositories.sqlalchemy.mapping.records import delivery_values, message_values
from railway_saas.repositories.sqlalchemy.models import OutboxRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import insert_into, one_of, paged
from railway_saas.repositories.values import clean, text, utc

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Select, Update
    from sqlalchemy.sql.dml import ReturningInsert

    from railway_saas.domain.records import OutboxMessage


def add(message: OutboxMessage, dialect: str) -> ReturningInsert[UUID]:
    """Returns nothing when the topic has the key."""
    return (
        insert_into(OutboxRow, dialect)
        .values(message_values(clean(message)))
        .on_conflict_do_nothing(index_elements=["topic", "key"])
        .returning(OutboxRow.id)
    )


def due(topic: str, *, now: datetime, limit: int) -> Select[OutboxRow]:
    return (
        select(OutboxRow)
        .where(
            OutboxRow.topic == text(topic),
            OutboxRow.sent_at.is_(None),
            OutboxRow.failed_at.is_(None),
            OutboxRow.not_before <= utc(now, "now"),
        )
        .order_by(OutboxRow.id)
        .limit(max(limit, 0))
        .with_for_update(skip_locked=True)
    )


def note_attempt(message_ids: Collection[UUID], *, retry_at: datetime, dialect: str) -> Update:
    return (
        update(table_of(OutboxRow))
        .where(one_of(OutboxRow.id, message_ids, dialect))
        .values(attempts=OutboxRow.attempts + 1, not_before=utc(retry_at, "retry_at"))
    )


def save(message: OutboxMessage) -> Update:
    return (
        update(table_of(OutboxRow)).where(OutboxRow.id == message.id).values(delivery_values(clean(message)))
    )


def list_page(*, topic: str | None, failed: bool, after: str | None, limit: int) -> Select[OutboxRow]:
    query = select(OutboxRow)
    if topic is not None:
        query = query.where(OutboxRow.topic == text(topic))
    if failed:
        query = query.where(OutboxRow.failed_at.is_not(None))
    return paged(query, OutboxRow.id, after, limit)
