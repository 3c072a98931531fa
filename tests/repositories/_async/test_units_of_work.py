"""One transaction per block: what is committed lasts, everything else is as if it had not been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import ConflictError, NotFoundError, RepositoryError
from tests.support.nouns import Stock, metric, next_id, revision, subscription, template

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def names(database: AsyncDatabase) -> list[str]:
    async with database.unit_of_work() as work:
        return [one.name for one in await work.templates.list_page()]


async def test_what_is_committed_lasts(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        await work.templates.add(template(name="kept"))
        await work.commit()
    assert await names(database) == ["kept"]


async def test_without_commit_nothing_lasts(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        await work.templates.add(template())
        assert len(await work.templates.list_page()) == 1
    assert await names(database) == []


async def test_an_exception_rolls_back_and_comes_through(database: AsyncDatabase) -> None:
    async def fail() -> None:
        async with database.unit_of_work() as work:
            await work.templates.add(template())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names(database) == []


async def test_what_came_before_a_commit_lasts_whatever_follows(database: AsyncDatabase) -> None:
    async def fail() -> None:
        async with database.unit_of_work() as work:
            await work.templates.add(template(name="kept"))
            await work.commit()
            await work.templates.add(template(name="lost"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names(database) == ["kept"]


async def test_a_block_may_commit_twice(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        await work.templates.add(template(name="first"))
        await work.commit()
        await work.templates.add(template(name="second"))
        await work.commit()
        await work.commit()
    assert await names(database) == ["first", "second"]


async def test_a_rollback_undoes_changes_and_deletions_too(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        instance = stock.instance(name="before")
        await work.instances.add(instance)
        await work.usage.set_watermark("usage", instance.created_at)
        await work.commit()
    async with database.unit_of_work() as work:
        await work.instances.wake(instance.id, at=instance.created_at)
        await work.usage.record([metric(instance.id)])
        await work.usage.set_watermark("other", instance.created_at)
        await work.subscriptions.upsert(subscription(instance.user_id))
    async with database.unit_of_work() as work:
        assert await work.instances.get(instance.id) == instance
        assert (await work.usage.get_watermark("usage"), await work.usage.get_watermark("other")) == (
            instance.created_at,
            None,
        )
        assert await work.subscriptions.current(instance.user_id) is None
        await work.instances.wake(instance.id, at=instance.created_at)
        await work.commit()


async def test_a_refused_call_leaves_what_was_done_before(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        await work.templates.add(template(name="kept"))
        with pytest.raises(ConflictError):
            await work.templates.add(template(railway_template_id=stock.template.railway_template_id))
        with pytest.raises(NotFoundError):
            await work.templates.add_revision(revision(next_id()))
        with pytest.raises(NotFoundError):
            await work.templates.get(next_id())
        await work.templates.add(template(name="kept too"))
        await work.commit()
    assert (await names(database))[1:] == ["kept", "kept too"]


async def test_a_unit_of_work_is_used_inside_its_block_only(database: AsyncDatabase) -> None:
    work = database.unit_of_work()
    with pytest.raises(RepositoryError, match="has not begun"):
        await work.commit()
    async with work:
        templates = work.templates
    with pytest.raises(RepositoryError, match="is over"):
        await work.commit()
    with pytest.raises(RepositoryError, match="is over"):
        await templates.list_page()


async def test_a_unit_of_work_is_entered_once(database: AsyncDatabase) -> None:
    work = database.unit_of_work()
    async with work:
        with pytest.raises(RepositoryError, match="entered once"):
            await work.__aenter__()
        await work.templates.add(template())
        await work.commit()
    with pytest.raises(RepositoryError, match="entered once"):
        await work.__aenter__()
    assert len(await names(database)) == 1
