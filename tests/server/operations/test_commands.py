"""What commands say where they cannot do their work: what is wrong and what to do, on one line, without a traceback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

import railway_saas
from reference_server.cli.app import run
from reference_server.operations.migrating import NOT_MIGRATED, why_unusable

if TYPE_CHECKING:
    from pathlib import Path

MIGRATE = "run `railway-saas-server migrate`"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.mark.parametrize(
    "command",
    [
        "jobs",
        "jobs retry x",
        "audit verify",
        "audit list",
        "seed",
        "backup {folder}/backup",
        "restore {folder}/platform.txt",
        "admin create ann@example.com --password-from-stdin",
    ],
)
def test_a_database_that_was_not_migrated_is_told_first(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "platform.txt").write_text("no backup")
    monkeypatch.setattr("sys.stdin.readline", lambda: "correct horse battery\n", raising=False)
    assert run(command.format(folder=tmp_path).split()) == 1
    assert MIGRATE in capsys.readouterr().err


def test_the_doctor_says_so_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 1
    assert MIGRATE in capsys.readouterr().out


@pytest.mark.parametrize("command", ["jobs", "migrate", "seed", "audit verify"])
def test_a_database_that_does_not_answer_is_told(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hush@127.0.0.1:1/platform")
    assert run(command.split()) == 1
    said = capsys.readouterr().err
    assert "the database cannot be used" in said
    assert "check DATABASE_URL" in said
    assert "hush" not in said


def test_the_doctor_goes_on_without_a_database(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hush@127.0.0.1:1/platform")
    assert run(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "tenancy: could not be tried" in said
    assert "mail: " in said
    assert "hush" not in said


def test_missing_roles_mean_that_nobody_has_migrated() -> None:
    missing = OperationalError("", {}, Exception('FATAL:  role "railway_saas_app" does not exist'))
    assert why_unusable(missing) == NOT_MIGRATED


def test_a_setting_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "hush")
    assert run(["jobs"]) == 1
    said = capsys.readouterr().err
    assert "REDIS_URL: must be like" in said
    assert "hush" not in said


def test_a_backup_is_not_begun_where_it_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backup", str(tmp_path / "nowhere" / "backup")]) == 2
    assert "no folder that can be written to" in capsys.readouterr().err


def test_migrating_needs_no_secret_of_the_platform(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    monkeypatch.setenv("DATA_DIR", str(folder))
    monkeypatch.setenv("APP_ENV", "production")
    assert run(["migrate"]) == 0
    assert folder.stat().st_mode & 0o077 == 0
    assert run(["jobs"]) == 1
    assert "refusing to start in production" in capsys.readouterr().err


def test_entries_of_the_audit_log_are_found_by_what_is_printed_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["migrate"])
    assert run(["seed"]) == 0
    capsys.readouterr()
    assert run(["audit", "list", "--limit", "1"]) == 0
    subject = json.loads(capsys.readouterr().out)["subject"]
    for asked in (subject, subject.partition(":")[2]):
        assert run(["audit", "list", "--subject", asked]) == 0
        found = [json.loads(line)["subject"] for line in capsys.readouterr().out.splitlines()]
        assert set(found) == {subject}


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert railway_saas.__version__ in capsys.readouterr().out
