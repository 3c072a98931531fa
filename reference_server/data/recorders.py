"""Repositories of the SDK that note, beside what they write, what has to follow from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.repositories.sqlalchemy import SqlAudit, SqlInstances
from reference_server.data.outbox import ServerOutbox
from reference_server.jobs.port import RECONCILE, SEND_MAIL
from reference_server.mail.messages import TOPIC
from reference_server.security.origin import current_origin

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.instances import Instance
    from railway_saas.domain.records import AuditEntry, OutboxMessage
    from railway_saas.repositories.sealing import VariableCipher
    from railway_saas.repositories.sqlalchemy import Transaction


class WakingInstances(SqlInstances):
    """An instance that is accepted or woken gets a turn."""

    def __init__(
        self, transaction: Transaction, wish: Callable[[str, str], None], cipher: VariableCipher | None
    ) -> None:
        super().__init__(transaction, cipher)
        self._wish = wish

    def add(self, instance: Instance) -> None:
        super().add(instance)
        self._wish(RECONCILE, str(instance.id))

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

    def append(self, entry: AuditEntry) -> None:
        origin = current_origin()
        self._count(entry.action)
        super().append(
            entry if origin is None else replace(entry, details={**entry.details, "origin": origin.to_json()})
        )
