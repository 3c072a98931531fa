"""Several processes as one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reference_server.operations.supervisor import Program, Supervisor
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def python(name: str, code: str) -> Program:
    return Program(name, ("-c", code))


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor(dict(os.environ), grace_s=1)
    yield made
    made.stop()


def test_when_one_ends_by_itself_it_is_told_which_and_all_are_stopped(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor.start(python("web", SLEEP))
    supervisor.start(python("worker", "raise SystemExit(3)"))
    (_, web), _ = supervisor._running
    assert supervisor.wait() == 1
    assert "worker has ended (status 3): stopping everything" in caplog.text
    supervisor.stop()
    assert web.returncode == -signal.SIGTERM


def test_what_does_not_stop_is_killed_at_once_when_somebody_insists(tmp_path: Path) -> None:
    patient = Supervisor(dict(os.environ), grace_s=3_600)
    is_up = tmp_path / "up"
    patient.start(python("stubborn", f"{STUBBORN}; open({str(is_up)!r}, 'w').close(); time.sleep(60)"))
    ((_, process),) = patient._running
    eventually(is_up.exists)
    patient._on_signal()
    assert patient.wait() == 0
    patient._on_signal()
    patient.stop()
    assert process.returncode == -signal.SIGKILL


def test_waiting_for_readiness_ends_when_a_process_does(supervisor: Supervisor) -> None:
    supervisor.start(python("broken", "raise SystemExit(1)"))
    assert not supervisor.wait_until(lambda: False, timeout_s=30)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel, as Linux lets one")
def test_processes_do_not_outlive_a_supervisor_that_is_killed() -> None:
    script = (
        "import os, time\n"
        "from reference_server.operations.supervisor import Program, Supervisor\n"
        "s = Supervisor(dict(os.environ), grace_s=1)\n"
        f"s.start(Program('child', ('-c', {SLEEP!r})))\n"
        "print(s._running[0][1].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        eventually(lambda: _runs(child, "time.sleep"))  # it has become what it was to become
        process.kill()
    eventually(lambda: not _runs(child, "time.sleep"))


def _runs(pid: int, what: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - short-lived
            return what.encode() in file.read()
    except OSError:
        return False
