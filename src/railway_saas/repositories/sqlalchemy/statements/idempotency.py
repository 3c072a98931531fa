"""`idempotency_keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, tuple_, update

from railway_saas.repositories.sqlalchemy.mapping.records import idempotency_key_values
from railway_saas.repositories.sqlalchemy.models import IdempotencyKeyRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import insert_into
from railway_saas.repositories.values import clean, json_object, text, utc

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Delete, Select, Update
    from sqlalchemy.sql.dml import ReturningInsert

    from railway_saas.domain.records import IdempotencyKey


def reserve(key: IdempotencyKey, dialect: str) -> ReturningInsert[str]:
    """Insert, or replace one that is expired; returns nothing when there is one that is not."""
    statement = insert_into(IdempotencyKeyRow, dialect).values(idempotency_key_values(clean(key)))
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["user_id", "key"],
        set_={
            "request_digest": new.request_digest,
            "response": new.response,
            "created_at": new.created_at,
            "expires_at": new.expires_at,
        },
        where=IdempotencyKeyRow.expires_at <= new.created_at,
    ).returning(IdempotencyKeyRow.key)


def find(user_id: UUID, key: str) -> Select[IdempotencyKeyRow]:
    return select(IdempotencyKeyRow).where(
        IdempotencyKeyRow.user_id == user_id, IdempotencyKeyRow.key == text(key)
    )


def complete(user_id: UUID, key: str, response: Mapping[str, object]) -> Update:
    return (
        update(table_of(IdempotencyKeyRow))
        .where(IdempotencyKeyRow.user_id == user_id, IdempotencyKeyRow.key == text(key))
        .values(response=json_object(response, "response"))
    )


def forget_expired(now: datetime, limit: int) -> Delete:
    identity = IdempotencyKeyRow.user_id, IdempotencyKeyRow.key
    expired = (
        select(*identity)
        .where(IdempotencyKeyRow.expires_at <= utc(now, "now"))
        .order_by(IdempotencyKeyRow.expires_at)
        .limit(max(limit, 0))
    )
    return delete(table_of(IdempotencyKeyRow)).where(tuple_(*identity).in_(expired))
