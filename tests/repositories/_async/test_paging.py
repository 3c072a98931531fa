"""Lists come page by page: complete, in order, without repeats."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from railway_saas.errors import RepositoryError
from tests.support.nouns import (
    HOUR,
    NOW,
    Stock,
    added_async,
    audit_entry,
    deployment,
    event,
    message,
    metric,
    next_id,
    operation,
    revision,
    subscription,
    template,
)

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase

LISTS = {
    "templates": lambda work, _: work.templates.list_page,
    "revisions": lambda work, stock: lambda **page: work.templates.list_revisions(stock.template.id, **page),
    "instances": lambda work, _: work.instances.list_page,
    "operations": lambda work, _: work.operations.list_page,
    "subscriptions": lambda work, _: work.subscriptions.list_page,
    "outbox": lambda work, _: work.outbox.list_page,
    "audit": lambda work, _: work.audit.list_page,
}
"""Every list that needs no instance."""


async def fill(work: Any, stock: Stock, number: int) -> None:
    """Rows that were all made at the same moment."""
    owner = uuid4()
    for position in range(number):
        instance = stock.instance(owner)
        await work.templates.add(template())
        await work.templates.add_revision(revision(stock.template.id, number=position + 2))
        await work.instances.add(instance)
        await work.operations.add(operation(instance.id))
        await work.subscriptions.upsert(subscription(owner))
        await work.outbox.add(message())
        await work.audit.append(audit_entry())


@pytest.mark.parametrize("name", LISTS)
async def test_pages_are_complete_and_without_repeats(
    database: AsyncDatabase, stock: Stock, name: str
) -> None:
    async with database.unit_of_work() as work:
        await fill(work, stock, 7)
        list_page = LISTS[name](work, stock)
        everything = (await list_page(limit=100)).items
        assert len(everything) >= 7
        assert sorted(everything, key=lambda row: row.id) == list(everything)
        for limit in (1, 3, len(everything) - 1, len(everything), len(everything) + 1):
            seen: list[Any] = []
            after: str | None = None
            while True:
                page = await list_page(after=after, limit=limit)
                assert len(page) <= limit
                seen += page.items
                after = page.next_cursor
                if after is None:
                    break
                assert len(page) == limit
            assert tuple(seen) == everything


async def test_pages_of_what_belongs_to_an_instance(database: AsyncDatabase, stock: Stock) -> None:
    mine, other = stock.instance(), stock.instance()
    await added_async(database, mine, other)
    events = [event(mine.id) for _ in range(5)]
    deployments = [deployment(mine.id) for _ in range(5)]
    async with database.unit_of_work() as work:
        await work.events.append([*events, event(other.id)])
        await work.deployments.upsert([*deployments, deployment(other.id)])
        first = await work.events.list_page(mine.id, limit=3)
        assert [*first, *await work.events.list_page(mine.id, after=first.next_cursor)] == events
        begin = await work.deployments.list_page(mine.id, limit=3)
        assert [*begin, *await work.deployments.list_page(mine.id, after=begin.next_cursor)] == deployments


async def test_what_has_two_ends_can_be_read_from_the_newer_one(
    database: AsyncDatabase, stock: Stock
) -> None:
    owner = uuid4()
    mine = [stock.instance(owner) for _ in range(5)]
    await added_async(database, *mine, stock.instance())
    instance_id = mine[0].id
    async with database.unit_of_work() as work:
        await work.events.append([event(instance_id) for _ in range(5)])
        await work.deployments.upsert([deployment(instance_id) for _ in range(5)])
        for list_page in (
            partial(work.instances.list_page, user_id=owner),
            partial(work.events.list_page, instance_id),
            partial(work.deployments.list_page, instance_id),
        ):
            oldest_first = (await list_page()).items
            begin = await list_page(newest_first=True, limit=2)
            middle = await list_page(newest_first=True, limit=2, after=begin.next_cursor)
            end = await list_page(newest_first=True, limit=2, after=middle.next_cursor)
            assert [*begin, *middle, *end] == list(reversed(oldest_first))
            assert end.next_cursor is None


async def test_a_page_goes_on_where_it_was_though_rows_come_and_go(
    database: AsyncDatabase, stock: Stock
) -> None:
    rows = [stock.instance() for _ in range(4)]
    await added_async(database, *rows)
    async with database.unit_of_work() as work:
        first = await work.instances.list_page(limit=2)
        await work.instances.add(stock.instance())
        rest = await work.instances.list_page(after=first.next_cursor, limit=10)
        assert [row.id for row in rest][:2] == [row.id for row in rows[2:]]
        assert len(rest) == 3


async def test_a_cursor_that_no_page_gave_is_refused(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        for list_page in LISTS.values():
            for cursor in ("", "garbage", "7", "0190-", "%00", "ä"):
                with pytest.raises(RepositoryError, match="is no cursor of this list"):
                    await list_page(work, stock)(after=cursor)
        await work.commit()


async def test_a_cursor_of_usage_that_no_page_gave_is_refused(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        for cursor in ("", "garbage", "2026-03-01~CPU_USAGE", "~", "2026-03-01T00:00:00+00:00", "~~"):
            with pytest.raises(RepositoryError, match="is no cursor of this list"):
                await work.usage.list_page(next_id(), start=NOW, end=NOW + HOUR, after=cursor)


async def test_usage_comes_by_time_then_measure(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    hours = [
        metric(instance.id, recorded_at=NOW + hour * HOUR, metric_type=measure)
        for hour in range(3)
        for measure in ("CPU_USAGE", "DISK_USAGE_GB", "MEMORY_USAGE_GB")
    ]
    async with database.unit_of_work() as work:
        await work.usage.record(hours[::-1])
        seen: list[Any] = []
        after: str | None = None
        while True:
            page = await work.usage.list_page(
                instance.id, start=NOW, end=NOW + 3 * HOUR, after=after, limit=2
            )
            seen += page.items
            after = page.next_cursor
            if after is None:
                break
        assert seen == hours


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_without_rows_is_refused(database: AsyncDatabase, limit: int) -> None:
    async with database.unit_of_work() as work:
        with pytest.raises(RepositoryError, match="must be at least 1"):
            await work.instances.list_page(limit=limit)
