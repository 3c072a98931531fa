"""Real processes: started, spoken to, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START_S = 180
"""The machine may be busy."""


@dataclass
class Process:
    """A process of the platform, and what it has written."""

    running: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        for line in self.running.stdout or ():
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        def look() -> bool:
            assert self.running.poll() is None, self.text
            return is_so()

        eventually(look, seconds=START_S, what=lambda: self.text)

    def stop(self) -> int:
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(START_S)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start `python -m ...` with settings; it is ended with the test."""
    started: list[tuple[Process, threading.Thread]] = []

    def begin(*arguments: str, **settings: str) -> Process:
        environment = {
            name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}
        }
        process = Process(
            subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env={**environment, "DATA_DIR": str(tmp_path), "BCRYPT_ROUNDS": "4", **settings},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        reader = threading.Thread(target=process.read, daemon=True)
        reader.start()
        started.append((process, reader))
        return process

    yield begin
    for process, reader in started:
        if process.running.poll() is None:
            process.running.kill()
        process.running.wait()
        reader.join(10)
        if process.running.stdout is not None:
            process.running.stdout.close()


def answers(url: str, path: str = "/readyz") -> bool:
    try:
        return httpx.get(url + path, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def login(url: str, email: str, password: str) -> Any:
    return httpx.post(f"{url}/api/auth/login", json={"email": email, "password": password}, timeout=60)
