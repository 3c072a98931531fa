"""What is deleted, and after how long: one table, carried out in bounded batches so that no transaction gets long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import delete, or_, select, tuple_

from railway_saas.repositories.sqlalchemy.models import OutboxRow
from reference_server.data.models import (
    IdempotentRequestRow,
    InventoryReportRow,
    LoginFailureRow,
    OneTimeTokenRow,
    SessionRow,
    WorkerRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, CursorResult
    from sqlalchemy.orm import Session

    from reference_server.composition import Platform
    from reference_server.data.database import ServerUnitOfWork

BATCH: Final = 1000
"""Rows per transaction."""
MAX_BATCHES: Final = 50
"""Transactions per kind of row and run; the next run goes on."""

_Rule = tuple[str, tuple[Any, ...], "Callable[[datetime], ColumnElement[bool]]"]

_ROWS: Final[tuple[_Rule, ...]] = (
    (
        "sessions",
        (SessionRow.id,),
        lambda now: or_(
            SessionRow.expires_at < now - timedelta(days=7), SessionRow.revoked_at < now - timedelta(days=30)
        ),
    ),
    (
        "one_time_tokens",
        (OneTimeTokenRow.digest,),
        lambda now: OneTimeTokenRow.expires_at < now - timedelta(days=1),
    ),
    (
        "idempotent_requests",
        (IdempotentRequestRow.user_id, IdempotentRequestRow.key),
        lambda now: IdempotentRequestRow.expires_at < now,
    ),
    (
        "login_failures",
        (LoginFailureRow.email_digest,),
        lambda now: (
            (LoginFailureRow.last_at < now - timedelta(days=1))
            & or_(LoginFailureRow.locked_until.is_(None), LoginFailureRow.locked_until < now)
        ),
    ),
    (
        "outbox",
        (OutboxRow.id,),
        lambda now: or_(
            OutboxRow.sent_at < now - timedelta(days=30), OutboxRow.failed_at < now - timedelta(days=30)
        ),
    ),
    (
        "inventory_reports",
        (InventoryReportRow.id,),
        lambda now: InventoryReportRow.created_at < now - timedelta(days=90),
    ),
    ("workers", (WorkerRow.executor_id,), lambda now: WorkerRow.seen_at < now - timedelta(days=1)),
)
"""Table, its key, and which rows go."""

_BY_REPOSITORIES: Final[tuple[tuple[str, Callable[[ServerUnitOfWork, datetime], int]], ...]] = (
    (
        "users",  # registrations that nobody followed
        lambda work, now: work.users.delete_unverified(before=now - timedelta(days=7), limit=BATCH),
    ),
    ("inbox", lambda work, now: work.inbox.forget_before(now - timedelta(days=30), limit=BATCH)),
    ("instance_events", lambda work, now: work.events.forget_before(now - timedelta(days=90), limit=BATCH)),
    ("idempotency_keys", lambda work, now: work.idempotency_keys.forget_expired(now, limit=BATCH)),
)


@dataclass(frozen=True, slots=True)
class Deletion:
    """One kind of row."""

    table: str
    once: Callable[[Platform], int]
    """Delete a batch; how many went."""


def deletions() -> Iterator[Deletion]:
    """Every kind of row that does not stay."""
    for table, key, condition in _ROWS:
        yield Deletion(table, _deleting(key, condition))
    for table, forget in _BY_REPOSITORIES:
        yield Deletion(table, _forgetting(forget))


def clean_up(platform: Platform, _: str) -> str:
    """Delete what is over."""
    gone = {one.table: _until_done(platform, one.once) for one in deletions()}
    return ", ".join(f"{table} {count}" for table, count in gone.items() if count) or "nothing to delete"


def _until_done(platform: Platform, once: Callable[[Platform], int]) -> int:
    total = 0
    for _ in range(MAX_BATCHES):
        count = once(platform)
        total += count
        if count < BATCH:
            break
    return total


def _deleting(
    key: tuple[Any, ...], condition: Callable[[datetime], ColumnElement[bool]]
) -> Callable[[Platform], int]:
    def once(platform: Platform) -> int:
        with platform.database.unit_of_work() as work:
            count = _delete(work.session, key, condition(platform.now()))
            work.commit()
        return count

    return once


def _delete(session: Session, key: tuple[Any, ...], condition: ColumnElement[bool]) -> int:
    over = select(*key).where(condition).limit(BATCH)
    statement = delete(key[0].class_).where(tuple_(*key).in_(over))
    done = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", done).rowcount


def _forgetting(forget: Callable[[ServerUnitOfWork, datetime], int]) -> Callable[[Platform], int]:
    def once(platform: Platform) -> int:
        with platform.database.unit_of_work() as work:
            count = forget(work, platform.now())
            work.commit()
        return count

    return once
