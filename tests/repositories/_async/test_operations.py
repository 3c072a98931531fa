"""Writes to Railway, as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import OPEN, OperationState
from railway_saas.errors import ConflictError, NotFoundError
from tests.support.nouns import HOUR, NOW, Stock, added_async, next_id, operation

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def test_an_operation_comes_back_as_it_was(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    made = operation(instance.id, request={"name": "x", "tries": [1, None]}, request_digest="ab" * 32)
    changed = replace(
        made,
        state=OperationState.CONFIRMED,
        request={},
        request_digest="cd" * 32,
        result={"project_id": "p"},
        attempts=2,
        error="slow",
        trace_id="t",
        sent_at=NOW,
        not_before=NOW + HOUR,
        finished_at=NOW + 2 * HOUR,
    )
    async with database.unit_of_work() as work:
        await work.operations.add(made)
        assert await work.operations.get(made.id) == made
        await work.operations.save(
            replace(changed, instance_id=next_id(), key="x", kind=OperationKind.STOP, created_at=NOW + HOUR)
        )
        assert await work.operations.get(made.id) == changed
        assert await work.operations.find(instance.id, made.key) == changed


async def test_a_step_of_an_instance_has_one_row(database: AsyncDatabase, stock: Stock) -> None:
    first, second = stock.instance(), stock.instance()
    await added_async(database, first, second)
    async with database.unit_of_work() as work:
        await work.operations.add(operation(first.id, key="project"))
        with pytest.raises(ConflictError):
            await work.operations.add(operation(first.id, key="project"))
        await work.operations.add(operation(second.id, key="project"))
        with pytest.raises(NotFoundError):
            await work.operations.add(operation(next_id()))


async def test_what_does_not_exist(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        with pytest.raises(NotFoundError):
            await work.operations.get(next_id())
        with pytest.raises(NotFoundError):
            await work.operations.save(operation(next_id()))
        assert await work.operations.find(next_id(), "project") is None
        assert await work.operations.list_open(next_id()) == []


async def test_several_steps_are_found_at_once(database: AsyncDatabase, stock: Stock) -> None:
    first, second = stock.instance(), stock.instance()
    await added_async(database, first, second)
    rows = [operation(first.id, key=key) for key in ("project", "deploy:1", "deploy:2")]
    async with database.unit_of_work() as work:
        for row in (*rows, operation(second.id, key="project")):
            await work.operations.add(row)
        found = await work.operations.find_many(first.id, ["deploy:2", "project", "none", "project"])
        assert found == {"project": rows[0], "deploy:2": rows[2]}
        assert await work.operations.find_many(first.id, []) == {}


async def test_the_open_ones_come_oldest_first(database: AsyncDatabase, stock: Stock) -> None:
    first, second = stock.instance(), stock.instance()
    await added_async(database, first, second)
    mine = [operation(first.id, state=state) for state in OperationState]
    theirs = operation(second.id)
    open_ones = [one for one in mine if one.state in OPEN]
    async with database.unit_of_work() as work:
        for one in (*mine, theirs):
            await work.operations.add(one)
        assert await work.operations.list_open(first.id) == open_ones
        assert await work.operations.list_open_for_many([first.id, second.id]) == {
            first.id: open_ones,
            second.id: [theirs],
        }
        await work.operations.save(replace(theirs, state=OperationState.CONFIRMED))
        assert await work.operations.list_open_for_many([second.id]) == {second.id: []}


async def test_the_list_is_filtered(database: AsyncDatabase, stock: Stock) -> None:
    first, second = stock.instance(), stock.instance()
    await added_async(database, first, second)
    stuck = OperationState.NEEDS_ATTENTION
    rows = [operation(first.id), operation(first.id, state=stuck), operation(second.id, state=stuck)]
    async with database.unit_of_work() as work:
        for row in rows:
            await work.operations.add(row)
        assert (await work.operations.list_page()).items == tuple(rows)
        assert (await work.operations.list_page(instance_id=first.id)).items == tuple(rows[:2])
        assert (await work.operations.list_page(state=stuck)).items == tuple(rows[1:])
        both = await work.operations.list_page(instance_id=first.id, state=stuck)
        assert both.items == (rows[1],)
