"""Collecting usage, taking stock and taking in webhooks, with a database that writes to a file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from railway_saas.instances._async.usage import AsyncUsageCollector, AsyncUsageStatements
from railway_saas.instances._async.webhook_intake import AsyncWebhookIntake
from railway_saas.instances.metering import HOUR
from railway_saas.instances.stocktaking import RepairOutcome
from railway_saas.repositories.sqlalchemy import (
    AsyncSqlDatabase,
    Base,
    create_async_database_engine,
    create_database_engine,
)
from tests.instances._async.test_inventory import (
    EVERYTHING,
    OTHERS,
    a_bit_of_everything,
    found,
    place,
)
from tests.instances._async.test_manager_workers import ids_of, resting
from tests.instances._async.test_usage import deployed
from tests.instances._async.test_webhook_intake import HEADERS, SECRET, body
from tests.support.instance_rows import START, instance, instance_id, store_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from railway_saas.emulator import Emulator


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncGenerator[AsyncSqlDatabase]:
    url = f"sqlite:///{tmp_path / 'railway_saas.db'}"
    tables = create_database_engine(url)
    Base.metadata.create_all(tables)
    tables.dispose()
    engine = create_async_database_engine(url)
    yield AsyncSqlDatabase(async_sessionmaker(engine))
    await engine.dispose()


async def test_usage_is_kept_as_railway_tells_it(
    railway_emulator: Emulator, sqlite: AsyncSqlDatabase
) -> None:
    emulator = railway_emulator
    async with emulator.async_client(rate_limit=None) as railway:
        project_id = await deployed(railway, emulator, "acme")
        await store_async(sqlite, instance("acme", project_id=project_id))
        collecting = AsyncUsageCollector(
            railway, sqlite, workspace_id=emulator.workspace_id, now=emulator.clock.now
        )
        await collecting.collect()
        written = []
        for _ in range(20):
            emulator.clock.advance(900)
            written.append((await collecting.collect()).rows)
        billed = await railway.usage.get(
            project_id=project_id, start_date=START, end_date=START + 4 * HOUR, include_deleted=True
        )
    statement = await AsyncUsageStatements(sqlite).of_instance(
        instance_id("acme"), start=START, end=START + 4 * HOUR
    )
    amounts = statement.of(instance_id("acme")).amounts
    assert {str(one.measurement) for one in billed} == set(amounts)
    for one in billed:
        assert abs(amounts[str(one.measurement)] - one.value) < Decimal("0.00001")
    assert statement.cost_usd > 0
    assert len([rows for rows in written if rows]) == 4  # what was read again had not changed


async def test_stock_is_taken_and_put_right(railway_emulator: Emulator, sqlite: AsyncSqlDatabase) -> None:
    here = place(railway_emulator, database=sqlite)
    await a_bit_of_everything(here)
    report = await here.inventory.report()
    assert found(report) == EVERYTHING
    repairs = await here.inventory.repair(report, actor="operator:ada")
    assert {repair.outcome for repair in repairs.repairs} == {RepairOutcome.DONE}
    assert await here.projects() >= OTHERS
    ghost = await here.stored("ghost")
    assert (ghost.status, ghost.holds_slot, ghost.lease_owner) == ("failed", False, None)
    assert len(await here.audited()) == 7


async def test_webhooks_wake_once(sqlite: AsyncSqlDatabase) -> None:
    await store_async(sqlite, instance("acme", project_id="p-acme"))
    intake = AsyncWebhookIntake(sqlite, secrets=[SECRET], now=lambda: START)
    outcomes = [(await intake.receive(HEADERS, body())).outcome for _ in range(2)]
    assert outcomes == ["woke", "repeated"]
    async with sqlite.unit_of_work() as work:
        assert (await work.instances.get(instance_id("acme"))).wakes == 1


async def test_a_row_that_cannot_be_read_keeps_only_its_own_instance_from_its_turn(
    new_stage: Any, sqlite: AsyncSqlDatabase, tmp_path: Path
) -> None:
    stage = new_stage()
    stage.database = sqlite
    manager = await resting(stage, 3)
    broken, *_ = await ids_of(stage)
    with closing(sqlite3.connect(tmp_path / "railway_saas.db")) as file, file:
        file.execute(
            "UPDATE provider_operations SET kind = 'teleport', state = 'sent' WHERE instance_id = ?",
            (broken.hex,),
        )
    report = await manager.run_due()
    assert (report.claimed, report.settled, set(report.failures)) == (3, 2, {broken})
    assert "teleport" in report.failures[broken]
