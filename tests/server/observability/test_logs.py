"""Every line is one JSON object with the same fields, whoever logs, and none shows a secret."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import structlog

from reference_server.cli.context import own_process, settings
from reference_server.observability.context import FIELDS, logging_with
from reference_server.observability.gunicorn_logger import GunicornLogger
from reference_server.observability.logs import configure_logging, is_json
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import Scope, scoped
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.server.conftest import Person

CANARY = "canary-of-the-metrics-token-0123456789"


class Lines:
    """What was logged."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        return self.all[-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Logging as a process of the platform sets it up; put back afterwards."""
    found = Lines()
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    with warnings.catch_warnings():
        configure_logging(
            Settings.from_environment({"METRICS_TOKEN": CANARY, "LOG_LEVEL": "INFO"}),
            service="web",
            stream=found.stream,
        )
        try:
            yield found
        finally:
            logging.captureWarnings(capture=False)
            root.handlers[:] = before[0]
            root.setLevel(before[1])
            sys.excepthook, threading.excepthook = before[2], before[3]
            structlog.reset_defaults()


def fail(message: str) -> None:
    raise ValueError(message)


class TestTheForm:
    def test_every_line_has_the_fields_in_their_order_also_where_there_is_nothing_to_say(
        self, lines: Lines
    ) -> None:
        logging.getLogger("somebody").info("something %s", "happened")
        assert tuple(lines.last)[: len(FIELDS)] == FIELDS
        assert (lines.last["message"], lines.last["level"], lines.last["service"]) == (
            "something happened",
            "info",
            "web",
        )
        assert lines.last["request_id"] is None
        assert lines.last["timestamp"].endswith("Z")

    def test_structlog_and_the_standard_library_write_alike(self, lines: Lines) -> None:
        structlog.get_logger("ours").warning("seen", template_id="t1", more=[1, 2])
        assert (lines.last["message"], lines.last["level"], lines.last["template_id"]) == (
            "seen",
            "warning",
            "t1",
        )
        assert lines.last["more"] == [1, 2]

    def test_a_traceback_is_one_line(self, lines: Lines) -> None:
        try:
            fail("by nothing")
        except ValueError:
            logging.getLogger("somebody").exception("failed")
        assert lines.text.count("\n") == 1
        assert "ValueError: by nothing" in lines.last["exception"]

    def test_a_line_break_in_a_message_makes_no_second_line(self, lines: Lines) -> None:
        logging.getLogger("somebody").info('a\n{"level": "forged"}')
        assert lines.text.count("\n") == 1

    def test_a_developer_at_a_terminal_reads_text(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        assert not is_json(Settings(), Terminal())
        assert is_json(Settings(), io.StringIO())
        assert is_json(Settings.model_validate({"LOG_FORMAT": "json"}), Terminal())
        assert not is_json(Settings.model_validate({"LOG_FORMAT": "console"}), io.StringIO())
        assert is_json(Settings.model_validate({"APP_ENV": "production"}), Terminal())

    def test_text_for_people_is_masked_too(self) -> None:
        from reference_server.observability.logs import formatter

        settings = Settings.from_environment({"METRICS_TOKEN": CANARY})
        record = logging.LogRecord("x", logging.INFO, "f", 1, "token %s", (CANARY,), None)
        said = formatter(settings, service="web", as_json=False).format(record)
        assert "token ***" in said
        assert CANARY not in said


class TestWhoseWorkItIs:
    def test_lines_name_the_request_the_user_and_what_is_worked_on(self, lines: Lines) -> None:
        with (
            coming_from(Origin(request_id="r-1")),
            scoped(Scope.of_user(UUID(int=7))),
            logging_with(action="reconcile", template_id="t-1"),
        ):
            logging.getLogger("railway_saas.instances").info("from the SDK")
        logging.getLogger("railway_saas.instances").info("afterwards")
        inside, after = lines.all
        assert (inside["request_id"], inside["user_id"]) == ("r-1", str(UUID(int=7)))
        assert (inside["action"], inside["template_id"]) == ("reconcile", "t-1")
        assert (after["request_id"], after["user_id"], after["action"]) == (None, None, None)

    def test_a_request_is_one_line_with_its_route_status_time_and_id(
        self, lines: Lines, app: Flask, ann: Person
    ) -> None:
        ann.get("/api/instances?limit=7", headers={"X-Request-ID": "r-2"}).close()
        line = lines.last
        assert line["message"] == "GET /api/instances 200"
        assert (line["status"], line["request_id"], line["user_id"]) == (200, "r-2", str(ann.user.id))
        assert line["action"].startswith("instances.")
        assert line["duration_ms"] > 0
        assert "limit" not in lines.text

    def test_probes_are_not_logged_every_few_seconds(self, lines: Lines, app: Flask) -> None:
        app.test_client().get("/healthz").close()
        assert lines.text == ""

    def test_no_body_is_ever_logged(self, lines: Lines, app: Flask) -> None:
        for body in ({"email": "eve@example.com", "password": "pw-canary-1"}, {"email": "pw-canary-2"}):
            app.test_client().post("/api/auth/login", json=body).close()
        assert "/api/auth/login" in lines.text
        assert "canary" not in lines.text
        assert "eve@example.com" not in lines.text


class TestOtherPeoplesLines:
    def test_gunicorn_writes_as_we_do(self, lines: Lines) -> None:
        from gunicorn.config import Config

        logger = GunicornLogger(Config())
        logger.info("Booting worker with pid: %s", 7)
        assert (lines.last["message"], lines.last["service"]) == ("Booting worker with pid: 7", "web")
        assert lines.text.count("\n") == 1
        assert not logger.access_log_enabled

    def test_libraries_that_bring_handlers_lose_them(self, lines: Lines) -> None:
        from dbos._logger import init_logger

        init_logger()
        logging.getLogger("dbos").warning("from the engine")
        assert (lines.last["message"], lines.last["logger"]) == ("from the engine", "dbos")
        assert lines.text.count("\n") == 1

    def test_warnings_become_lines(self, lines: Lines) -> None:
        warnings.simplefilter("always")
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
        assert "old thing" in lines.last["message"]
        assert lines.last["level"] == "warning"

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
    def test_what_nobody_catches_becomes_a_line(self, lines: Lines) -> None:
        thread = threading.Thread(target=fail, args=[f"with {CANARY}"])
        thread.start()
        thread.join()
        assert lines.last["message"] == "nobody caught an error in a thread"
        assert "ValueError: with ***" in lines.last["exception"]
        try:
            fail("again")
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
        assert (lines.last["level"], lines.last["message"]) == ("critical", "nobody caught an error")

    def test_the_address_of_every_request_to_railway_is_not_told(self, lines: Lines) -> None:
        logging.getLogger("httpx").info("HTTP Request: POST https://railway.example?token=1")
        assert lines.text == ""


class TestSecrets:
    def test_no_secret_of_the_settings_shows_in_messages_fields_or_tracebacks(self, lines: Lines) -> None:
        log = logging.getLogger("somebody")
        log.info("it is %s", CANARY)
        log.info("as a field", extra={"subject": CANARY})
        structlog.get_logger().info("deep", details={"list": [{"a": CANARY}], CANARY: 1})
        try:
            fail(CANARY)
        except ValueError:
            log.exception("in a traceback")
        assert CANARY not in lines.text
        assert lines.text.count("***") >= 5

    def test_tokens_that_nobody_configured_are_known_by_their_form(self, lines: Lines) -> None:
        logging.getLogger("somebody").info("Authorization: Bearer abcdefghijklmnop")
        logging.getLogger("somebody").info("key rsk_abcdefghijklmnop at https://u:p4ssw0rd@host/")
        assert "abcdefghijklmnop" not in lines.text
        assert "p4ssw0rd" not in lines.text


def test_a_command_that_has_its_process_logs_to_standard_error_as_services_do(
    lines: Lines,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    token = own_process.set(True)
    try:
        settings()
    finally:
        own_process.reset(token)
    logging.getLogger("alembic").warning("a step")
    said = capsys.readouterr()
    assert (json.loads(said.err)["service"], said.out, lines.text) == ("command", "", "")
