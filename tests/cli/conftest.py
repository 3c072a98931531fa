"""A command line in this process, against a local Railway on real sockets."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.cli.app import run
from railway_saas.emulator import Emulator
from railway_saas.emulator.clients import ClientClock
from railway_saas.railway._clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = Path(__file__).resolve().parent.parent.parent / "examples" / "templates"


@dataclass
class Result:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output read as one JSON document."""
        return json.loads(self.out)


class CommandLine:
    """Runs commands and keeps what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        self._capsys.readouterr()
        status = run(list(arguments))
        printed = self._capsys.readouterr()
        return Result(int(status), printed.out, printed.err)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("RAILWAY_TOKEN", "RAILWAY_API_TOKEN", "RAILWAY_ENDPOINT", "RAILWAY_WORKSPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    log = logging.getLogger("railway_saas")
    before = log.level
    log.setLevel(logging.WARNING)
    yield
    log.setLevel(before)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """`railway-saas` with the arguments given."""
    return CommandLine(capsys)


@pytest.fixture
def railway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A local Railway on real sockets, named in the environment; waiting for it moves its clock."""
    emulator = Emulator(seed=7, templates=OWN, limits=False)
    clock = ClientClock(emulator.clock)
    monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds: clock.sleep(seconds))
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: clock.monotonic())
    with emulator.serve() as server:
        monkeypatch.setenv("RAILWAY_ENDPOINT", server.endpoint)
        monkeypatch.setenv("RAILWAY_API_TOKEN", emulator.api_token)
        monkeypatch.setenv("RAILWAY_WORKSPACE_ID", emulator.workspace_id)
        yield emulator
