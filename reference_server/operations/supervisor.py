"""Several processes as one: they start together, and when one ends, all do."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reference_server.operations.child import PARENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = logging.getLogger("reference_server.serve")

_LOOK_S: Final = 0.1
_MORE_S: Final = 10.0
"""What a process gets on top of its own grace before it is killed."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process to be run."""

    name: str
    arguments: Sequence[str]
    """Of this Python."""


class Supervisor:
    """Runs programs until it is told to stop, or one of them ends.

    Args:
        environment: Theirs.
        grace_s: How long they may take to stop.
    """

    def __init__(self, environment: Mapping[str, str], *, grace_s: float) -> None:
        self._environment = {**environment, PARENT: str(os.getpid())}
        self._grace_s = grace_s + _MORE_S
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []
        self._told_to_stop = threading.Event()
        self._impatient = threading.Event()

    def handle_signals(self) -> None:
        """SIGTERM and Ctrl-C stop everything; a second one does so at once."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def start(self, program: Program) -> None:
        """Start one more. It gets a session of its own: Ctrl-C in a terminal reaches us only, and we stop them in order."""
        command = [
            sys.executable,
            "-m",
            "reference_server.operations.child",
            sys.executable,
            *program.arguments,
        ]
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            command, env=self._environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._running.append((program, process))
        log.info("started %s as process %d", program.name, process.pid)

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_s: float) -> bool:
        """Whether it became so, before the time was over, one ended, or we were told to stop."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not self._told_to_stop.is_set() and self._ended() is None:
            if is_ready():
                return True
            self._told_to_stop.wait(_LOOK_S)
        return False

    def wait(self) -> int:
        """Until we are told to stop (0), or one ends by itself (1)."""
        while not self._told_to_stop.wait(_LOOK_S):
            ended = self._ended()
            if ended is not None:
                program, status = ended
                log.error("%s has ended (%s): stopping everything", program.name, _told(status))
                return 1
        log.info("told to stop")
        return 0

    def stop(self) -> None:
        """Stop them in the order they were started, so that whoever takes requests goes first. What does not go is killed."""
        for program, process in self._running:
            if process.poll() is None:
                process.terminate()
                self._await_end(program, process)
        self._running.clear()

    def _await_end(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._grace_s
        while time.monotonic() < deadline and not self._impatient.is_set():
            try:
                status = process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                continue
            log.info("%s has ended (%s)", program.name, _told(status))
            return
        log.warning("%s does not end: it is killed", program.name)
        process.kill()
        process.wait()

    def _ended(self) -> tuple[Program, int] | None:
        for program, process in self._running:
            status = process.poll()
            if status is not None:
                return program, status
        return None

    def _on_signal(self, *_: object) -> None:
        if self._told_to_stop.is_set():
            self._impatient.set()
        self._told_to_stop.set()


def _told(status: int) -> str:
    return f"status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
