"""What the server asks of the outbox beyond the SDK's repository: one message at a time, and forgetting what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from railway_saas.repositories.sqlalchemy import SqlOutbox
from railway_saas.repositories.sqlalchemy.mapping.records import message_of
from railway_saas.repositories.sqlalchemy.models import OutboxRow, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from railway_saas.domain.records import OutboxMessage


def _is_due(now: datetime) -> ColumnElement[bool]:
    return OutboxRow.sent_at.is_(None) & OutboxRow.failed_at.is_(None) & (OutboxRow.not_before <= now)


class ServerOutbox(SqlOutbox):
    """The outbox, and what the mail jobs need."""

    def claim(self, message_id: UUID, *, now: datetime) -> OutboxMessage | None:
        """A message that is due, held against other transactions; None: it is not, or another one has it."""
        row = self._transaction.first(
            select(OutboxRow)
            .where(OutboxRow.id == message_id, _is_due(now))
            .with_for_update(skip_locked=True)
        )
        return None if row is None else message_of(row)

    def due_ids(self, topic: str, *, now: datetime, limit: int) -> Sequence[UUID]:
        """Messages of a topic that are due, the longest waiting first."""
        return self._transaction.all(
            select(OutboxRow.id)
            .where(OutboxRow.topic == topic, _is_due(now))
            .order_by(OutboxRow.not_before)
            .limit(limit)
        )

    def wipe(self, message_id: UUID) -> None:
        """Forget what a message said, and to whom: it may hold a link that logs somebody in."""
        row = self._transaction.first(select(OutboxRow).where(OutboxRow.id == message_id))
        if row is not None:
            kept = {"template": row.payload.get("template"), "wiped": True}
            self._transaction.run(
                update(table_of(OutboxRow)).where(OutboxRow.id == message_id).values(payload=kept)
            )

    def revive(self, message_id: UUID, *, now: datetime) -> None:
        """Let a message that was given up be sent again."""
        self._transaction.run(
            update(table_of(OutboxRow))
            .where(OutboxRow.id == message_id, OutboxRow.failed_at.is_not(None))
            .values(failed_at=None, error=None, attempts=0, not_before=now)
        )
