"""The audit log as a chain: what was written cannot be altered, removed or put in between without being seen.

Entries are written by the transactions whose change they tell of, many at once, so that they get their link a moment
later, by one sealer at a time: `audit_seals` numbers them and holds SHA-256 of the link before and of the entry. Triggers
refuse to change `audit_log`; who goes around them breaks the chain. Who can rewrite the whole chain is found by comparing
with a link that was noted elsewhere: each run of the sealer logs its newest one.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select

from railway_saas.domain.ids import lowest_id
from railway_saas.repositories.sqlalchemy.models import AuditRow
from reference_server.data.models import AuditSealRow
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue
    from sqlalchemy.orm import Session

    from reference_server.data.database import ServerDatabase

log = logging.getLogger("reference_server.audit")

FIRST_LINK: Final = "0" * 64
_LOCK: Final = 0x6175646974  # any number that nothing else locks
LATEST_COMMIT: Final = timedelta(minutes=15)
"""No transaction lasts so long, so that entries that came late are no older than the newest link by more than this."""
_PAGE: Final = 1000


def link(before: str, entry: AuditRow) -> str:
    """The link of an entry after another link."""
    return hashlib.sha256(f"{before}\n{canonical(entry)}".encode()).hexdigest()


def canonical(entry: AuditRow) -> str:
    """The entry as text that is the same wherever it is read."""
    return json.dumps(
        {
            "id": str(entry.id),
            "at": entry.at.isoformat(),
            "actor": entry.actor,
            "action": entry.action,
            "subject_type": entry.subject_type,
            "subject_id": entry.subject_id,
            "user_id": None if entry.user_id is None else str(entry.user_id),
            "details": _stable(dict(entry.details)),
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
    )


def _stable(value: JsonValue) -> JsonValue:
    """JSON numbers come back from databases in more than one way: 1.0 and 1 are the same."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _stable(item) for key, item in value.items()}
        case list():
            return [_stable(item) for item in value]
        case _:
            return value


def seal(database: ServerDatabase, *, limit: int = _PAGE) -> int:
    """Give entries that have none their link, the oldest first; how many.

    Several sealers at once wait for each other. Done again it does nothing.
    """
    with scoped(SYSTEM), database.unit_of_work() as work:
        session = work.session
        _wait_for_turn(session)
        number, before = _newest(session)
        entries = _unsealed(session, limit)
        for entry in entries:
            number, before = number + 1, link(before, entry)
            session.execute(insert(AuditSealRow).values(sequence=number, entry_id=entry.id, hash=before))
        work.commit()
    if entries:
        log.info("audit log sealed up to link %d: %s", number, before)
    return len(entries)


def _wait_for_turn(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer anyway
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _newest(session: Session) -> tuple[int, str]:
    query = select(AuditSealRow.sequence, AuditSealRow.hash).order_by(AuditSealRow.sequence.desc()).limit(1)
    row = session.execute(query).one_or_none()
    return (0, FIRST_LINK) if row is None else (row.sequence, row.hash)


def _unsealed(session: Session, limit: int) -> list[AuditRow]:
    newest = session.scalar(
        select(AuditRow.at)
        .join(AuditSealRow, AuditSealRow.entry_id == AuditRow.id)
        .order_by(AuditSealRow.sequence.desc())
        .limit(1)
    )
    query = (
        select(AuditRow)
        .outerjoin(AuditSealRow, AuditSealRow.entry_id == AuditRow.id)
        .where(AuditSealRow.entry_id.is_(None))
        .order_by(AuditRow.id)
        .limit(limit)
    )
    if newest is not None:
        query = query.where(AuditRow.id >= lowest_id(newest - LATEST_COMMIT))
    return list(session.scalars(query))


@dataclass(frozen=True, slots=True)
class AuditFault:
    """Something that must not be."""

    sequence: int | None
    entry_id: UUID | None
    what: str

    def __str__(self) -> str:
        where = f"link {self.sequence}" if self.sequence is not None else "no link"
        return f"{where}, entry {self.entry_id}: {self.what}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a verification found."""

    entries: int
    newest: int
    """Number of the newest link."""
    hash: str
    """The newest link: note it elsewhere, and hand it to the next verification."""
    faults: tuple[AuditFault, ...]


def verify(
    database: ServerDatabase, *, now: datetime, expected: Mapping[int, str] | None = None
) -> AuditReport:
    """Walk along the whole chain.

    Args:
        database: Whose audit log.
        now: The present moment: entries without a link may be at most 15 minutes old.
        expected: Links that were noted elsewhere, by number.
    """
    faults: list[AuditFault] = []
    number, before = 0, FIRST_LINK
    wanted = dict(expected or {})
    with scoped(SYSTEM), database.unit_of_work() as work:
        for seal_row, entry in _links(work.session):
            number += 1
            faults.extend(_faults_of(number, before, seal_row, entry))
            before = seal_row.hash
            noted = wanted.pop(number, None)
            if noted is not None and noted != before:
                faults.append(
                    AuditFault(
                        number, seal_row.entry_id, "is not the link that was noted: the chain was rewritten"
                    )
                )
        faults.extend(
            AuditFault(missing, None, "was noted, and is gone: the end of the chain was cut off")
            for missing in wanted
        )
        faults.extend(_never_sealed(work.session, now))
        entries = work.session.scalar(select(func.count()).select_from(AuditRow)) or 0
    return AuditReport(entries, number, before, tuple(faults))


def _links(session: Session) -> Iterator[tuple[AuditSealRow, AuditRow | None]]:
    after = 0
    while True:
        query = (
            select(AuditSealRow, AuditRow)
            .outerjoin(AuditRow, AuditRow.id == AuditSealRow.entry_id)
            .where(AuditSealRow.sequence > after)
            .order_by(AuditSealRow.sequence)
            .limit(_PAGE)
        )
        rows = session.execute(query).all()
        for row in rows:
            yield row[0], row[1]
        if len(rows) < _PAGE:
            return
        after = rows[-1][0].sequence
        session.expunge_all()


def _faults_of(
    number: int, before: str, seal_row: AuditSealRow, entry: AuditRow | None
) -> Iterator[AuditFault]:
    if seal_row.sequence != number:
        yield AuditFault(
            seal_row.sequence, seal_row.entry_id, f"follows on link {number - 1}: links in between are gone"
        )
    if entry is None:
        yield AuditFault(seal_row.sequence, seal_row.entry_id, "the entry is gone")
    elif link(before, entry) != seal_row.hash:
        yield AuditFault(
            seal_row.sequence, seal_row.entry_id, "the entry, or the link before it, was altered"
        )


def _never_sealed(session: Session, now: datetime) -> Iterator[AuditFault]:
    query = (
        select(AuditRow.id)
        .outerjoin(AuditSealRow, AuditSealRow.entry_id == AuditRow.id)
        .where(AuditSealRow.entry_id.is_(None), AuditRow.id < lowest_id(now - LATEST_COMMIT))
        .order_by(AuditRow.id)
        .limit(_PAGE)
    )
    for entry_id in session.scalars(query):
        yield AuditFault(
            None, entry_id, "has no link though it is old: it was put in later, or the sealer does not run"
        )
