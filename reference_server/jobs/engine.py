"""Carrying jobs out: DBOS behind `JobEngine`, one per process.

DBOS keeps what is queued and what runs in the same database as everything else, and starts a run on one worker only. What
stands around it here: ticks of periodic jobs, retries, signs of life, and what to do when a worker ends.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from sqlalchemy import delete

from railway_saas.errors import ConfigurationError, RailwaySaasError
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.data.models import WorkerRow
from reference_server.jobs.dbos_queue import (
    APPLICATION,
    APPLICATION_VERSION,
    PERIODIC,
    QUEUE,
    DbosQueue,
    Wish,
    in_our_words,
)
from reference_server.jobs.schema import SCHEMA, is_there
from reference_server.jobs.table import JOBS
from reference_server.jobs.upkeep import BEAT_S, DEAD_AFTER_S
from reference_server.mail.sending import MailGivenUpError
from reference_server.observability.context import logging_with
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from dbos import DBOSConfig
    from sqlalchemy import Engine

    from reference_server.composition import Platform
    from reference_server.jobs.table import Job

log = logging.getLogger("reference_server.jobs")

POLL_S: Final = 0.5
"""How often a worker looks for runs, and for ticks that are due."""
STOP_S: Final = 25
"""How long a worker that is told to end lets its runs finish; what is left is handed over."""
MAX_DEATHS: Final = 5
"""After so many workers that died of it a run is given up."""
FIRST_PAUSE_S: Final = 10.0
LONGEST_PAUSE_S: Final = 15 * 60.0
_MAX_SAID: Final = 1000


class JobFailedError(Exception):
    """A run that is given up. Its text is what operators read."""


def new_executor_id() -> str:
    """A name that no other worker has."""
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid4().hex[:6]}"


def retry_pause_s(attempt: int) -> float:
    """Seconds between a failed attempt and the next: growing, and jittered by half."""
    return min(FIRST_PAUSE_S * 3.0 ** (attempt - 1), LONGEST_PAUSE_S) * random.uniform(0.5, 1.5)  # noqa: S311


@dataclass(frozen=True, slots=True)
class Call:
    """What a run was queued with."""

    subject: str
    key: str
    request_id: str | None = None
    attempt: int = 1


class Runner:
    """Carries out one run of a job. Knows nothing of DBOS.

    Args:
        platform: What jobs work with.
        again: Queues a later attempt.
    """

    def __init__(self, platform: Platform, again: Callable[[Wish], None]) -> None:
        self._platform = platform
        self._again = again

    def run(self, job: Job, call: Call) -> str:
        """Do it; what came of it, in a few words.

        Raises:
            JobFailedError: It was the last attempt.
        """
        origin = Origin(request_id=call.request_id or f"job-{uuid4().hex[:12]}", via=f"job {job.name}")
        with scoped(SYSTEM), coming_from(origin), logging_with(action=f"job {job.name}"):
            began = time.monotonic()
            try:
                said = job.work(self._platform, call.subject)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, tried again, and told in the end
                result = "failed" if call.attempt >= job.attempts else "retried"
                self._count(job, result, time.monotonic() - began)
                return self._after_failure(job, call, error)
            took_s = time.monotonic() - began
            self._count(job, "done", took_s)
            extra = _extra(job, "done", duration_ms=round(took_s * 1000))
            log.info("job %s %s: %s", job.name, call.subject, said, extra=extra)
            return said[:_MAX_SAID]

    def _count(self, job: Job, result: str, took_s: float) -> None:
        self._platform.metrics.job_done(job.name, result=result, seconds=took_s)

    def _after_failure(self, job: Job, call: Call, error: Exception) -> str:
        told = told_of(error)
        if call.attempt >= job.attempts:
            log.error(
                "job %s %s failed: %s",
                job.name,
                call.subject,
                told,
                exc_info=error,
                extra=_extra(job, "failed"),
            )
            raise JobFailedError(told) from None  # the cause is logged; what is stored is for operators
        pause = retry_pause_s(call.attempt)
        log.warning(
            "job %s %s: attempt %d failed, again in %.0f s: %s",
            job.name,
            call.subject,
            call.attempt,
            pause,
            told,
            extra=_extra(job, "retried"),
        )
        self._again(
            Wish(
                job=job.name,
                subject=call.subject,
                key=call.key,
                attempt=call.attempt + 1,
                delay_s=pause,
                priority=PERIODIC,
                request_id=call.request_id,
            )
        )
        return f"attempt {call.attempt} failed, tried again: {told}"[:_MAX_SAID]


def _extra(job: Job, status: str, **more: object) -> dict[str, object]:
    return {"action": f"job {job.name}", "status": status, **more}


def told_of(error: Exception) -> str:
    """What operators read of an error: our own words; of others' only the kind, as they may quote anything."""
    is_ours = isinstance(error, (RailwaySaasError, MailGivenUpError))
    return (str(error) if is_ours else f"a fault: {type(error).__name__}")[:_MAX_SAID]


