"""Processes: starting them, ending them, and what they used, from Linux's /proc."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STOP_S = 45.0
_PARENT, _USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM = 1, 11, 12, 13, 14
"""Places in /proc/<pid>/stat behind the name. Source: proc_pid_stat(5)."""


def _stat(pid: int) -> list[str] | None:
    """The fields behind the name, which may hold blanks; None where the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def parent_of(pid: int) -> int | None:
    """Who started a process."""
    found = _stat(pid)
    return None if found is None else int(found[_PARENT])


def tree(root: int) -> list[int]:
    """A process and all that it and its children started."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (parent := parent_of(int(entry.name))) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += sorted(children.get(pid, ()))
    return found


def cpu_s(root: int) -> float:
    """Processor time of a tree so far; that of children that have ended is in their parents'."""
    ticks = 0
    for pid in tree(root):
        found = _stat(pid)
        if found is not None:
            ticks += sum(int(found[place]) for place in (_USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM))
    return ticks / TICKS_PER_S


def resident_mib(pid: int) -> float | None:
    """Memory that a process has in use; None where it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
        return pages * PAGE_BYTES / 2**20
    return None


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """A process that lives as long as the block; what it says goes to a file."""
    with (
        log.open("wb") as said,
        subprocess.Popen(command, env=dict(environment), stdout=said, stderr=said) as process,
    ):
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Gently; after a while with its children by force."""
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        for pid in family[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
