"""Slots are counted by one at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from railway_saas.domain.instances import DomainState
from railway_saas.domain.plans import Resources, Slots
from tests.support.nouns import Stock, added_async, domain
from tests.support.together import all_async

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase


async def test_an_owner_without_instances_holds_nothing(database: AsyncDatabase) -> None:
    async with database.unit_of_work() as work:
        assert await work.instances.slots_of(uuid4()) == Slots()


async def test_what_holds_a_slot_is_added_up_exactly(database: AsyncDatabase, stock: Stock) -> None:
    owner = uuid4()
    first = stock.instance(
        owner, resources=Resources(services=2, vcpus=Decimal("0.1"), memory_gb=Decimal("0.000000001"))
    )
    second = stock.instance(
        owner, resources=Resources(services=1, vcpus=Decimal("0.2"), volume_gb=Decimal("8999999999.9"))
    )
    gone = stock.instance(owner, resources=Resources(services=9, vcpus=Decimal(9)), holds_slot=False)
    foreign = stock.instance(resources=Resources(services=9))
    await added_async(database, first, second, gone, foreign)
    async with database.unit_of_work() as work:
        for instance in (first, first, second, gone, foreign):
            await work.domains.add(domain(instance.id, state=DomainState.ATTACHED))
        await work.domains.add(domain(first.id, state=DomainState.REFUSED))
        found = await work.instances.slots_of(owner)
    assert found == Slots(
        instances=2,
        domains=3,
        resources=Resources(
            services=3,
            vcpus=Decimal("0.3"),
            memory_gb=Decimal("0.000000001"),
            volume_gb=Decimal("8999999999.9"),
        ),
        unbounded=frozenset({"memory_gb"}),
    )
    assert str(found.resources.vcpus) == "0.3"


async def test_services_without_a_limit_are_no_less_than_those_with_one(
    database: AsyncDatabase, stock: Stock
) -> None:
    owner, other = uuid4(), uuid4()
    limited = Resources(services=1, vcpus=Decimal(1), memory_gb=Decimal(1))
    await added_async(
        database,
        stock.instance(owner, resources=limited),
        stock.instance(owner, resources=Resources(services=1), holds_slot=False),
        stock.instance(other, resources=limited),
        stock.instance(other, resources=Resources(services=2, memory_gb=Decimal(1))),
    )
    async with database.unit_of_work() as work:
        assert (await work.instances.slots_of(owner)).unbounded == frozenset()
        assert (await work.instances.slots_of(other)).unbounded == {"vcpus"}


async def accept(database: AsyncDatabase, stock: Stock, owner: UUID, limit: int) -> bool:
    """What a deploy does: hold the owner, count, add."""
    async with database.unit_of_work() as work:
        await work.instances.lock_owner(owner)
        if (await work.instances.slots_of(owner)).instances >= limit:
            return False
        await work.instances.add(stock.instance(owner))
        await work.commit()
    return True


async def test_of_many_deploys_at_once_as_many_are_accepted_as_the_limit_allows(
    database: AsyncDatabase, stock: Stock
) -> None:
    owner = uuid4()
    accepted = await all_async([lambda: accept(database, stock, owner, limit=3) for _ in range(8)])
    assert sorted(accepted) == [False] * 5 + [True] * 3
    async with database.unit_of_work() as work:
        assert (await work.instances.slots_of(owner)).instances == 3


async def test_an_owner_is_held_again_and_again(database: AsyncDatabase) -> None:
    owner = uuid4()
    async with database.unit_of_work() as work:
        await work.instances.lock_owner(owner)
        await work.instances.lock_owner(owner)
        await work.commit()
        await work.instances.lock_owner(owner)