class Ticker:
    """Queues periodic jobs when they are due: each tick once, whatever the number of workers.

    The run's name says which tick it is for; it is dropped while one of the job waits or runs, so that late ticks do not
    pile up: the next one takes it all.
    """

    def __init__(self, platform: Platform, queue: DbosQueue, jobs: Sequence[Job] = JOBS) -> None:
        self._platform = platform
        self._queue = queue
        self._jobs = [job for job in jobs if job.is_queued and job.every_s is not None]
        self._seen: dict[str, int] = {}

    def tick(self) -> list[str]:
        """Queue what is due now; the names of jobs that were."""
        with scoped(SYSTEM):
            return [job.name for job in self._jobs if self._tick(job)]

    def _tick(self, job: Job) -> bool:
        number = int(self._platform.now().timestamp() // (job.every_s or 1))
        if self._seen.get(job.name) == number:
            return False
        self._seen[job.name] = number
        if job.is_needed is not None and not job.is_needed(self._platform):
            return False
        with self._platform.database.unit_of_work() as work:
            is_queued = any(
                self._queue.place(
                    work.session,
                    Wish(
                        job=job.name,
                        key=f"{job.name}#{place}",
                        run_id=f"{job.name}@{number}",
                        priority=PERIODIC,
                        beside_running=False,
                    ),
                )
                for place in range(job.at_once)
            )
            work.commit()
        return is_queued


class _Loop:
    """A thread that does something again and again until it is told to stop. What fails is logged, and comes again."""

    def __init__(self, name: str, every_s: float, turn: Callable[[], object]) -> None:
        self._every_s = every_s
        self._turn = turn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s * random.uniform(0.9, 1.1)):  # noqa: S311
            try:
                self._turn()
            except Exception:
                log.exception("%s: not done; it comes again", self._thread.name)


class Pulse:
    """A worker's own jobs: it says that it lives, and takes over what dead ones have left."""

    def __init__(self, platform: Platform, executor_id: str, jobs: Sequence[Job] = JOBS) -> None:
        self._platform = platform
        self._executor_id = executor_id
        self._jobs = [job for job in jobs if not job.is_queued]
        self._last: float | None = None
        self._steady_since = 0.0

    def beat(self) -> None:
        """Do them once.

        When the database was away nobody gave signs of life, and everybody looks dead: a worker takes nothing over
        before it has been steady again for as long as it takes to be missed.
        """
        now = time.monotonic()
        if self._last is not None and now - self._last > DEAD_AFTER_S:
            self._steady_since = now + DEAD_AFTER_S
        with scoped(SYSTEM), coming_from(Origin(request_id=f"worker {self._executor_id}", via="job")):
            for job in self._jobs:
                if job.name == "take_over" and now < self._steady_since:
                    continue
                said = job.work(self._platform, self._executor_id)
                if said.startswith("took over"):
                    log.warning("%s", said)
        self._last = now


