"""A look at the platform from outside; and `deploy` as one types it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from railway_saas.emulator import Emulator, RunningServer
from railway_saas.errors import ConfigurationError
from reference_server.cli.app import run
from reference_server.cli.deploy import settings_for_it
from reference_server.operations.smoke import smoke_test

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

URL = "http://platform.example"


def look(app: Any, **more: Any) -> dict[str, bool]:
    transport = httpx.WSGITransport(app=app)
    found = smoke_test(URL, wait_s=0, transport=transport, **more)
    return {finding.what: finding.is_good for finding in found}


def test_a_platform_that_works_passes(environment: dict[str, str], request: pytest.FixtureRequest) -> None:
    environment["METRICS_TOKEN"] = "m" * 40
    found = look(request.getfixturevalue("app"), metrics_token="m" * 40)
    assert all(found.values()), found
    assert len(found) == 7


def test_one_that_is_not_ready_is_not_looked_at_further(app: Flask) -> None:
    from reference_server.api.ops import readiness_of

    readiness_of(app).begin_stop()
    assert look(app) == {"it is ready": False}


def test_it_waits_for_one_that_is_coming_up_with_growing_pauses() -> None:
    answers = iter([503, 502, 503])
    pauses: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers, 200) if request.url.path == "/readyz" else 500)

    found = smoke_test(URL, wait_s=60, transport=httpx.MockTransport(answer), sleep=pauses.append)
    assert found[0].is_good
    assert [finding.why for finding in found[1:2]] == ["/healthz answered 500"]
    assert len(pauses) == 3
    assert pauses[0] < pauses[2]


def test_one_that_cannot_be_reached_is_told_without_a_traceback() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    (only,) = smoke_test(URL, wait_s=0, transport=httpx.MockTransport(refuse))
    assert (only.is_good, only.why) == (False, "/readyz: ConnectError")


def test_the_command_ends_with_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["smoke", "http://127.0.0.1:9", "--wait", "0"]) == 1
    assert capsys.readouterr().out == "FAILED it is ready: /readyz: ConnectError\n"
    assert run(["smoke", "ftp://x"]) == 1


class TestDeploy:
    def test_it_deploys_and_says_what_comes_next_and_nothing_secret(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "environment"
        file.write_text("MAIL_URL=smtps://u:mail-canary@mail.example.com\nMAIL_FROM=A <a@example.com>\n")
        with RunningServer(Emulator(speed=1000.0, limits=False)) as server:
            monkeypatch.setenv("RAILWAY_API_TOKEN", server.emulator.api_token)
            monkeypatch.setenv("RAILWAY_WORKSPACE_ID", server.emulator.workspace_id)
            monkeypatch.setenv("RAILWAY_ENDPOINT", server.endpoint)
            command = ["deploy", "--image", "ghcr.io/acme/platform:1.0.0", "--environment-file", str(file)]
            assert run(command) == 0
            first = capsys.readouterr().out
            assert "railway-saas-server smoke https://" in first
            assert "admin create" in first
            assert run(command) == 0
            assert "up to date; nothing was changed" in capsys.readouterr().out
            for secret in ("mail-canary", server.emulator.api_token):
                assert secret not in first

    def test_without_a_token_it_says_so(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("RAILWAY_API_TOKEN", raising=False)
        assert run(["deploy", "--image", "x"]) == 1
        assert "RAILWAY_API_TOKEN: set it" in capsys.readouterr().err

    def test_settings_are_checked_before_anything_is_done(self) -> None:
        with pytest.raises(ConfigurationError, match="unknown settings: MAIL_ULR"):
            settings_for_it("MAIL_ULR=x", {})
        with pytest.raises(ConfigurationError, match="WEB_THREADS"):
            settings_for_it("WEB_THREADS=many", {})
        assert settings_for_it("WEB_PROCESSES=4", {}) == {
            "WEB_PROCESSES": "4"
        }  # the database is Railway's PostgreSQL
        assert settings_for_it("BASE_URL=https://${{RAILWAY_PUBLIC_DOMAIN}}", {})
