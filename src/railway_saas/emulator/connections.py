"""Relay connections: `first`, `after`, `last`, `before`, opaque cursors."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DEFAULT_PAGE = 100
"""Rows of a root connection when the caller names no number. Railway's own default is not documented."""
MAXIMUM_PAGE = 500


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What lies around a page."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    """One row and its cursor."""

    node: Any
    cursor: str


@dataclass(frozen=True, slots=True)
class Connection:
    """One page."""

    edges: list[Edge]
    page_info: PageInfo


registry.types["PageInfo"] = PageInfo


def newest_first(items: Iterable[Any]) -> list[Any]:
    """Rows by `created_at`, newest first; of the same moment the one that came later first."""
    return sorted(items, key=attrgetter("created_at"))[::-1]


def paginate(  # noqa: PLR0913 - Relay's four arguments
    items: Sequence[Any],
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    default: int | None = DEFAULT_PAGE,
) -> Connection:
    """Cut one page out of rows in their final order. Each row has an `id`.

    `default` is the page size when neither `first` nor `last` is given; None means everything.

    Raises:
        Refusal: A cursor that is none, or a negative count.
    """
    if (first is not None and first < 0) or (last is not None and last < 0):
        raise errors.invalid("first and last must not be negative")
    start = _position(items, after) + 1 if after else 0
    end = _position(items, before) if before else len(items)
    if first is None and last is None:
        first = default
    low, high = start, max(start, end)
    if first is not None:
        high = min(high, low + min(first, MAXIMUM_PAGE))
    if last is not None:
        low = max(low, high - min(last, MAXIMUM_PAGE))
    edges = [Edge(item, _cursor(index, item)) for index, item in enumerate(items[low:high], low)]
    info = PageInfo(
        has_next_page=high < len(items),
        has_previous_page=low > 0,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges, info)


def _cursor(index: int, item: Any) -> str:
    return base64.b64encode(f"{index}:{item.id}".encode()).decode()


def _position(items: Sequence[Any], cursor: str) -> int:
    """Where a cursor points: at its row, also when rows before it came or went; else at its old place."""
    index, item_id = _read_cursor(cursor)
    if index < len(items) and items[index].id == item_id:
        return index
    found = next((place for place, item in enumerate(items) if item.id == item_id), None)
    return min(index, len(items)) - 1 if found is None else found


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        index, _, item_id = base64.b64decode(cursor, validate=True).decode().partition(":")
        return int(index), item_id
    except (binascii.Error, ValueError) as error:
        raise errors.invalid("Invalid cursor") from error
