"""One worker at a time looks after an instance, everybody gets a turn, and no wish for a look is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from railway_saas.domain.instances import Instance
from railway_saas.errors import LeaseLostError
from tests.support.nouns import HOUR, MINUTE, NOW, Stock, added_async
from tests.support.together import all_async

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase

SOON = NOW + MINUTE
LATER = NOW + HOUR
MICROSECOND = timedelta(microseconds=1)


async def claim(database: AsyncDatabase, instance: Instance, worker: str = "w1", **options: object) -> object:
    async with database.unit_of_work() as work:
        found = await work.instances.claim(
            instance.id, worker=worker, **{"now": NOW, "lease_until": SOON, **options}
        )
        await work.commit()
    return found


async def claim_due(
    database: AsyncDatabase, limit: int = 10, worker: str = "w1", **options: object
) -> list[Instance]:
    async with database.unit_of_work() as work:
        found = await work.instances.claim_due(
            worker=worker, limit=limit, **{"now": NOW, "lease_until": SOON, **options}
        )
        await work.commit()
    return list(found)


async def read(database: AsyncDatabase, instance: Instance) -> Instance:
    async with database.unit_of_work() as work:
        return await work.instances.get(instance.id)


async def test_a_free_one_is_claimed(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    claimed = await claim(database, instance)
    assert claimed == replace(instance, lease_owner="w1", lease_until=SOON)
    assert await read(database, instance) == claimed


async def test_another_s_is_not_until_its_time_is_over(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    assert await claim(database, instance, "w1", lease_until=SOON)
    assert await claim(database, instance, "w2", now=SOON - MINUTE / 2, lease_until=LATER) is None
    assert await claim(database, instance, "w2", now=SOON, lease_until=LATER)
    assert (await read(database, instance)).lease_owner == "w2"


async def test_the_holder_prolongs_its_own(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    assert await claim(database, instance, "w1")
    assert await claim(database, instance, "w1", lease_until=LATER)
    assert (await read(database, instance)).lease_until == LATER


async def test_of_many_at_once_one_gets_it(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    found = await all_async(
        [lambda name=f"w{number}": claim(database, instance, name) for number in range(6)]
    )
    winners = [one for one in found if one is not None]
    assert [type(one) for one in winners] == [Instance]


async def test_saving_prolongs_the_lease(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    await claim(database, instance)
    async with database.unit_of_work() as work:
        await work.instances.save_observed(instance, worker="w1", lease_until=LATER)
        await work.commit()
    assert (await read(database, instance)).lease_until == LATER


async def test_who_lost_the_lease_writes_nothing(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    await claim(database, instance, "w1")
    taken = await claim(database, instance, "w2", now=SOON, lease_until=LATER)
    late = replace(instance, observed=replace(instance.observed, error="late"), updated_at=LATER)
    async with database.unit_of_work() as work:
        with pytest.raises(LeaseLostError, match="w1"):
            await work.instances.save_observed(late, worker="w1", lease_until=LATER)
        await work.instances.release(late, worker="w1", next_check_at=None)
        await work.commit()
    assert await read(database, instance) == taken


async def test_released_without_a_holder_nobody_may_save(database: AsyncDatabase, stock: Stock) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        with pytest.raises(LeaseLostError):
            await work.instances.save_observed(instance, worker="w1", lease_until=LATER)


@pytest.mark.parametrize("next_check_at", [LATER, None])
async def test_a_release_gives_it_back_and_says_when_to_look(
    database: AsyncDatabase, stock: Stock, next_check_at: object
) -> None:
    instance = stock.instance(next_check_at=NOW)
    await added_async(database, instance)
    await claim(database, instance)
    async with database.unit_of_work() as work:
        await work.instances.release(instance, worker="w1", next_check_at=next_check_at)
        await work.commit()
    assert await read(database, instance) == replace(instance, next_check_at=next_check_at)
    assert await claim(database, instance, "w2")


@pytest.mark.parametrize(
    ("stored", "woken", "after"),
    [(None, SOON, SOON), (LATER, SOON, SOON), (SOON, LATER, SOON), (SOON, SOON, SOON)],
)
async def test_a_wake_brings_the_next_look_forward(
    database: AsyncDatabase, stock: Stock, stored: object, woken: object, after: object
) -> None:
    instance = stock.instance(next_check_at=stored)
    await added_async(database, instance)
    async with database.unit_of_work() as work:
        await work.instances.wake(instance.id, at=woken)
        await work.commit()
    assert await read(database, instance) == replace(instance, next_check_at=after, wakes=1)


@pytest.mark.parametrize(
    ("woken", "released", "after"),
    [(SOON, LATER, SOON), (SOON, None, SOON), (LATER, SOON, SOON), (SOON, SOON, SOON)],
)
async def test_a_wake_during_a_look_survives_the_release(
    database: AsyncDatabase, stock: Stock, woken: object, released: object, after: object
) -> None:
    instance = stock.instance()
    await added_async(database, instance)
    held = await claim(database, instance)
    async with database.unit_of_work() as work:
        await work.instances.wake(instance.id, at=woken)
        await work.commit()
    async with database.unit_of_work() as work:
        await work.instances.release(held, worker="w1", next_check_at=released)
        await work.commit()
    found = await read(database, instance)
    assert (found.next_check_at, found.wakes, found.lease_owner) == (after, 1, None)


async def test_a_wake_that_was_seen_does_not_hold_the_release_back(
    database: AsyncDatabase, stock: Stock
) -> None:
    instance = stock.instance(next_check_at=SOON, wakes=3)
    await added_async(database, instance)
    held = await claim(database, instance)
    async with database.unit_of_work() as work:
        await work.instances.release(held, worker="w1", next_check_at=LATER)
        await work.commit()
    assert (await read(database, instance)).next_check_at == LATER


async def test_what_is_due_is_claimed_longest_waiting_first(database: AsyncDatabase, stock: Stock) -> None:
    owner = uuid4()
    late, early, exact = (
        stock.instance(owner, next_check_at=NOW - minutes * MINUTE) for minutes in (1, 9, 0)
    )
    not_yet, never = stock.instance(owner, next_check_at=NOW + MINUTE), stock.instance(owner)
    held = stock.instance(owner, next_check_at=NOW, lease_owner="w9", lease_until=SOON)
    mine = stock.instance(owner, next_check_at=NOW, lease_owner="w1", lease_until=SOON)
    over = stock.instance(owner, next_check_at=NOW - 2 * MINUTE, lease_owner="w9", lease_until=NOW)
    await added_async(database, late, early, exact, not_yet, never, held, mine, over)
    claimed = await claim_due(database)
    assert [one.id for one in claimed] == [early.id, over.id, late.id, exact.id]
    assert claimed[0] == replace(early, lease_owner="w1", lease_until=SOON)
    assert await read(database, early) == claimed[0]
    assert await claim_due(database) == []


@pytest.mark.parametrize("limit", [0, -1])
async def test_of_no_room_nothing_is_claimed(database: AsyncDatabase, stock: Stock, limit: int) -> None:
    await added_async(database, stock.instance(next_check_at=NOW))
    assert await claim_due(database, limit=limit) == []


async def test_everybody_s_first_comes_before_anybody_s_second(database: AsyncDatabase, stock: Stock) -> None:
    busy, calm, third = uuid4(), uuid4(), uuid4()
    busy_ones = [stock.instance(busy, next_check_at=NOW - HOUR + number * MINUTE) for number in range(6)]
    calm_ones = [stock.instance(calm, next_check_at=NOW - MINUTE + number * MINUTE) for number in range(2)]
    last = stock.instance(third, next_check_at=NOW)
    await added_async(database, *busy_ones, *calm_ones, last)
    first_round = await claim_due(database, limit=4)
    assert [one.id for one in first_round] == [busy_ones[0].id, calm_ones[0].id, last.id, busy_ones[1].id]
    second_round = await claim_due(database, limit=10)
    assert [one.id for one in second_round] == [
        one.id for one in (busy_ones[2], calm_ones[1], *busy_ones[3:])
    ]


async def test_workers_at_once_never_get_the_same_and_leave_nothing(
    database: AsyncDatabase, stock: Stock
) -> None:
    owners = [uuid4() for _ in range(3)]
    due = [stock.instance(owners[number % 3], next_check_at=NOW) for number in range(24)]
    await added_async(database, *due)
    shares = await all_async([lambda name=f"w{number}": claim_due(database, 8, name) for number in range(4)])
    claimed = [one.id for share in shares for one in share]
    claimed += [one.id for one in await claim_due(database, 24)]
    assert sorted(claimed) == [one.id for one in due]


async def test_the_next_look_that_is_due(database: AsyncDatabase, stock: Stock) -> None:
    async with database.unit_of_work() as work:
        assert await work.instances.next_due_at() is None
    await added_async(database, stock.instance())
    async with database.unit_of_work() as work:
        assert await work.instances.next_due_at() is None
    await added_async(database, stock.instance(next_check_at=LATER), stock.instance(next_check_at=SOON))
    async with database.unit_of_work() as work:
        assert await work.instances.next_due_at() == SOON


@pytest.mark.parametrize(
    ("check", "lease", "due"),
    [
        pytest.param(NOW, SOON, SOON, id="due, and another worker has it"),
        pytest.param(NOW, NOW - MINUTE, NOW, id="due, and its lease was over before"),
        pytest.param(NOW - HOUR, NOW - MINUTE, NOW - MINUTE, id="free since its lease was over"),
        pytest.param(SOON, SOON, SOON, id="due when its lease is over"),
        pytest.param(LATER, SOON, LATER, id="due later"),
        pytest.param(None, SOON, None, id="never due"),
    ],
)
async def test_what_another_worker_has_is_due_when_it_can_be_claimed(
    database: AsyncDatabase, stock: Stock, check: object, lease: object, due: object
) -> None:
    await added_async(database, stock.instance(next_check_at=check, lease_owner="w9", lease_until=lease))
    async with database.unit_of_work() as work:
        assert await work.instances.next_due_at() == due


@pytest.mark.parametrize(
    ("held", "free", "due"),
    [
        pytest.param([(NOW, SOON)], [LATER], SOON, id="a lease that is over before the next is due"),
        pytest.param([(NOW, LATER)], [SOON], SOON, id="a lease that is over after the next is due"),
        pytest.param(
            [(NOW, LATER), (NOW - MINUTE, SOON)], [], SOON, id="of two, the lease that is over first"
        ),
        pytest.param([(SOON, NOW)], [NOW], NOW, id="one that is free already"),
        pytest.param([(SOON, SOON)], [SOON, SOON], SOON, id="all at the same moment"),
    ],
)
async def test_the_next_look_is_at_what_can_be_claimed_first(
    database: AsyncDatabase, stock: Stock, held: list[Any], free: list[Any], due: object
) -> None:
    await added_async(
        database,
        *(stock.instance(next_check_at=at, lease_owner="w9", lease_until=until) for at, until in held),
        *(stock.instance(next_check_at=at) for at in free),
    )
    async with database.unit_of_work() as work:
        assert await work.instances.next_due_at() == due


async def test_at_the_moment_that_was_told_something_can_be_claimed_and_not_before(
    database: AsyncDatabase, stock: Stock
) -> None:
    dead, resting = stock.instance(next_check_at=NOW), stock.instance(next_check_at=LATER)
    await added_async(database, dead, resting)
    await claim_due(database, worker="w9")
    async with database.unit_of_work() as work:
        due = await work.instances.next_due_at()
    assert due is not None
    assert await claim_due(database, now=due - MICROSECOND, lease_until=LATER) == []
    assert [one.id for one in await claim_due(database, now=due, lease_until=LATER)] == [dead.id]


# Clocks that ran ahead ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "lease", "is_due"),
    [
        pytest.param(LATER, None, False, id="put off no longer than anybody would"),
        pytest.param(LATER + MICROSECOND, None, True, id="put off for longer"),
        pytest.param(NOW, LATER, False, id="leased no longer than anybody would"),
        pytest.param(NOW, LATER + MICROSECOND, True, id="leased for longer"),
        pytest.param(LATER + MICROSECOND, SOON, False, id="put off for longer, and leased"),
        pytest.param(None, None, False, id="never to be looked at"),
    ],
)
async def test_what_is_further_away_than_any_pause_is_not_believed(
    database: AsyncDatabase, stock: Stock, check: object, lease: object, is_due: bool
) -> None:
    await added_async(
        database, stock.instance(next_check_at=check, lease_owner=lease and "w9", lease_until=lease)
    )
    assert bool(await claim_due(database, believed_until=LATER)) is is_due


async def test_what_is_due_by_a_wrong_clock_comes_after_what_is_due(
    database: AsyncDatabase, stock: Stock
) -> None:
    owner = uuid4()
    far, due = [stock.instance(owner, next_check_at=moment) for moment in (LATER + HOUR, NOW)]
    await added_async(database, far, due)
    claimed = await claim_due(database, believed_until=LATER)
    assert [one.id for one in claimed] == [due.id, far.id]


async def test_a_lease_that_is_further_away_than_any_is_not_believed(
    database: AsyncDatabase, stock: Stock
) -> None:
    instance = stock.instance(lease_owner="w9", lease_until=LATER + HOUR)
    await added_async(database, instance)
    assert await claim(database, instance, believed_until=LATER + HOUR) is None
    assert await claim(database, instance) is None
    assert await claim(database, instance, believed_until=LATER)
