"""What strangers wrote does nothing to the terminal, and any way of being started works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.cli.output import Output, json_text, visible
from railway_saas.cli.streams import prepare_streams

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine

HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J\rover \u202eback [bold]x[/] \\[y] \\"
SHOWN = r"red \x1b]0;title\x07 \x9b2J\rover \u202eback [bold]x[/] \[y] \ ".strip()


@pytest.fixture
def unreadable(tmp_path: Path) -> str:
    """A document whose names hold half a character and an accent."""
    service = {"name": "caf\u00e9\ud83d", "source": {"image": "nginx:1"}, "variables": {"A": {}}}
    path = tmp_path / "template.json"
    path.write_text(json.dumps({"services": {"s": service}}), encoding="ascii")
    return str(path)


def started(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    return subprocess.run(
        [sys.executable, "-m", "railway_saas.cli", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        check=False,
        timeout=60,
        **options,
    )


def test_control_characters_are_spelled_out_and_colours_dropped() -> None:
    assert visible(HOSTILE) == SHOWN
    assert visible("plain\ttext\nof two lines, café ✓") == "plain\ttext\nof two lines, café ✓"


def test_every_kind_of_output_shows_what_it_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.line(HOSTILE)
    out.table(("NAME",), [(HOSTILE,)])
    out.progress(HOSTILE)
    out.milestone(HOSTILE)
    printed = capsys.readouterr()
    assert [line.rstrip() for line in printed.out.splitlines()] == [SHOWN, "NAME", SHOWN]
    assert printed.err.splitlines() == [SHOWN, SHOWN]


def test_json_is_readable_by_machines_and_harmless_to_terminals() -> None:
    value = {HOSTILE: ["café", "\ud83d", "\x7f"]}
    assert json.loads(json_text(value, indent=2)) == value
    assert not set(json_text(value)) & set("\x1b\x9b\x7f\u202e\ud83d")


@pytest.mark.parametrize("sub", ["check", "inputs", "plan"])
def test_half_a_character_is_no_reason_to_fail(command: CommandLine, unreadable: str, sub: str) -> None:
    assert command("templates", sub, unreadable).status in {0, 1}
    assert command("templates", sub, unreadable, "--json").json is not None


@pytest.mark.parametrize(
    "arguments", [("dance",), ("deploy",), ("logs", "x", "--lines", "none"), ("--bogus",)]
)
def test_a_usage_error_is_json_too(command: CommandLine, arguments: tuple[str, ...]) -> None:
    result = command(*arguments, "--json")
    assert result.status == 2
    assert result.json["error"]["type"] == "UsageError"


def test_a_locale_without_the_characters_gets_them_spelled_out(unreadable: str) -> None:
    people = started("templates", "inputs", unreadable, stdout=subprocess.PIPE)
    scripts = started("templates", "inputs", unreadable, "--json", stdout=subprocess.PIPE)
    assert (people.returncode, scripts.returncode) == (0, 0), people.stderr + scripts.stderr
    assert r"caf\xe9\ud83d.A" in people.stdout
    assert json.loads(scripts.stdout)[0]["service"] == "caf\u00e9\ud83d"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_a_full_disk_is_one_sentence(unreadable: str) -> None:
    with open("/dev/full", "w", encoding="ascii") as full:  # noqa: PTH123
        result = started("templates", "inputs", unreadable, stdout=full)
    assert result.returncode == 1
    assert result.stderr.startswith("railway-saas: the output cannot be written: No space left")
    assert "\n" not in result.stderr.strip()


def test_streams_that_the_caller_closed_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    prepare_streams()
    opened = (sys.stdin, sys.stdout, sys.stderr)
    try:
        assert sys.stdin.read() == ""
        sys.stdout.write("lost")
        sys.stderr.write("lost")
    finally:
        for stream in opened:
            stream.close()
