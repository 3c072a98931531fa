"""A task that is cancelled leaves nothing behind: no row, no lock, no connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from railway_saas.repositories import AsyncMemoryDatabase
from railway_saas.repositories.sqlalchemy import AsyncSqlDatabase, create_async_database_engine
from tests.support.nouns import Stock, added_async, stocked_async, template

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def cancelled_while_waiting(database: AsyncDatabase, stock: Stock) -> None:
    """Cancel a task that waits for what another has, and one that is in the middle of a transaction."""
    instance = stock.instance()
    await added_async(database, instance)
    inside = asyncio.Event()

    async def hold() -> None:
        async with database.unit_of_work() as work:
            await work.templates.add(template())
            await work.instances.lock(instance.id)
            inside.set()
            await asyncio.Event().wait()

    async def wait() -> None:
        async with database.unit_of_work() as work:
            await work.instances.lock(instance.id)

    holder = asyncio.create_task(hold())
    await inside.wait()
    waiter = asyncio.create_task(wait())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiter), 0.05)
    waiter.cancel()
    holder.cancel()
    for task in (waiter, holder):
        with pytest.raises(asyncio.CancelledError):
            await task
    async with database.unit_of_work() as work:
        assert (await work.instances.lock(instance.id)) == instance
        assert len(await work.templates.list_page()) == 1


async def test_in_memory() -> None:
    database = AsyncMemoryDatabase()
    await cancelled_while_waiting(database, await stocked_async(database))


async def test_in_a_database(database_url: str) -> None:
    engine = create_async_database_engine(database_url, pool_size=2, max_overflow=0)
    database = AsyncSqlDatabase(async_sessionmaker(engine))
    stock = await stocked_async(database)
    for _ in range(3):  # more often than there are connections
        await cancelled_while_waiting(database, stock)
    await engine.dispose()
