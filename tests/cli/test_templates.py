"""`railway-saas templates ...` needs no Railway."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import OWN, CommandLine

APP = str(OWN / "app-with-postgres-and-redis.json")


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    file = tmp_path / "faulty.json"
    file.write_text(json.dumps({"services": {"a": {"name": "", "source": {}}, "b": {"surprise": 1}}}))
    return str(file)


def test_check_of_a_sound_document_ends_with_0(command: CommandLine) -> None:
    result = command("templates", "check", APP)
    assert result.status == 0
    assert "no faults" in result.out


def test_check_lists_every_fault_with_its_path_and_ends_with_1(command: CommandLine, faulty: str) -> None:
    result = command("templates", "check", faulty)
    assert result.status == 1
    assert result.out.count("$.services") >= 3


def test_check_as_json(command: CommandLine, faulty: str) -> None:
    result = command("templates", "check", faulty, "--json")
    assert result.status == 1
    assert result.json["ok"] is False
    assert {"path", "message"} == set(result.json["problems"][0])


def test_inputs_shows_what_must_be_filled_in(command: CommandLine) -> None:
    assert "App.ADMIN_EMAIL" in command("templates", "inputs", APP).out
    found = {item["key"]: item for item in command("templates", "inputs", APP, "--json").json}
    assert found["App.ADMIN_EMAIL"]["required"] is True


def test_plan_shows_order_volumes_and_cost(command: CommandLine) -> None:
    result = command("templates", "plan", APP)
    assert result.status == 0
    assert "volume of Postgres" in result.out
    assert "a month at 0.25 GB of memory and 0.02 vCPU per service on average" in result.out
    assert command("templates", "plan", APP, "--json").json["start_order"][-1] == ["App"]


def test_diff_tells_what_changes(command: CommandLine) -> None:
    same = command("templates", "diff", APP, APP)
    assert (same.status, same.out.strip()) == (0, "no change")
    other = command("templates", "diff", APP, str(OWN / "web-app.json"))
    assert other.status == 0
    assert other.out.strip() != "no change"


def test_a_document_from_standard_input(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Standard:
        buffer = io.BytesIO(Path(APP).read_bytes())

    monkeypatch.setattr("sys.stdin", Standard())
    assert command("templates", "check", "-").status == 0


@pytest.mark.parametrize(("content", "part"), [("{", "line 1"), ("[1]", "object"), ("", "line 1")])
def test_what_is_no_document_is_one_clear_error(
    command: CommandLine, tmp_path: Path, content: str, part: str
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(content)
    result = command("templates", "check", str(file))
    assert result.status == 2
    assert part in result.err
    assert "Traceback" not in result.err


def test_a_file_that_is_not_there(command: CommandLine) -> None:
    result = command("templates", "check", "/nowhere/at-all.json")
    assert result.status == 2
    assert "cannot be read" in result.err
