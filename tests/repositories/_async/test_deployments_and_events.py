"""What happened to instances."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.ids import new_id
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import NotFoundError
from tests.support.nouns import HOUR, MINUTE, NOW, Stock, added_async, deployment, event, next_id
from tests.support.together import all_async

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas.domain.instances import InstanceEvent
    from railway_saas.repositories import AsyncDatabase


async def test_a_deployment_is_inserted_then_updated(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    made = deployment(instance.id, logs="building")
    async with database.unit_of_work() as work:
        await work.deployments.upsert([])
        await work.deployments.upsert([made])
        assert await work.deployments.find(made.railway_deployment_id) == made
        done = replace(made, status="SUCCESS", started_at=NOW, finished_at=NOW + HOUR)
        again = replace(done, id=next_id(), service="other", logs=None, created_at=NOW + HOUR)
        await work.deployments.upsert([again, deployment(instance.id)])
        assert await work.deployments.find(made.railway_deployment_id) == done
        await work.deployments.upsert([replace(again, logs="failed", started_at=None)])
        found = await work.deployments.find(made.railway_deployment_id)
        assert found == replace(done, logs="failed", started_at=None)
        assert len(await work.deployments.list_page(instance.id)) == 2
        assert await work.deployments.find("none") is None


async def test_a_deployment_that_stands_twice_ends_as_the_last_says(
    database: AsyncDatabase, stock: Stock
) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    first = deployment(instance.id, logs="kept")
    async with database.unit_of_work() as work:
        await work.deployments.upsert([first, replace(first, id=next_id(), status="FAILED", logs=None)])
        assert (await work.deployments.list_page(instance.id)).items == (replace(first, status="FAILED"),)


async def test_what_has_no_end_yet_is_finished_but_for_what_goes_on(
    database: AsyncDatabase, stock: Stock
) -> None:
    mine, other = stock.instance(name="mine"), stock.instance(name="other")
    await added_async(database, mine, other)
    before, newest, job = (deployment(mine.id, service=name) for name in ("web", "web", "job"))
    ended = deployment(mine.id, service="web", finished_at=NOW)
    theirs = deployment(other.id, service="web")
    async with database.unit_of_work() as work:
        await work.deployments.upsert([before, newest, job, ended, theirs])
        but = [newest.railway_deployment_id]
        assert await work.deployments.finish(mine.id, at=NOW + HOUR, services=["web"], but=but) == 1
        assert await work.deployments.finish(mine.id, at=NOW + HOUR, services=[]) == 0
        over = replace(before, finished_at=NOW + HOUR)
        assert (await work.deployments.list_page(mine.id)).items == (over, newest, job, ended)
        assert await work.deployments.finish(mine.id, at=NOW + 2 * HOUR) == 2
        found = (await work.deployments.list_page(mine.id)).items
        assert [one.finished_at for one in found] == [NOW + HOUR, NOW + 2 * HOUR, NOW + 2 * HOUR, NOW]
        assert (await work.deployments.list_page(other.id)).items == (theirs,)


async def test_events_are_kept_in_order_and_forgotten_by_age(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    events = [
        event(
            instance.id, at=NOW + hour * HOUR, status=InstanceStatus.RUNNING, service="web", done=1, total=2
        )
        for hour in range(4)
    ]
    async with database.unit_of_work() as work:
        await work.events.append([])
        await work.events.append(events)
        assert (await work.events.list_page(instance.id)).items == tuple(events)
        assert await work.events.forget_before(NOW + 3 * HOUR, limit=2) == 2
        assert await work.events.forget_before(NOW + 3 * HOUR, limit=2) == 1
        assert await work.events.forget_before(NOW + 3 * HOUR) == 0
        assert await work.events.forget_before(NOW + 9 * HOUR, limit=0) == 0
        assert (await work.events.list_page(instance.id)).items == (events[3],)


async def test_both_need_their_instance(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        with pytest.raises(NotFoundError):
            await work.deployments.upsert([deployment(instance.id), deployment(next_id())])
        with pytest.raises(NotFoundError):
            await work.events.append([event(instance.id), event(next_id())])
        assert (await work.deployments.list_page(instance.id)).items == ()
        assert (await work.events.list_page(instance.id)).items == ()


# Order, whatever clocks say -------------------------------------------------------------------------------------------


async def appended(database: AsyncDatabase, *events: InstanceEvent) -> Sequence[InstanceEvent]:
    """As a writer does who holds the instance."""
    async with database.unit_of_work() as work:
        await work.instances.lock(events[0].instance_id)
        stored = await work.events.append(events)
        await work.commit()
    return stored


async def test_events_are_in_the_order_of_their_commits_whatever_clocks_say(
    database: AsyncDatabase, stock: Stock
) -> None:
    instance, other = stock.instance(), stock.instance()
    await added_async(database, instance, other)
    moments = [NOW, NOW - HOUR, NOW + HOUR, NOW, NOW - 9 * HOUR]
    seen: list[InstanceEvent] = []
    after: str | None = None
    for moment in moments:
        await appended(
            database, event(instance.id, id=new_id(moment), at=moment), event(instance.id, id=new_id(NOW))
        )
        async with database.unit_of_work() as work:
            news = (await work.events.list_page(instance.id, after=after)).items
        assert len(news) == 2, "whoever goes on after the last one misses nothing"
        seen += news
        after = str(news[-1].id)
    assert [one.at for one in seen[::2]] == moments
    async with database.unit_of_work() as work:
        assert (await work.events.list_page(instance.id)).items == tuple(seen)
        assert await work.events.latest(instance.id) == seen[-1]
        assert await work.events.latest(other.id) is None


async def test_what_is_appended_comes_back_as_it_is_stored(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    first, second = event(instance.id, id=new_id(NOW + HOUR)), event(instance.id, id=new_id(NOW))
    assert await appended(database, first) == [first]
    (stored,) = await appended(database, second)
    assert stored == replace(second, id=stored.id)
    assert stored.id > first.id
    async with database.unit_of_work() as work:
        assert (await work.events.list_page(instance.id)).items == (first, stored)


async def test_instances_have_orders_of_their_own(database: AsyncDatabase, stock: Stock) -> None:
    ahead, right = stock.instance(), stock.instance()
    await added_async(database, ahead, right)
    await appended(database, event(ahead.id, id=new_id(NOW + HOUR)))
    usual = event(right.id, id=new_id(NOW))
    assert await appended(database, usual) == [usual]


async def test_of_many_writers_at_once_nobody_is_missed(database: AsyncDatabase, stock: Stock) -> None:
    """Each has a clock of its own; the order in which they hold the instance is the order of their events."""
    instance = stock.instance()
    await added_async(database, instance)
    committed: list[str] = []

    async def write(number: int) -> None:
        moment = NOW + ((-1) ** number) * number * MINUTE
        for turn in range(3):
            async with database.unit_of_work() as work:
                await work.instances.lock(instance.id)
                (stored,) = await work.events.append(
                    [event(instance.id, id=new_id(moment), message=f"{number}.{turn}")]
                )
                committed.append(stored.message)
                await work.commit()

    failures = await all_async([lambda number=number: write(number) for number in range(5)])
    assert failures == [None] * 5
    async with database.unit_of_work() as work:
        found = (await work.events.list_page(instance.id)).items
    assert [one.message for one in found] == committed
