"""Real workers, as processes, on PostgreSQL: killed, stopped, many at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain import InstanceStatus
from railway_saas.emulator import Emulator
from reference_server.composition import Platform, build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.jobs.port import JobState
from reference_server.jobs.upkeep import live_workers
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import Settings
from tests.server.conftest import migrated
from tests.server.jobs.conftest import deployed, owner_of
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from uuid import UUID

    from railway_saas.domain import Instance

TAKEN_OVER_WITHIN_S = 30.0


@pytest.fixture
def web(postgres_environment: dict[str, str]) -> Iterator[Platform]:
    """What a web process has, beside a Railway that is reached over HTTP."""
    with Emulator(speed=3, limits=False).serve() as server:
        postgres_environment |= {
            "RAILWAY_API_TOKEN": server.emulator.api_token,
            "RAILWAY_WORKSPACE_ID": server.emulator.workspace_id,
            "RAILWAY_ENDPOINT": server.endpoint,
            "WORKER_THREADS": "4",
            "GRACEFUL_TIMEOUT_SECONDS": "20",
        }
        settings = Settings.from_environment(postgres_environment)
        migrated(settings)
        platform = build_platform(settings, ConnectionRole.APP)
        with scoped(SYSTEM):
            yield platform
        platform.close()


@contextmanager
def started(
    environment: dict[str, str], log: Path, *names: str
) -> Generator[dict[str, subprocess.Popen[bytes]]]:
    workers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        with log.open("ab") as out:
            for name in names:
                workers[name] = subprocess.Popen(
                    [sys.executable, "-m", "reference_server", "worker", "--executor-id", name],
                    env={**os.environ, **environment},
                    stdout=out,
                    stderr=out,
                )
        yield workers
    finally:
        for worker in workers.values():
            if worker.poll() is None:
                worker.kill()
            worker.wait(10)


def holder(platform: Platform, instance_id: UUID) -> tuple[int, Instance] | None:
    """The process that has an instance's lease just now, in the middle of a deploy."""
    with platform.database.unit_of_work() as work:
        instance = work.instances.get(instance_id)
    is_leased = instance.lease_until is not None and instance.lease_until > platform.now()
    is_midway = instance.status in {InstanceStatus.PROVISIONING, InstanceStatus.DEPLOYING}
    if not (is_leased and is_midway and instance.lease_owner):
        return None
    return int(instance.lease_owner.partition("-")[0]), instance


def test_the_work_of_a_killed_worker_is_with_another_one_within_thirty_seconds(
    web: Platform,
    postgres_environment: dict[str, str],
    tmp_path: Path,
    record_property: pytest.RecordProperty,
) -> None:
    with started(postgres_environment, tmp_path / "log", "w1", "w2") as workers:
        eventually(lambda: live_workers(web) == 2, seconds=300, what="two workers")
        instance = deployed(web, owner_of(web))
        pid, _ = eventually(lambda: holder(web, instance.id), seconds=120, what="a worker midway")
        killed = next(worker for worker in workers.values() if worker.pid == pid)
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        killed.wait(10)

        def taken_over() -> bool:
            with web.database.unit_of_work() as work:
                owner = work.instances.get(instance.id).lease_owner
            return owner is not None and not owner.startswith(f"{pid}-")

        eventually(taken_over, seconds=TAKEN_OVER_WITHIN_S, what="the takeover")
        took_s = time.monotonic() - began
        record_property("taken_over_after_s", round(took_s, 1))
        sys.stderr.write(f"\ntaken over {took_s:.1f} s after the kill\n")
        eventually(
            lambda: web.manager.get(instance.id).status is InstanceStatus.RUNNING,
            seconds=240,
            what="the end of the deploy",
        )
        assert len(web.railway.projects.list_page().items) == 1

        def nothing_is_with_the_dead() -> bool:
            dead = next(name for name, worker in workers.items() if worker.pid == pid)
            return all(run.executor_id != dead for run in web.jobs.list_page(state=JobState.RUNNING).items)

        eventually(nothing_is_with_the_dead, seconds=TAKEN_OVER_WITHIN_S, what="its runs elsewhere")
        mails = tmp_path / "mailbox"
        eventually(lambda: list(mails.glob("*.eml")), seconds=30, what="the mail to the owner")


def test_a_worker_that_is_told_to_end_finishes_says_so_and_leaves_nothing(
    web: Platform, postgres_environment: dict[str, str], tmp_path: Path
) -> None:
    with started(postgres_environment, tmp_path / "log", "w1") as workers:
        eventually(lambda: live_workers(web) == 1, seconds=300, what="a worker")
        owner = owner_of(web)
        instance = deployed(web, owner)
        eventually(lambda: holder(web, instance.id), seconds=120, what="the worker midway")
        workers["w1"].send_signal(signal.SIGTERM)
        assert workers["w1"].wait(40) == 0
    assert live_workers(web) == 0
    assert web.jobs.list_page(state=JobState.RUNNING).items == []
    assert web.jobs.list_page(state=JobState.FAILED).items == []
    with started(postgres_environment, tmp_path / "log", "w2"):
        eventually(
            lambda: web.manager.get(instance.id).status is InstanceStatus.RUNNING,
            seconds=240,
            what="the end of the deploy",
        )
