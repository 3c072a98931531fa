"""Lists are Relay connections."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.emulator import Emulator
from railway_saas.emulator.connections import paginate
from railway_saas.emulator.errors import Refusal
from tests.emulator.conftest import House


@dataclass(frozen=True)
class Row:
    id: str


def rows(count: int) -> list[Row]:
    return [Row(f"row-{number}") for number in range(count)]


@given(st.integers(0, 30), st.integers(1, 7))
def test_pages_walked_forward_give_every_row_once(count: int, size: int) -> None:
    everything, seen, after = rows(count), [], None
    while True:
        page = paginate(everything, first=size, after=after)
        seen += [edge.node for edge in page.edges]
        after = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            break
    assert seen == everything


@given(st.integers(0, 30), st.integers(1, 7))
def test_pages_walked_backward_give_every_row_once(count: int, size: int) -> None:
    everything, seen, before = rows(count), [], None
    while True:
        page = paginate(everything, last=size, before=before)
        seen = [edge.node for edge in page.edges] + seen
        before = page.page_info.start_cursor
        if not page.page_info.has_previous_page:
            break
    assert seen == everything


def test_a_cursor_holds_its_place_when_rows_before_it_come_and_go() -> None:
    cursor = paginate(rows(10), first=4).page_info.end_cursor
    grown = [Row("new"), *rows(10)]
    assert [edge.node.id for edge in paginate(grown, first=1, after=cursor).edges] == ["row-4"]
    without = [row for row in rows(10) if row.id != "row-3"]
    assert [edge.node.id for edge in paginate(without, first=1, after=cursor).edges] == ["row-4"]


@pytest.mark.parametrize("cursor", ["%%%", "bm9uc2Vuc2U=", "eDp5"])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(Refusal, match="Invalid cursor"):
        paginate(rows(3), after=cursor)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(Refusal, match="must not be negative"):
        paginate(rows(3), first=-1)


def test_projects_are_paged_in_the_order_asked_for() -> None:
    house = House(Emulator(limits=False))
    for name in ("cherry", "apple", "banana"):
        house.project(name)
        house.emulator.clock.advance(1)
    document = """query($order: ProjectsOrderBy, $after: String) { projects(first: 2, after: $after, orderBy: $order) {
                    edges { cursor node { name } } pageInfo { hasNextPage endCursor } } }"""

    def names(order: str) -> list[str]:
        first = house.run(document, order=order)["projects"]
        assert first["pageInfo"]["hasNextPage"]
        second = house.run(document, order=order, after=first["pageInfo"]["endCursor"])["projects"]
        assert not second["pageInfo"]["hasNextPage"]
        return [edge["node"]["name"] for edge in (*first["edges"], *second["edges"])]

    assert names("NAME_ASC") == ["apple", "banana", "cherry"]
    assert names("CREATED_AT_DESC") == ["banana", "apple", "cherry"]
    assert names("UPDATED_AT_DESC") == ["banana", "apple", "cherry"]
