"""Notification rules and the webhooks they call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.notification_rules import NotificationSeverity
from railway_saas.railway.operations import notification_rules
from railway_saas.railway.webhooks import SECRET_HEADER

URL = "https://example.com/hook"
SECRET = "a-secret-that-is-long-enough"


def webhook(**changed: Any) -> Any:
    given = {
        "workspace_id": "w1",
        "url": URL,
        "event_types": ["Deployment.failed"],
        "secret": SECRET,
        **changed,
    }
    return notification_rules.create_webhook(**given)


def test_a_webhook_carries_its_secret_in_a_header() -> None:
    operation = webhook(project_id="p1", severities=["CRITICAL"], ephemeral_environments=False)
    assert operation.variables == {
        "input": {
            "workspaceId": "w1",
            "projectId": "p1",
            "eventTypes": ["Deployment.failed"],
            "channelConfigs": [{"type": "webhook", "url": URL, "headers": {SECRET_HEADER: SECRET}}],
            "severities": ["CRITICAL"],
            "ephemeralEnvironments": False,
        }
    }
    assert not operation.safe_to_repeat


def test_the_header_can_be_chosen() -> None:
    config = webhook(secret_header="X-Token").variables["input"]["channelConfigs"][0]
    assert config["headers"] == {"X-Token": SECRET}


def test_a_webhook_may_do_without_secret() -> None:
    assert webhook(secret=None).variables["input"]["channelConfigs"] == [{"type": "webhook", "url": URL}]


def test_a_rule_is_read_without_showing_the_address() -> None:
    rule = webhook().parse(
        {
            "id": "r1",
            "workspaceId": "w1",
            "projectId": None,
            "eventTypes": ["Deployment.Failed"],
            "severities": ["CRITICAL", "APOCALYPTIC"],
            "ephemeralEnvironments": None,
            "channels": [{"id": "c1", "config": {"type": "webhook", "url": URL}}],
        }
    )
    assert rule.channels[0].url == URL
    assert URL not in repr(rule)
    assert rule.severities[0] is NotificationSeverity.CRITICAL
    assert not rule.severities[1].known


def test_channels_of_other_kinds_have_no_address() -> None:
    rule = webhook().parse({"id": "r1", "channels": [{"id": "c1", "config": {"type": "email"}}]})
    assert rule.channels[0].url is None


def test_rules_are_listed_for_a_workspace_or_a_project() -> None:
    assert notification_rules.list_("w1").variables == {"workspaceId": "w1"}
    assert notification_rules.list_("w1", project_id="p1").variables == {
        "workspaceId": "w1",
        "projectId": "p1",
    }


def test_an_update_sends_what_is_given_and_clears_what_is_none() -> None:
    operation = notification_rules.update("r1", event_types=["Deployment.crashed"], severities=None)
    assert operation.variables == {
        "id": "r1",
        "input": {"eventTypes": ["Deployment.crashed"], "severities": None},
    }
    assert operation.safe_to_repeat


def test_deleting_a_rule_goes_behind_users() -> None:
    assert notification_rules.delete("r1").lane is Lane.DELETION


def test_a_test_delivery_sends_json_as_text() -> None:
    operation = notification_rules.test_webhook(URL, {"type": "Deployment.failed"})
    assert json.loads(operation.variables["payload"]) == {"type": "Deployment.failed"}
    assert notification_rules.test_webhook(URL, "raw").variables["payload"] == "raw"
    assert operation.parse(204) == 204


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: webhook(workspace_id=""), "workspace_id"),
        (lambda: webhook(project_id=""), "project_id"),
        (lambda: webhook(url="example.com/hook"), "url"),
        (lambda: webhook(url="ftp://example.com"), "url"),
        (lambda: webhook(url="https://"), "url"),
        (lambda: webhook(url="http://[broken"), "url"),
        (lambda: webhook(url=None), "url"),
        (lambda: webhook(event_types=[]), "event_types"),
        (lambda: webhook(event_types="Deployment.failed"), "event_types"),
        (lambda: webhook(event_types=[1]), "event_types"),
        (lambda: webhook(severities=["BAD"]), "severities"),
        (lambda: webhook(secret="short"), "secret"),
        (lambda: webhook(secret="with\nline break and more"), "secret"),
        (lambda: webhook(secret="ünïcödé ünïcödé ünïcödé"), "secret"),
        (lambda: webhook(secret_header="X Secret"), "secret_header"),
        (lambda: webhook(secret_header=""), "secret_header"),
        (
            lambda: notification_rules.create(
                workspace_id="w1", event_types=["Deployment.failed"], channel_configs=[]
            ),
            "channel_configs",
        ),
        (
            lambda: notification_rules.create(
                workspace_id="w1",
                event_types=["Deployment.failed"],
                channel_configs=["https://example.com"],  # type: ignore[list-item]
            ),
            "channel_configs",
        ),
        (lambda: notification_rules.update("r1"), "update"),
        (lambda: notification_rules.update("", event_types=["x"]), "rule_id"),
        (lambda: notification_rules.test_webhook("nonsense", "x"), "url"),
        (lambda: notification_rules.test_webhook(URL, {}), "payload"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


@pytest.mark.parametrize("bad", [{"url": "hunter2.example.com/hook"}, {"secret": "hunter2"}])
def test_refusals_show_neither_address_nor_secret(bad: dict[str, str]) -> None:
    with pytest.raises(RailwayInputError) as caught:
        webhook(**bad)
    assert "hunter2" not in str(caught.value)
