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


MAX_EMPTY_PAGES = 20
"""Empty pages in a row after which a list counts as endless."""


class Cursors:
    """Keeps a list from being paged for ever: every cursor must be new, and pages must bring something."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._seen: set[str] = set()
        self._empty = 0

    def after(self, page: Page[Any]) -> str | None:
        """The cursor of the page that follows; None after the last.

        Raises:
            RailwayResponseError: The server goes round in circles, or sends one empty page after the other.
        """
        cursor = page.next_cursor
        self._empty = 0 if page.items else self._empty + 1
        if cursor in self._seen:
            raise RailwayResponseError(
                "the server gave the same page cursor twice", operation=self._operation
            )
        if self._empty > MAX_EMPTY_PAGES and cursor is not None:
            raise RailwayResponseError(
                f"the server gave {self._empty} empty pages in a row", operation=self._operation
            )
        if cursor is not None:
            self._seen.add(cursor)
        return cursor
