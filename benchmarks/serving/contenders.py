"""The servers of the comparison, each with as many processes and threads as the others."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from benchmarks.serving.processes import cpu_s, free_port, running, tree
from benchmarks.serving.stage import PROCESSES, THREADS
from tests.support.waiting import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Generator
    from pathlib import Path

    from benchmarks.serving.stage import Stage

HOST = "127.0.0.1"
START_S = 60.0
KEEP_ALIVE_S = "75"
_BARE = "benchmarks.serving.bare"


@dataclass(frozen=True, slots=True)
class Contender:
    """One server, and how it is started on a port."""

    name: str
    command: Callable[[int], list[str]]


def _ours(_: int) -> list[str]:
    """As the `Dockerfile` does; the port is a setting."""
    return ["gunicorn", "-c", "python:reference_server.gunicorn_conf", "reference_server.wsgi:create()"]


def _bare_flask(port: int) -> list[str]:
    options = {
        "--worker-class": "gthread",
        "--workers": str(PROCESSES),
        "--threads": str(THREADS),
        "--bind": f"{HOST}:{port}",
        "--keep-alive": KEEP_ALIVE_S,
        "--log-level": "warning",
    }
    given = [part for option in options.items() for part in option]
    return ["gunicorn", *given, "--reuse-port", "--no-control-socket", f"{_BARE}.flask_app:create()"]


def _bare_fastapi(port: int) -> list[str]:
    options = {
        "--workers": str(PROCESSES),
        "--host": HOST,
        "--port": str(port),
        "--timeout-keep-alive": KEEP_ALIVE_S,
        "--log-level": "warning",
    }
    given = [part for option in options.items() for part in option]
    return ["uvicorn", *given, "--no-access-log", "--factory", f"{_BARE}.fastapi_app:create"]


OURS = Contender("reference server", _ours)
BARE_FLASK = Contender("bare Flask", _bare_flask)
BARE_FASTAPI = Contender("bare FastAPI", _bare_fastapi)
CONTENDERS = (OURS, BARE_FLASK, BARE_FASTAPI)


@dataclass(frozen=True, slots=True)
class Server:
    """A contender that serves."""

    contender: Contender
    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time of all of its processes so far."""
        return cpu_s(self.pid)

    def processes(self) -> list[int]:
        """Those that answer requests, and the one that started them."""
        return tree(self.pid)


@contextmanager
def serving(contender: Contender, stage: Stage) -> Generator[Server]:
    """A contender with all of its processes up, for the length of the block."""
    port = free_port()
    log = stage.folder / f"{contender.name.replace(' ', '-')}.log"
    command = [sys.executable, "-m", *contender.command(port)]
    with running(command, {**stage.environment, "PORT": str(port)}, log) as process:
        server = Server(contender, f"http://{HOST}:{port}", process.pid)
        eventually(lambda: _is_up(server, process, log), seconds=START_S, what=lambda: _tail(log))
        yield server


def _is_up(server: Server, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"{server.contender.name} ended with {process.returncode}:\n{_tail(log)}")
    if len(server.processes()) <= PROCESSES:
        return False
    try:
        return httpx.get(f"{server.url}/api/templates", timeout=5).is_success
    except httpx.TransportError:
        return False


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3_000:]
