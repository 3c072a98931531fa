"""Jobs about the queue and its workers: signs of life, taking over, retrying, forgetting."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from reference_server.data.models import WorkerRow
from reference_server.jobs.port import JobState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from reference_server.composition import Platform

BEAT_S: Final = 3.0
DEAD_AFTER_S: Final = 15.0
"""A worker that gave no sign of life for so long is taken for dead: five beats. With the leases of instances (20 s) its
work is with another one within 30 s."""

_KEPT: Final = {JobState.DONE: timedelta(days=1), JobState.FAILED: timedelta(days=30)}
_BATCH: Final = 500
_MAX_BATCHES: Final = 200


def heartbeat(platform: Platform, executor_id: str) -> str:
    """Say that a worker lives."""
    with platform.database.unit_of_work() as work:
        note_beat(work.session, executor_id, platform.now())
        work.commit()
    return "lives"


def note_beat(session: Session, executor_id: str, now: datetime) -> None:
    """Write a sign of life down."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    beat = insert(WorkerRow).values(
        executor_id=executor_id, host=socket.gethostname()[:255], started_at=now, seen_at=now
    )
    session.execute(
        beat.on_conflict_do_update(
            index_elements=["executor_id"], set_={"seen_at": now, "host": beat.excluded.host}
        )
    )


def live_workers(platform: Platform) -> int:
    """How many workers gave a sign of life lately: what a readiness check wants to know."""
    with platform.database.unit_of_work() as work:
        alive = select(func.count()).where(WorkerRow.seen_at > _limit(platform))
        return work.session.scalar(alive) or 0


def take_over(platform: Platform, executor_id: str) -> str:
    """Queue again what dead workers have begun."""
    with platform.database.unit_of_work() as work:
        busy = platform.jobs.busy_executors(work.session)
        if not busy:
            return "nothing runs"
        alive = set(
            work.session.scalars(select(WorkerRow.executor_id).where(WorkerRow.seen_at > _limit(platform)))
        )
        dead = sorted(busy - alive - {executor_id})
        count = platform.jobs.hand_over(work.session, dead)
        work.commit()
    return f"took over {count} runs of {', '.join(dead)}" if count else "all live"


def _limit(platform: Platform) -> datetime:
    return platform.now() - timedelta(seconds=DEAD_AFTER_S)


def retry_job(platform: Platform, subject: str) -> str:
    """Queue a run anew that failed, under its old name."""
    from reference_server.jobs.table import JOBS  # noqa: PLC0415 - the table has this job, too

    run = platform.jobs.find(subject)
    if run is None or run.state is not JobState.FAILED:
        return "it is gone, or has not failed"
    job = next((one for one in JOBS if one.name == run.job), None)
    if job is not None and job.revive is not None:
        job.revive(platform, run.subject)
    platform.jobs.rewind(run.id)
    return f"{run.job} is queued again"


def forget_runs(platform: Platform, _: str) -> str:
    """Delete runs that ended long ago."""
    gone = {state: _forget(platform, state, platform.now() - kept) for state, kept in _KEPT.items()}
    return ", ".join(f"{count} {state}" for state, count in gone.items())


def _forget(platform: Platform, state: JobState, before: datetime) -> int:
    total = 0
    for _ in range(_MAX_BATCHES):
        count = platform.jobs.forget(state, before=before, limit=_BATCH)
        total += count
        if count < _BATCH:
            break
    return total
