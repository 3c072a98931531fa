"""The queue of jobs, on DBOS: wishes join the transaction of the change that they follow from.

DBOS's own `enqueue_in_transaction` writes the row. What it lacks is ours: a deduplication id of DBOS is held until a run
has *ended*, so that a wish that comes while the job runs would be dropped, though the run may not have seen the change
that it is about. Here the id is held while a run *waits*: see `DbosQueue.place`, and docs/adr/0016.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from railway_saas.errors import RepositoryError
from railway_saas.repositories.sqlalchemy.faults import translated
from reference_server.jobs.port import JobRun, JobRuns, JobState, QueueDepth
from reference_server.jobs.schema import SCHEMA, workflow_status
from reference_server.security.origin import current_origin

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from dbos import DBOSClient, EnqueueOptions, WorkflowStatus
    from sqlalchemy import Engine

APPLICATION: Final = "railway-saas"
APPLICATION_VERSION: Final = "1"
"""DBOS runs a workflow only under the version that it was queued under. Ours take any version's work, so it is pinned;
raise it only together with a migration that empties the queue."""
QUEUE: Final = "railway_saas"

WISHED: Final = 1
PERIODIC: Final = 5
"""Priorities: the lower one goes first, so that a customer's click does not wait for the clean-up."""

_WAITING: Final = ("ENQUEUED", "DELAYED")
_RUNNING: Final = ("PENDING",)
_FAILED: Final = ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_STATUSES: Final = {
    JobState.WAITING: _WAITING,
    JobState.RUNNING: _RUNNING,
    JobState.DONE: ("SUCCESS",),
    JobState.FAILED: _FAILED,
}
_STATES: Final = {status: state for state, statuses in _STATUSES.items() for status in statuses}

_MAX_RACES: Final = 10
"""How often a place in the queue may be lost to another transaction before something else must be wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A run to be queued."""

    job: str
    subject: str = ""
    key: str
    """Of all runs with the same key one waits at most."""
    run_id: str | None = None
    """A name that is used once: a second wish of that name is dropped, whatever became of the first."""
    attempt: int = 1
    delay_s: float = 0.0
    priority: int = WISHED
    request_id: str | None = None
    beside_running: bool = True
    """Whether to queue it while one of the same key runs."""


