"""What the memory repositories share."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from railway_saas.repositories.paging import page_limit, page_of
from railway_saas.repositories.values import detached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from railway_saas._core.paging import Page
    from railway_saas.repositories.memory_tables import MemoryTables

T = TypeVar("T")


class AsyncMemoryRepository:
    """Reaches the tables through its unit of work, which refuses outside its block."""

    def __init__(self, tables: Callable[[], MemoryTables]) -> None:
        self._open = tables

    @property
    def _tables(self) -> MemoryTables:
        return self._open()


def first_page(rows: Iterable[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """The page that rows begin with."""
    found = [detached(row) for row in islice(rows, page_limit(limit) + 1)]
    return page_of(found, limit, cursor)
