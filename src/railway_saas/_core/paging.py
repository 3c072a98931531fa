"""Relay connections, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from railway_saas.errors import RailwayResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page: its items, and where the next one starts (None on the last)."""

    items: tuple[T, ...]
    next_cursor: str | None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def read_page(parse: Callable[[Any], T]) -> Callable[[Any], Page[T]]:
    """Make a reader of `{edges: [{node}], pageInfo: {hasNextPage endCursor}}` from a reader of nodes."""

    def read(connection: Mapping[str, Any]) -> Page[T]:
        info: Mapping[str, Any] = connection.get("pageInfo") or {}
        nodes = (edge["node"] for edge in connection.get("edges") or ())
        return Page(
            items=tuple(parse(node) for node in nodes if node is not None),
            next_cursor=info.get("endCursor") if info.get("hasNextPage") else None,
        )

    return read


def checked_cursor(page: Page[Any], previous: str | None, operation: str) -> str | None:
    """The next page's cursor; a cursor that did not move would page for ever.

    Raises:
        RailwayResponseError: The cursor is the one just used.
    """
    if page.next_cursor is not None and page.next_cursor == previous:
        raise RailwayResponseError("the server gave the same page cursor twice", operation=operation)
    return page.next_cursor
