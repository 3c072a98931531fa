"""Rows to what the Protocols promise; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from railway_saas.errors import NotFoundError
from railway_saas.repositories.paging import page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from railway_saas._core.paging import Page

R = TypeVar("R")
T = TypeVar("T")


class _HasId(Protocol):
    @property
    def id(self) -> UUID: ...


Identified = TypeVar("Identified", bound=_HasId)


def found(row: R | None, read: Callable[[R], T]) -> T | None:
    """The row that `find` is about, if there is one."""
    return None if row is None else read(row)


def needed(row: R | None, read: Callable[[R], T], what: str) -> T:
    """The row that `get` is about.

    Raises:
        NotFoundError: There is none.
    """
    if row is None:
        raise NotFoundError(f"{what}: there is no such row")
    return read(row)


def touched(rows: int, what: str) -> None:
    """Refuse to have updated nothing.

    Raises:
        NotFoundError: No row was touched.
    """
    if rows == 0:
        raise NotFoundError(f"{what}: there is no such row")


def page(rows: Sequence[R], read: Callable[[R], Identified], limit: int) -> Page[Identified]:
    """A page by id."""
    return page_of([read(row) for row in rows], limit, lambda item: str(item.id))
