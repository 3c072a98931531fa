"""The pacer of the async client: exact over many tasks and loops, fair between lanes, unharmed by cancellation."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from bisect import bisect_left, bisect_right
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas import RateLimit
from railway_saas._core.pacing import LANE_SHARES, RateHeaders
from railway_saas.errors import RailwayRateLimitError
from railway_saas.railway import Lane
from railway_saas.railway._clock import AsyncSystemClock
from railway_saas.railway._pacers import LoopPacer, _Turn
from tests.support.virtual_time import LoopClock, run

FOR_EVER = 1e6
HOUR = 3600.0


def most_in(times: list[float], length_s: float) -> int:
    times = sorted(times)
    return max(bisect_right(times, start + length_s) - bisect_left(times, start) for start in times)


def now() -> float:
    return asyncio.get_running_loop().time()


class Traffic:
    """Tasks that take from one pacer, and when each got through."""

    def __init__(self, per_hour: int = 10**6, per_second: float = 10) -> None:
        self.pacer = LoopPacer(RateLimit(per_hour=per_hour, per_second=per_second), LoopClock())
        self.left: dict[Lane, list[float]] = {lane: [] for lane in Lane}

    async def one(self, lane: Lane = Lane.USER, timeout_s: float = FOR_EVER) -> float:
        """Take once; how long it waited."""
        came = now()
        await self.pacer.acquire(lane, timeout_s)
        self.left[lane].append(now())
        return now() - came

    async def many(self, count: int, lane: Lane = Lane.USER) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(self.one(lane))

    @property
    def all(self) -> list[float]:
        return sorted(moment for moments in self.left.values() for moment in moments)


@pytest.mark.parametrize("per_second", [1, 10, 50])
def test_a_crowd_of_tasks_uses_the_rate_and_never_exceeds_it(per_second: int) -> None:
    async def main() -> list[float]:
        traffic = Traffic(per_second=per_second)
        await traffic.many(20 * per_second)
        return traffic.all

    left = run(main())
    assert most_in(left, 1.0) <= per_second
    assert (len(left) - 1) / (left[-1] - left[0]) >= 0.97 * per_second


@settings(max_examples=30, deadline=None)
@given(
    per_second=st.integers(1, 60),
    gaps_s=st.lists(st.just(0.0) | st.floats(0, 2), min_size=1, max_size=120),
    lanes=st.lists(st.sampled_from(Lane), min_size=1, max_size=7),
)
def test_however_tasks_come_no_second_sees_more_than_the_rate(
    per_second: int, gaps_s: list[float], lanes: list[Lane]
) -> None:
    async def main() -> list[float]:
        traffic = Traffic(per_second=per_second)
        async with asyncio.TaskGroup() as tasks:
            for index, gap_s in enumerate(gaps_s):
                await asyncio.sleep(gap_s)
                tasks.create_task(traffic.one(lanes[index % len(lanes)]))
        return traffic.all

    assert most_in(run(main()), 1.0) <= per_second


@pytest.mark.parametrize("lane", Lane)
def test_a_crowd_uses_the_quota_of_an_hour_and_never_exceeds_it(lane: Lane) -> None:
    async def main() -> list[float]:
        traffic = Traffic(per_hour=300)
        await traffic.many(1_200, lane)
        return traffic.all

    left, allowed = run(main()), int(300 * LANE_SHARES[lane])
    assert most_in(left, HOUR) <= allowed
    within = [moment for moment in left if moment < left[0] + 3 * HOUR]
    assert len(within) >= 0.97 * 3 * allowed


def test_a_click_overtakes_a_sweep() -> None:
    async def main() -> float:
        traffic = Traffic()
        sweep = asyncio.create_task(traffic.many(300, Lane.BACKGROUND))
        await asyncio.sleep(5)
        waited = [await traffic.one(Lane.USER) for _ in range(20)]
        sweep.cancel()
        return max(waited)

    assert run(main()) < 0.25, "two places in the second, not the whole sweep"


def test_a_sweep_waits_for_clicks_and_deletions_and_clicks_are_never_behind() -> None:
    async def main() -> dict[Lane, list[float]]:
        traffic = Traffic()
        async with asyncio.TaskGroup() as tasks:
            for lane in (Lane.BACKGROUND, Lane.DELETION, Lane.USER):
                tasks.create_task(traffic.many(30, lane))
        return traffic.left

    left = run(main())
    clicks, deletions, sweep = left[Lane.USER], left[Lane.DELETION], left[Lane.BACKGROUND]
    assert max(clicks) < sweep[2]
    assert max(deletions) < sweep[2]
    assert all(click < deletion for click, deletion in zip(clicks[1:], deletions[1:], strict=True))


def test_a_sweep_without_quota_does_not_hold_up_clicks() -> None:
    async def main() -> float:
        traffic = Traffic(per_hour=100)
        await traffic.many(97, Lane.BACKGROUND)
        waiting = asyncio.create_task(traffic.many(5, Lane.BACKGROUND))
        await asyncio.sleep(30)
        waited = [await traffic.one(Lane.USER) for _ in range(3)]
        waiting.cancel()
        return max(waited)

    assert run(main()) < 0.3


def test_a_wait_longer_than_the_call_may_take_is_refused_at_once() -> None:
    async def main() -> None:
        traffic = Traffic(per_hour=1)
        await traffic.one()
        came = now()
        with pytest.raises(RailwayRateLimitError, match=r"user lane .* nothing was sent") as caught:
            await traffic.one(timeout_s=60)
        assert now() - came < 1
        assert caught.value.retry_after_s == pytest.approx(HOUR, rel=0.02)
        assert (caught.value.transient, caught.value.attempts) == (True, 0)

    run(main())


def test_a_queue_longer_than_the_call_may_take_ends_in_time() -> None:
    async def main() -> None:
        traffic = Traffic(per_second=1)
        queue = asyncio.create_task(traffic.many(50))
        await asyncio.sleep(0.5)
        came = now()
        with pytest.raises(RailwayRateLimitError):
            await traffic.one(timeout_s=5)
        assert now() - came == pytest.approx(5, abs=0.1)
        queue.cancel()

    run(main())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_tasks_that_give_up_harm_nobody(seed: int) -> None:
    async def main() -> None:
        chance, traffic = random.Random(seed), Traffic(per_second=20)
        tasks = [asyncio.create_task(traffic.one(chance.choice(list(Lane)))) for _ in range(60)]
        for _ in range(25):
            await asyncio.sleep(chance.choice([0, 0, 0.01, 0.05]))
            chance.choice(tasks).cancel()
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
        through = [one for one in outcomes if not isinstance(one, BaseException)]
        assert len(through) == len(traffic.all) >= 35
        assert most_in(traffic.all, 1.0) <= 20
        assert await asyncio.wait_for(traffic.one(), 2) < 1, "and those who come later get through"
        assert not traffic.pacer._next_in_line

    run(main())


def test_a_pause_holds_back_everybody_who_waits() -> None:
    async def main() -> list[float]:
        traffic = Traffic()
        waiting = asyncio.create_task(traffic.many(30))
        await asyncio.sleep(1)
        traffic.pacer.pause(60)
        await waiting
        return traffic.all

    left = run(main())
    gaps = [after - before for before, after in pairwise(left)]
    assert 60 <= max(gaps) < 66


def test_a_larger_plan_is_used_as_soon_as_it_is_learned() -> None:
    async def main() -> float:
        pacer = LoopPacer(RateLimit(), LoopClock())

        async def one() -> None:
            await pacer.acquire(Lane.USER, FOR_EVER)
            pacer.observe(RateHeaders(quota=10_000, window_s=HOUR))

        came = now()
        await asyncio.gather(*(one() for _ in range(500)))
        return now() - came

    assert run(main()) == pytest.approx(500 / 48.75, rel=0.03)


def test_a_free_pacer_does_not_even_yield() -> None:
    async def main() -> None:
        pacer = LoopPacer(RateLimit.pro(), LoopClock())
        with pytest.raises(StopIteration):
            pacer.acquire(Lane.USER, 1.0).send(None)

    run(main())


def test_loops_in_several_threads_share_one_rate() -> None:
    pacer = LoopPacer(RateLimit(per_hour=10**6, per_second=60), AsyncSystemClock())
    left: list[float] = []
    failures: list[BaseException] = []

    async def work() -> None:
        async def one() -> None:
            await pacer.acquire(Lane.USER, 30)
            left.append(time.monotonic())

        await asyncio.gather(*(one() for _ in range(16)))

    def thread() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=thread) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert not failures
    assert len(left) == 64
    assert most_in(left, 0.99) <= 60


def test_a_loop_after_another_is_no_trouble_and_leaves_nothing_behind() -> None:
    pacer = LoopPacer(RateLimit(per_hour=10**6, per_second=10_000), AsyncSystemClock())

    async def work() -> None:
        await asyncio.gather(*(pacer.acquire(Lane.USER, 10) for _ in range(20)))

    for _ in range(3):
        asyncio.run(work())
    assert len(pacer._loops) == 1, "the last one, until there is another"


async def test_a_turn_is_handed_on_past_a_waiter_that_was_just_cancelled() -> None:
    turn = _Turn()
    await turn.acquire(Lane.USER)
    waiting = asyncio.create_task(turn.acquire(Lane.BACKGROUND))
    await asyncio.sleep(0)
    waiting.cancel()
    turn.release()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(5):
        await turn.acquire(Lane.USER)


async def test_the_next_head_of_a_lane_keeps_its_place_when_the_one_before_is_cancelled() -> None:
    turn = _Turn()
    await turn.acquire(Lane.USER)
    first = asyncio.create_task(turn.acquire(Lane.BACKGROUND))
    await asyncio.sleep(0)
    first.cancel()
    second = asyncio.create_task(turn.acquire(Lane.BACKGROUND))
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.sleep(0)
    turn.release()
    async with asyncio.timeout(5):
        await second


async def test_any_storm_of_cancellations_leaves_the_turn_free() -> None:
    dice = random.Random(7)
    turn = _Turn()

    async def take(lane: Lane) -> None:
        await turn.acquire(lane)
        try:
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
        finally:
            turn.release()

    for _ in range(300):
        tasks = [asyncio.create_task(take(lane)) for lane in Lane]
        for task in tasks:
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
            if dice.random() < 0.6:
                task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
    async with asyncio.timeout(5):
        await turn.acquire(Lane.USER)
