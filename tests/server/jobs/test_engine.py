"""The engine in this process: wishes are carried out, failures stay visible and may be retried, a stop hands over."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain import InstanceStatus
from railway_saas.errors import ConfigurationError
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.jobs import engine as engine_module
from reference_server.jobs.engine import JobEngine, start_in_process, working
from reference_server.jobs.port import JobState, NoQueue
from reference_server.jobs.table import JOBS, Job
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import Settings
from tests.server.conftest import migrated
from tests.server.jobs.conftest import deployed, owner_of
from tests.server.jobs.test_queue import queue_of
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from railway_saas.emulator import Emulator
    from reference_server.composition import Platform

WISHED = tuple(job for job in JOBS if job.every_s is None or not job.is_queued)


def with_job(work: Callable[[Platform, str], str], *, attempts: int = 1) -> tuple[Job, ...]:
    return (*WISHED, Job(name="run_due", does="tests", work=work, attempts=attempts, late="never"))


def wish(platform: Platform, subject: str = "") -> None:
    with platform.database.unit_of_work() as work:
        platform.jobs.enqueue(work.session, "run_due", subject)
        work.commit()


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_deploy_and_its_mail_are_carried_out(
    database: str, request: pytest.FixtureRequest, environment: dict[str, str], emulator: Emulator
) -> None:
    """In the web process, as on one laptop; on PostgreSQL with the workers' role beside the web's."""
    if database == "postgres":
        request.getfixturevalue("postgres_environment")
        environment["WORKER_IN_PROCESS"] = "1"
    settings = Settings.from_environment(environment)
    migrated(settings)
    platform = build_platform(settings, ConnectionRole.APP, emulator=emulator)
    working_here = start_in_process(platform)
    try:
        with scoped(SYSTEM):
            instance = deployed(platform, owner_of(platform))

            def is_running() -> bool:
                emulator.clock.advance(3)
                return platform.manager.get(instance.id).status is InstanceStatus.RUNNING

            eventually(is_running, seconds=60, what="the deploy")

            def has_mail() -> list[Path]:
                emulator.clock.advance(3)
                return list((settings.data_dir / "mailbox").glob("*.eml"))

            assert len(eventually(has_mail, seconds=30, what="the mail")) == 1
    finally:
        working_here.stop(wait_s=5)
        platform.close()


def test_a_job_that_fails_is_tried_a_few_times_stays_visible_and_may_be_retried(
    worker: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "FIRST_PAUSE_S", 0.01)
    subjects: list[str] = []

    def work(_: Platform, subject: str) -> str:
        subjects.append(subject)
        if len(subjects) <= 3:
            raise ConfigurationError("Railway is not to be had")
        return "at last"

    queue = queue_of(worker)
    with working(worker, jobs=with_job(work, attempts=3), wait_s=2):
        wish(worker, "s")
        failed = eventually(lambda: queue.list_page(state=JobState.FAILED).items, what="the failure")
        assert subjects == ["s"] * 3
        assert [(run.job, run.subject, run.attempt) for run in failed] == [("run_due", "s", 3)]
        assert failed[0].outcome == "Railway is not to be had"
        assert queue.depth().failed == 1
        with worker.database.unit_of_work() as work_unit:
            queue.enqueue(work_unit.session, "retry_job", failed[0].id)
            work_unit.commit()

        def is_done() -> bool:
            run = queue.find(failed[0].id)
            return run is not None and run.state is JobState.DONE

        eventually(is_done, what="the retry")
        assert queue.depth().failed == 0
        found = queue.find(failed[0].id)
        assert found is not None
        assert found.outcome == "at last"


def test_a_stop_hands_over_what_does_not_end(worker: Platform) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work(_: Platform, __: str) -> str:
        begun.set()
        may_end.wait(30)
        return "done"

    queue = queue_of(worker)
    engine = JobEngine(worker, jobs=with_job(work))
    engine.start()
    wish(worker)
    assert begun.wait(20)
    assert engine.stop(wait_s=1) == 1
    assert [run.job for run in queue.list_page(state=JobState.WAITING).items] == ["run_due"]
    may_end.set()
    done = threading.Event()
    with working(worker, jobs=with_job(lambda _, __: done.set() or "done"), wait_s=2):
        assert done.wait(20)


def test_a_stop_waits_for_what_ends_soon(worker: Platform) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work(_: Platform, __: str) -> str:
        begun.set()
        may_end.wait(30)
        return "done"

    engine = JobEngine(worker, jobs=with_job(work))
    engine.start()
    wish(worker)
    assert begun.wait(20)
    threading.Timer(0.2, may_end.set).start()
    assert engine.stop(wait_s=20) == 0
    assert [run.outcome for run in queue_of(worker).list_page(state=JobState.DONE).items] == ["done"]


def test_a_worker_without_tables_says_what_to_do(environment: dict[str, str], emulator: Emulator) -> None:
    platform = build_platform(
        Settings.from_environment(environment), ConnectionRole.WORKER, emulator=emulator
    )
    with pytest.raises(ConfigurationError, match="railway-saas-server migrate"):
        JobEngine(platform).start()
    with pytest.raises(ConfigurationError, match="queue"):
        JobEngine(replace(platform, jobs=NoQueue()))
    platform.close()
