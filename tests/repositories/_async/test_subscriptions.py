"""Which owner has which plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.support.nouns import HOUR, NOW, next_id, subscription

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def test_a_subscription_is_inserted_then_updated(database: AsyncDatabase) -> None:
    made = subscription(uuid4(), current_period_start=NOW, current_period_end=NOW + HOUR)
    changed = replace(
        made,
        user_id=uuid4(),
        plan_name="max",
        status="past_due",
        current_period_start=None,
        current_period_end=None,
        updated_at=NOW + HOUR,
    )
    async with database.unit_of_work() as work:
        await work.subscriptions.upsert(made)
        assert await work.subscriptions.find_by_stripe_id(made.stripe_subscription_id) == made
        await work.subscriptions.upsert(replace(changed, id=next_id(), created_at=NOW + HOUR))
        assert await work.subscriptions.find_by_stripe_id(made.stripe_subscription_id) == changed
        assert await work.subscriptions.find_by_stripe_id("none") is None
        assert len(await work.subscriptions.list_page()) == 1


@pytest.mark.parametrize("granting", ["active", "trialing", "past_due"])
async def test_the_newest_that_grants_a_plan_counts(database: AsyncDatabase, granting: str) -> None:
    owner = uuid4()
    newest = subscription(owner, status="canceled", created_at=NOW + 3 * HOUR)
    newer = subscription(owner, status=granting, created_at=NOW + HOUR)
    oldest = subscription(owner, status="active", created_at=NOW)
    async with database.unit_of_work() as work:
        for one in (newest, newer, oldest, subscription(uuid4(), created_at=NOW + 9 * HOUR)):
            await work.subscriptions.upsert(one)
        assert await work.subscriptions.current(owner) == newer


async def test_else_the_newest_of_all_else_none(database: AsyncDatabase) -> None:
    owner = uuid4()
    newest = subscription(owner, status="unpaid", created_at=NOW + HOUR)
    async with database.unit_of_work() as work:
        assert await work.subscriptions.current(owner) is None
        await work.subscriptions.upsert(newest)
        await work.subscriptions.upsert(subscription(owner, status="canceled"))
        assert await work.subscriptions.current(owner) == newest


async def test_the_list_is_filtered(database: AsyncDatabase) -> None:
    owner = uuid4()
    rows = [
        subscription(owner),
        subscription(owner, status="canceled"),
        subscription(uuid4(), status="canceled"),
    ]
    async with database.unit_of_work() as work:
        for row in rows:
            await work.subscriptions.upsert(row)
        assert (await work.subscriptions.list_page()).items == tuple(rows)
        assert (await work.subscriptions.list_page(user_id=owner)).items == tuple(rows[:2])
        assert (await work.subscriptions.list_page(status="canceled")).items == tuple(rows[1:])
        both = await work.subscriptions.list_page(user_id=owner, status="canceled")
        assert both.items == (rows[1],)
