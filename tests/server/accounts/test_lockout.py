"""The rule of locks, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reference_server.security.lockout import Failures, after_failure

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def failing(at: datetime, times: int, before: Failures | None = None) -> Failures:
    failures = before or Failures.none_yet(at)
    for _ in range(times):
        failures = after_failure(failures, at)
    return failures


def test_nine_do_not_lock_and_the_tenth_does() -> None:
    assert not failing(NOON, 9).is_locked(NOON)
    assert failing(NOON, 10).is_locked(NOON)


def test_failures_count_for_a_quarter_of_an_hour() -> None:
    nine = failing(NOON, 9)
    assert not after_failure(nine, NOON + timedelta(minutes=15)).is_locked(NOON + timedelta(minutes=15))
    assert after_failure(nine, NOON + timedelta(minutes=14)).is_locked(NOON + timedelta(minutes=14))


def test_a_lock_is_not_prolonged_by_those_who_try_meanwhile() -> None:
    locked = failing(NOON, 10)
    assert failing(NOON + timedelta(minutes=10), 100, locked) == locked
    assert not locked.is_locked(NOON + timedelta(minutes=15))


def test_each_lock_is_twice_as_long_up_to_four_hours() -> None:
    at, failures, lengths = NOON, None, []
    for _ in range(7):
        failures = failing(at, 10, failures)
        assert failures.locked_until is not None
        lengths.append(failures.locked_until - at)
        at = failures.locked_until
    assert [length.total_seconds() / 60 for length in lengths] == [15, 30, 60, 120, 240, 240, 240]


@pytest.mark.parametrize(("pause_h", "minutes"), [(23, 30), (24, 15)])
def test_a_day_without_failures_makes_the_next_lock_a_first_one(pause_h: int, minutes: int) -> None:
    locked = failing(NOON, 10)
    later = NOON + timedelta(hours=pause_h)
    again = failing(later, 10, locked)
    assert again.locked_until == later + timedelta(minutes=minutes)
