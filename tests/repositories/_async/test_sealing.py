"""Variables and inputs are encrypted at rest, and nobody notices who has the key."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

from railway_saas.domain.instances import Applied, Instance, InstanceConfig
from railway_saas.errors import UndecipherableError
from railway_saas.repositories.sqlalchemy import AsyncSqlDatabase, create_async_database_engine
from tests.support.nouns import NOW, Stock, stocked_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

INPUTS = {"App.ADMIN_EMAIL": "owner@example.com"}
GIVEN = {"App.ADMIN_EMAIL": "c4nary@example.com"}
VARIABLES: dict[str, dict[str, str | None]] = {"App": {"API_KEY": "c4nary-of-the-vault", "GONE": None}}


class BackwardsCipher:
    """Writes text backwards, with the name of the key and the context in front."""

    def __init__(self, key: str, *old: str) -> None:
        self.key, self.known = key, {key, *old}
        self.opened = 0

    def seal(self, plain: str, *, context: str) -> str:
        return f"{self.key}|{context}|{plain[::-1]}"

    def open(self, sealed: str, *, context: str) -> str:
        self.opened += 1
        key, place, rest = sealed.split("|", 2)
        if key not in self.known or place != context:
            raise UndecipherableError(f"{context}: no key")
        return rest[::-1]

    def is_current(self, sealed: str) -> bool:
        return sealed.startswith(f"{self.key}|")


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@asynccontextmanager
async def opened(url: str | None, cipher: BackwardsCipher | None) -> AsyncGenerator[AsyncSqlDatabase]:
    assert url is not None
    engine = create_async_database_engine(url)
    try:
        yield AsyncSqlDatabase(async_sessionmaker(engine), cipher=cipher)
    finally:
        await engine.dispose()


def with_variables(instance: Instance) -> Instance:
    applied = Applied(revision_id=instance.desired.revision_id, inputs=GIVEN, variables=VARIABLES)
    return replace(
        instance,
        desired=replace(instance.desired, config=InstanceConfig(inputs=INPUTS, variables=VARIABLES)),
        observed=replace(instance.observed, applied=applied),
    )


async def put(database: AsyncSqlDatabase, stock: Stock) -> Instance:
    instance = with_variables(stock.instance())
    async with database.unit_of_work() as work:
        await work.instances.add(instance)
        await work.commit()
    return instance


async def stored(database: AsyncSqlDatabase) -> str:
    async with database.unit_of_work() as work:
        rows = (await work.session.execute(text("SELECT config, applied FROM instances"))).all()
    return str(rows)


async def read(database: AsyncSqlDatabase, instance: Instance) -> Any:
    async with database.unit_of_work() as work:
        return await work.instances.get(instance.id)


async def test_who_has_the_key_reads_what_was_written(url: str | None) -> None:
    async with opened(url, BackwardsCipher("k1")) as database:
        instance = await put(database, await stocked_async(database))
        found = await read(database, instance)
        assert dict(found.desired.config.inputs) == INPUTS
        assert found.desired.config.variables == VARIABLES
        assert found.observed.applied.variables == found.desired.config.variables
        assert found.observed.applied.inputs == GIVEN


async def test_inputs_that_move_from_what_is_wanted_to_what_was_given_open_there(url: str | None) -> None:
    async with opened(url, BackwardsCipher("k1")) as database:
        instance = await put(database, await stocked_async(database))
        async with database.unit_of_work() as work:
            found = await work.instances.get(instance.id)
            applied = found.observed.applied
            assert applied is not None
            given = replace(applied, inputs=found.desired.config.inputs, previous_inputs=applied.inputs)
            await work.instances.claim(found.id, worker="w", now=NOW, lease_until=NOW)
            await work.instances.save_observed(
                replace(found, observed=replace(found.observed, applied=given)), worker="w", lease_until=NOW
            )
            await work.commit()
        now = (await read(database, instance)).observed.applied
        assert (dict(now.inputs), dict(now.previous_inputs)) == (INPUTS, GIVEN)
        assert now.variables == VARIABLES
        assert "c4nary" not in await stored(database)


async def test_the_table_holds_no_value_and_no_name_of_a_variable(url: str | None) -> None:
    async with opened(url, BackwardsCipher("k1")) as database:
        await put(database, await stocked_async(database))
        kept = await stored(database)
        assert "k1|instances.config:" in kept
        assert "k1|instances.applied:" in kept
        assert "c4nary" not in kept
        assert "API_KEY" not in kept


async def test_reading_and_saving_opens_nothing(url: str | None) -> None:
    cipher = BackwardsCipher("k1")
    async with opened(url, cipher) as database:
        instance = await put(database, await stocked_async(database))
        before = await stored(database)
        async with database.unit_of_work() as work:
            (found,) = (await work.instances.list_page()).items
            await work.instances.save_desired(replace(found, name="renamed"))
            await work.instances.claim(found.id, worker="w", now=NOW, lease_until=NOW)
            await work.instances.save_observed(found, worker="w", lease_until=NOW)
            await work.commit()
        assert (cipher.opened, await stored(database)) == (0, before)
        assert (await read(database, instance)).name == "renamed"


async def test_without_its_key_a_value_stops_who_looks_at_it_and_nobody_else(url: str | None) -> None:
    async with opened(url, BackwardsCipher("k1")) as database:
        instance = await put(database, await stocked_async(database))
    for cipher in (BackwardsCipher("k2"), None):
        async with opened(url, cipher) as database:
            found = await read(database, instance)
            assert found.name == instance.name
            with pytest.raises(UndecipherableError, match=str(instance.id)):
                dict(found.desired.config.inputs)
            assert "c4nary" not in repr(found)


async def test_a_sealed_value_does_not_open_in_another_row(url: str | None) -> None:
    async with opened(url, BackwardsCipher("k1")) as database:
        stock = await stocked_async(database)
        one, other = await put(database, stock), await put(database, stock)
        async with database.unit_of_work() as work:
            move = "UPDATE instances SET config = (SELECT config FROM instances WHERE id = :one) WHERE id = :other"
            names = (
                {"one": one.id.hex, "other": other.id.hex}
                if work.session.get_bind().dialect.name == "sqlite"
                else {"one": one.id, "other": other.id}
            )
            await work.session.execute(text(move), names)
            await work.commit()
        with pytest.raises(UndecipherableError):
            dict((await read(database, other)).desired.config.variables)


async def test_a_new_key_seals_everything_anew_page_by_page(url: str | None) -> None:
    async with opened(url, None) as database:  # from before there was a key
        stock = await stocked_async(database)
        instances = [await put(database, stock) for _ in range(3)]
    async with opened(url, BackwardsCipher("k1")) as database:
        assert await reseal_all(database) == [2, 1]
        assert await reseal_all(database) == [0, 0]
    async with opened(url, BackwardsCipher("k2", "k1")) as database:
        assert await reseal_all(database) == [2, 1]
    async with opened(url, BackwardsCipher("k2")) as database:
        assert "k1|" not in await stored(database)
        for instance in instances:
            assert (await read(database, instance)).desired.config.variables == VARIABLES


async def reseal_all(database: AsyncSqlDatabase) -> list[int]:
    counts: list[int] = []
    after = None
    while True:
        async with database.unit_of_work() as work:
            count, after = await work.instances.reseal(after=after, limit=2)
            await work.commit()
        counts.append(count)
        if after is None:
            return counts
