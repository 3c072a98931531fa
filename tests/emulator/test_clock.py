"""One clock: it stands or runs, and everything that happens by itself is an event of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.emulator import EmulatorClock, cron

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class RealTime:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_stepping_clock_stands_still_until_advanced() -> None:
    clock = EmulatorClock(start=NOON)
    clock.tick()
    assert clock.now() == NOON
    clock.advance(90)
    assert clock.now() == NOON + timedelta(seconds=90)


def test_events_run_in_order_each_at_its_own_time() -> None:
    clock = EmulatorClock(start=NOON)
    seen: list[tuple[str, float]] = []

    def note(name: str) -> None:
        seen.append((name, (clock.now() - NOON).total_seconds()))

    clock.call_later(5, lambda: note("late"))
    clock.call_later(1, lambda: (note("early"), clock.call_later(2, lambda: note("follows"))))
    clock.call_later(5, lambda: note("late, queued second"))
    clock.advance(10)
    assert seen == [("early", 1), ("follows", 3), ("late", 5), ("late, queued second", 5)]


def test_a_cancelled_event_never_runs() -> None:
    clock = EmulatorClock(start=NOON)
    timer = clock.call_later(1, lambda: pytest.fail("it ran"))
    timer.cancel()
    clock.advance(2)


def test_time_never_goes_back() -> None:
    with pytest.raises(ValueError, match="never goes back"):
        EmulatorClock(start=NOON).advance(-1)


def test_a_running_clock_follows_real_time_as_fast_as_it_is_told() -> None:
    real = RealTime()
    clock = EmulatorClock(start=NOON, speed=20, monotonic=real)
    ran: list[datetime] = []
    clock.call_later(30, lambda: ran.append(clock.now()))
    assert clock.seconds_until_next() == pytest.approx(1.5)
    real.seconds = 2
    clock.tick()
    assert clock.now() == NOON + timedelta(seconds=40)
    assert ran == [NOON + timedelta(seconds=30)]
    assert clock.seconds_until_next() is None


def test_a_running_clock_can_jump_ahead_and_runs_on_from_there() -> None:
    real = RealTime()
    clock = EmulatorClock(start=NOON, speed=2, monotonic=real)
    clock.advance(3600)
    real.seconds = 5
    clock.tick()
    assert clock.now() == NOON + timedelta(seconds=3610)


def test_speed_must_be_positive() -> None:
    with pytest.raises(ValueError, match="above 0"):
        EmulatorClock(speed=0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*/15 * * * *", "2026-11-02T12:15"),
        ("0 3 * * *", "2026-11-03T03:00"),
        ("30 8 * * MON-FRI", "2026-11-03T08:30"),
        ("0 0 1 JAN *", "2027-01-01T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("0 12 13 * 5", "2026-11-06T12:00"),
        ("0 0 * * 7", "2026-11-08T00:00"),
        ("5,35 10-14/2 * * *", "2026-11-02T12:05"),
    ],
)
def test_a_crontab_line_knows_its_next_run(line: str, expected: str) -> None:
    due = cron.parse(line).next_after(NOON)
    assert due is not None
    assert due.isoformat(timespec="minutes").startswith(expected)


@pytest.mark.parametrize(
    "line", ["", "* * * *", "61 * * * *", "*/0 * * * *", "a b c d e", "5-1 * * * *", "*/x * * * *"]
)
def test_what_is_no_crontab_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cron.parse(line)


@pytest.mark.parametrize(
    ("line", "fine"),
    [
        ("*/5 * * * *", True),
        ("*/4 * * * *", False),
        ("0 0 31 2 *", True),
        ("0,3 * * * *", False),
        ("58 23 * * *", True),
    ],
)
def test_runs_are_at_least_five_minutes_apart(line: str, fine: bool) -> None:
    assert cron.is_acceptable(line) is fine


def test_a_day_that_never_comes_has_no_next_run() -> None:
    assert cron.parse("0 0 31 2 *").next_after(NOON) is None


@given(st.integers(0, 59), st.integers(0, 23), st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_daily_run_comes_within_a_day(minute: int, hour: int, moment: datetime) -> None:
    due = cron.parse(f"{minute} {hour} * * *").next_after(moment.replace(tzinfo=UTC))
    assert due is not None
    assert timedelta() < due - moment.replace(tzinfo=UTC) <= timedelta(days=1)
    assert (due.hour, due.minute) == (hour, minute)
