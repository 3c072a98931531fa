"""Mails about instances, written in the transaction that records what happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from railway_saas.domain import InstanceStatus
from railway_saas.repositories.sqlalchemy import SqlEvents
from railway_saas.repositories.sqlalchemy.models import InstanceEventRow, InstanceRow
from reference_server.data.models import UserRow
from reference_server.mail.messages import mail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas.domain.instances import InstanceEvent
    from railway_saas.repositories.sqlalchemy import Transaction
    from reference_server.data.outbox import ServerOutbox

_UP: Final = frozenset({InstanceStatus.RUNNING, InstanceStatus.SLEEPING})
_COMING: Final = frozenset({InstanceStatus.ACCEPTED, InstanceStatus.PROVISIONING, InstanceStatus.DEPLOYING})
_MAX_ADMINS: Final = 50


def template_of(before: InstanceStatus | None, after: InstanceStatus) -> str | None:
    """The mail to the owner when an instance goes from one status to another; None: it is no news to them."""
    if before is after:
        return None
    if after in _UP:
        return "instance_running" if before in _COMING else None
    return {
        InstanceStatus.FAILED: "instance_failed",
        InstanceStatus.CRASHED: "instance_crashed",
        InstanceStatus.DELETED: "instance_deleted",
    }.get(after)


def key_of(template: str, event: InstanceEvent) -> str:
    """What a mail is sent once for: a crash once in an hour, however often it happens; all else once in a life."""
    moment = f":{event.at:%Y-%m-%dT%H}" if template == "instance_crashed" else ""
    return f"{template}:{event.instance_id}{moment}"


class NotifyingEvents(SqlEvents):
    """Tells owners and operators of what is news to them."""

    def __init__(self, transaction: Transaction, outbox: ServerOutbox) -> None:
        super().__init__(transaction)
        self._outbox = outbox

    def append(self, events: Sequence[InstanceEvent]) -> Sequence[InstanceEvent]:
        befores = {event.instance_id: self._status_before(event) for event in events}
        stored = super().append(events)
        for event in stored:
            before, befores[event.instance_id] = befores[event.instance_id], event.status
            template = template_of(before, event.status)
            if template is not None:
                self._tell_owner(template, event)
            if event.step == "attention":
                self._tell_admins(event)
        return stored

    def _status_before(self, event: InstanceEvent) -> InstanceStatus | None:
        """As the newest event that is stored has it."""
        found = self._transaction.first(
            select(InstanceEventRow.status)
            .where(InstanceEventRow.instance_id == event.instance_id)
            .order_by(InstanceEventRow.id.desc())
            .limit(1)
        )
        return None if found is None else InstanceStatus(found)

    def _tell_owner(self, template: str, event: InstanceEvent) -> None:
        rows = self._transaction.rows(
            select(UserRow.email, InstanceRow.name, InstanceRow.domain, InstanceRow.error)
            .join(InstanceRow, InstanceRow.user_id == UserRow.id)
            .where(InstanceRow.id == event.instance_id)
        )
        for email, name, domain, error in rows:  # one, or none where the owner has no account here
            data = {"name": name, "domain": domain, "reason": error}
            self._write(email, template, data, event, key_of(template, event))

    def _tell_admins(self, event: InstanceEvent) -> None:
        name = self._transaction.first(select(InstanceRow.name).where(InstanceRow.id == event.instance_id))
        admins = self._transaction.rows(
            select(UserRow.id, UserRow.email)
            .where(UserRow.role == "admin", UserRow.closing_at.is_(None))
            .order_by(UserRow.id)
            .limit(_MAX_ADMINS)
        )
        for admin_id, email in admins:
            data = {"name": name or "", "reason": event.message}
            self._write(
                email, "needs_attention", data, event, f"needs_attention:{event.id.hex}:{admin_id.hex}"
            )

    def _write(self, email: str, template: str, data: dict[str, Any], event: InstanceEvent, key: str) -> None:
        known = {name: value for name, value in data.items() if value is not None}
        known["instance_id"] = str(event.instance_id)
        self._outbox.add(mail(email, template, known, key=key, now=event.at))
