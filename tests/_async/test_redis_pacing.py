"""Several processes share one rate budget in Redis; without Redis each goes on with its part."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas import RateLimit
from railway_saas._core.pacing import RateHeaders
from railway_saas.errors import ConfigurationError, RailwayRateLimitError
from railway_saas.railway import Lane
from railway_saas.railway.redis_pacing import AsyncRedisPacer
from tests.support.clocks import AsyncFakeClock
from tests.support.hunting import refusal
from tests.support.pacing import most_in
from tests.support.railway import client_async, ok, script, status
from tests.support.redis_processes import Processes, Turn, greedy_async
from tests.support.redis_server import Cable, RedisServer, redis_async, told_async
from tests.support.sockets import TinyServer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

HOUR = 3600.0
ME = "query Me { me { id } }"


class AsyncOffice:
    """Pacers that know of each other through Redis only, as if each were in a process of its own.

    They live on one clock; sleeping on it takes no time.
    """

    def __init__(self, server: RedisServer) -> None:
        self.clock = AsyncFakeClock(1_700_000_000.0)
        self.key = uuid.uuid4().hex
        self.url = server.url
        self.redis = redis_async(server.url, decode_responses=True)
        self._clients = [self.redis]

    def process(
        self, per_hour: int | None = 1_000, per_second: float = 1e6, **options: Any
    ) -> AsyncRedisPacer:
        """A pacer of one process; `url` is that of its Redis."""
        client = redis_async(options.pop("url", self.url), **options.pop("redis", {}))
        self._clients.append(client)
        limit = RateLimit(per_hour=per_hour, per_second=per_second)
        options = {"clock": self.clock, "server_time": self.clock.monotonic, **options}
        return AsyncRedisPacer(client, key=self.key, rate_limit=limit, **options)

    async def keys(self) -> list[str]:
        return sorted(await self.redis.keys(f"*{self.key}*"))

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()


@pytest.fixture
async def office(redis_server: RedisServer) -> AsyncGenerator[AsyncOffice]:
    office = AsyncOffice(redis_server)
    yield office
    await office.aclose()


async def taken(pacer: AsyncRedisPacer, lane: Lane = Lane.USER, most: int = 2_000) -> int:
    """How many requests leave at once."""
    for number in range(most):
        try:
            await pacer.acquire(lane, 0.0)
        except RailwayRateLimitError:
            return number
    return most


# The quota


def test_processes_together_never_exceed_the_quota_and_use_it(redis_server: RedisServer) -> None:
    quota, windows, step_s = 300, 4, 60.0
    left: list[float] = []
    limit = RateLimit(per_hour=quota, per_second=1e6)
    with Processes(3, greedy_async, redis_server.url, uuid.uuid4().hex, limit) as processes:
        for step in range(int(windows * HOUR / step_s)):
            now = 1_700_000_000.0 + step * step_s
            turns = [Turn(now, Lane.USER, (step + 3 * process) % 8) for process in range(3)]
            left += [now] * processes.take(*turns)
    assert most_in(left, HOUR) <= quota
    assert len(left) >= 0.97 * windows * quota


async def test_each_lane_leaves_room_for_those_before_it_in_any_process(office: AsyncOffice) -> None:
    sweep, cleaner, site = (office.process(per_hour=100) for _ in range(3))
    assert await taken(sweep, Lane.BACKGROUND) == 97
    assert await taken(site, Lane.BACKGROUND) == 0
    assert await taken(cleaner, Lane.DELETION) == 2
    assert await taken(site, Lane.USER) == 1


async def test_clients_share_the_budget_and_a_call_without_room_is_not_sent(office: AsyncOffice) -> None:
    railway = script(ok(me=None))
    for number in range(3):
        async with client_async(railway, rate_limit=office.process(per_hour=3)) as client:
            await client.execute(ME)
        assert len(railway.requests) == number + 1
    async with client_async(railway, rate_limit=office.process(per_hour=3), clock=office.clock) as client:
        with refusal(RailwayRateLimitError, "rate budget of the user lane is used up") as caught:
            await client.execute(ME)
    assert caught.value.attempts == 0
    assert len(railway.requests) == 3


async def test_a_caller_with_time_waits_until_the_oldest_request_leaves_the_window(
    office: AsyncOffice,
) -> None:
    first, second = office.process(per_hour=1), office.process(per_hour=1)
    await first.acquire(Lane.USER, 0.0)
    start = office.clock.now
    await second.acquire(Lane.USER, 2 * HOUR)
    assert HOUR <= office.clock.now - start <= HOUR + 40
    assert max(office.clock.slept) <= 5, "it looks again: a larger quota may be learned meanwhile"


# The rate per second, and who goes first


class AsyncMeanwhile(AsyncFakeClock):
    """While one process sleeps on it, another does something."""

    do: Any = None

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.do is not None:
            await self.do()


async def test_the_rate_holds_for_all_processes_together(office: AsyncOffice) -> None:
    one, other = office.process(per_second=1), office.process(per_second=1)
    left = []
    for pacer in [one, other] * 10:
        await pacer.acquire(Lane.USER, 60.0)
        left.append(office.clock.now)
    assert most_in(left, 1.005) == 1
    assert left[-1] - left[0] <= 19 / 0.975


async def test_a_waiting_click_goes_before_the_sweep_of_another_process(office: AsyncOffice) -> None:
    clock = AsyncMeanwhile(office.clock.now)
    site = office.process(per_second=1, clock=clock, server_time=clock.monotonic)
    sweep = office.process(per_second=1, clock=clock, server_time=clock.monotonic)
    swept: list[int] = []

    async def sweep_on() -> None:
        swept.append(await taken(sweep, Lane.BACKGROUND))

    clock.do = sweep_on
    await site.acquire(Lane.USER, 60.0)
    await site.acquire(Lane.USER, 60.0)
    assert swept == [0], "there was room for one request, and it was the click's"
    clock.now += 2
    assert await taken(sweep, Lane.BACKGROUND) == 1


async def test_a_click_that_gave_up_holds_up_nobody(office: AsyncOffice) -> None:
    site, sweep = office.process(per_second=1), office.process(per_second=1)
    assert await taken(site) == 1
    assert await taken(site) == 0
    await told_async(site)
    office.clock.now += 1.05
    assert await taken(sweep, Lane.BACKGROUND) == 1


async def test_a_process_that_died_waiting_holds_up_the_others_for_a_moment_only(office: AsyncOffice) -> None:
    site, sweep = office.process(per_second=1), office.process(per_second=1)
    assert await taken(site, most=1) == 1
    await site._ask(Lane.USER, "request")
    office.clock.now += 1.1
    assert await taken(sweep, Lane.BACKGROUND) == 0
    office.clock.now += 0.25
    assert await taken(sweep, Lane.BACKGROUND) == 1


# What the server says


async def test_a_pause_for_one_process_holds_all_and_ends_by_itself(office: AsyncOffice) -> None:
    one, other = office.process(), office.process()
    one.pause(30.0)
    await told_async(one)
    one.pause(5.0)
    await told_async(one)
    office.clock.now += 29
    with refusal(RailwayRateLimitError) as caught:
        await other.acquire(Lane.USER, 0.5)
    assert caught.value.retry_after_s == pytest.approx(1.0, abs=0.01)
    office.clock.now += 1.01
    assert await taken(other, most=1) == 1


async def test_a_429_for_one_client_pauses_the_next(office: AsyncOffice) -> None:
    pacer = office.process()
    async with client_async(
        script(status(429, retry_after="20"), ok(me=None)), rate_limit=pacer, clock=office.clock
    ) as client:
        start = office.clock.now
        await client.execute(ME)
        assert office.clock.now - start >= 20
    await told_async(pacer)


async def test_what_one_process_learned_holds_for_all(office: AsyncOffice) -> None:
    one, other = office.process(per_hour=None), office.process(per_hour=None)
    one.observe(RateHeaders(quota=10, window_s=60.0))
    assert await taken(one, most=4) == 4
    assert await taken(other) == 6
    office.clock.now += 62
    assert await taken(other) == 10


async def test_the_rate_is_learned_with_the_quota(office: AsyncOffice) -> None:
    one, other = (
        AsyncRedisPacer(office.redis, key=office.key, clock=office.clock, server_time=office.clock.monotonic)
        for _ in range(2)
    )
    one.observe(RateHeaders(quota=10_000, window_s=HOUR))
    await one.acquire(Lane.USER, 0.0)
    await other.acquire(Lane.USER, 1.0)
    assert office.clock.slept == [pytest.approx(0.5 / 49, rel=0.02)], "of the 50 per second of a Pro plan"


async def test_what_was_told_once_does_not_undo_what_others_learned_since(office: AsyncOffice) -> None:
    one, other = office.process(per_hour=None), office.process(per_hour=None)
    one.observe(RateHeaders(quota=10, window_s=HOUR))
    assert await taken(one, most=1) == 1
    other.observe(RateHeaders(quota=20, window_s=HOUR))
    assert await taken(other, most=1) == 1
    assert await taken(one) == 18


async def test_what_the_user_set_is_not_unlearned(office: AsyncOffice) -> None:
    one, other = office.process(per_hour=5), office.process(per_hour=5)
    one.observe(RateHeaders(quota=10_000, window_s=HOUR))
    assert await taken(one, most=2) == 2
    assert await taken(other) == 3


async def test_requests_of_strangers_with_the_same_token_count(office: AsyncOffice) -> None:
    one, other = office.process(per_hour=100), office.process(per_hour=100)
    one.observe(RateHeaders(quota=100, remaining=10))
    assert await taken(one, most=1) == 1
    assert await taken(other) == 9


async def test_a_count_that_is_old_is_not_told(office: AsyncOffice) -> None:
    one = office.process(per_hour=100)
    one.observe(RateHeaders(quota=100, remaining=10))
    office.clock.now += 60
    assert await taken(one) == 100


# When Redis is away


async def test_without_redis_each_process_keeps_to_its_part(
    office: AsyncOffice, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    pacers = [office.process(per_hour=100, expected_processes=4, url=cable.url) for _ in range(4)]
    for pacer in pacers:
        await pacer.acquire(Lane.USER, 0.0)
    cable.cut()
    with caplog.at_level(logging.INFO, "railway_saas.railway"):
        assert [await taken(pacer) for pacer in pacers] == [24, 24, 24, 24]
        office.clock.now += 45
        assert await taken(pacers[0]) == 0
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 4, "once for each process, however often it tries"
    assert all("keeps to 1/4 of the rate limit" in warning for warning in warnings)


async def test_without_redis_nobody_uses_what_others_had_used_before(
    office: AsyncOffice, cable: Cable
) -> None:
    busy, idle = (office.process(per_hour=100, expected_processes=2, url=cable.url) for _ in range(2))
    assert await taken(busy, most=80) == 80
    assert await taken(idle, most=1) == 1
    cable.cut()
    assert await taken(busy) + await taken(idle) <= 19
    office.clock.now += HOUR + 40
    assert [await taken(busy), await taken(idle)] == [50, 50]


async def test_without_redis_the_rate_per_second_is_divided_too(office: AsyncOffice) -> None:
    with TinyServer(lambda connection: connection.reset()) as nowhere:
        url = f"redis://127.0.0.1:{nowhere.port}/0"
        pacer = office.process(per_second=10, expected_processes=5, url=url)
        left = []
        for _ in range(10):
            await pacer.acquire(Lane.USER, 60.0)
            left.append(office.clock.now)
    assert most_in(left, 1.005) <= 2
    assert left[-1] - left[0] <= 9 / (2 * 0.97)


async def test_redis_is_asked_again_and_told_what_left_meanwhile(
    office: AsyncOffice, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    cut_off = office.process(per_hour=100, url=cable.url)
    near = office.process(per_hour=100)
    cable.cut()
    assert await taken(cut_off, most=10) == 10
    cable.mend()
    assert await taken(cut_off, most=2) == 2, "not yet asked: the next try is a little later"
    office.clock.now += 1
    with caplog.at_level(logging.INFO, "railway_saas.railway"):
        assert await taken(cut_off, most=1) == 1
    assert "Redis answers again" in caplog.text
    assert await taken(near) == 100 - 13


async def test_tries_grow_rarer_while_redis_is_away(office: AsyncOffice) -> None:
    with TinyServer(lambda connection: connection.reset()) as nowhere:
        pacer = office.process(per_hour=10_000, url=f"redis://127.0.0.1:{nowhere.port}/0")
        tries = []
        for _ in range(240):
            await pacer.acquire(Lane.USER, 60.0)
            tries.append(nowhere.connections)
            office.clock.now += 0.5
    assert tries[0] == 1
    assert tries[-1] <= 11, "0.5, 1, 2, 4, 8, 16 and then 30 seconds apart"


async def test_a_redis_that_hangs_costs_one_time_out(office: AsyncOffice) -> None:
    with TinyServer(lambda connection: connection.hold()) as hanging:
        pacer = office.process(url=f"redis://127.0.0.1:{hanging.port}/0", redis={"socket_timeout": 0.05})
        assert await taken(pacer, most=20) == 20
        assert hanging.connections == 1


async def test_a_pause_told_to_nobody_is_told_when_redis_is_back(office: AsyncOffice, cable: Cable) -> None:
    cut_off, near = office.process(url=cable.url), office.process()
    cable.cut()
    cut_off.pause(30.0)
    await told_async(cut_off)
    assert await taken(cut_off) == 0
    assert await taken(near, most=1) == 1, "it cannot know"
    cable.mend()
    office.clock.now += 5
    assert await taken(cut_off) == 0
    with refusal(RailwayRateLimitError) as caught:
        await near.acquire(Lane.USER, 1.0)
    assert caught.value.retry_after_s == pytest.approx(25.0, abs=0.01)


async def test_a_redis_that_lost_its_data_hears_again_what_was_used(office: AsyncOffice) -> None:
    one, other = office.process(per_hour=100), office.process(per_hour=100)
    assert await taken(one, most=40) == 40
    assert await taken(other, most=50) == 50
    office.clock.now += 1
    await office.redis.delete(*await office.keys())
    assert await taken(one, most=2) == 2
    assert await taken(other, most=2) == 2
    assert await taken(one) + await taken(other) <= 100 - 40 - 50 - 4


async def test_a_redis_that_forgot_the_script_learns_it_again(office: AsyncOffice) -> None:
    pacer = office.process()
    assert await taken(pacer, most=1) == 1
    await office.redis.script_flush()
    assert await taken(pacer, most=2) == 2


async def test_an_answer_that_is_an_error_of_redis_breaks_nothing(
    office: AsyncOffice, caplog: pytest.LogCaptureFixture
) -> None:
    pacer = office.process()
    await office.redis.set(f"railway-saas:pacer:{{{office.key}}}:state", "not a hash")
    assert await taken(pacer, most=3) == 3
    assert "Redis cannot pace requests (ResponseError" in caplog.text


# What is kept in Redis, and what is refused


async def test_everything_kept_expires_and_shares_a_hash_tag(office: AsyncOffice) -> None:
    pacer = office.process(per_second=1)
    assert await taken(pacer, most=1) == 1
    await pacer._ask(Lane.USER, "request")
    keys = await office.keys()
    assert keys == [f"railway-saas:pacer:{{{office.key}}}:{part}" for part in ("state", "used", "waiting")]
    for key in keys:
        assert 0 < await office.redis.ttl(key) <= 2 * HOUR


async def test_time_is_that_of_redis(office: AsyncOffice) -> None:
    pacer = office.process(server_time=None)
    before = (await office.redis.time())[0]
    assert await taken(pacer, most=1) == 1
    seen = float(await office.redis.hget(f"railway-saas:pacer:{{{office.key}}}:state", "seen"))
    assert before <= seen <= (await office.redis.time())[0] + 1


async def test_answers_are_read_whether_redis_decodes_them_or_not(office: AsyncOffice) -> None:
    for decode in (True, False):
        assert await taken(office.process(redis={"decode_responses": decode}), most=1) == 1


@pytest.mark.parametrize("key", ["", "  ", "a{b", "a}b", None, 7, "{token}"])
async def test_a_key_that_cannot_be_used_is_refused(office: AsyncOffice, key: Any) -> None:
    with refusal(ConfigurationError, "^key: must be a text without braces that names the token"):
        AsyncRedisPacer(office.redis, key=key)


@pytest.mark.parametrize("number", [0, -1, 1.5, True, None])
async def test_a_number_of_processes_that_is_none_is_refused(office: AsyncOffice, number: Any) -> None:
    with refusal(ConfigurationError, "^expected_processes="):
        office.process(expected_processes=number)
