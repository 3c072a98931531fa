"""Ids that sort by the time they were made, and owners' ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.domain.ids import _uuid7, id_above, new_id, owner_id

few = settings(max_examples=30, deadline=None)

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@few
@given(moments)
def test_an_id_is_a_uuid_of_version_7(moment: datetime) -> None:
    made = new_id(moment)
    assert (made.version, made.variant) == (7, RFC_4122)


@few
@given(moments)
def test_an_id_begins_with_its_milliseconds(moment: datetime) -> None:
    told = new_id(moment).int >> 80
    exact = (moment - EPOCH) // timedelta(milliseconds=1)
    assert abs(told - exact) <= 1


@few
@given(moments, moments)
def test_ids_sort_by_the_time_they_were_made(one: datetime, other: datetime) -> None:
    earlier, later = sorted([one, other])
    if later - earlier > timedelta(milliseconds=2):
        assert new_id(earlier) < new_id(later)


def test_ids_of_one_millisecond_sort_in_the_order_in_which_they_were_made() -> None:
    made = [new_id(NOW) for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_do_not_repeat_when_the_clock_goes_back_and_forth() -> None:
    made = [new_id(NOW + timedelta(milliseconds=number % 3)) for number in range(3000)]
    assert len(set(made)) == len(made)


def test_ids_sort_as_texts_too() -> None:
    made = [new_id(NOW + timedelta(seconds=number)) for number in range(100)]
    assert sorted(map(str, made)) == list(map(str, made))


@few
@given(moments, moments)
def test_an_id_above_another_is_above_it_whatever_the_clock_says(one: datetime, other: datetime) -> None:
    lowest, wanted = new_id(one), new_id(other)
    made = id_above(lowest, wanted)
    assert made > lowest
    assert (made == wanted) is (wanted > lowest)
    assert (made.version, made.variant) == (7, RFC_4122)


@pytest.mark.parametrize(
    "random", [0, 1, (1 << 62) - 1, (1 << 62), (1 << 74) - 2, (1 << 74) - 1], ids=lambda one: f"{one:x}"
)
def test_the_id_above_is_the_next_one(random: int) -> None:
    lowest = _uuid7(1_000, random)
    made = id_above(lowest, lowest)
    assert made == (_uuid7(1_000, random + 1) if random < (1 << 74) - 1 else _uuid7(1_001, 0))
    assert made > lowest


def test_without_another_an_id_stays() -> None:
    wanted = new_id(NOW)
    assert id_above(None, wanted) == wanted


@few
@given(st.text() | st.integers())
def test_the_same_key_gives_the_same_owner(key: str | int) -> None:
    assert owner_id(key) == owner_id(key) == owner_id(str(key))
    assert owner_id(key) != owner_id(f"{key}.")


def test_an_owners_id_never_changes_between_versions() -> None:
    assert owner_id("ann@example.com") == UUID("ee29c53d-e56f-51e9-9ce4-7fe19ed55aa6")
