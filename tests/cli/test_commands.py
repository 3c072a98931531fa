"""The commands that talk to Railway, against a local one over real sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from railway_saas.emulator import Emulator, FaultKind
from tests.cli.conftest import OWN, CommandLine

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

WEB_APP = str(OWN / "web-app.json")


def deployed(command: CommandLine, source: str = "web-app", project: str = "acme") -> str:
    result = command("deploy", source, "--project", project, "--json")
    assert result.status == 0, result.err
    return str(result.json["project_id"])


def test_deploy_by_code_waits_until_everything_runs(command: CommandLine, railway: Emulator) -> None:
    result = command("deploy", "web-app", "--project", "acme")
    assert result.status == 0, result.err
    assert "web is running" in result.err
    assert "https://web-production.up.railway.app" in result.out.splitlines()
    assert "SUCCESS" in result.out
    assert railway.requests.operations["templateDeployV2"] == 1


def test_deploy_of_a_file_as_json(command: CommandLine, railway: Emulator) -> None:
    result = command("deploy", WEB_APP, "--project", "acme", "--json")
    assert result.status == 0, result.err
    assert result.json["running"] is True
    assert result.json["services"][0]["name"] == "web"
    assert railway.requests.operations["templateDeployV2"] == 0


def test_deploy_without_a_required_input_names_it_and_creates_nothing(
    command: CommandLine, railway: Emulator
) -> None:
    result = command("deploy", "app-with-postgres-and-redis", "--project", "acme")
    assert result.status == 2
    assert "ADMIN_EMAIL" in result.err
    assert railway.requests.operations["projectCreate"] == 0


def test_deploy_with_a_value_given(command: CommandLine, railway: Emulator) -> None:
    result = command(
        "deploy",
        "app-with-postgres-and-redis",
        "--project",
        "acme",
        "--set",
        "App.ADMIN_EMAIL=a=b@example.com",
    )
    assert result.status == 0, result.err
    assert "[3/3]" in result.err


def test_a_name_that_is_taken_is_refused_before_anything_is_made(
    command: CommandLine, railway: Emulator
) -> None:
    project_id = deployed(command)
    result = command("deploy", "web-app", "--project", "acme")
    assert result.status == 2
    assert project_id in result.err
    assert railway.requests.operations["projectCreate"] == 1


def test_a_blank_name_is_refused(command: CommandLine, railway: Emulator) -> None:
    assert command("deploy", "web-app", "--project", " ").status == 2
    assert railway.requests.operations["projectCreate"] == 0


def test_a_failed_deploy_as_json_names_the_project_and_the_services(
    command: CommandLine, railway: Emulator
) -> None:
    railway.faults.add(FaultKind.HEALTHCHECK_FAILS, service="web")
    error = command("deploy", "web-app", "--project", "acme", "--json").json["error"]
    assert error["step"] == "status"
    assert error["services"] == {"web": "FAILED"}
    assert error["project_id"]


def test_the_time_given_is_kept(command: CommandLine, railway: Emulator) -> None:
    railway.faults.add(FaultKind.NEVER_LEAVES_DEPLOYING, service="web")
    result = command("deploy", "web-app", "--project", "acme", "--timeout", "2")
    assert result.status == 1
    assert "not everything runs after 2 s" in result.err
    assert "is left as it is" in result.err


def test_a_setting_without_a_value_is_refused(command: CommandLine, railway: Emulator) -> None:
    result = command("deploy", "web-app", "--project", "acme", "--set", "nonsense")
    assert result.status == 2
    assert "--set takes SERVICE.NAME=VALUE" in result.err
    assert railway.requests.count == 0


def test_an_unknown_setting_suggests_the_right_one(command: CommandLine, railway: Emulator) -> None:
    result = command(
        "deploy", "app-with-postgres-and-redis", "--project", "x", "--set", "App.ADMIN_MAIL=x@example.com"
    )
    assert result.status == 2
    assert "App.ADMIN_EMAIL" in result.err


def test_deploy_of_a_code_that_nobody_knows(command: CommandLine, railway: Emulator) -> None:
    result = command("deploy", "no-such-template", "--project", "acme")
    assert result.status in {3, 4}
    assert "Traceback" not in result.err


def test_a_failing_service_ends_the_deploy_with_1_and_says_where_to_look(
    command: CommandLine, railway: Emulator
) -> None:
    railway.faults.add(FaultKind.HEALTHCHECK_FAILS, service="web")
    result = command("deploy", "web-app", "--project", "acme")
    assert result.status == 1
    assert "web failed" in result.err
    assert "railway-saas logs" in result.err


def test_status_by_name_and_by_id(command: CommandLine, railway: Emulator) -> None:
    project_id = deployed(command)
    by_name = command("status", "acme", "--json")
    assert by_name.status == 0, by_name.err
    assert by_name.json == command("status", project_id, "--json").json
    assert "web" in command("status", "acme").out


def test_status_of_a_project_that_is_not_there(command: CommandLine, railway: Emulator) -> None:
    result = command("status", "nobody")
    assert result.status == 4
    assert "there is no project named 'nobody'" in result.err


def test_logs_prints_the_latest_lines(command: CommandLine, railway: Emulator) -> None:
    deployed(command)
    result = command("logs", "acme", "--lines", "3")
    assert result.status == 0, result.err
    assert len(result.out.strip().splitlines()) == 3


def test_logs_as_json_lines(command: CommandLine, railway: Emulator) -> None:
    deployed(command)
    result = command("logs", "acme", "web", "--lines", "2", "--json")
    assert [set(json.loads(line)) >= {"timestamp", "message"} for line in result.out.splitlines()] == [
        True,
        True,
    ]


def test_logs_of_an_unknown_service_lists_those_there_are(command: CommandLine, railway: Emulator) -> None:
    deployed(command)
    result = command("logs", "acme", "db")
    assert result.status == 4
    assert "there are: web" in result.err


def test_delete_needs_yes_where_nobody_can_be_asked(command: CommandLine, railway: Emulator) -> None:
    deployed(command)
    refused = command("delete", "acme")
    assert refused.status == 2
    assert "--yes" in refused.err
    assert command("delete", "acme", "--yes").status == 0
    assert command("status", "acme").status == 4


def test_delete_after_the_grace(command: CommandLine, railway: Emulator) -> None:
    deployed(command)
    assert command("delete", "acme", "--yes", "--after-grace", "--json").json["after_grace"] is True
    assert railway.requests.operations["projectScheduleDelete"] == 1


def test_whoami_of_each_kind_of_token(
    command: CommandLine, railway: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("whoami", "--json").json["kind"] == "account token"
    assert railway.workspace_id in command("whoami").out
    monkeypatch.setenv("RAILWAY_API_TOKEN", railway.workspace_token())
    assert command("whoami", "--json").json["kind"] == "workspace token"


def test_a_project_token_reaches_its_own_project(
    command: CommandLine, railway: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = deployed(command)
    environment_id = command("status", "acme", "--json").json["environment_id"]
    monkeypatch.setenv("RAILWAY_TOKEN", railway.project_token(environment_id))
    assert command("whoami", "--json").json == {
        "kind": "project token",
        "name": command("whoami", "--json").json["name"],
        "project_id": project_id,
        "environment_id": environment_id,
    }


def test_a_bad_token_ends_with_3_and_is_not_shown(
    command: CommandLine, railway: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAILWAY_API_TOKEN", "canary-token-0123456789")
    result = command("status", "acme")
    assert result.status == 3
    assert "canary" not in result.out + result.err


def test_without_a_token_it_says_how_to_get_one(command: CommandLine) -> None:
    result = command("whoami")
    assert result.status == 3
    assert "RAILWAY_API_TOKEN" in result.err
    assert "railway-saas emulator" in result.err


def test_an_endpoint_that_nobody_answers_on_ends_with_5(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAILWAY_ENDPOINT", "http://127.0.0.1:9/graphql/v2")
    monkeypatch.setenv("RAILWAY_API_TOKEN", "some-token")
    result = command("whoami")
    assert result.status == 5
    assert "could not connect" in result.err


def test_errors_are_json_too(command: CommandLine, railway: Emulator) -> None:
    result = command("status", "nobody", "--json")
    assert result.status == 4
    assert result.json["error"]["type"] == "RailwayNotFoundError"


def test_schema_check_against_the_local_railway(command: CommandLine, railway: Emulator) -> None:
    result = command("schema", "check", "--json")
    assert result.json["drift"] == []
    assert result.status == 0
    assert result.json["documents"] > 100


def test_an_unknown_command_is_a_usage_error(command: CommandLine) -> None:
    assert command("dance").status == 2
    assert command("deploy").status == 2


def test_help_and_version(command: CommandLine) -> None:
    assert command("--help").status == 0
    assert command("--version").out.startswith("railway-saas ")


def test_the_emulator_prints_what_a_shell_can_eval_and_stops_on_interrupt(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "railway_saas.cli", "emulator", "--port", "0", "--seed", "7", "--speed", "20"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(3)]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert [line.partition("=")[0] for line in lines] == [
        "RAILWAY_ENDPOINT",
        "RAILWAY_API_TOKEN",
        "RAILWAY_WORKSPACE_ID",
    ]
    assert process.returncode in {0, 130}, errors
    assert "Traceback" not in errors


def test_a_port_that_is_taken_is_one_clear_error(command: CommandLine, railway: Emulator) -> None:
    port = os.environ["RAILWAY_ENDPOINT"].split(":")[2].split("/")[0]
    result = command("emulator", "--port", port)
    assert result.status == 2
    assert "--port 0" in result.err
