"""What may be written: the same everywhere, and refused clearly before anything is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from railway_saas.domain.instances import Desired, InstanceConfig, Rollout
from railway_saas.errors import RepositoryError
from tests.support.nouns import (
    HOUR,
    NOW,
    Stock,
    added_async,
    audit_entry,
    deployment,
    idempotency_key,
    inbox_event,
    message,
    metric,
    next_id,
    operation,
    template,
)

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase

NAIVE = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - this is what must be refused
TOKYO = timezone(timedelta(hours=9))


async def test_times_come_back_in_utc(database: AsyncDatabase, stock: Stock) -> None:
    there = NOW.astimezone(TOKYO)
    instance = stock.instance(created_at=there, next_check_at=there, rollout=Rollout(started_at=there))
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        found = await work.instances.get(instance.id)
        await work.usage.set_watermark("w", there)
        moments = (
            found.created_at,
            found.next_check_at,
            found.observed.rollout.started_at,
            await work.instances.next_due_at(),
            await work.usage.get_watermark("w"),
        )
    assert [(moment, moment.tzinfo) for moment in moments if moment] == [(NOW, UTC)] * 5


async def test_every_microsecond_is_kept_and_sorted(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    times = [NOW.replace(microsecond=micro) for micro in (0, 1, 100, 999_999)]
    async with database.unit_of_work() as work:
        await work.usage.record([metric(instance.id, recorded_at=time) for time in times[::-1]])
        page = await work.usage.list_page(instance.id, start=times[0], end=times[3])
    assert [row.recorded_at for row in page] == times[:3]


WRITES_OF_NAIVE_TIMES: list[Any] = [
    lambda work, _: work.templates.add(template(created_at=NAIVE)),
    lambda work, one: work.instances.wake(one.id, at=NAIVE),
    lambda work, one: work.instances.claim(one.id, worker="w", now=NAIVE, lease_until=NOW),
    lambda work, one: work.instances.claim(one.id, worker="w", now=NOW, lease_until=NAIVE),
    lambda work, _: work.instances.claim_due(worker="w", now=NAIVE, lease_until=NOW, limit=1),
    lambda work, one: work.instances.release(one, worker="w", next_check_at=NAIVE),
    lambda work, one: work.instances.save_observed(one, worker="w", lease_until=NAIVE),
    lambda work, one: work.instances.save_desired(replace(one, updated_at=NAIVE)),
    lambda work, one: work.usage.record([metric(one.id, recorded_at=NAIVE)]),
    lambda work, one: work.usage.totals([one.id], start=NAIVE, end=NOW),
    lambda work, one: work.usage.totals_of_owner(one.user_id, start=NOW, end=NAIVE),
    lambda work, one: work.usage.list_page(one.id, start=NAIVE, end=NOW),
    lambda work, _: work.usage.set_watermark("w", NAIVE),
    lambda work, _: work.outbox.claim_due("mail", now=NAIVE, retry_at=NOW, limit=1),
    lambda work, _: work.inbox.forget_before(NAIVE),
    lambda work, _: work.events.forget_before(NAIVE),
    lambda work, _: work.idempotency_keys.forget_expired(NAIVE),
    lambda work, one: work.idempotency_keys.reserve(idempotency_key(one.id, expires_at=NAIVE)),
]


async def test_a_time_without_a_zone_is_refused(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance(lease_owner="w", lease_until=NOW + HOUR)
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        for write in WRITES_OF_NAIVE_TIMES:
            with pytest.raises(RepositoryError, match="has no time zone"):
                await write(work, instance)
        await work.commit()


UNICODE = [
    "Ärger im Straßencafé",
    "日本語",
    "👩‍👩‍👧‍👦",
    "שלום",
    "'; DROP TABLE instances; --",
    "%_\\",
    " ",
    "",
]


async def test_any_text_comes_back_as_it_was(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        for name in UNICODE:
            made = template(name=name, description=name, category=name, setup_config={name: [name]})
            await work.templates.add(made)
            assert (await work.templates.list_page(category=name)).items == (made,)


WRITES_OF_BAD_TEXT: list[tuple[str, Any]] = [
    ("CatalogueTemplate.name", lambda work, _, bad: work.templates.add(template(name=bad))),
    (
        "CatalogueTemplate.setup_config",
        lambda work, _, bad: work.templates.add(template(setup_config={"a": [{"b": bad}]})),
    ),
    (
        "CatalogueTemplate.setup_config",
        lambda work, _, bad: work.templates.add(template(setup_config={"a": {bad: 1}})),
    ),
    ("Instance.name", lambda work, one, bad: work.instances.save_desired(replace(one, name=bad))),
    (
        "InstanceConfig.variables",
        lambda work, one, bad: work.instances.save_desired(
            replace(
                one,
                desired=replace(one.desired, config=InstanceConfig(variables={"web": {"A": bad}})),
            )
        ),
    ),
    ("Deployment.logs", lambda work, one, bad: work.deployments.upsert([deployment(one.id, logs=bad)])),
    ("ProviderOperation.key", lambda work, one, bad: work.operations.add(operation(one.id, key=bad))),
    ("InboxEvent.payload", lambda work, _, bad: work.inbox.add(inbox_event(payload={"x": bad}))),
    ("OutboxMessage.key", lambda work, _, bad: work.outbox.add(message(key=bad))),
    ("AuditEntry.details", lambda work, _, bad: work.audit.append(audit_entry(details={"x": bad}))),
    ("name", lambda work, _, bad: work.usage.set_watermark(bad, NOW)),
    ("worker", lambda work, one, bad: work.instances.claim(one.id, worker=bad, now=NOW, lease_until=NOW)),
]


@pytest.mark.parametrize("bad", ["a\0b", "\0", "half \ud83d", "\udc00"])
async def test_text_that_no_database_can_hold_is_refused_by_name(
    database: AsyncDatabase, stock: Stock, bad: str
) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        for field, write in WRITES_OF_BAD_TEXT:
            with pytest.raises(RepositoryError, match=field) as caught:
                await write(work, instance, bad)
            assert bad not in str(caught.value)
            assert not caught.value.transient
        await work.commit()


LOOKS_FOR_BAD_TEXT: list[Any] = [
    lambda work: work.templates.find_by_railway_id("a\0b"),
    lambda work: work.templates.find_revision(next_id(), "a\0b"),
    lambda work: work.templates.list_page(category="a\0b"),
    lambda work: work.instances.find_by_project("a\0b"),
    lambda work: work.instances.find_many_by_project(["a\0b"]),
    lambda work: work.domains.find("a\0b"),
    lambda work: work.operations.find(next_id(), "a\0b"),
    lambda work: work.deployments.find("a\0b"),
    lambda work: work.subscriptions.find_by_stripe_id("a\0b"),
    lambda work: work.subscriptions.list_page(status="a\0b"),
    lambda work: work.usage.get_watermark("a\0b"),
    lambda work: work.outbox.list_page(topic="a\0b"),
    lambda work: work.inbox.list_unprocessed("a\0b"),
    lambda work: work.audit.list_page(subject_type="a\0b"),
    lambda work: work.audit.list_page(subject_id="a\0b"),
]


async def test_such_text_is_not_looked_for_either(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        for look in LOOKS_FOR_BAD_TEXT:
            with pytest.raises(RepositoryError, match="NUL"):
                await look(work)
        await work.commit()


async def test_text_that_is_too_long_is_refused_by_name(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        await work.templates.add(template(name="ä" * 255, description="ä" * 1_000_000))
        with pytest.raises(
            RepositoryError, match=r"CatalogueTemplate.name: has 256 characters; at most 255 fit"
        ):
            await work.templates.add(template(name="a" * 256))
        await work.commit()
        assert len(await work.templates.list_page()) == 1


async def test_long_logs_and_documents_are_kept(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance(name="\U0001f600" * 255)
    await added_async(database, instance)
    logs = "line of the log, äöü\n" * 100_000
    async with database.unit_of_work() as work:
        await work.deployments.upsert([deployment(instance.id, railway_deployment_id="d", logs=logs)])
        await work.inbox.add(inbox_event(payload={"text": logs}))
        found = await work.deployments.find("d")
        assert found is not None
        assert found.logs == logs
        assert (await work.inbox.list_unprocessed("railway"))[0].payload == {"text": logs}


NO_JSON = [Decimal(1), NOW, uuid4(), float("nan"), float("inf"), {1: 2}, {"a"}, b"bytes", object()]


async def test_what_is_no_json_is_refused(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        for value in NO_JSON:
            with pytest.raises(RepositoryError, match="setup_config"):
                await work.templates.add(template(setup_config={"a": [value]}))
        await work.commit()


async def test_json_nested_beyond_reason_is_refused(database: AsyncDatabase) -> None:
    nested: dict[str, Any] = {}
    for _ in range(100_000):
        nested = {"a": nested}
    async with database.unit_of_work() as work:
        with pytest.raises(RepositoryError, match="nested too deeply"):
            await work.inbox.add(inbox_event(payload=nested))
        await work.commit()


async def test_counts_beyond_32_bits_are_refused(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        with pytest.raises(RepositoryError, match=r"Instance\.wakes"):
            await work.instances.add(stock.instance(wakes=2**31))
        big = stock.instance(wakes=2**31 - 1)
        await work.instances.add(big)
        assert await work.instances.get(big.id) == big


async def test_json_keeps_large_numbers(database: AsyncDatabase) -> None:
    made = inbox_event(payload={"big": 2**80, "float": 0.1, "exp": 1e-7, "bool": True, "null": None})
    async with database.unit_of_work() as work:
        await work.inbox.add(made)
        (found,) = await work.inbox.list_unprocessed("railway")
    assert found == made


async def test_an_empty_answer_is_not_a_missing_one(database: AsyncDatabase) -> None:
    made = idempotency_key(uuid4())
    async with database.unit_of_work() as work:
        await work.idempotency_keys.reserve(made)
        await work.idempotency_keys.complete(made.user_id, made.key, {})
        assert await work.idempotency_keys.reserve(made) == replace(made, response={})
        empty = template(setup_config={})
        await work.templates.add(empty)
        assert (await work.templates.get(empty.id)).setup_config == {}


async def test_a_config_of_its_own_for_each(database: AsyncDatabase, stock: Stock) -> None:
    config = InstanceConfig(inputs={"a.B": ""}, variables={"web": {}})
    instance = stock.instance(desired=Desired(revision_id=stock.revision.id, config=config))
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        assert (await work.instances.get(instance.id)).desired.config == config
