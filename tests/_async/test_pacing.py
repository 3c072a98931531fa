"""Pacing as the client does it: ahead of the limit, learning from answers, shared between clients of one token."""

from __future__ import annotations

import httpx
import pytest

from railway_saas import RateLimit, RetryPolicy, Timeouts
from railway_saas.errors import RailwayRateLimitError
from railway_saas.railway import Lane
from railway_saas.railway._pacers import LoopPacer
from tests.support.clocks import AsyncFakeClock
from tests.support.hunting import refusal
from tests.support.railway import client_async, ok, script, status
from tests.support.together import all_async

ME = "query Me { me { id } }"
FAST = 100_000
ONCE = RetryPolicy(max_attempts=1)


def answer(**headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, json={"data": {"me": None}}, headers=named)


async def test_a_request_over_the_quota_is_not_sent() -> None:
    railway = script(answer())
    async with client_async(railway, rate_limit=RateLimit(per_hour=3, per_second=FAST)) as client:
        for _ in range(3):
            await client.execute(ME)
        with refusal(RailwayRateLimitError, "rate budget of the user lane is used up") as caught:
            await client.execute(ME)
    assert len(railway.requests) == 3
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 3000
    assert client.stats.rate_limited == 0, "Railway did not say so"


async def test_without_a_rate_limit_everything_is_sent_at_once() -> None:
    railway = script(answer(ratelimit_policy='"default";q=1;w=3600'))
    async with client_async(railway, rate_limit=None) as client:
        await all_async([lambda: client.execute(ME) for _ in range(30)])
    assert len(railway.requests) == 30


async def test_the_plans_quota_is_learned_from_the_first_answer() -> None:
    railway = script(answer(ratelimit_policy='"default";q=2;w=3600'))
    async with client_async(railway, rate_limit=RateLimit(per_second=FAST)) as client:
        await client.execute(ME)
        await client.execute(ME)
        with refusal(RailwayRateLimitError):
            await client.execute(ME)


async def test_what_others_used_with_the_same_token_is_learned() -> None:
    railway = script(answer(x_ratelimit_limit="1000", x_ratelimit_remaining="0"))
    async with client_async(railway, rate_limit=RateLimit(per_second=FAST)) as client:
        await client.execute(ME)
        with refusal(RailwayRateLimitError):
            await client.execute(ME)


async def test_a_sweep_leaves_the_rest_of_the_quota_to_clicks() -> None:
    railway = script(answer())
    async with client_async(railway, rate_limit=RateLimit(per_hour=100, per_second=FAST)) as client:
        sweep = client.with_options(lane=Lane.BACKGROUND)
        for _ in range(97):
            await sweep.execute(ME)
        with refusal(RailwayRateLimitError, "background lane"):
            await sweep.execute(ME)
        await client.execute(ME)
    assert len(railway.requests) == 98


async def test_two_clients_can_share_one_budget() -> None:
    pacer = LoopPacer(RateLimit(per_hour=2, per_second=FAST), AsyncFakeClock())
    railway = script(answer())
    async with (
        client_async(railway, rate_limit=pacer) as first,
        client_async(railway, rate_limit=pacer) as second,
    ):
        await first.execute(ME)
        await second.execute(ME)
        with refusal(RailwayRateLimitError):
            await second.execute(ME)


@pytest.mark.parametrize("lane", Lane)
async def test_a_429_stops_every_lane_until_it_is_over(lane: Lane) -> None:
    clock = AsyncFakeClock()
    railway = script(status(429, retry_after="300"), answer())
    patient = Timeouts(total_s=1000)
    limit = RateLimit(per_hour=1000, per_second=FAST)
    async with client_async(railway, rate_limit=limit, clock=clock, retry=ONCE, timeouts=patient) as client:
        with refusal(RailwayRateLimitError):
            await client.execute(ME)
        await client.execute(ME, lane=lane)
    assert sum(clock.slept) == pytest.approx(300, abs=1)


async def test_a_429_without_retry_after_stops_for_a_moment_only() -> None:
    clock = AsyncFakeClock()
    railway = script(status(429, "error code: 1015"), answer())
    async with client_async(
        railway, rate_limit=RateLimit(per_second=FAST), clock=clock, retry=ONCE
    ) as client:
        with refusal(RailwayRateLimitError):
            await client.execute(ME)
        await client.execute(ME)
    assert 0 < sum(clock.slept) <= 1


async def test_a_retry_waits_for_its_turn_like_any_other_request() -> None:
    railway = script(status(503), ok(me=None))
    clock = AsyncFakeClock()
    async with client_async(
        railway, rate_limit=RateLimit(per_hour=1, per_second=FAST), clock=clock
    ) as client:
        with refusal(RailwayRateLimitError, "nothing was sent") as caught:
            await client.execute(ME)
    assert len(railway.requests) == caught.value.attempts == 1


async def test_a_write_that_may_have_landed_is_remembered_when_the_budget_ends_the_call() -> None:
    railway = script(status(503))
    clock = AsyncFakeClock()
    async with client_async(
        railway, rate_limit=RateLimit(per_hour=1, per_second=FAST), clock=clock
    ) as client:
        with refusal(RailwayRateLimitError) as caught:
            await client.execute("mutation M { m }", safe_to_repeat=True)
    assert caught.value.maybe_applied
