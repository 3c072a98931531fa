"""What is reported to Sentry: what went wrong and in whose request, and nothing that people sent."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from reference_server.observability.errors import Scrubber, start_error_tracking
from reference_server.observability.masking import Masker
from reference_server.security.origin import Origin, coming_from
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from reference_server.composition import Platform

DSN = "https://public-key@sentry.example/1"
COOKIE, PASSWORD, HEADER, EMAIL = (f"{word}-canary" for word in ("cookie", "password", "header", "ann"))
"""Not written as they are looked for: reports quote lines of the source."""
CANARY = "canary-of-the-metrics-token-0123456789"


class Sink(Transport):
    """Keeps what would be sent."""

    events: list[dict[str, Any]]

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.events = []

    def capture_envelope(self, envelope: Any) -> None:
        self.events += [item.payload.json for item in envelope.items if item.type == "event"]


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()
    settings = Settings.from_environment({"SENTRY_DSN": DSN, "METRICS_TOKEN": CANARY})
    assert start_error_tracking(settings, service="web", transport=found)
    yield found
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.init()  # nothing is reported from here on


def test_without_an_address_nothing_is_reported() -> None:
    assert not start_error_tracking(Settings(), service="web")
    assert not sentry_sdk.get_client().is_active()


def test_an_error_is_reported_with_its_request_and_without_its_secrets(sink: Sink) -> None:
    with coming_from(Origin(request_id="r-1")):
        try:
            fail(f"Bearer abcdefghijkl and {CANARY}")
        except ValueError:
            logging.getLogger("reference_server").exception("it failed with %s", CANARY)
    (event,) = sink.events
    told = json.dumps(event)
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["tags"]["request_id"] == "r-1"
    assert event["tags"]["service"] == "web"
    assert CANARY not in told
    assert "abcdefghijkl" not in told
    assert not any("vars" in frame for frame in event["exception"]["values"][0]["stacktrace"]["frames"])


def test_a_fault_in_a_request_is_reported_without_body_cookies_or_credentials(
    sink: Sink, app: Flask, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(type(platform.accounts), "log_in", broken)
    browser = app.test_client()
    browser.set_cookie("session", COOKIE)
    answer = browser.post(
        "/api/auth/login",
        json={"email": f"{EMAIL}@example.com", "password": PASSWORD},
        headers={"X-Api-Key": HEADER, "User-Agent": "browser"},
    )
    assert answer.status_code == 500
    (event,) = sink.events
    told = json.dumps(event)
    for secret in (COOKIE, PASSWORD, HEADER, EMAIL):
        assert secret not in told
    assert event["tags"]["request_id"] == answer.headers["X-Request-ID"]
    assert set(event["request"]) <= {"url", "method", "headers"}


def test_lines_below_errors_are_not_reported(sink: Sink) -> None:
    logging.getLogger("reference_server").warning("not so bad")
    assert sink.events == []


def test_of_a_request_only_what_is_known_to_be_harmless_is_kept() -> None:
    event: Any = {
        "request": {
            "url": "https://x.example/api",
            "method": "POST",
            "query_string": "token=1",
            "data": {"password": "2"},
            "cookies": {"session": "3"},
            "env": {"REMOTE_ADDR": "4"},
            "headers": {"Authorization": "5", "X-Forwarded-For": "6", "User-Agent": "browser"},
        }
    }
    assert Scrubber(Masker()).event(event, {})["request"] == {
        "url": "https://x.example/api",
        "method": "POST",
        "headers": {"User-Agent": "browser"},
    }
