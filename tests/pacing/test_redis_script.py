"""The script in Redis: the same arithmetic as in one process, for processes that come and go."""

from __future__ import annotations

import asyncio
import heapq
import random
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railway_saas import RateLimit
from railway_saas._core.pacing import RateHeaders
from railway_saas.errors import ConfigurationError
from railway_saas.railway import Lane
from railway_saas.railway._pacers import ThreadPacer
from railway_saas.railway._redis_line import Outage
from railway_saas.railway.redis_pacing import AsyncRedisPacer, RedisPacer
from tests.support.clocks import AsyncFakeClock, FakeClock
from tests.support.pacing import most_in
from tests.support.redis_server import redis_async, redis_sync

if TYPE_CHECKING:
    from collections.abc import Generator

    import redis

    from tests.support.redis_server import Cable, RedisServer

HOUR = 3600.0


@pytest.fixture
def client(redis_server: RedisServer) -> Generator[redis.Redis]:
    with redis_sync(redis_server.url, decode_responses=True) as client:
        yield client


def pacer_at(clock: FakeClock, client: redis.Redis, limit: RateLimit, key: str | None = None) -> RedisPacer:
    key = key or uuid.uuid4().hex
    return RedisPacer(client, key=key, rate_limit=limit, clock=clock, server_time=clock.monotonic)


# The same arithmetic


Step = tuple[str, object]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(Lane)),
    st.tuples(st.just("ask"), st.sampled_from(Lane)),
    st.tuples(st.just("pass"), st.integers(0, 40).map(lambda eighths: eighths / 8)),
    st.tuples(st.just("pass"), st.integers(0, 900).map(lambda eighths: eighths * 4.0)),
    st.tuples(st.just("pause"), st.integers(0, 60).map(float) | st.just(1e12)),
    st.tuples(
        st.just("observe"),
        st.builds(
            RateHeaders,
            quota=st.none() | st.sampled_from([3, 10, 20_000]),
            window_s=st.none() | st.sampled_from([60.0, HOUR]),
            remaining=st.none() | st.integers(0, 20),
        ),
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(STEPS, max_size=40),
    limit=st.builds(
        RateLimit,
        per_hour=st.none() | st.integers(1, 12),
        per_second=st.none() | st.sampled_from([0.5, 1, 10, 1e6]),
    ),
)
def test_one_process_gets_the_same_answers_as_without_redis(
    client: redis.Redis, steps: list[Step], limit: RateLimit
) -> None:
    clock = FakeClock(7.0)
    alone, shared = ThreadPacer(limit, clock), pacer_at(clock, client, limit)
    for what, value in steps:
        if what == "pass":
            assert isinstance(value, float)
            clock.now += value
        elif what == "ask":
            assert isinstance(value, Lane)
            waits = [pacer._reserve(value) for pacer in (alone, shared)]
            assert waits[0] == pytest.approx(waits[1], rel=1e-9, abs=1e-9)
            for pacer in (alone, shared):
                pacer._leave_line(value)
        else:
            for pacer in (alone, shared):
                getattr(pacer, what)(value)
            shared._ask(Lane.USER, "nothing")


# Many processes that never run out of work


@dataclass
class Crowd:
    """Processes that ask, sleep as long as they are told or a little longer, and ask again; by events."""

    pacers: list[tuple[RedisPacer, Lane, float]]
    """Each with its lane, and how long it rests after a request."""
    clock: FakeClock
    left: dict[Lane, list[float]] = field(default_factory=lambda: {lane: [] for lane in Lane})
    waited: dict[Lane, list[float]] = field(default_factory=lambda: {lane: [] for lane in Lane})
    asked: int = 0

    def run(self, seconds: float) -> None:
        late = random.Random(7)
        start = self.clock.now
        line = [(start + late.random() / 100, number, start) for number in range(len(self.pacers))]
        heapq.heapify(line)
        while line[0][0] < start + seconds:
            now, number, since = heapq.heappop(line)
            self.clock.now = now
            wait_s = self._ask(number, since)
            since = since if wait_s > 0 else now + self.pacers[number][2]
            heapq.heappush(line, (max(since, now + wait_s) + late.random() * 0.004, number, since))

    def _ask(self, number: int, since: float) -> float:
        pacer, lane, _ = self.pacers[number]
        self.asked += 1
        wait_s = pacer._reserve(lane)
        if wait_s == 0:
            self.left[lane].append(self.clock.now)
            self.waited[lane].append(self.clock.now - since)
        return wait_s


@pytest.mark.parametrize("processes", [1, 2, 7])
def test_processes_together_keep_and_use_the_rate_per_second(client: redis.Redis, processes: int) -> None:
    clock, key, limit = FakeClock(1_700_000_000.0), uuid.uuid4().hex, RateLimit.pro()
    crowd = Crowd(
        [(pacer_at(clock, client, limit, key), Lane.BACKGROUND, 0.0) for _ in range(processes)], clock
    )
    crowd.run(20.0)
    left = crowd.left[Lane.BACKGROUND]
    assert most_in(left, 1.005) <= 50
    assert len(left) >= 0.97 * 20 * 50
    assert crowd.asked <= 2.5 * len(left), "who waits knows for how long"