class JobEngine:
    """The worker's half. One per process at most, as DBOS is one per process.

    Args:
        platform: What jobs work with; as the worker's role, on PostgreSQL.
        executor_id: The worker's name; a new one unless given. One that died takes its runs up again under its old name.
        jobs: What it knows to do.
        owns_platform: Whether the platform is closed with it.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        executor_id: str | None = None,
        jobs: Sequence[Job] = JOBS,
        owns_platform: bool = False,
    ) -> None:
        if not isinstance(platform.jobs, DbosQueue):
            raise ConfigurationError("a worker needs the platform's queue")
        self.executor_id = executor_id or new_executor_id()
        self._platform = platform
        self._queue = platform.jobs
        self._runner = Runner(platform, self._later)
        self._jobs = jobs
        self._owns_platform = owns_platform
        self._pulse = Pulse(platform, self.executor_id, jobs)
        ticker = Ticker(platform, self._queue, jobs)
        self._loops = [_Loop("heartbeat", BEAT_S, self._pulse.beat), _Loop("ticks", POLL_S, ticker.tick)]
        self._engine: Engine | None = None

    def start(self) -> None:
        """Begin to work.

        Raises:
            ConfigurationError: The queue's tables are missing: `railway-saas-server migrate`.
            RepositoryError: The database cannot be reached.
        """
        with in_our_words():
            self._start()
        for loop in self._loops:
            loop.start()
        log.info("worker %s is at work", self.executor_id)

    def _start(self) -> None:
        from dbos import DBOS  # noqa: PLC0415 - takes its time, and web processes do not need it

        self._check()
        self._pulse.beat()
        DBOS.destroy(destroy_registry=True)
        DBOS(config=self._config())
        self._quieten()
        for job in self._jobs:
            if job.is_queued:
                DBOS.workflow(name=job.name, max_recovery_attempts=MAX_DEATHS)(self._function(job))
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._platform.settings.worker_threads,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )

    def stop(self, *, wait_s: int = STOP_S) -> int:
        """Take nothing more, let what runs finish, and hand over what does not; how many runs were handed over."""
        from dbos import DBOS  # noqa: PLC0415 - as above

        for loop in self._loops[1:]:
            loop.stop()
        DBOS.destroy(workflow_completion_timeout_sec=wait_s, destroy_registry=True)
        self._loops[0].stop()
        with scoped(SYSTEM), self._platform.database.unit_of_work() as work:
            left = self._queue.hand_over(work.session, [self.executor_id])
            work.session.execute(delete(WorkerRow).where(WorkerRow.executor_id == self.executor_id))
            work.commit()
        if self._engine is not None:
            self._engine.dispose()
        if self._owns_platform:
            self._platform.close()
        log.info("worker %s has ended; %d runs were handed over", self.executor_id, left)
        return left

    def _check(self) -> None:
        with self._platform.database.engine.connect() as connection:
            if not is_there(connection):
                raise ConfigurationError("the queue's tables are missing: run `railway-saas-server migrate`")

    def _config(self) -> DBOSConfig:
        from dbos import DBOSPortableJSONSerializer  # noqa: PLC0415 - as above

        settings = self._platform.settings
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.executor_id,
            "run_migrations": False,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "dbos_system_schema": SCHEMA,
        }
        if settings.on_sqlite:
            # Its own connections to the same file: they lock only when they write, so that polling holds nobody up.
            config["system_database_url"] = settings.url_of_database
        else:
            self._engine = open_engine(settings, ConnectionRole.WORKER, threads=settings.worker_threads)
            config["system_database_url"] = "postgresql://the-engine/below-is-used"
            config["system_database_engine"] = self._engine
        return config

    @staticmethod
    def _quieten() -> None:
        """DBOS writes to the console by itself: its lines go where all others go."""
        logger = logging.getLogger("dbos")
        logger.handlers.clear()
        logger.propagate = True

    def _function(self, job: Job) -> Callable[[str, str, str | None, int], str]:
        def run(subject: str, key: str, request_id: str | None, attempt: int) -> str:
            return self._runner.run(job, Call(subject, key, request_id, attempt))

        run.__qualname__ = run.__name__ = job.name
        return run

    def _later(self, wish: Wish) -> None:
        with self._platform.database.unit_of_work() as work:
            self._queue.place(work.session, wish)
            work.commit()


def start_in_process(platform: Platform) -> JobEngine:
    """Work within a web process: `settings.works_in_process`. Call `stop` of what comes back when the process ends.

    On PostgreSQL the jobs get connections of their own, in the workers' role.
    """
    settings = platform.settings
    own = (
        platform
        if settings.on_sqlite
        else build_platform(settings, ConnectionRole.WORKER, emulator=platform.emulator, now=platform.now)
    )
    engine = JobEngine(own, owns_platform=own is not platform)
    engine.start()
    return engine


@contextmanager
def working(platform: Platform, *, jobs: Sequence[Job] = JOBS, wait_s: int = STOP_S) -> Generator[JobEngine]:
    """An engine that works within a block."""
    engine = JobEngine(platform, jobs=jobs)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop(wait_s=wait_s)
