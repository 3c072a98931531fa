"""However requests come, no window sees more than the quota and no second more than the rate; and both are used."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas._core.operation import Lane
from railway_saas._core.pacing import (
    LANE_SHARES,
    RateBudget,
    RateHeaders,
    Spacing,
    depth_and_rate,
    read_rate_headers,
)
from railway_saas.config import RateLimit

HOUR = 3600.0


def most_in(times: list[float], length_s: float) -> int:
    """The most that fell into any stretch of this length, both ends included."""
    return max(
        (bisect_right(times, start + length_s) - bisect_left(times, start) for start in times), default=0
    )


# The rate per second


@dataclass
class Arrivals:
    """Callers that come at their own times and sleep as long as they are told, or a little longer."""

    per_second: float
    gaps_s: list[float]
    oversleeps_s: list[float]

    def departures(self) -> list[float]:
        spacing, now, left = Spacing(self.per_second), 0.0, list[float]()
        for index, gap in enumerate(self.gaps_s):
            now += gap
            while (wait := spacing.wait_s(now)) > 0:
                now += wait + self.oversleeps_s[index % len(self.oversleeps_s)]
            spacing.take()
            left.append(now)
        return left


@settings(max_examples=200)
@given(
    arrivals=st.builds(
        Arrivals,
        per_second=st.integers(1, 200) | st.floats(1, 200),
        gaps_s=st.lists(st.just(0.0) | st.floats(0, 3), min_size=1, max_size=300),
        oversleeps_s=st.lists(st.just(0.0) | st.floats(0, 0.05), min_size=1, max_size=5),
    )
)
def test_no_second_ever_sees_more_than_the_rate(arrivals: Arrivals) -> None:
    left = arrivals.departures()
    # Somewhat longer than a second: requests are on their way for different times.
    assert most_in(left, 1.005) <= math.floor(arrivals.per_second)


@given(per_second=st.floats(0.01, 0.99))
def test_a_rate_below_one_a_second_is_kept_too(per_second: float) -> None:
    left = Arrivals(per_second, [0.0] * 50, [0.0]).departures()
    assert most_in(left, 1 / per_second) <= 1


@pytest.mark.parametrize("per_second", [0.5, 1, 10, 50, 200])
def test_with_more_to_do_than_allowed_the_rate_is_used(per_second: float) -> None:
    left = Arrivals(per_second, [0.0] * 2_000, [0.0]).departures()
    assert len(left) / (left[-1] * per_second) >= 0.975


@pytest.mark.parametrize("per_second", [10, 50])
def test_callers_that_wake_late_catch_up(per_second: int) -> None:
    left = Arrivals(per_second, [0.0] * 2_000, [0.0, 0.004, 0.001]).departures()
    assert len(left) / (left[-1] * per_second) >= 0.97


def test_a_first_request_never_waits() -> None:
    for per_second in (0.5, 1, 10, 50):
        assert Spacing(per_second).wait_s(1000.0) == 0


def test_a_new_rate_keeps_what_was_taken() -> None:
    spacing = Spacing(10)
    spacing.take()
    spacing.set_rate(50)
    assert spacing.wait_s(0.0) > 0
    assert spacing.interval_s == pytest.approx(1 / 49)


@given(per_second=st.floats(1, 10_000))
def test_one_event_loop_never_waits_for_the_shared_rate(per_second: float) -> None:
    of_loop, of_process = depth_and_rate(per_second), Spacing(per_second)
    assert of_loop[0] < of_process._depth
    assert of_loop[1] < of_process._rate


# The quota


@dataclass
class Sweep:
    """Callers of some lane that never run out of work."""

    limit: int
    lane: Lane
    step_s: float
    bursts: list[int]
    windows: float = 3.2

    def departures(self) -> list[float]:
        budget, now, left = RateBudget(RateLimit(per_hour=self.limit, per_second=1)), 0.0, list[float]()
        index = 0
        while now < self.windows * HOUR:
            for _ in range(self.bursts[index % len(self.bursts)]):
                wait = budget.reserve(now, self.lane)
                if wait > 0:
                    now += wait
                else:
                    left.append(now)
            index += 1
            now += self.step_s
        return left


@settings(max_examples=60, deadline=None)
@given(
    sweep=st.builds(
        Sweep,
        limit=st.integers(1, 300),
        lane=st.sampled_from(Lane),
        step_s=st.floats(0.5, 400),
        bursts=st.lists(st.integers(0, 60), min_size=1, max_size=6).filter(any),
    )
)
def test_no_stretch_of_an_hour_ever_sees_more_than_the_quota(sweep: Sweep) -> None:
    assert most_in(sweep.departures(), HOUR) <= max(1, int(sweep.limit * LANE_SHARES[sweep.lane]))


@pytest.mark.parametrize("limit", [100, 1_000, 10_000])
@pytest.mark.parametrize("step_s", [0.1, 3.0])
def test_with_more_to_do_than_allowed_the_quota_is_used(limit: int, step_s: float) -> None:
    sweep = Sweep(limit, Lane.USER, step_s, [max(1, int(limit * step_s / 300))], windows=10.5)
    left = [time for time in sweep.departures() if time < 10 * HOUR]
    assert len(left) >= 0.97 * 10 * limit


def test_the_background_lane_leaves_room_for_deletions_and_those_for_users() -> None:
    budget = RateBudget(RateLimit(per_hour=1_000))
    taken = {
        lane: sum(budget.reserve(0.0, lane) == 0 for _ in range(1_000))
        for lane in (Lane.BACKGROUND, Lane.DELETION, Lane.USER)
    }
    assert taken == {Lane.BACKGROUND: 970, Lane.DELETION: 20, Lane.USER: 10}


def test_a_caller_without_quota_is_told_when_the_oldest_request_leaves_the_window() -> None:
    budget = RateBudget(RateLimit(per_hour=1))
    assert budget.reserve(10.0, Lane.USER) == 0
    wait = budget.reserve(20.0, Lane.USER)
    assert HOUR - 10 <= wait <= HOUR + 30
    assert budget.remaining(20.0) == 0
    assert budget.reserve(20.0 + wait, Lane.USER) == 0


@given(start=st.floats(0, 1e7), quota=st.integers(1, 5))
def test_sleeping_as_long_as_told_is_always_enough_in_the_end(start: float, quota: int) -> None:
    budget = RateBudget(RateLimit(per_hour=quota))
    now = start
    for _ in range(3 * quota):
        asked = 0
        while (wait := budget.reserve(now, Lane.USER)) > 0:
            now, asked = now + wait, asked + 1
            assert asked < 5, "rounding must not make a caller ask for ever"


# What the server says


def test_a_pause_stops_every_lane_and_ends_by_itself() -> None:
    budget = RateBudget(RateLimit.pro())
    budget.pause(100.0, 30.0)
    assert [budget.reserve(110.0, lane) for lane in Lane] == [20.0, 20.0, 20.0]
    assert [budget.reserve(130.0, lane) for lane in Lane] == [0.0, 0.0, 0.0]


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    budget = RateBudget(RateLimit.pro())
    budget.pause(0.0, 30.0)
    budget.pause(1.0, 5.0)
    assert budget.reserve(10.0, Lane.USER) == 20.0


def test_no_server_can_stop_everything_for_longer_than_a_window() -> None:
    budget = RateBudget(RateLimit.pro())
    budget.pause(0.0, 1e12)
    assert budget.reserve(0.0, Lane.USER) == HOUR


def test_quota_and_rate_are_learned_from_the_policy_header() -> None:
    budget = RateBudget(RateLimit())
    assert (budget.quota, budget.per_second) == (1_000, 10)
    budget.observe(0.0, RateHeaders(quota=10_000, window_s=HOUR))
    assert (budget.quota, budget.per_second) == (10_000, 50)
    budget.observe(0.0, RateHeaders(quota=100, window_s=HOUR))
    assert (budget.quota, budget.per_second) == (100, 10)


def test_what_the_user_set_is_not_unlearned() -> None:
    budget = RateBudget(RateLimit(per_hour=500, per_second=3))
    budget.observe(0.0, RateHeaders(quota=10_000, window_s=HOUR))
    assert (budget.quota, budget.per_second) == (500, 3)
    half = RateBudget(RateLimit(per_second=3))
    half.observe(0.0, RateHeaders(quota=10_000, window_s=HOUR))
    assert (half.quota, half.per_second) == (10_000, 3)


def test_what_others_used_with_the_same_token_counts() -> None:
    budget = RateBudget(RateLimit(per_hour=1_000))
    for _ in range(10):
        budget.reserve(0.0, Lane.USER)
    budget.observe(0.0, RateHeaders(quota=1_000, remaining=400))
    assert budget.remaining(0.0) == 400


def test_a_larger_remainder_than_our_own_count_is_not_believed() -> None:
    budget = RateBudget(RateLimit(per_hour=1_000))
    for _ in range(10):
        budget.reserve(0.0, Lane.USER)
    budget.observe(0.0, RateHeaders(quota=1_000, remaining=999))
    assert budget.remaining(0.0) == 990


def test_requests_stay_counted_when_the_window_turns_out_to_be_another() -> None:
    budget = RateBudget(RateLimit())
    for _ in range(8):
        budget.reserve(5.0, Lane.USER)
    budget.observe(6.0, RateHeaders(quota=10, window_s=60.0))
    assert budget.remaining(6.0) == 2
    assert budget.remaining(6.0 + 62.0) == 10


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ({}, RateHeaders()),
        ({"ratelimit-policy": '"default";q=1000;w=3600'}, RateHeaders(1000, 3600.0)),
        ({"ratelimit-policy": '"default"; q=1000; w=3600'}, RateHeaders(1000, 3600.0)),
        ({"ratelimit-policy": '"burst";q=10;w=1, "default";q=1000;w=3600'}, RateHeaders(1000, 3600.0)),
        ({"ratelimit-policy": '"default";q=1000;w=3600, "burst";q=10;w=1'}, RateHeaders(1000, 3600.0)),
        ({"x-ratelimit-limit": "500", "x-ratelimit-remaining": "7"}, RateHeaders(500, None, 7)),
        ({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0"}, RateHeaders(None, None, 0)),
        ({"ratelimit-policy": '"default";q=0;w=3600'}, RateHeaders()),
        ({"ratelimit-policy": '"default";q=5;w=0'}, RateHeaders()),
        ({"ratelimit-policy": "nonsense", "x-ratelimit-limit": "²", "x-ratelimit-remaining": "-1"}, RateHeaders()),
        ({"x-ratelimit-limit": "9" * 5000}, RateHeaders()),
    ],
)  # fmt: skip
def test_both_header_families_are_read_and_neither_is_required(
    headers: dict[str, str], seen: RateHeaders
) -> None:
    assert read_rate_headers(headers) == seen


@given(policy=st.text(), limit=st.text(), remaining=st.text())
def test_no_header_whatsoever_is_an_error(policy: str, limit: str, remaining: str) -> None:
    read_rate_headers(
        {"ratelimit-policy": policy, "x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining}
    )
