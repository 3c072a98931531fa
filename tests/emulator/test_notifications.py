"""Notification rules, and the webhooks they send."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from railway_saas.emulator import Emulator

    from .conftest import House

CREATE = """mutation($i: CreateNotificationRuleInput!) { notificationRuleCreate(input: $i) {
  id eventTypes severities channels { id config } } }"""
RULES = "query($w: String!, $p: String) { notificationRules(workspaceId: $w, projectId: $p) { id eventTypes channels { config } } }"
URL = "https://example.com/hook"


class Receiver:
    """Takes what the emulator sends, instead of the network."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.status = 200

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.bodies.append(json.loads(body))
        self.headers.append(headers)
        return self.status

    @property
    def types(self) -> list[str]:
        """Types of the events that came."""
        return [one["type"] for one in self.bodies]


@pytest.fixture
def receiver(emulator: Emulator) -> Receiver:
    emulator.webhooks.sender = receiver = Receiver()
    return receiver


def rule(house: House, *types: str, url: str = URL, **options: Any) -> dict[str, Any]:
    """Make a rule."""
    channel = {"type": "webhook", "url": url, "headers": {"X-Secret": "hush"}}
    wanted = {
        "workspaceId": house.emulator.workspace_id,
        "eventTypes": list(types),
        "channelConfigs": [channel],
    }
    return house.run(CREATE, i={**wanted, **options})["notificationRuleCreate"]


def deliver(emulator: Emulator, seconds: float = 30) -> None:
    emulator.clock.advance(seconds)
    emulator.webhooks.flush()


def test_a_deployment_is_told_of_with_railways_payload(house: House, receiver: Receiver) -> None:
    rule(house, "Deployment.deployed")
    service_id, environment_id, deployment_id = house.running()
    deliver(house.emulator)
    (body,) = receiver.bodies
    assert set(body) == {"type", "details", "resource", "severity", "timestamp"}
    assert body["type"] == "Deployment.deployed"
    resource = body["resource"]
    assert resource["service"] == {"id": service_id, "name": "web"}
    assert resource["deployment"] == {"id": deployment_id}
    assert resource["environment"] == {"id": environment_id, "name": "production", "isEphemeral": False}
    assert resource["project"]["name"] == "acme"
    assert resource["workspace"]["id"] == house.emulator.workspace_id
    assert receiver.headers[0]["X-Secret"] == "hush"


def test_headers_are_never_shown_again(house: House, receiver: Receiver) -> None:
    made = rule(house, "Deployment.failed")
    assert made["channels"][0]["config"] == {"type": "webhook", "url": URL}
    listed = house.run(RULES, w=house.emulator.workspace_id)
    assert "hush" not in json.dumps(listed)
    assert "hush" not in repr(house.emulator.webhooks.sent)


def test_letter_case_and_underscores_do_not_count(house: House, receiver: Receiver) -> None:
    rule(house, "deployment.OOM_Killed")
    house.emulator.faults.add("out_of_memory")
    house.running()
    deliver(house.emulator)
    assert receiver.types[0] == "Deployment.oomKilled"


def test_a_rule_of_one_project_does_not_hear_of_others(house: House, receiver: Receiver) -> None:
    other, _ = house.project("other")
    rule(house, "Deployment.deployed", projectId=other)
    house.running()
    deliver(house.emulator)
    assert receiver.bodies == []


def test_severities_are_a_filter(house: House, receiver: Receiver) -> None:
    rule(house, "Deployment.deployed", "Deployment.failed", severities=["WARNING"])
    house.running()
    house.emulator.faults.add("healthcheck_fails")
    service = house.service(next(iter(house.emulator.world.projects)), "sick")
    environment = next(iter(house.emulator.world.environments))
    house.configure(service, environment, healthcheckPath="/up", healthcheckTimeout=5)
    house.deploy(service, environment)
    deliver(house.emulator)
    assert receiver.types == ["Deployment.failed"]


def test_a_rule_is_changed_and_deleted(house: House, receiver: Receiver) -> None:
    made = rule(house, "Deployment.failed")
    update = """mutation($id: String!, $i: UpdateNotificationRuleInput!) {
      notificationRuleUpdate(id: $id, input: $i) { eventTypes channels { config } } }"""
    changed = house.run(update, id=made["id"], i={"eventTypes": ["Deployment.deployed"]})
    assert changed["notificationRuleUpdate"]["eventTypes"] == ["Deployment.deployed"]
    assert changed["notificationRuleUpdate"]["channels"][0]["config"]["url"] == URL
    delete = "mutation($id: String!) { notificationRuleDelete(id: $id) }"
    house.run(delete, id=made["id"])
    assert house.refused(delete, id=made["id"]) == "NotificationRule not found"
    house.running()
    deliver(house.emulator)
    assert receiver.bodies == []


