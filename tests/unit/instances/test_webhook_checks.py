"""What lets a webhook in, what is kept of it, and which notification rules are ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from railway_saas.errors import ConfigurationError, WebhookRefusedError
from railway_saas.instances import intake
from railway_saas.instances.intake import (
    event_key,
    read_body,
    require_known_sender,
    require_secrets,
    stored_payload,
)
from railway_saas.instances.webhook_rules import (
    ALL_DEPLOYMENT_EVENTS,
    own_rules,
    require_secure,
    tells_of,
)
from railway_saas.railway.models.notification_rules import NotificationRule
from railway_saas.railway.webhooks import EventType, normalized_type, read_event

OLD, NEW = "the-secret-of-last-year", "the-secret-of-this-year"
URL = "https://platform.example.com/hook"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def body(**changed: Any) -> bytes:
    payload = {
        "type": "Deployment.crashed",
        "details": {"commitMessage": "fix the thing", "commitAuthor": "ada"},
        "resource": {
            "project": {"id": "p1", "name": "acme"},
            "environment": {"id": "e1", "name": "production"},
            "service": {"id": "s1", "name": "web"},
            "deployment": {"id": "d1"},
        },
        "severity": "CRITICAL",
        "timestamp": "2026-11-02T08:59:00.000Z",
    }
    return json.dumps({**payload, **changed}).encode()


@pytest.mark.parametrize("name", ["X-Webhook-Secret", "x-webhook-secret", "X-WEBHOOK-SECRET"])
@pytest.mark.parametrize("secret", [OLD, NEW])
def test_every_secret_lets_in_whatever_the_headers_case(name: str, secret: str) -> None:
    require_known_sender({"Host": "x", name: secret}, [NEW, OLD], "X-Webhook-Secret")


@pytest.mark.parametrize(
    "headers", [{}, {"X-Webhook-Secret": ""}, {"X-Webhook-Secret": NEW[:-1]}, {"Host": NEW}]
)
def test_anybody_else_is_refused_without_showing_a_secret(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefusedError) as caught:
        require_known_sender(headers, [NEW, OLD], "X-Webhook-Secret")
    assert caught.value.status_code == 401
    assert NEW not in str(caught.value)


def test_all_secrets_are_compared_even_when_the_first_one_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def compare(value: str | None, secret: str) -> bool:
        compared.append(secret)
        return value == secret

    monkeypatch.setattr(intake, "verify_secret", compare)
    require_known_sender({"S": NEW}, [NEW, OLD], "s")
    assert compared == [NEW, OLD]


@pytest.mark.parametrize("secrets", [[], [""], [NEW, ""], NEW])
def test_secrets_that_would_let_everybody_in_are_refused(secrets: Any) -> None:
    with pytest.raises(ConfigurationError, match="secrets"):
        require_secrets(secrets)


def test_a_body_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(WebhookRefusedError) as caught:
        read_body(b"{" * 65_537)
    assert caught.value.status_code == 413
    read_body(body(), max_bytes=len(body()))


@pytest.mark.parametrize(
    "unreadable",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 60_000,
        body(type="Deployment.\x00crashed"),
        body(type="x" * 201),
        body(resource={"project": {"id": "p\x00"}}),
        body(resource={"deployment": {"id": "d" * 201}}),
    ],
)
def test_a_body_that_cannot_be_read_or_stored_is_refused(unreadable: bytes) -> None:
    with pytest.raises(WebhookRefusedError) as caught:
        read_body(unreadable)
    assert caught.value.status_code == 400


def test_only_who_and_when_is_kept() -> None:
    assert stored_payload(read_body(body())) == {
        "type": "Deployment.crashed",
        "severity": "CRITICAL",
        "timestamp": "2026-11-02T08:59:00+00:00",
        "project_id": "p1",
        "environment_id": "e1",
        "service_id": "s1",
        "deployment_id": "d1",
    }


def test_events_without_a_time_are_told_apart_by_when_they_came() -> None:
    timeless, timed = read_event(body(timestamp=None)), read_event(body())
    assert event_key(timeless, NOW) != event_key(timeless, NOW.replace(minute=1))
    assert event_key(timed, NOW) == event_key(timed, NOW.replace(minute=1))


# Rules --------------------------------------------------------------------------------------------------------------


def rule(name: str, *urls: str, created_at: datetime | None = NOW, **more: Any) -> NotificationRule:
    channels = [
        {"id": f"c{index}", "config": {"type": "webhook", "url": url}} for index, url in enumerate(urls)
    ]
    fields = {"id": name, "channels": channels, "created_at": created_at, **more}
    return NotificationRule.model_validate(fields)


def test_ours_are_rules_of_the_whole_workspace_that_call_only_us_oldest_first() -> None:
    rules = [
        rule("newer", URL),
        rule("older", "https://platform.example.com:443/hook", created_at=NOW.replace(year=2025)),
        rule("other address", "https://platform.example.com/hook2"),
        rule("ours and a mail", URL, "https://other.example.com"),
        rule("of a project", URL, project_id="p1"),
        rule("of a service", URL, service_id="s1"),
        rule("no channels"),
        rule("broken", "https://[broken"),
    ]
    assert [found.id for found in own_rules(rules, URL)] == ["older", "newer"]


def test_spelling_and_order_of_events_do_not_matter() -> None:
    types = ["Deployment.oom_killed", "deployment.FAILED"]
    assert tells_of(rule("r", URL, event_types=types), ["Deployment.failed", "Deployment.oomKilled"])
    assert not tells_of(rule("r", URL, event_types=types), ["Deployment.failed"])


def test_all_deployment_events_are_all_that_are_known() -> None:
    known = {str(one) for one in EventType if str(one).startswith("deployment.")}
    assert {normalized_type(one) for one in ALL_DEPLOYMENT_EVENTS} == known


@pytest.mark.parametrize(
    "url",
    [URL, "http://localhost:8000/x", "http://127.0.0.1/x", "http://[::1]:80/", "http://app.localhost/x"],
)
def test_addresses_at_which_nobody_listens_in_pass(url: str) -> None:
    require_secure(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.example.com/s3cret",
        "ftp://x/s3cret",
        "s3cret",
        "https:///s3cret",
        "https://[s3cret",
        "",
    ],
)
def test_other_addresses_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_secure(url)
    assert "s3cret" not in str(caught.value)
