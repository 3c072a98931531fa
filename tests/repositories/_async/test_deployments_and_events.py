"""What happened to instances."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import NotFoundError
from tests.support.nouns import HOUR, NOW, Stock, added_async, deployment, event, next_id

if TYPE_CHECKING:
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