class DbosQueue:
    """See `JobQueue`.

    Args:
        engine: Of the database that has both our tables and DBOS's.
        jobs: Names of all jobs.
    """

    def __init__(self, engine: Engine, jobs: Collection[str]) -> None:
        self._engine = engine
        self._jobs = list(jobs)
        self._runs = workflow_status(engine.dialect.name)

    @cached_property
    def _client(self) -> DBOSClient:
        from dbos import DBOSClient, DBOSPortableJSONSerializer  # noqa: PLC0415 - commands that queue nothing start faster

        return DBOSClient(
            system_database_engine=self._engine,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def close(self) -> None:
        """The engine is its owner's to close."""
        if "_client" in self.__dict__:
            self._client.destroy()

    # Queueing ----------------------------------------------------------------------------------------------------

    def enqueue(self, session: Session, job: str, subject: str) -> None:
        """See `JobQueue`."""
        origin = current_origin()
        request_id = origin.request_id if origin else None
        wish = Wish(job=job, subject=subject, key=f"{job}:{subject}", request_id=request_id)
        with in_our_words():
            self.place(session, wish)

    def place(self, session: Session, wish: Wish) -> bool:
        """Queue a run in a session's transaction; whether it was.

        The row that holds the key is locked first. If it waits, no worker can claim it before this transaction ends
        (they skip what is locked), so that it sees what is written here: nothing is to be done. If a worker is claiming it
        just now, this waits for the claim and finds it running: it gives the key back, and the new run takes it.

        Raises:
            RepositoryError: Other transactions won every time.
        """
        from dbos import error as dbos_error  # noqa: PLC0415 - as above

        for _ in range(_MAX_RACES):
            if not self._has_room(session, wish):
                return False
            try:
                with session.begin_nested():
                    self._client.enqueue_in_transaction(
                        session,
                        self._options(wish),
                        wish.subject,
                        wish.key,
                        wish.request_id,
                        wish.attempt,
                    )
            except dbos_error.DBOSQueueDeduplicatedError:
                continue  # another transaction queued it between our look and our insert: look again
            return True
        raise RepositoryError(f"job {wish.job}: the queue gave it no place", transient=True)

    def _has_room(self, session: Session, wish: Wish) -> bool:
        runs = self._runs.c
        holds_key = (runs.queue_name == QUEUE) & (runs.deduplication_id == wish.key)
        found = session.execute(
            select(runs.workflow_uuid, runs.status, runs.deduplication_id)
            .where(or_(holds_key, runs.workflow_uuid == wish.run_id) if wish.run_id else holds_key)
            .with_for_update()
        ).all()
        for run_id, status, key in found:
            if run_id == wish.run_id or status in _WAITING or not wish.beside_running:
                return False
            if key == wish.key:
                session.execute(
                    update(self._runs).where(runs.workflow_uuid == run_id).values(deduplication_id=None)
                )
        return True

    def _options(self, wish: Wish) -> EnqueueOptions:
        options: EnqueueOptions = {
            "workflow_name": wish.job,
            "queue_name": QUEUE,
            "app_version": APPLICATION_VERSION,
            "deduplication_id": wish.key,
            "priority": wish.priority,
        }
        if wish.run_id is not None:
            options["workflow_id"] = wish.run_id
        if wish.delay_s > 0:
            options["delay_seconds"] = wish.delay_s
        return options

    # Telling -----------------------------------------------------------------------------------------------------

    def list_page(
        self,
        *,
        state: JobState | None = None,
        job: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> JobRuns:
        """See `JobQueue`. The cursor counts: runs that come meanwhile move the next page."""
        offset = int(after) if after and after.isascii() and after.isdigit() else 0
        with in_our_words():
            found = self._client.list_workflows(
                name=self._jobs if job is None else [job],
                status=None if state is None else list(_STATUSES[state]),
                limit=limit + 1,
                offset=offset,
                sort_desc=True,
            )
        return JobRuns(
            items=[_run_of(one) for one in found[:limit]],
            next_cursor=str(offset + limit) if len(found) > limit else None,
        )

    def find(self, run_id: str) -> JobRun | None:
        """See `JobQueue`."""
        with in_our_words():
            found = self._client.list_workflows(workflow_ids=[run_id], limit=1)
        return _run_of(found[0]) if found and found[0].name in self._jobs else None

    def depth(self) -> QueueDepth:
        """See `JobQueue`."""
        runs = self._runs.c
        counted = [
            status
            for state, statuses in _STATUSES.items()
            if state is not JobState.DONE
            for status in statuses
        ]
        with in_our_words(), Session(self._engine) as session:
            rows = session.execute(
                select(runs.status, func.count(), func.min(runs.created_at))
                .where(runs.status.in_(counted))
                .group_by(runs.status)
            ).all()
        counts = {state: sum(row[1] for row in rows if _STATES[row[0]] is state) for state in JobState}
        oldest_ms = min((row[2] for row in rows if row[0] == "ENQUEUED"), default=None)
        return QueueDepth(
            waiting=counts[JobState.WAITING],
            running=counts[JobState.RUNNING],
            failed=counts[JobState.FAILED],
            oldest_waiting_s=0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000),
        )

    # Looking after it: by workers and commands -------------------------------------------------------------------

    def busy_executors(self, session: Session) -> set[str]:
        """See `JobQueue`."""
        runs = self._runs.c
        found = session.scalars(select(runs.executor_id).where(runs.status.in_(_RUNNING)).distinct())
        return {one for one in found if one is not None}

    def hand_over(self, session: Session, executor_ids: Collection[str]) -> int:
        """See `JobQueue`.

        The same statement as DBOS's own recovery, which only a process that was started under the id of the dead one
        (or its commercial Conductor) carries out. The attempts stay counted: a run that kills its workers ends.
        """
        runs = self._runs.c
        if not executor_ids:
            return 0
        done: Any = session.execute(
            update(self._runs)
            .where(runs.status.in_(_RUNNING), runs.executor_id.in_(list(executor_ids)))
            .values(
                status="ENQUEUED",
                owner_xid=None,
                started_at_epoch_ms=None,
                queue_name=func.coalesce(runs.queue_name, QUEUE),
            )
        )
        return int(done.rowcount)

    def rewind(self, run_id: str) -> None:
        """See `JobQueue`."""
        with in_our_words():
            self._client.rewind_workflow(run_id, queue_name=QUEUE)

    def forget(self, state: JobState, *, before: datetime, limit: int) -> int:
        """See `JobQueue`."""
        with in_our_words():
            found = self._client.list_workflows(
                name=self._jobs,
                status=list(_STATUSES[state]),
                completed_before=before.isoformat(),
                limit=limit,
                load_input=False,
                load_output=False,
            )
            if found:
                self._client.delete_workflows([one.workflow_id for one in found])
        return len(found)


@contextmanager
def in_our_words() -> Generator[None]:
    """Errors of the database and of DBOS as `RepositoryError`."""
    from dbos import error as dbos_error  # noqa: PLC0415 - as above

    try:
        yield
    except SQLAlchemyError as error:
        raise translated(error) from error
    except dbos_error.DBOSException as error:
        raise RepositoryError(f"the queue failed: {type(error).__name__}") from error


def _run_of(status: WorkflowStatus) -> JobRun:
    arguments = (*status.input["args"], *(None,) * 4)[:4] if status.input else ("", "", None, 1)
    subject, _, request_id, attempt = arguments
    error = getattr(status.error, "message", None) or (str(status.error) if status.error else None)
    return JobRun(
        id=status.workflow_id,
        job=status.name,
        subject=str(subject or ""),
        state=_STATES[status.status],
        attempt=int(attempt or 1),
        outcome=error or _ended_otherwise(status.status) or (str(status.output) if status.output else None),
        request_id=request_id,
        executor_id=status.executor_id,
        created_at=_moment(status.created_at) or datetime.fromtimestamp(0, UTC),
        started_at=_moment(status.dequeued_at),
        finished_at=_moment(status.completed_at),
    )


def _ended_otherwise(status: str) -> str | None:
    return {
        "CANCELLED": "cancelled",
        "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "its worker died every time",
    }.get(status)


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)
