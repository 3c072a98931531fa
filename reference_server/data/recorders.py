"""Repositories of the SDK that note, beside what they write, what has to follow from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from railway_saas.domain import new_id
from railway_saas.domain.records import AuditEntry
from railway_saas.repositories.sqlalchemy import SqlAudit, SqlInstances
from railway_saas.repositories.sqlalchemy.reading import needed
from reference_server.data import under_way
from reference_server.data.outbox import ServerOutbox
from reference_server.jobs.port import RECONCILE, SEND_MAIL
from reference_server.mail.messages import TOPIC
from reference_server.security.origin import current_origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.instances import Instance
    from railway_saas.domain.records import OutboxMessage
    from railway_saas.repositories.sealing import VariableCipher
    from railway_saas.repositories.sqlalchemy import Transaction


class WakingInstances(SqlInstances):
    """An instance that is accepted or woken gets a turn; owners of those that change are noted.

    Reading one also tells whether something is under way with it, as whoever shows it has to know.
    """

    def __init__(
        self,
        transaction: Transaction,
        wish: Callable[[str, str], None],
        cipher: VariableCipher | None,
        changed: Callable[[UUID], None],
    ) -> None:
        super().__init__(transaction, cipher)
        self._wish = wish
        self._changed = changed
        self._read_last: tuple[Instance, bool] | None = None

    def get(self, instance_id: UUID) -> Instance:
        row: Any = self._transaction.record(under_way.ONE.params(instance_id=instance_id))
        instance = needed(row, self._read, f"instance {instance_id}")
        self._read_last = (instance, bool(row.is_under_way))
        return instance

    def was_under_way(self, instance: Instance) -> bool | None:
        """Whether something was, when this very object was read by its id; None: it was not."""
        known, moves = self._read_last or (None, False)
        return moves if known is instance else None

    def add(self, instance: Instance) -> None:
        super().add(instance)
        self._changed(instance.user_id)
        self._wish(RECONCILE, str(instance.id))

    def save_desired(self, instance: Instance) -> None:
        super().save_desired(instance)
        self._changed(instance.user_id)

    def save_observed(self, instance: Instance, *, worker: str, lease_until: datetime) -> None:
        super().save_observed(instance, worker=worker, lease_until=lease_until)
        self._changed(instance.user_id)

    def wake(self, instance_id: UUID, *, at: datetime) -> None:
        super().wake(instance_id, at=at)
        self._wish(RECONCILE, str(instance_id))


class MailingOutbox(ServerOutbox):
    """A mail that is written is sent."""

    def __init__(self, transaction: Transaction, wish: Callable[[str, str], None]) -> None:
        super().__init__(transaction)
        self._wish = wish

    def add(self, message: OutboxMessage) -> bool:
        added = super().add(message)
        if added and message.topic == TOPIC:
            self._wish(SEND_MAIL, str(message.id))
        return added


class TracedAudit(SqlAudit):
    """Every entry says where the request came from, and is counted once it lasts."""

    def __init__(self, transaction: Transaction, count: Callable[[str], None]) -> None:
        super().__init__(transaction)
        self._count = count

    def note(
        self,
        at: datetime,
        action: str,
        subject: tuple[str, object],
        /,
        *,
        actor: object,
        user_id: UUID | None = None,
        **details: Any,
    ) -> None:
        """Append an entry.

        Args:
            at: When it was done, aware.
            action: What was done, e.g. `template.change`.
            subject: To what: its type and its id.
            actor: Who did it: a user's id, `operator:<name>`, or `system`.
            user_id: The owner it concerns.
            details: More about it (JSON); names of variables, never their values.
        """
        subject_type, subject_id = subject
        self.append(
            AuditEntry(
                id=new_id(at),
                at=at,
                actor=str(actor),
                action=action,
                subject_type=subject_type,
                subject_id=str(subject_id),
                user_id=user_id,
                details=details,
            )
        )

    def append(self, entry: AuditEntry) -> None:
        origin = current_origin()
        self._count(entry.action)
        super().append(
            entry if origin is None else replace(entry, details={**entry.details, "origin": origin.to_json()})
        )