@pytest.mark.parametrize(
    "change",
    [
        {"eventTypes": []},
        {"channelConfigs": []},
        {"channelConfigs": [{"type": "pigeon"}]},
        {"channelConfigs": [{"type": "webhook", "url": "nowhere"}]},
        {"channelConfigs": [{"type": "webhook", "url": URL, "headers": {"A": 1}}]},
    ],
)
def test_a_rule_that_cannot_work_is_refused(house: House, change: dict[str, Any]) -> None:
    wanted = {
        "workspaceId": house.emulator.workspace_id,
        "eventTypes": ["Deployment.failed"],
        "channelConfigs": [{"type": "webhook", "url": URL}],
        **change,
    }
    assert "Invalid input" in house.refused(CREATE, i=wanted)


def test_a_delivery_that_fails_is_tried_again(house: House, receiver: Receiver) -> None:
    rule(house, "Deployment.deployed")
    receiver.status = 500
    house.running()
    deliver(house.emulator, 5)
    assert len(receiver.bodies) == 1
    receiver.status = 204
    deliver(house.emulator, 20)
    deliver(house.emulator, 120)
    assert [one.status for one in house.emulator.webhooks.sent] == [500, 204]
    (delivery,) = house.run("{ notificationDeliveries { edges { node { status type } } } }")[
        "notificationDeliveries"
    ]["edges"]
    assert delivery["node"] == {"status": "SENT", "type": "WEBHOOK"}


def test_deliveries_can_be_duplicated_delayed_and_lost(house: House, receiver: Receiver) -> None:
    faults = house.emulator.faults
    rule(house, "Deployment.deploying", "Deployment.deployed", "Deployment.removed")
    faults.add("webhook_delayed", "Deployment.deploying", seconds=60)
    faults.add("webhook_duplicated", "Deployment.deployed")
    faults.add("webhook_lost", "removed")
    _, _, deployment_id = house.running()
    deliver(house.emulator)
    house.run("mutation($id: String!) { deploymentRemove(id: $id) }", id=deployment_id)
    deliver(house.emulator, 120)
    assert receiver.types == ["Deployment.deployed", "Deployment.deployed", "Deployment.deploying"]


def test_a_volume_that_gets_full_is_told_of(house: House, receiver: Receiver) -> None:
    rule(house, "VolumeAlert.triggered", "VolumeAlert.resolved")
    project, environment = house.project()
    house.run(
        "mutation($i: VolumeCreateInput!) { volumeCreate(input: $i) { id } }",
        i={"projectId": project, "mountPath": "/data"},
    )
    (volume,) = house.emulator.world.environments[environment].volume_instances.values()
    house.emulator.volumes.fill(volume.id, volume.size_mb * 0.9)
    deliver(house.emulator)
    house.emulator.volumes.fill(volume.id, volume.size_mb * 0.1)
    deliver(house.emulator)
    assert receiver.types == ["VolumeAlert.triggered", "VolumeAlert.resolved"]
    assert receiver.bodies[0]["details"] == {}
    assert "service" not in receiver.bodies[0]["resource"]


def test_chat_receivers_get_text(house: House, receiver: Receiver) -> None:
    rule(house, "Deployment.deployed", url="https://discord.com/api/webhooks/1/x")
    house.running()
    deliver(house.emulator)
    assert receiver.bodies == [{"content": "Deployment.deployed: acme / production / web"}]


def test_a_webhook_is_tried_out(house: House, receiver: Receiver) -> None:
    receiver.status = 418
    test = "mutation($u: String!, $p: String!) { webhookTest(url: $u, payload: $p) }"
    assert house.run(test, u=URL, p='{"hello": 1}')["webhookTest"] == 418
    assert receiver.bodies == [{"hello": 1}]
    assert house.refused(test, u="ftp://x", p="{}") == "Error in url - Invalid input"
    receiver.status = 0
    assert house.refused(test, u=URL, p="{}") == "Problem processing request"


# Over real sockets -------------------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()
        server.came.set()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), _Handler)
    server.bodies, server.came = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(5)
    server.server_close()


def test_a_server_sends_webhooks_from_a_thread_of_its_own(house: House, listener: Any) -> None:
    url = f"http://127.0.0.1:{listener.server_address[1]}/hook"
    rule(house, "Deployment.deployed", url=url)
    with house.emulator.serve():
        house.running()
        house.emulator.clock.advance(10)
        assert listener.came.wait(10)
    assert listener.bodies[0]["type"] == "Deployment.deployed"


def test_a_receiver_that_is_not_there_stops_nothing(house: House) -> None:
    rule(house, "Deployment.deployed", url="http://127.0.0.1:9/hook")
    house.running()
    deliver(house.emulator)
    assert [one.status for one in house.emulator.webhooks.sent] == [0]
