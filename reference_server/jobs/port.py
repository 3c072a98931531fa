"""What the rest of the server knows of background work: names of jobs, and how to ask for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

RECONCILE: Final = "reconcile"
"""Subject: an instance's id."""
SEND_MAIL: Final = "send_mail"
"""Subject: the id of an outbox message."""


class JobQueue(Protocol):
    """Takes wishes for work."""

    def enqueue(self, session: Session, job: str, subject: str) -> None:
        """Queue a job in the transaction of a session: it is there with the commit, and gone with a roll back.

        The same job of the same subject that still waits is not queued twice.
        """
        ...


class NoQueue:
    """Forgets every wish. The periodic jobs find the work all the same, only later."""

    def enqueue(self, session: Session, job: str, subject: str) -> None:
        """Do nothing."""
