"""Mails about accounts: rows of the outbox, written in the transaction that they tell about.

What whoever sends them can rely on: the topic is `mail`; the payload is `{"to": address, "template": name, "data": {name:
text}}`; every value of `data` is plain text to be escaped. Templates: `verify_email`, `verify_new_email`,
`already_registered`, `reset_password`, `password_changed`, `account_locked`, `session_reused`, `email_changed`.

`data["link"]` of the first two and of `reset_password` holds a secret that is good once. It stands nowhere else in clear
(the database knows its SHA-256), so the payload must be cleared once the mail is sent or given up, and never logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.domain import OutboxMessage, new_id

if TYPE_CHECKING:
    from datetime import datetime


def mail(to: str, template: str, data: dict[str, str], *, key: str, now: datetime) -> OutboxMessage:
    """A mail for the outbox; of two with the same key one is sent."""
    return OutboxMessage(
        id=new_id(now),
        topic="mail",
        key=key,
        payload={"to": to, "template": template, "data": data},
        not_before=now,
        created_at=now,
    )


def moment(at: datetime) -> str:
    """How mails write a time."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
