"""Relay connections are read page by page, and a cursor that stands still ends the walk."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas._core.paging import MAX_EMPTY_PAGES, Cursors, Page, read_page
from railway_saas.errors import RailwayResponseError


def connection(*nodes: object, more: object = False, cursor: object = None) -> dict[str, Any]:
    return {
        "edges": [{"node": node} for node in nodes],
        "pageInfo": {"hasNextPage": more, "endCursor": cursor},
    }


read = read_page(str)


def test_a_page_has_its_items_and_the_next_cursor() -> None:
    page = read(connection(1, 2, more=True, cursor="c2"))
    assert (page.items, page.next_cursor) == (("1", "2"), "c2")
    assert list(page) == ["1", "2"]
    assert len(page) == 2


def test_the_last_page_has_no_next_cursor_even_when_one_was_sent() -> None:
    assert read(connection(1, more=False, cursor="c9")).next_cursor is None


@pytest.mark.parametrize(
    "empty", [{}, {"edges": None, "pageInfo": None}, {"edges": [], "pageInfo": {}}, connection(None, None)]
)
def test_a_connection_without_items_is_an_empty_page(empty: dict[str, Any]) -> None:
    assert read(empty) == Page((), None)


def test_an_edge_without_a_node_is_left_out() -> None:
    assert read(connection(1, None, 3)).items == ("1", "3")


def test_moving_cursors_are_followed_to_the_end() -> None:
    cursors = Cursors("projects")
    assert cursors.after(Page((1,), "a")) == "a"
    assert cursors.after(Page((), "b")) == "b"
    assert cursors.after(Page((2,), None)) is None


@pytest.mark.parametrize("walk", ["aa", "aba", "abcb"])
def test_a_walk_in_circles_is_an_error_not_endless(walk: str) -> None:
    cursors = Cursors("projects")
    for cursor in walk[:-1]:
        cursors.after(Page((1,), cursor))
    with pytest.raises(RailwayResponseError, match="projects: the server gave the same page cursor twice"):
        cursors.after(Page((1,), walk[-1]))


def test_empty_pages_come_to_an_end() -> None:
    cursors = Cursors("projects")
    for number in range(MAX_EMPTY_PAGES):
        cursors.after(Page((), str(number)))
    with pytest.raises(RailwayResponseError, match="empty pages in a row"):
        cursors.after(Page((), "one more"))
