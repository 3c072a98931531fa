"""`inbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from railway_saas.repositories.sqlalchemy.mapping.records import inbox_event_values
from railway_saas.repositories.sqlalchemy.models import InboxRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import insert_into
from railway_saas.repositories.values import clean, text, utc

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Delete, Select, Update
    from sqlalchemy.sql.dml import ReturningInsert

    from railway_saas.domain.records import InboxEvent


def add(event: InboxEvent, dialect: str) -> ReturningInsert[UUID]:
    """Returns nothing when the source has sent the key before."""
    return (
        insert_into(InboxRow, dialect)
        .values(inbox_event_values(clean(event)))
        .on_conflict_do_nothing(index_elements=["source", "key"])
        .returning(InboxRow.id)
    )


def save(event: InboxEvent) -> Update:
    checked = clean(event)
    return (
        update(table_of(InboxRow))
        .where(InboxRow.id == event.id)
        .values(processed_at=checked.processed_at, outcome=checked.outcome)
    )


def list_unprocessed(source: str, limit: int) -> Select[InboxRow]:
    return (
        select(InboxRow)
        .where(InboxRow.source == text(source), InboxRow.processed_at.is_(None))
        .order_by(InboxRow.id)
        .limit(max(limit, 0))
    )


def forget_before(moment: datetime, limit: int) -> Delete:
    old = (
        select(InboxRow.id)
        .where(InboxRow.processed_at.is_not(None), InboxRow.received_at < utc(moment))
        .order_by(InboxRow.received_at)
        .limit(max(limit, 0))
    )
    return delete(table_of(InboxRow)).where(InboxRow.id.in_(old))
