"""Usage: replaced, never added to; summed exactly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from railway_saas.domain.usage import UsageTotal
from railway_saas.errors import NotFoundError, RepositoryError
from tests.support.nouns import HOUR, NOW, Stock, added_async, metric, next_id

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def test_an_hour_is_replaced_never_added_to(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    first = metric(instance.id, value=Decimal(1))
    async with database.unit_of_work() as work:
        await work.usage.record([])
        await work.usage.record([first])
        await work.usage.record(
            [replace(first, value=Decimal(5)), replace(first, value=Decimal(2), unit="x")]
        )
        page = await work.usage.list_page(instance.id, start=NOW, end=NOW + HOUR)
        assert page.items == (replace(first, value=Decimal(2), unit="x"),)


async def test_sums_are_exact_to_nine_places_and_do_not_overflow(
    database: AsyncDatabase, stock: Stock
) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    tiny, huge = Decimal("0.000000001"), Decimal("8999999999.999999999")
    async with database.unit_of_work() as work:
        await work.usage.record(
            [metric(instance.id, value=tiny, recorded_at=NOW + hour * HOUR) for hour in range(3)]
        )
        await work.usage.record(
            [
                metric(
                    instance.id,
                    value=huge,
                    recorded_at=NOW + hour * HOUR,
                    metric_type="DISK_USAGE_GB",
                    unit="GB",
                )
                for hour in range(3)
            ]
        )
        totals = await work.usage.totals([instance.id], start=NOW, end=NOW + 3 * HOUR)
        page = await work.usage.list_page(instance.id, start=NOW, end=NOW + HOUR)
    assert [str(total.value) for total in totals] == ["3E-9", "26999999999.999999997"]
    assert [row.value for row in page] == [tiny, huge]


async def test_finer_amounts_are_rounded_half_to_even(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    given = ["1.66666666666666666667", "0.0000000005", "0.0000000015", "-0.0000000026", "1E-30", "120.50"]
    async with database.unit_of_work() as work:
        await work.usage.record(
            [
                metric(instance.id, value=Decimal(value), recorded_at=NOW + hour * HOUR)
                for hour, value in enumerate(given)
            ]
        )
        page = await work.usage.list_page(instance.id, start=NOW, end=NOW + 9 * HOUR)
    assert [row.value for row in page] == [
        Decimal(value) for value in ("1.666666667", "0", "0.000000002", "-0.000000003", "0", "120.5")
    ]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "9000000001", "1E+40", "-1E+40"])
async def test_amounts_that_cannot_be_kept_are_refused(
    database: AsyncDatabase, stock: Stock, value: str
) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        with pytest.raises(RepositoryError, match=r"UsageMetric\.value"):
            await work.usage.record([metric(instance.id, value=Decimal(value))])
        await work.commit()


async def test_totals_are_of_the_hours_asked_for(database: AsyncDatabase, stock: Stock) -> None:
    first, second, third = stock.instance(), stock.instance(), stock.instance()
    await added_async(database, first, second, third)
    async with database.unit_of_work() as work:
        for instance in (first, second, third):
            await work.usage.record(
                [
                    metric(instance.id, value=Decimal(10**hour), recorded_at=NOW + hour * HOUR)
                    for hour in range(4)
                ]
            )
        totals = await work.usage.totals(
            [first.id, second.id, next_id()], start=NOW + HOUR, end=NOW + 3 * HOUR
        )
        assert {total.instance_id: total.value for total in totals} == {
            first.id: Decimal(110),
            second.id: Decimal(110),
        }
        assert await work.usage.totals([], start=NOW, end=NOW + HOUR) == []
        assert await work.usage.totals([first.id], start=NOW + HOUR, end=NOW + HOUR) == []


async def test_totals_of_an_owner_are_of_all_it_has_or_had(database: AsyncDatabase, stock: Stock) -> None:
    owner = uuid4()
    first, gone, foreign = stock.instance(owner), stock.instance(owner, holds_slot=False), stock.instance()
    await added_async(database, first, gone, foreign)
    async with database.unit_of_work() as work:
        for instance in (first, gone, foreign):
            await work.usage.record([metric(instance.id), metric(instance.id, recorded_at=NOW + HOUR)])
        totals = await work.usage.totals_of_owner(owner, start=NOW, end=NOW + 2 * HOUR)
    assert sorted(totals, key=lambda total: total.instance_id) == [
        UsageTotal(instance_id=one.id, metric_type="CPU_USAGE", value=Decimal(3), unit="vCPU-minutes")
        for one in (first, gone)
    ]


async def test_hours_are_filtered(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    rows = [
        metric(instance.id, recorded_at=NOW + hour * HOUR, metric_type=measure)
        for hour in range(3)
        for measure in ("A", "B")
    ]
    async with database.unit_of_work() as work:
        await work.usage.record(rows)

        async def found(**filters: object) -> list[object]:
            return list(await work.usage.list_page(instance.id, **filters))

        assert await found(start=NOW, end=NOW + 3 * HOUR) == rows
        assert await found(start=NOW + HOUR, end=NOW + 2 * HOUR) == rows[2:4]
        assert await found(start=NOW, end=NOW + 3 * HOUR, metric_type="B") == rows[1::2]
        page = await work.usage.list_page(
            instance.id, start=NOW, end=NOW + 3 * HOUR, metric_type="B", limit=1
        )
        assert (
            await found(start=NOW, end=NOW + 3 * HOUR, metric_type="B", after=page.next_cursor) == rows[3::2]
        )


async def test_usage_needs_its_instance(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        with pytest.raises(NotFoundError):
            await work.usage.record([metric(instance.id), metric(next_id())])
        assert (await work.usage.list_page(instance.id, start=NOW, end=NOW + HOUR)).items == ()


async def test_a_watermark_moves(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        assert await work.usage.get_watermark("hourly") is None
        await work.usage.set_watermark("hourly", NOW)
        await work.usage.set_watermark("other", NOW - HOUR)
        await work.usage.set_watermark("hourly", NOW + HOUR)
        assert await work.usage.get_watermark("hourly") == NOW + HOUR
        assert await work.usage.get_watermark("other") == NOW - HOUR
