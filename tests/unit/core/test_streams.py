"""Streams go on exactly where a broken connection stopped."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas._core.streams import (
    MAX_TRIES,
    Gap,
    Reconnects,
    Tail,
    milliseconds_from,
    milliseconds_until,
    parse_nanoseconds,
    parse_timestamp,
)

S = 1_000_000_000
Row = tuple[int, str]


def tail(**options: float) -> Tail[Row]:
    return Tail(
        key=lambda row: row,
        at=lambda row: row[0],
        look_back_s=options.get("look_back_s", 30.0),
        max_remembered=int(options.get("max_remembered", 1000)),
    )


def rows(*seconds: float) -> list[Row]:
    return [(int(second * S), f"line {second}") for second in seconds]


def connected(follower: Tail[Row], batch: list[Row]) -> list[Row]:
    follower.connect()
    return list(follower.fresh(batch))


# Timestamps


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:01Z", S),
        ("1970-01-01T00:00:01.5Z", S + S // 2),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.1234567891Z", 123_456_789),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T23:59:59.750Z", -S // 4),
        ("yesterday", None),
        ("", None),
        ("2026-13-01T00:00:00Z", None),
    ],
)
def test_timestamps_are_read_to_the_nanosecond(text: str, nanoseconds: int | None) -> None:
    assert parse_nanoseconds(text) == nanoseconds


def test_a_timestamp_as_datetime_is_in_utc_to_the_microsecond() -> None:
    assert parse_timestamp("2026-10-05T19:58:15.705123456Z") == datetime(
        2026, 10, 5, 19, 58, 15, 705_123, tzinfo=UTC
    )
    assert parse_timestamp("soon") is None


@given(st.integers(min_value=0, max_value=4_000_000_000 * S))
def test_milliseconds_enclose_a_moment(moment: int) -> None:
    before = (milliseconds_from(moment) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    after = (milliseconds_until(moment) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    assert round(before * 1000) * 1_000_000 <= moment <= round(after * 1000) * 1_000_000
    assert round((after - before) * 1000) in {0, 1}


# Pauses


def test_pauses_grow_by_half_up_to_eight_seconds() -> None:
    reconnects = Reconnects()
    pauses = []
    for _ in range(MAX_TRIES - 1):
        reconnects.connecting(0)
        pauses.append(reconnects.pause_s(0, jitter=0))
    assert pauses[:7] == [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375, 8.0]
    assert pauses[-1] == 8.0


def test_the_twelfth_failure_in_a_row_is_the_last() -> None:
    reconnects = Reconnects()
    pauses = []
    for _ in range(MAX_TRIES):
        reconnects.connecting(0)
        pauses.append(reconnects.pause_s(0, jitter=0))
    assert pauses.index(None) == 11


def test_chance_takes_up_to_half_of_a_pause_away() -> None:
    reconnects = Reconnects()
    reconnects.connecting(0)
    assert reconnects.pause_s(0, jitter=1) == 0.5


def test_a_connection_that_delivered_something_starts_the_count_anew() -> None:
    reconnects = Reconnects()
    for _ in range(MAX_TRIES * 3):
        reconnects.connecting(0)
        reconnects.delivered()
        assert reconnects.pause_s(0, jitter=0) == 1.0


def test_a_connection_that_lived_for_thirty_seconds_starts_the_count_anew() -> None:
    reconnects = Reconnects()
    for start in range(0, MAX_TRIES * 100, 30):
        reconnects.connecting(start)
        assert reconnects.pause_s(start + 30, jitter=0) == 1.0


def test_what_one_connection_delivered_does_not_speak_for_the_next() -> None:
    reconnects = Reconnects()
    reconnects.connecting(0)
    reconnects.delivered()
    reconnects.pause_s(0, jitter=0)
    reconnects.connecting(0)
    assert reconnects.pause_s(0, jitter=0) == 1.5


# Rows


def test_the_first_connection_gives_every_row_also_equal_ones() -> None:
    twice = [*rows(1), *rows(1)]
    assert connected(tail(), twice) == twice


def test_the_first_connection_looks_back_to_no_moment() -> None:
    assert tail().connect() is None


def test_a_new_connection_looks_back_thirty_seconds_from_the_newest_row() -> None:
    follower = tail()
    connected(follower, rows(100, 90))
    assert follower.connect() == 70 * S


def test_rows_of_the_backlog_that_were_given_are_dropped() -> None:
    follower = tail()
    connected(follower, rows(1, 2, 3))
    assert connected(follower, rows(2, 3, 4, 5)) == rows(4, 5)


def test_of_equal_rows_as_many_are_dropped_as_were_given() -> None:
    follower = tail()
    connected(follower, [*rows(1), *rows(1)])
    assert connected(follower, [*rows(1), *rows(1), *rows(1)]) == rows(1)


def test_a_late_row_within_the_look_back_is_given() -> None:
    follower = tail()
    connected(follower, rows(100))
    assert connected(follower, rows(85, 100)) == rows(85)


def test_rows_from_before_the_look_back_are_dropped() -> None:
    follower = tail()
    connected(follower, rows(10, 100))
    assert connected(follower, rows(5, 10, 100, 101)) == rows(101)


def test_a_connection_that_broke_before_its_backlog_changes_nothing() -> None:
    follower = tail()
    connected(follower, rows(1, 2))
    follower.connect()
    assert connected(follower, rows(1, 2, 3)) == rows(3)


def test_rows_count_as_given_when_they_are_taken() -> None:
    follower = tail()
    follower.connect()
    assert next(follower.fresh(rows(1, 2, 3))) == rows(1)[0]
    assert connected(follower, rows(1, 2, 3)) == rows(2, 3)


def test_memory_is_bounded_at_the_price_of_a_shorter_look_back() -> None:
    follower = tail(max_remembered=3)
    connected(follower, rows(1, 2, 3, 4, 5))
    assert follower.connect() == 2 * S + 1
    assert list(follower.fresh(rows(1, 2, 3, 4, 5, 6))) == rows(6)


def test_rows_without_a_moment_are_told_apart_all_the_same() -> None:
    follower: Tail[str] = Tail(key=lambda row: row, at=lambda _: None)
    follower.connect()
    assert list(follower.fresh(["a", "b"])) == ["a", "b"]
    assert follower.connect() is None
    assert list(follower.fresh(["a", "b", "b", "c"])) == ["b", "c"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Row], list[int]]:
    """Rows in the order they were written, with equal ones among them, and after how many the connection broke."""
    steps = draw(st.lists(st.integers(0, 3), min_size=1, max_size=60))
    texts = draw(st.lists(st.sampled_from("ab"), min_size=len(steps), max_size=len(steps)))
    moment, written = 0, []
    for step, text in zip(steps, texts, strict=True):
        moment += step
        written.append((moment * S, text))
    breaks = draw(st.lists(st.integers(1, len(written)), max_size=6))
    return written, sorted(breaks)


@given(histories(), st.integers(0, 10))
def test_however_often_the_connection_breaks_every_row_is_given_once(
    history: tuple[list[Row], list[int]], kept: int
) -> None:
    """The backlog of each connection is everything written by then, in the worst order for equal moments."""
    written, breaks = history
    follower = tail()
    given_rows: list[Row] = []
    for end in [*breaks, len(written)]:
        since = follower.connect()
        backlog = [row for row in written[:end] if since is None or row[0] >= since - kept * S]
        given_rows += follower.fresh(sorted(backlog, key=lambda row: (row[0], row[1])))
    assert Counter(given_rows) == Counter(written)


# Gaps


def test_a_first_backlog_has_no_gap() -> None:
    follower = tail()
    follower.connect()
    assert follower.gap(rows(50, 51), full=2) is None


def test_a_short_backlog_has_no_gap() -> None:
    follower = tail()
    connected(follower, rows(10))
    follower.connect()
    assert follower.gap(rows(50), full=2) is None


def test_a_full_backlog_that_starts_after_the_look_back_leaves_a_gap() -> None:
    follower = tail(look_back_s=5)
    connected(follower, rows(10))
    follower.connect()
    assert follower.gap(rows(50, 51), full=2) == Gap(5 * S, 50 * S)


def test_only_the_first_batch_of_a_connection_can_lack_rows() -> None:
    follower = tail(look_back_s=5)
    connected(follower, rows(10))
    follower.connect()
    follower.gap(rows(50, 51), full=2)
    assert follower.gap(rows(60, 61), full=2) is None


def test_a_gap_is_filled_page_by_page_backwards() -> None:
    """Pages of two rows, the newest first, as Railway gives the newest rows of a span."""
    written = rows(8, 20, 30, 40, 50, 51)
    follower = tail(look_back_s=5)
    connected(follower, rows(9))
    follower.connect()
    batch = written[-2:]
    gap = follower.gap(batch, full=2)
    asked = []
    while gap is not None:
        asked.append(gap)
        span = [row for row in written if gap.start <= row[0] <= gap.end]
        batch, gap = follower.fill(span[-2:], batch, full=2)
    assert list(follower.fresh(batch)) == written
    assert [gap.end // S for gap in asked] == [50, 40, 30, 20, 8]


def test_rows_at_the_edge_of_a_gap_are_not_doubled() -> None:
    follower = tail(look_back_s=5)
    connected(follower, rows(10))
    follower.connect()
    edge = [(50 * S, "first"), (50 * S, "second")]
    backlog = [edge[1], *rows(51)]
    batch, gap = follower.fill([*rows(40), *edge], backlog, full=10)
    assert batch == [*rows(40), *edge, *rows(51)]
    assert gap is None


def test_filling_ends_when_it_does_not_get_on() -> None:
    follower = tail(look_back_s=5)
    connected(follower, rows(10))
    follower.connect()
    same = [(50 * S, "first"), (50 * S, "second")]
    batch, gap = follower.fill(same, same, full=2)
    assert (batch, gap) == (same, None)


def test_filling_with_nothing_leaves_the_backlog() -> None:
    follower = tail()
    connected(follower, rows(10))
    follower.connect()
    assert follower.fill([], rows(50), full=2) == (rows(50), None)
