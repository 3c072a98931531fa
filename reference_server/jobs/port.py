"""What the rest of the server knows of background work: names of jobs, how to ask for one, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

RECONCILE: Final = "reconcile"
"""Subject: an instance's id."""
SEND_MAIL: Final = "send_mail"
"""Subject: the id of an outbox message."""
RETRY_JOB: Final = "retry_job"
"""Subject: the id of a run that failed."""


class JobState(StrEnum):
    """How a run stands."""

    WAITING = "waiting"
    """In the queue, or to be tried again later."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Given up. It stays visible until it is retried or forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run of a job."""

    id: str
    job: str
    subject: str
    """What it is about, e.g. an instance's id; empty where the job has no subject."""
    state: JobState
    attempt: int
    """Which attempt this is; 1 is the first."""
    outcome: str | None
    """What came of it, in a few words: of one that is done, or the error of one that failed."""
    request_id: str | None
    """Of the request that asked for it."""
    executor_id: str | None
    """The worker that runs it, or ran it."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRuns:
    """A page of runs."""

    items: Sequence[JobRun]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepth:
    """How much there is to do."""

    waiting: int = 0
    running: int = 0
    failed: int = 0
    oldest_waiting_s: float = 0.0
    """For how long the oldest run that could run has waited."""


class JobQueue(Protocol):
    """Takes wishes for work, and tells what became of them."""

    def enqueue(self, session: Session, job: str, subject: str) -> None:
        """Queue a job in the transaction of a session: it is there with the commit, and gone with a roll back.

        The same job of the same subject that still waits is not queued twice. One that runs already may not have seen
        what this transaction changes: the job is queued beside it.
        """
        ...

    def list_page(
        self,
        *,
        state: JobState | None = None,
        job: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> JobRuns:
        """Runs, newest first."""
        ...

    def find(self, run_id: str) -> JobRun | None:
        """One run."""
        ...

    def depth(self) -> QueueDepth:
        """How much waits, runs and has failed."""
        ...

    def busy_executors(self, session: Session) -> set[str]:
        """Workers that runs are with."""
        ...

    def hand_over(self, session: Session, executor_ids: Collection[str]) -> int:
        """Queue again what these workers have begun, in the transaction of a session; how many runs."""
        ...

    def rewind(self, run_id: str) -> None:
        """Queue a run anew that has ended. Workers only."""
        ...

    def forget(self, state: JobState, *, before: datetime, limit: int) -> int:
        """Delete runs that ended so before a moment; how many went. Workers only."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class NoQueue:
    """Forgets every wish. The periodic jobs find the work all the same, only later."""

    def enqueue(self, session: Session, job: str, subject: str) -> None:
        """Do nothing."""

    def list_page(
        self,
        *,
        state: JobState | None = None,  # noqa: ARG002
        job: str | None = None,  # noqa: ARG002
        after: str | None = None,  # noqa: ARG002
        limit: int = 50,  # noqa: ARG002
    ) -> JobRuns:
        """None."""
        return JobRuns(items=(), next_cursor=None)

    def find(self, run_id: str) -> JobRun | None:  # noqa: ARG002
        """None."""
        return None

    def depth(self) -> QueueDepth:
        """Nothing."""
        return QueueDepth()

    def busy_executors(self, session: Session) -> set[str]:  # noqa: ARG002
        """None."""
        return set()

    def hand_over(self, session: Session, executor_ids: Collection[str]) -> int:  # noqa: ARG002
        """None."""
        return 0

    def rewind(self, run_id: str) -> None:
        """Do nothing."""

    def forget(self, state: JobState, *, before: datetime, limit: int) -> int:  # noqa: ARG002
        """None."""
        return 0

    def close(self) -> None:
        """Nothing is held."""
