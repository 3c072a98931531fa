"""Webhooks: who sent them, what they say, and whether they came before."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.errors import ConfigurationError, RailwayInputError
from railway_saas.railway.webhooks import EventType, normalized_type, read_event, verify_secret

if TYPE_CHECKING:
    from pathlib import Path

VOLUME_ALERT = {
    "type": "VolumeAlert.triggered",
    "details": {},
    "resource": {
        "project": {"id": "p1", "name": "acme"},
        "environment": {"id": "e1", "name": "production", "isEphemeral": False},
    },
    "severity": "INFO",
    "timestamp": "2025-11-21T23:48:42.311Z",
}


@pytest.mark.parametrize("file", ["webhook-deployment-failed.json", "webhook-deployment-failed-guide.json"])
def test_railways_own_samples_are_read(file: str, reference_data: Path) -> None:
    body = (reference_data / "railway/examples" / file).read_bytes()
    event = read_event(body)
    assert event.type is EventType.DEPLOYMENT_FAILED
    assert event.severity == "WARNING"
    assert event.timestamp == datetime(2025, 11, 21, 23, 48, 42, 311_000, tzinfo=UTC)
    assert event.environment is not None
    assert event.environment.is_ephemeral is False
    assert event.deployment_id == json.loads(body)["resource"]["deployment"]["id"]
    assert event.details["id"] == "8107edff-4b8e-44fc-b43a-04566e847a2a"


def test_an_event_about_a_volume_has_neither_service_nor_deployment() -> None:
    event = read_event(json.dumps(VOLUME_ALERT))
    assert event.type is EventType.VOLUME_ALERT_TRIGGERED
    assert event.service is None
    assert event.deployment_id is None
    assert event.project is not None
    assert event.project.id == "p1"


@pytest.mark.parametrize(
    "spelling",
    ["Deployment.oomKilled", "Deployment.OomKilled", "Deployment.oom_killed", "deployment.OOM_KILLED"],
)
def test_types_are_the_same_in_every_spelling(spelling: str) -> None:
    event = read_event({"type": spelling})
    assert event.type is EventType.DEPLOYMENT_OOM_KILLED
    assert event.raw_type == spelling


def test_every_known_type_is_in_the_one_spelling() -> None:
    assert all(normalized_type(str(kind)) == str(kind) for kind in EventType)


def test_a_type_that_is_not_known_yet_is_kept() -> None:
    event = read_event({"type": "Sandbox.Started"})
    assert str(event.type) == "sandbox.started"
    assert not event.type.known


def deployment_event(**changed: Any) -> Any:
    payload = {
        "type": "Deployment.crashed",
        "resource": {"deployment": {"id": "d1"}},
        "timestamp": "2025-11-21T23:48:42.311Z",
        **changed,
    }
    return read_event(payload)


def test_the_same_event_sent_twice_has_the_same_key() -> None:
    again = deployment_event(type="Deployment.Crashed", timestamp="2025-11-22T00:48:42.311+01:00")
    assert again.key == deployment_event().key


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "Deployment.failed"},
        {"resource": {"deployment": {"id": "d2"}}},
        {"timestamp": "2025-11-21T23:48:42.312Z"},
    ],
)
def test_events_that_differ_have_different_keys(changed: dict[str, Any]) -> None:
    assert deployment_event(**changed).key != deployment_event().key


def test_events_without_deployment_are_told_apart_by_what_they_are_about() -> None:
    elsewhere = {**VOLUME_ALERT, "resource": {"project": {"id": "p2"}, "environment": {"id": "e2"}}}
    assert read_event(VOLUME_ALERT).key != read_event(elsewhere).key


@pytest.mark.parametrize("timestamp", [None, 12, "yesterday", "", "0001-01-01T00:00:00+14:00"])
def test_a_timestamp_that_cannot_be_read_does_not_lose_the_event(timestamp: Any) -> None:
    event = deployment_event(timestamp=timestamp)
    assert event.timestamp is None
    assert event.key.endswith(":-")


def test_a_timestamp_without_zone_is_utc() -> None:
    event = deployment_event(timestamp="2025-11-21T23:48:42")
    assert event.timestamp == datetime(2025, 11, 21, 23, 48, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    "odd",
    [
        {"resource": None},
        {"resource": []},
        {"resource": {"service": "web", "deployment": {"id": 7}}},
        {"details": "text"},
        {"severity": 3},
    ],
)
def test_odd_shapes_of_the_rest_do_not_lose_the_event(odd: dict[str, Any]) -> None:
    assert deployment_event(**odd).type is EventType.DEPLOYMENT_CRASHED


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", "null", b"\xff\xfe", "{}", '{"type": ""}', '{"type": 1}', 7]
)
def test_a_body_that_is_no_event_is_refused(body: Any) -> None:
    with pytest.raises(RailwayInputError) as caught:
        read_event(body)
    assert caught.value.argument == "body"


@given(st.binary())
def test_no_body_does_harm(body: bytes) -> None:
    with suppress(RailwayInputError):
        read_event(body)


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        deployment_event().severity = "INFO"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("s3cret-s3cret-s3cret", True),
        ("s3cret-s3cret-s3creT", False),
        ("s3cret", False),
        ("", False),
        (None, False),
        ("ünïcödé", False),
        ("\udcff", False),
    ],
)
def test_only_the_secret_itself_is_let_in(sent: str | None, expected: bool) -> None:
    assert verify_secret(sent, "s3cret-s3cret-s3cret") is expected


def test_an_empty_secret_would_let_everybody_in_and_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        verify_secret("", "")
