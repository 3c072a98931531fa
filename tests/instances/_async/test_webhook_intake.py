"""Webhooks wake the instance they are about, once; and exactly one rule sends them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.config import RetryPolicy
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import (
    ConfigurationError,
    RailwayAuthError,
    RailwayError,
    RailwayInputError,
    WebhookRefusedError,
)
from railway_saas.instances._async.webhook_intake import AsyncWebhookIntake
from railway_saas.instances._async.webhook_setup import AsyncWebhookSetup
from railway_saas.instances.intake import WebhookOutcome
from railway_saas.instances.webhook_rules import ALL_DEPLOYMENT_EVENTS
from railway_saas.repositories import AsyncMemoryDatabase
from tests.support.instance_rows import START, instance, instance_id, store_async
from tests.support.together import all_async

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance
    from railway_saas.emulator import Emulator
    from railway_saas.railway.models import NotificationRule

URL = "https://platform.example.com/api/railway/webhook"
SECRET, OLD_SECRET = "a-secret-that-is-long-enough", "the-secret-of-last-year"
HEADERS = {"x-webhook-secret": SECRET, "content-type": "application/json"}


def body(
    kind: str = "Deployment.crashed", project: str | None = "p-acme", second: int = 0, **more: Any
) -> bytes:
    resource: dict[str, Any] = {"deployment": {"id": "d1"}}
    if project is not None:
        resource["project"] = {"id": project, "name": "acme"}
    payload = {
        "type": kind,
        "resource": resource,
        "timestamp": f"2026-11-02T09:00:{second:02}Z",
        "details": {"commitMessage": "private words"},
    }
    return json.dumps({**payload, **more}).encode()


async def ready() -> tuple[AsyncMemoryDatabase, AsyncWebhookIntake]:
    database = AsyncMemoryDatabase()
    deleted = instance("gone", status=InstanceStatus.DELETED, project_id="p-gone")
    await store_async(database, instance("acme", project_id="p-acme"), deleted)
    secrets = [SECRET, OLD_SECRET]
    return database, AsyncWebhookIntake(database, secrets=secrets, now=lambda: START, max_bytes=2_000)


async def stored(database: AsyncMemoryDatabase, name: str = "acme") -> Instance:
    async with database.unit_of_work() as work:
        return await work.instances.get(instance_id(name))


async def kept(database: AsyncMemoryDatabase) -> int:
    """How many events the inbox holds, processed ones as well. Empties it."""
    async with database.unit_of_work() as work:
        assert await work.inbox.list_unprocessed("railway") == []
        forgotten = await work.inbox.forget_before(START.replace(year=2030))
        await work.commit()
        return forgotten


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
async def test_an_event_wakes_its_instance(secret: str) -> None:
    database, intake = await ready()
    receipt = await intake.receive({**HEADERS, "x-webhook-secret": secret}, body())
    assert (receipt.outcome, receipt.instance_id) == (WebhookOutcome.WOKE, instance_id("acme"))
    woken = await stored(database)
    assert (woken.next_check_at, woken.wakes) == (START, 1)
    assert await kept(database) == 1


async def test_an_event_that_comes_again_wakes_nobody() -> None:
    database, intake = await ready()
    first = await intake.receive(HEADERS, body())
    again = await intake.receive(HEADERS, body("Deployment.Crashed"))
    other = await intake.receive(HEADERS, body(second=1))
    assert [first.outcome, again.outcome, other.outcome] == ["woke", "repeated", "woke"]
    assert first.event_key == again.event_key != other.event_key
    assert again.instance_id == instance_id("acme")
    assert (await stored(database)).wakes == 2
    assert await kept(database) == 2


async def test_the_same_event_at_once_wakes_once() -> None:
    database, intake = await ready()

    async def receive() -> Any:
        return await intake.receive(HEADERS, body())

    receipts: list[Any] = await all_async([receive, receive, receive])
    assert sorted(receipt.outcome for receipt in receipts) == ["repeated", "repeated", "woke"]
    assert (await stored(database)).wakes == 1


async def test_an_unknown_type_is_accepted_and_ignored() -> None:
    database, intake = await ready()
    receipt = await intake.receive(HEADERS, body("Deployment.teleported"))
    assert (receipt.outcome, receipt.instance_id) == (WebhookOutcome.IGNORED, instance_id("acme"))
    assert (await stored(database)).wakes == 0
    assert await kept(database) == 1


async def test_an_instance_that_is_gone_is_left_in_peace() -> None:
    database, intake = await ready()
    receipt = await intake.receive(HEADERS, body("Deployment.removed", "p-gone"))
    assert receipt.outcome is WebhookOutcome.IGNORED
    assert (await stored(database, "gone")).next_check_at is None


@pytest.mark.parametrize("project", ["p-somebody-elses", None])
async def test_events_of_other_projects_leave_no_trace(project: str | None) -> None:
    database, intake = await ready()
    receipt = await intake.receive(HEADERS, body(project=project))
    assert (receipt.outcome, receipt.instance_id) == (WebhookOutcome.FOREIGN, None)
    assert await kept(database) == 0


@pytest.mark.parametrize(
    ("headers", "sent", "status"),
    [
        ({}, body(), 401),
        ({"x-webhook-secret": "wrong"}, b"x" * 9_000, 401),
        (HEADERS, b"x" * 2_001, 413),
        ({"x-webhook-secret": "s\u00e9cret"}, body(), 401),
        ({"x-webhook-secret": "\udce9"}, body(), 401),
        ({"x-webhook-secret": None}, body(), 401),
        ({"x-webhook-secret": b"wrong"}, body(), 401),
        ({"x-webhook-secret": ["wrong"]}, body(), 401),
        ({5: "wrong", b"x-webhook-secret": "wrong"}, body(), 401),
        (HEADERS, None, 400),
        (HEADERS, b"not json", 400),
        (HEADERS, b"{}", 400),
    ],
)
async def test_what_is_refused_writes_nothing(headers: Any, sent: Any, status: int) -> None:
    database, intake = await ready()
    with pytest.raises(WebhookRefusedError) as caught:
        await intake.receive(headers, sent)
    assert caught.value.status_code == status
    assert SECRET not in str(caught.value)
    assert await kept(database) == 0
    assert (await stored(database)).wakes == 0


async def test_the_payload_that_is_kept_holds_no_words_of_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    database, intake = await ready()
    seen: list[Any] = []
    async with database.unit_of_work() as work:
        inbox = type(work.inbox)
    add = inbox.add

    async def spy(self: Any, event: Any) -> bool:
        seen.append(event)
        return await add(self, event)

    monkeypatch.setattr(inbox, "add", spy)
    await intake.receive(HEADERS, body())
    (event,) = seen
    assert "private words" not in json.dumps(event.payload)
    assert (event.source, event.kind, event.outcome) == ("railway", "Deployment.crashed", "woke")
    assert event.processed_at == START


def test_settings_that_would_let_everybody_in_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        AsyncWebhookIntake(AsyncMemoryDatabase(), secrets=[], now=lambda: START)
    with pytest.raises(ConfigurationError, match="max_bytes"):
        AsyncWebhookIntake(AsyncMemoryDatabase(), secrets=[SECRET], now=lambda: START, max_bytes=0)


# The rule -------------------------------------------------------------------------------------------------------------


async def rules_of(emulator: Emulator) -> list[NotificationRule]:
    async with emulator.async_client() as railway:
        return list(await railway.notification_rules.list(emulator.workspace_id))


async def test_the_rule_is_made_once_and_then_only_looked_at(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        setup = AsyncWebhookSetup(railway, workspace_id=railway_emulator.workspace_id)
        first = await setup.ensure_rule(url=URL, secret=SECRET)
        railway_emulator.requests.reset()
        second = await setup.ensure_rule(url=URL, secret=SECRET)
    assert (first.created, second.created) == (True, False)
    assert first.rule_id == second.rule_id
    assert (second.updated, second.deleted) == (False, ())
    assert railway_emulator.requests.count == 1
    (rule,) = await rules_of(railway_emulator)
    assert rule.event_types == ALL_DEPLOYMENT_EVENTS
    assert (rule.id, rule.project_id) == (first.rule_id, None)


async def test_a_rule_for_other_events_is_changed(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        setup = AsyncWebhookSetup(railway, workspace_id=railway_emulator.workspace_id)
        made = await setup.ensure_rule(url=URL, secret=SECRET, event_types=["Deployment.failed"])
        report = await setup.ensure_rule(url=URL, secret=SECRET)
    assert (report.rule_id, report.created, report.updated) == (made.rule_id, False, True)
    (rule,) = await rules_of(railway_emulator)
    assert rule.event_types == ALL_DEPLOYMENT_EVENTS


async def test_the_oldest_of_several_rules_stays_and_those_of_others_are_not_touched(
    railway_emulator: Emulator,
) -> None:
    workspace_id = railway_emulator.workspace_id
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=workspace_id)
        setup = AsyncWebhookSetup(railway, workspace_id=workspace_id)
        oldest = await setup.ensure_rule(url=URL, secret=SECRET)
        common = {"workspace_id": workspace_id, "event_types": ["Deployment.failed"]}
        made = []
        for _ in range(2):
            railway_emulator.clock.advance(60)
            made.append(await railway.notification_rules.create_webhook(url=URL, secret=SECRET, **common))
        others = [
            await railway.notification_rules.create_webhook(url=f"{URL}/other", **common),
            await railway.notification_rules.create_webhook(url=URL, project_id=project.id, **common),
            await railway.notification_rules.create(
                channel_configs=[{"type": "webhook", "url": URL}, {"type": "email"}], **common
            ),
        ]
        report = await setup.ensure_rule(url=URL, secret=SECRET)
    assert report.rule_id == oldest.rule_id
    assert sorted(report.deleted) == sorted(rule.id for rule in made)
    left = {rule.id for rule in await rules_of(railway_emulator)}
    assert left == {oldest.rule_id, *(rule.id for rule in others)}


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_ends_in_one_rule(railway_emulator: Emulator, applied: bool) -> None:
    railway_emulator.faults.add("gateway_error", "notificationRuleCreate", status=504, applied=applied)
    async with railway_emulator.async_client(retry=RetryPolicy(max_attempts=1)) as railway:
        setup = AsyncWebhookSetup(railway, workspace_id=railway_emulator.workspace_id)
        if applied:
            assert (await setup.ensure_rule(url=URL, secret=SECRET)).created
        else:
            with pytest.raises(RailwayError):
                await setup.ensure_rule(url=URL, secret=SECRET)
        await setup.ensure_rule(url=URL, secret=SECRET)
    assert len(await rules_of(railway_emulator)) == 1


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_to_a_deletion_is_looked_for(railway_emulator: Emulator, applied: bool) -> None:
    workspace_id = railway_emulator.workspace_id
    async with railway_emulator.async_client(retry=RetryPolicy(max_attempts=1)) as railway:
        setup = AsyncWebhookSetup(railway, workspace_id=workspace_id)
        await setup.ensure_rule(url=URL, secret=SECRET)
        railway_emulator.clock.advance(60)
        await railway.notification_rules.create_webhook(
            url=URL, secret=SECRET, workspace_id=workspace_id, event_types=["Deployment.failed"]
        )
        railway_emulator.faults.add("drop", "notificationRuleDelete", applied=applied)
        if applied:
            assert len((await setup.ensure_rule(url=URL, secret=SECRET)).deleted) == 1
        else:
            with pytest.raises(RailwayError):
                await setup.ensure_rule(url=URL, secret=SECRET)
            await setup.ensure_rule(url=URL, secret=SECRET)
    assert len(await rules_of(railway_emulator)) == 1


async def test_two_processes_that_start_at_once_end_with_one_rule(railway_emulator: Emulator) -> None:
    workspace_id = railway_emulator.workspace_id
    async with railway_emulator.async_client() as railway:
        setup = AsyncWebhookSetup(railway, workspace_id=workspace_id)

        async def ensure() -> Any:
            return await setup.ensure_rule(url=URL, secret=SECRET)

        reports: list[Any] = await all_async([ensure, ensure, ensure])
        assert not [report for report in reports if isinstance(report, BaseException)]
        await setup.ensure_rule(url=URL, secret=SECRET)
    assert len(await rules_of(railway_emulator)) == 1


async def test_what_cannot_be_used_is_refused_before_anything_is_sent(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        setup = AsyncWebhookSetup(railway, workspace_id=railway_emulator.workspace_id)
        with pytest.raises(ConfigurationError, match="https"):
            await setup.ensure_rule(url="http://platform.example.com/hook", secret=SECRET)
        with pytest.raises(RailwayInputError, match="secret"):
            await setup.ensure_rule(url=URL, secret="short")
        assert railway_emulator.requests.count == 0


async def test_a_token_without_rights_is_refused(railway_emulator: Emulator) -> None:
    railway = railway_emulator.async_client("wrong-token")
    with pytest.raises(RailwayAuthError):
        await AsyncWebhookSetup(railway, workspace_id=railway_emulator.workspace_id).ensure_rule(
            url=URL, secret=SECRET
        )
    await railway.aclose()


# From end to end ------------------------------------------------------------------------------------------------------


async def test_what_railway_sends_wakes_the_instance_and_a_new_secret_is_taken(
    railway_emulator: Emulator,
) -> None:
    emulator, database = railway_emulator, AsyncMemoryDatabase()
    emulator.faults.add("webhook_duplicated", times=None)
    outcomes: list[Any] = []
    async with emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
        environment_id = project.environments[0].id
        await store_async(database, instance("acme", project_id=project.id))
        setup = AsyncWebhookSetup(railway, workspace_id=emulator.workspace_id)
        await setup.ensure_rule(url=URL, secret=OLD_SECRET)
        await setup.ensure_rule(url=URL, secret=SECRET, header="X-Platform", renew_secret=True)
        service = await railway.services.create(
            project.id, name="web", image="nginx:alpine", environment_id=environment_id
        )
        await railway.service_instances.deploy(service_id=service.id, environment_id=environment_id)
    emulator.clock.advance(120)
    sent: list[tuple[Any, bytes]] = []

    def collect(_url: str, headers: Any, content: bytes) -> int:
        sent.append((headers, content))
        return 200

    emulator.webhooks.sender = collect
    emulator.webhooks.flush()
    intake = AsyncWebhookIntake(database, secrets=[SECRET], header="x-platform", now=emulator.clock.now)
    for headers, content in sent:
        outcomes.append((await intake.receive(headers, content)).outcome)
    assert len(outcomes) >= 4
    assert outcomes.count("woke") == outcomes.count("repeated") == len(outcomes) / 2
    assert (await stored(database)).wakes == len(outcomes) / 2
