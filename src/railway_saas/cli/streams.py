"""The process's own streams, made fit for any way of being started."""

from __future__ import annotations

import io
import os
import sys


def prepare_streams() -> None:
    """Open what the caller closed (`<&-`), and spell out characters that the locale's encoding has not."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123 - lives as long as we do
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def abandon_output() -> None:
    """Let Python's own flush at the end go nowhere, after writing has failed."""
    with _nowhere() as nowhere:
        os.dup2(nowhere.fileno(), 1)


def _nowhere() -> io.TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process
