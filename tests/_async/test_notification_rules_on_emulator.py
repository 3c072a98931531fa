"""Webhooks from end to end: a rule is made, something happens, what arrives is checked and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.emulator import Emulator, FaultKind
from railway_saas.emulator.webhooks import Webhooks
from railway_saas.railway.webhooks import (
    SECRET_HEADER,
    EventType,
    RailwayEvent,
    read_event,
    verify_secret,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "https://platform.example.com/railway"
SECRET = "a-secret-that-is-long-enough"


class Receiver:
    """A platform's webhook: lets in who knows the secret, and drops what came before."""

    def __init__(self) -> None:
        self.events: dict[str, RailwayEvent] = {}
        self.arrived = 0

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        named = {name.lower(): value for name, value in headers.items()}
        if not verify_secret(named.get(SECRET_HEADER.lower()), SECRET):
            return 401
        self.arrived += 1
        event = read_event(body)
        self.events.setdefault(event.key, event)
        return 200


def receive(emulator: Emulator) -> Receiver:
    receiver = Receiver()
    emulator.world.part(Webhooks).sender = receiver
    return receiver


async def test_a_deployment_is_told_to_the_webhook_with_its_secret(railway_emulator: Emulator) -> None:
    receiver = receive(railway_emulator)
    railway_emulator.faults.add(FaultKind.WEBHOOK_DUPLICATED, times=None)
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        environment_id = project.environments[0].id
        rule = await railway.notification_rules.create_webhook(
            workspace_id=railway_emulator.workspace_id,
            project_id=project.id,
            url=URL,
            secret=SECRET,
            event_types=["Deployment.deployed"],
        )
        assert SECRET not in str(rule.channels[0].config)
        service = await railway.services.create(
            project.id, name="web", image="nginx:alpine", environment_id=environment_id
        )
        deployment_id = await railway.service_instances.deploy(
            service_id=service.id, environment_id=environment_id
        )
    railway_emulator.clock.advance(120)
    railway_emulator.world.part(Webhooks).flush()
    (event,) = receiver.events.values()
    assert receiver.arrived == 2
    assert event.type is EventType.DEPLOYMENT_DEPLOYED
    assert event.deployment_id == deployment_id
    assert event.project is not None
    assert event.project.id == project.id
    assert event.service is not None
    assert event.service.id == service.id
    assert event.timestamp is not None


async def test_a_rule_is_listed_changed_and_deleted(railway_emulator: Emulator) -> None:
    workspace_id = railway_emulator.workspace_id
    async with railway_emulator.async_client() as railway:
        rules = railway.notification_rules
        made = await rules.create(
            workspace_id=workspace_id,
            event_types=["Deployment.failed"],
            channel_configs=[{"type": "webhook", "url": URL}],
            severities=["CRITICAL"],
        )
        assert made.channels[0].url == URL
        assert [rule.id for rule in await rules.list(workspace_id)] == [made.id]

        changed = await rules.update(made.id, event_types=["Deployment.failed", "Deployment.crashed"])
        assert len(changed.event_types) == 2
        assert changed.severities == ("CRITICAL",)

        assert await rules.delete(made.id)
        assert await rules.list(workspace_id) == ()


async def test_a_webhook_is_tried_out(railway_emulator: Emulator) -> None:
    receiver = receive(railway_emulator)
    async with railway_emulator.async_client() as railway:
        status = await railway.notification_rules.test_webhook(URL, {"type": "Deployment.failed"})
    assert status == 401  # Railway sends no secret with a try
    assert receiver.arrived == 0
