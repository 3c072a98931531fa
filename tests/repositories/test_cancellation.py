"""A task that is cancelled leaves nothing behind: no row, no lock, no connection."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker

from railway_saas.errors import ConflictError
from railway_saas.repositories import AsyncMemoryDatabase
from railway_saas.repositories.sqlalchemy import (
    AsyncSqlDatabase,
    create_async_database_engine,
    migrations,
)
from tests.support.nouns import Stock, added_async, stocked_async, template

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sqlalchemy.ext.asyncio import AsyncEngine

    from railway_saas.domain.instances import Instance
    from railway_saas.repositories import AsyncDatabase

PROMPTLY_S = 5.0
"""Well below the 10 seconds for which SQLite waits for a lock that nobody gives back."""


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


class Interruption(logging.Handler):
    """Cancels a task in the middle of what the driver's thread does as its `number`th thing."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.DEBUG)
        self._left = number
        self._loop = loop
        self.task: asyncio.Task[None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """The thread of aiosqlite says what it is about to do, and waits here for what comes of it."""
        if not str(record.msg).startswith("executing"):
            return
        self._left -= 1
        if self._left == 0:
            cancelled = threading.Event()
            self._loop.call_soon_threadsafe(self._cancel, cancelled)
            assert cancelled.wait(PROMPTLY_S)

    def _cancel(self, cancelled: threading.Event) -> None:
        assert self.task is not None
        self.task.cancel()
        self._loop.call_soon(lambda: self._loop.call_soon(cancelled.set))  # once the task has heard of it


async def interrupted(work: Coroutine[object, object, None], number: int) -> bool:
    """Run something to its end or to the `number`th thing that the driver does; whether it got that far."""
    log = logging.getLogger("aiosqlite")
    handler = Interruption(number, asyncio.get_running_loop())
    level, propagates = log.level, log.propagate
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(handler)
    try:
        handler.task = asyncio.create_task(work)
        await asyncio.wait([handler.task])
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagates
    return handler.task.cancelled()


async def everything(database: AsyncDatabase, instance: Instance) -> None:
    """A transaction that reads, locks, writes, is refused something, and commits."""
    async with database.unit_of_work() as work:
        await work.instances.get(instance.id)
        await work.instances.lock_owner(instance.user_id)
        await work.templates.add(template())
        with suppress(ConflictError):
            await work.instances.add(instance)
        await work.commit()


async def migrated(url: str) -> tuple[AsyncEngine, list[object]]:
    """An engine for it, and the connections it makes."""
    engine = create_async_database_engine(url)
    made: list[object] = []

    def keep(connection: object, _: object) -> None:
        made.append(connection)

    event.listen(engine.sync_engine, "connect", keep)
    async with engine.begin() as connection:
        await connection.run_sync(migrations.upgrade)
    return engine, made


@pytest.mark.parametrize("kind", ["file", "memory"])
async def test_sqlite_survives_a_cancel_in_the_middle_of_any_statement(kind: str, sqlite_url: str) -> None:
    engine, made = await migrated(sqlite_url if kind == "file" else "sqlite://")
    database = AsyncSqlDatabase(async_sessionmaker(engine))
    instance = (await stocked_async(database)).instance()
    await added_async(database, instance)
    number = 1
    while await interrupted(everything(database, instance), number):
        async with asyncio.timeout(PROMPTLY_S):
            await everything(database, instance)
        number += 1
    assert number > 10
    assert len(made) == 1  # none was thrown away for having been cancelled
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a QueuePool
    await engine.dispose()
    assert_nothing_is_left()


async def test_a_file_survives_a_cancel_while_a_connection_is_made(sqlite_url: str) -> None:
    engine, _ = await migrated(sqlite_url)
    database = AsyncSqlDatabase(async_sessionmaker(engine))
    instance = (await stocked_async(database)).instance()
    await added_async(database, instance)
    for number in range(1, 12):
        await engine.dispose()
        assert await interrupted(everything(database, instance), number)
        async with asyncio.timeout(PROMPTLY_S):
            await everything(database, instance)
    await engine.dispose()
    assert_nothing_is_left()


async def test_many_cancels_at_any_moment(database_url: str) -> None:
    engine, _ = await migrated(database_url)
    database = AsyncSqlDatabase(async_sessionmaker(engine))
    instance = (await stocked_async(database)).instance()
    await added_async(database, instance)
    for steps in range(60):
        tasks = [asyncio.create_task(everything(database, instance)) for _ in range(2)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for _ in range(3):  # who is in a hurry asks more than once
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait(tasks, timeout=PROMPTLY_S)
    async with asyncio.timeout(PROMPTLY_S):
        await everything(database, instance)
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a QueuePool
    await engine.dispose()
    assert_nothing_is_left()


def assert_nothing_is_left() -> None:
    gc.collect()  # what was not closed warns now, and warnings are errors
    assert not [one for one in threading.enumerate() if "_connection_worker_thread" in one.name]