def test_clicks_of_one_process_hardly_wait_for_the_sweeps_of_others(client: redis.Redis) -> None:
    clock, key, limit = FakeClock(1_700_000_000.0), uuid.uuid4().hex, RateLimit.pro()
    sweeps = [(pacer_at(clock, client, limit, key), Lane.BACKGROUND, 0.0) for _ in range(5)]
    crowd = Crowd([*sweeps, (pacer_at(clock, client, limit, key), Lane.USER, 0.31)], clock)
    crowd.run(20.0)
    clicks = crowd.waited[Lane.USER]
    assert len(clicks) > 55
    assert max(clicks) <= 2 / 49 + 0.01
    assert most_in(sorted(chain.from_iterable(crowd.left.values())), 1.005) <= 50


# Redis itself


def test_a_clock_that_is_set_back_does_not_stop_anything(client: redis.Redis) -> None:
    clock = FakeClock(10_000.0)
    pacer = pacer_at(clock, client, RateLimit(per_hour=2, per_second=1))
    assert pacer._reserve(Lane.USER) == 0
    clock.now -= 5_000
    assert pacer._reserve(Lane.USER) == pytest.approx(1 / 0.98 - 0.01 / 0.98, abs=0.01)
    clock.now += 1.1
    assert pacer._reserve(Lane.USER) == 0
    clock.now += 1.1
    assert HOUR - 10 < pacer._reserve(Lane.USER) < HOUR + 40
    clock.now += HOUR + 40
    assert pacer._reserve(Lane.USER) == 0


def test_a_count_that_was_evicted_alone_does_not_stop_anything(client: redis.Redis) -> None:
    clock, key = FakeClock(), uuid.uuid4().hex
    pacer = pacer_at(clock, client, RateLimit(per_hour=1), key)
    assert pacer._reserve(Lane.USER) == 0
    client.delete(f"railway-saas:pacer:{{{key}}}:used")
    clock.now += 1
    assert pacer._reserve(Lane.USER) == 0


def test_only_one_caller_tries_whether_redis_is_back() -> None:
    outage = Outage()
    assert outage.failed(0.0)
    assert not outage.failed(0.0), "an outage is news once"
    assert [outage.may_ask(now) for now in (0.4, 1.0, 1.0, 1.5, 2.0)] == [False, True, False, False, True]
    assert outage.ended()
    assert not outage.ended()
    assert [outage.may_ask(2.0), outage.may_ask(2.0)] == [True, True]


def test_another_key_is_another_budget(client: redis.Redis) -> None:
    clock = FakeClock()
    one, other = (pacer_at(clock, client, RateLimit(per_hour=1)) for _ in range(2))
    assert (one._reserve(Lane.USER), other._reserve(Lane.USER)) == (0, 0)


# The asyncio side


async def test_a_cancelled_question_loses_nothing_that_was_to_be_told(cable: Cable) -> None:
    clock, key, limit = AsyncFakeClock(), uuid.uuid4().hex, RateLimit(per_hour=100, per_second=1e6)
    async with redis_async(cable.url) as client:
        one, other = (
            AsyncRedisPacer(client, key=key, rate_limit=limit, clock=clock, server_time=clock.monotonic)
            for _ in range(2)
        )
        cable.cut()
        for _ in range(10):
            await one.acquire(Lane.USER, 0.0)
        cable.mend()
        clock.now += 1
        asking = asyncio.create_task(one.acquire(Lane.USER, 0.0))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        clock.now += 60
        await one.acquire(Lane.USER, 0.0)
        answer = await other._ask(Lane.USER, "nothing")
    assert answer is not None
    assert answer.total in {11, 12, 21, 22}, (
        "told at least once: Redis may have heard the cancelled question too"
    )


async def test_a_head_that_waits_too_long_is_told_so(redis_server: RedisServer) -> None:
    clock = AsyncFakeClock()
    async with redis_async(redis_server.url) as client:
        pacer = AsyncRedisPacer(client, key=uuid.uuid4().hex, clock=clock, server_time=clock.monotonic)
        async with pacer._state().heads[Lane.USER]:
            with pytest.raises(Exception, match="rate budget of the user lane") as caught:
                await pacer.acquire(Lane.USER, 0.001)
    assert caught.value.__context__ is None


def test_a_pause_outside_of_the_loop_is_told_with_the_next_question(redis_server: RedisServer) -> None:
    async def ask(pacer: AsyncRedisPacer) -> float:
        async with pacer._redis:  # type: ignore[attr-defined]
            return await pacer._take(Lane.USER)

    clock = AsyncFakeClock()
    client = redis_async(redis_server.url)
    pacer = AsyncRedisPacer(client, key=uuid.uuid4().hex, clock=clock, server_time=clock.monotonic)
    pacer.pause(30.0)
    assert asyncio.run(ask(pacer)) == pytest.approx(30.0)


@pytest.mark.parametrize("kind", [RedisPacer, AsyncRedisPacer])
async def test_the_other_kind_of_redis_client_is_refused(
    redis_server: RedisServer, kind: type[RedisPacer | AsyncRedisPacer]
) -> None:
    wrong = redis_async(redis_server.url) if kind is RedisPacer else redis_sync(redis_server.url)
    with pytest.raises(ConfigurationError, match=r"^redis_client: must be a redis\."):
        kind(wrong, key="acme")


def test_importing_the_package_does_not_load_redis() -> None:
    code = "import railway_saas, sys; print(sorted(name for name in sys.modules if name.startswith('redis')))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
