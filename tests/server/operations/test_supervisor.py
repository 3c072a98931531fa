"""Several processes as one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from reference_server.operations.supervisor import Program, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(name: str, code: str) -> Program:
    return Program(name, ("-c", code))


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor(dict(os.environ), grace_s=1)
    yield made
    made.stop()


def eventually(is_so: Callable[[], bool], timeout_s: float = 30) -> bool:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


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


def test_what_does_not_stop_is_killed_at_once_when_somebody_insists(supervisor: Supervisor) -> None:
    supervisor.start(python("stubborn", STUBBORN))
    ((_, process),) = supervisor._running
    supervisor._on_signal()
    assert supervisor.wait() == 0
    supervisor._on_signal()
    supervisor.stop()
    assert process.returncode in {-signal.SIGKILL, -signal.SIGTERM}  # before its handler was set it just ends


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
        assert eventually(lambda: _runs(child, "time.sleep"))  # it has become what it was to become
        process.kill()
    assert eventually(lambda: not _runs(child, "time.sleep"))


def _runs(pid: int, what: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - short-lived
            return what.encode() in file.read()
    except OSError:
        return False
