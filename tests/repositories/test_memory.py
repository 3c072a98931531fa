"""What is special about the memory database."""

from __future__ import annotations

import asyncio
import threading

import pytest

from railway_saas.errors import RepositoryError
from railway_saas.repositories import AsyncMemoryDatabase, MemoryDatabase
from tests.support.nouns import template


def test_a_block_inside_another_of_the_same_thread_is_refused_not_waited_for_ever() -> None:
    database = MemoryDatabase()
    with database.unit_of_work() as work:
        inner = database.unit_of_work()
        with pytest.raises(RepositoryError, match="this thread is inside another unit of work"):
            inner.__enter__()
        work.templates.add(template())
        work.commit()
    with database.unit_of_work() as work:
        assert len(work.templates.list_page()) == 1


async def test_a_block_inside_another_of_the_same_task_is_refused_not_waited_for_ever() -> None:
    database = AsyncMemoryDatabase()
    async with database.unit_of_work() as work:
        inner = database.unit_of_work()
        with pytest.raises(RepositoryError, match="this task is inside another unit of work"):
            await inner.__aenter__()
        await work.templates.add(template())
        await work.commit()
    async with database.unit_of_work() as work:
        assert len(await work.templates.list_page()) == 1


def test_the_async_one_serves_one_event_loop_after_the_other() -> None:
    database = AsyncMemoryDatabase()

    async def add() -> int:
        async with database.unit_of_work() as work:
            await work.templates.add(template())
            await work.commit()
            return len(await work.templates.list_page())

    async def add_two() -> int:
        return max(await asyncio.gather(add(), add()))  # one waits for the other

    assert [asyncio.run(add_two()) for _ in range(2)] == [2, 4]


def test_the_async_one_refuses_two_event_loops_at_once() -> None:
    database = AsyncMemoryDatabase()
    refusals: list[RepositoryError] = []

    async def enter() -> None:
        async with database.unit_of_work():
            pass

    def elsewhere() -> None:
        try:
            asyncio.run(enter())
        except RepositoryError as error:
            refusals.append(error)

    async def hold() -> None:
        async with database.unit_of_work():
            thread = threading.Thread(target=elsewhere)
            thread.start()
            await asyncio.to_thread(thread.join)

    asyncio.run(hold())
    assert [str(error) for error in refusals] == ["the memory database is in use on another event loop"]
