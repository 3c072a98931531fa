"""Answers to requests with an `Idempotency-Key`, so that a repeat gets the same one and nothing is done twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from reference_server.data.models import IdempotentRequestRow

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from railway_saas.repositories.sqlalchemy import Transaction


KEPT: Final = timedelta(days=1)
"""As long as the SDK keeps the key of a deploy."""


class Seal(Protocol):
    """Encrypts what is kept: an answer may hold a key that is shown once."""

    def seal(self, plain: str, *, context: str) -> str:
        """Encrypt; `context` says where it stands."""
        ...

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt what was sealed for the same place."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A key that this request holds until it completes or releases it."""

    user_id: UUID
    key: str
    begun_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRequest:
    """What an earlier request under the key was, and what it was answered."""

    request_digest: str
    begun_at: datetime
    status: int | None
    """None: it is still at work."""
    answer: str | None


class IdempotentRequests:
    """The table of keys."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def reserve(
        self, wanted: Reservation, *, request_digest: str, expires_at: datetime, abandoned_before: datetime
    ) -> KnownRequest | None:
        """Take the key, with one statement; what is known of it where it is taken.

        It is free again once it is expired, and for the same request once that is still at work but began before
        `abandoned_before`: its process died.
        """
        row = IdempotentRequestRow
        insert = postgresql_insert if self._transaction.dialect == "postgresql" else sqlite_insert
        values = {
            "request_digest": request_digest,
            "status": None,
            "answer": None,
            "created_at": wanted.begun_at,
            "expires_at": expires_at,
        }
        is_abandoned = and_(
            row.status.is_(None),
            row.request_digest == request_digest,
            row.created_at <= abandoned_before,
        )
        statement = insert(row).values(user_id=wanted.user_id, key=wanted.key, **values)
        taken = statement.on_conflict_do_update(
            index_elements=[row.user_id, row.key],
            set_=values,
            where=or_(row.expires_at <= wanted.begun_at, is_abandoned),
        ).returning(row.key)
        if self._transaction.rows(taken):
            return None
        (found,) = self._transaction.rows(
            select(row.request_digest, row.created_at, row.status, row.answer).where(
                row.user_id == wanted.user_id, row.key == wanted.key
            )
        )
        return KnownRequest(request_digest=found[0], begun_at=found[1], status=found[2], answer=found[3])

    def complete(self, held: Reservation, *, status: int, answer: str) -> bool:
        """Keep the answer; False when another request has taken the key over meanwhile."""
        change = update(IdempotentRequestRow).where(*_held(held)).values(status=status, answer=answer)
        return self._transaction.run(change) == 1

    def release(self, held: Reservation) -> None:
        """Let the next request under the key try anew."""
        self._transaction.run(delete(IdempotentRequestRow).where(*_held(held)))


def _held(held: Reservation) -> tuple[Any, ...]:
    row = IdempotentRequestRow
    return (
        row.user_id == held.user_id,
        row.key == held.key,
        row.created_at == held.begun_at,
        row.status.is_(None),
    )
