"""The pacer of the blocking client: exact over many threads, and fair between lanes."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right

import pytest

from railway_saas import RateLimit
from railway_saas._core.pacing import RateHeaders
from railway_saas.errors import RailwayRateLimitError
from railway_saas.railway import Lane
from railway_saas.railway._clock import SystemClock
from railway_saas.railway._pacers import ThreadPacer
from tests.support.clocks import FakeClock
from tests.support.together import all_sync

HOUR = 3600.0


def most_in(times: list[float], length_s: float) -> int:
    times = sorted(times)
    return max(bisect_right(times, start + length_s) - bisect_left(times, start) for start in times)


def departures(pacer: ThreadPacer, clock: FakeClock, count: int, lane: Lane = Lane.USER) -> list[float]:
    left: list[float] = []
    for _ in range(count):
        pacer.acquire(lane, 1e6)
        left.append(clock.now)
    return left


@pytest.mark.parametrize("per_second", [1, 10, 50])
def test_the_rate_is_used_and_never_exceeded(per_second: int) -> None:
    clock = FakeClock()
    pacer = ThreadPacer(RateLimit(per_hour=10**6, per_second=per_second), clock)
    left = departures(pacer, clock, 20 * per_second)
    assert most_in(left, 1.0) <= per_second
    assert (len(left) - 1) / (left[-1] - left[0]) >= 0.97 * per_second


def test_the_quota_is_used_and_never_exceeded() -> None:
    clock = FakeClock()
    left = departures(ThreadPacer(RateLimit(per_hour=300, per_second=10), clock), clock, 1_200)
    assert most_in(left, HOUR) <= 300
    assert len([moment for moment in left if moment < left[0] + 3 * HOUR]) >= 0.97 * 900


def test_threads_together_keep_the_rate() -> None:
    pacer = ThreadPacer(RateLimit(per_hour=10**6, per_second=60), SystemClock())
    left: list[float] = []

    def one() -> None:
        for _ in range(4):
            pacer.acquire(Lane.USER, 30)
            left.append(time.monotonic())

    assert all_sync([one] * 16) == [None] * 16
    assert len(left) == 64
    assert most_in(left, 0.99) <= 60


def test_a_wait_longer_than_the_call_may_take_is_refused_at_once() -> None:
    clock = FakeClock()
    pacer = ThreadPacer(RateLimit(per_hour=1), clock)
    pacer.acquire(Lane.USER, 10)
    with pytest.raises(RailwayRateLimitError, match=r"user lane .* nothing was sent") as caught:
        pacer.acquire(Lane.USER, 60)
    assert sum(clock.slept) < 1
    assert caught.value.retry_after_s == pytest.approx(HOUR, rel=0.02)
    pacer.acquire(Lane.USER, 2 * HOUR)


def test_a_queue_longer_than_the_call_may_take_ends_in_time() -> None:
    pacer = ThreadPacer(RateLimit.pro(), SystemClock())
    with pacer._heads[Lane.USER], pytest.raises(RailwayRateLimitError, match="nothing was sent"):
        pacer.acquire(Lane.USER, 0.01)
    pacer.acquire(Lane.USER, 1)


def test_a_very_patient_call_is_no_overflow() -> None:
    ThreadPacer(RateLimit.pro(), SystemClock()).acquire(Lane.USER, 30 * 86_400)


def test_a_sweep_steps_back_while_a_click_waits_for_its_place() -> None:
    clock = FakeClock()
    pacer = ThreadPacer(RateLimit(per_second=10), clock)
    pacer.acquire(Lane.BACKGROUND, 10)
    assert pacer._reserve(Lane.USER) > 0, "the click is next in line"
    clock.now += 1
    assert pacer._reserve(Lane.BACKGROUND) > 0, "though there is room"
    assert pacer._reserve(Lane.USER) == 0
    clock.now += 1
    assert pacer._reserve(Lane.BACKGROUND) == 0


def test_a_click_that_gave_up_does_not_hold_back_the_sweep() -> None:
    clock = FakeClock()
    pacer = ThreadPacer(RateLimit(per_second=10), clock)
    pacer.acquire(Lane.USER, 10)
    with pytest.raises(RailwayRateLimitError):
        pacer.acquire(Lane.USER, 0.001)
    clock.now += 1
    assert pacer._reserve(Lane.BACKGROUND) == 0


def test_a_click_without_quota_does_not_hold_back_anybody() -> None:
    clock = FakeClock()
    pacer = ThreadPacer(RateLimit(per_hour=1, per_second=10), clock)
    pacer.acquire(Lane.USER, 10)
    clock.now += 1
    assert pacer._reserve(Lane.USER) > HOUR / 2
    assert not pacer._next_in_line


def test_what_is_learned_while_waiting_ends_the_wait() -> None:
    class LearningClock(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            pacer.observe(RateHeaders(quota=10_000, window_s=HOUR))

    clock = LearningClock()
    pacer = ThreadPacer(RateLimit(per_second=1_000), clock)
    departures(pacer, clock, 1_000)
    started = clock.now
    pacer.acquire(Lane.USER, 2 * HOUR)
    assert clock.now - started <= 5, "it looks again every few seconds"


def test_a_pause_holds_back_every_thread() -> None:
    clock = FakeClock()
    pacer = ThreadPacer(RateLimit.pro(), clock)
    pacer.pause(40)
    started = clock.now
    pacer.acquire(Lane.USER, 60)
    assert clock.now - started == pytest.approx(40)


def test_an_interrupted_wait_lets_the_next_one_in() -> None:
    class InterruptedClock(FakeClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    pacer = ThreadPacer(RateLimit(per_second=1), InterruptedClock())
    pacer.acquire(Lane.USER, 10)
    with pytest.raises(KeyboardInterrupt):
        pacer.acquire(Lane.USER, 10)
    assert not pacer._heads[Lane.USER].locked()
    assert threading.active_count() >= 1


def test_a_forked_child_does_not_wait_for_threads_that_it_does_not_have() -> None:
    pacer = ThreadPacer(RateLimit(per_hour=1000, per_second=10), FakeClock())
    pacer._heads[Lane.USER].acquire()  # by a thread that was waiting when the process forked
    pacer._lock.acquire()
    pacer._pid = -1  # what the child sees: the process that made the pacer is another one
    pacer.acquire(Lane.USER, 1.0)
