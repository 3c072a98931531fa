"""The catalogue and its revisions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.instances import ServiceLimits
from railway_saas.errors import ConflictError, NotFoundError
from tests.support.nouns import HOUR, NOW, Stock, next_id, revision, template

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def test_a_template_comes_back_as_it_was(database: AsyncDatabase) -> None:
    made = template(
        description="Sells things",
        category="shops",
        price_tier="gold",
        resources=ServiceLimits(vcpus=Decimal("0.25"), memory_gb=Decimal(2)),
        setup_config={"picture": "shop.png", "order": [1, 2.5, None, True, {"z": 1, "a": 2}]},
        is_active=False,
    )
    async with database.unit_of_work() as work:
        await work.templates.add(made)
        assert await work.templates.get(made.id) == made
        assert await work.templates.find_by_railway_id(made.railway_template_id) == made


async def test_there_is_one_template_per_railway_id(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        with pytest.raises(ConflictError):
            await work.templates.add(template(railway_template_id=stock.template.railway_template_id))
        with pytest.raises(ConflictError):
            await work.templates.add(template(id=stock.template.id))
        other = template()
        await work.templates.add(other)
        with pytest.raises(ConflictError):
            await work.templates.save(replace(other, railway_template_id=stock.template.railway_template_id))


async def test_every_column_is_saved(database: AsyncDatabase, stock: Stock) -> None:
    changed = replace(
        stock.template,
        railway_template_id="local:shop",
        name="Other",
        description="x",
        category="y",
        price_tier="z",
        resources=ServiceLimits(vcpus=Decimal(1)),
        setup_config={},
        is_active=False,
        updated_at=NOW + HOUR,
    )
    async with database.unit_of_work() as work:
        await work.templates.save(changed)
        assert await work.templates.get(changed.id) == changed
        with pytest.raises(NotFoundError):
            await work.templates.save(template())


async def test_what_does_not_exist(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        with pytest.raises(NotFoundError):
            await work.templates.get(next_id())
        with pytest.raises(NotFoundError):
            await work.templates.get_revision(next_id())
        assert await work.templates.find_by_railway_id("no such") is None
        assert await work.templates.find_revision(stock.template.id, "no such") is None
        assert await work.templates.find_revision(next_id(), stock.revision.content_hash) is None
        assert await work.templates.latest_revision(next_id()) is None
        assert (await work.templates.list_revisions(next_id())).items == ()


async def test_the_catalogue_is_filtered(database: AsyncDatabase) -> None:
    rows = {
        (active, category): template(is_active=active, category=category)
        for active in (True, False)
        for category in ("shops", "blogs")
    }
    async with database.unit_of_work() as work:
        for row in rows.values():
            await work.templates.add(row)

        async def found(**filters: object) -> list[object]:
            return [row.id for row in await work.templates.list_page(**filters)]

        assert await found() == [row.id for row in rows.values()]
        assert await found(is_active=True) == [rows[True, "shops"].id, rows[True, "blogs"].id]
        assert await found(is_active=False, category="shops") == [rows[False, "shops"].id]
        assert await found(category="blogs") == [rows[True, "blogs"].id, rows[False, "blogs"].id]
        assert await found(category="none") == []


async def test_a_document_keeps_the_order_of_its_keys(database: AsyncDatabase, stock: Stock) -> None:
    document = {"services": {"zebra": {"b": 1, "a": 2}, "ant": {}}, "buckets": {}, "a": 1.5}
    made = revision(stock.template.id, number=2, document=document, notes="second")
    async with database.unit_of_work() as work:
        await work.templates.add_revision(made)
        found = await work.templates.get_revision(made.id)
    assert found == made
    assert list(found.document) == ["services", "buckets", "a"]
    assert list(found.document["services"]) == ["zebra", "ant"]
    assert list(found.document["services"]["zebra"]) == ["b", "a"]


async def test_revisions_of_a_template(database: AsyncDatabase, stock: Stock) -> None:
    third = revision(stock.template.id, number=3)
    second = revision(stock.template.id, number=2)
    async with database.unit_of_work() as work:
        await work.templates.add_revision(third)
        await work.templates.add_revision(second)
        assert await work.templates.latest_revision(stock.template.id) == third
        assert await work.templates.find_revision(stock.template.id, second.content_hash) == second
        assert (await work.templates.list_revisions(stock.template.id)).items == (
            stock.revision,
            third,
            second,
        )


async def test_a_revision_s_number_and_content_are_unique_within_its_template(
    database: AsyncDatabase, stock: Stock
) -> None:
    other = template()
    async with database.unit_of_work() as work:
        await work.templates.add(other)
        with pytest.raises(ConflictError):
            await work.templates.add_revision(revision(stock.template.id, number=1))
        with pytest.raises(ConflictError):
            await work.templates.add_revision(
                revision(stock.template.id, number=2, content_hash=stock.revision.content_hash)
            )
        with pytest.raises(NotFoundError):
            await work.templates.add_revision(revision(next_id()))
        await work.templates.add_revision(revision(other.id, content_hash=stock.revision.content_hash))
