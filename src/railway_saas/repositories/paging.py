"""Pages and their cursors, the same for every implementation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from railway_saas._core.paging import Page
from railway_saas.errors import RepositoryError
from railway_saas.repositories.values import text, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from railway_saas.domain.usage import UsageMetric

T = TypeVar("T")


def page_of(rows: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """Make a page of the rows found, of which there is one more than `limit` when another page follows."""
    kept = tuple(rows[:limit])
    return Page(kept, cursor(kept[-1]) if len(rows) > limit else None)


def page_limit(limit: int) -> int:
    """The limit, once it is known to be one.

    Raises:
        RepositoryError: It is below 1.
    """
    if limit < 1:
        raise RepositoryError(f"limit={limit}: must be at least 1")
    return limit


def id_cursor(after: str | None) -> UUID | None:
    """The id that a page goes on after.

    Raises:
        RepositoryError: The cursor is none that a page gave.
    """
    if after is None:
        return None
    try:
        return UUID(after)
    except (ValueError, AttributeError, TypeError):
        raise _no_cursor(after) from None


def id_after(after: str | None) -> tuple[UUID, ...]:
    """The same as the first part of an order; empty from the beginning."""
    found = id_cursor(after)
    return () if found is None else (found,)


def usage_cursor(after: str | None) -> tuple[datetime, str] | None:
    """The hour and measure that a page of usage goes on after.

    Raises:
        RepositoryError: The cursor is none that a page gave.
    """
    if after is None:
        return None
    moment, separator, metric_type = after.partition("~")
    try:
        if not separator:
            raise _no_cursor(after)
        return utc(datetime.fromisoformat(moment)), text(metric_type)
    except (ValueError, RepositoryError):
        raise _no_cursor(after) from None


def usage_cursor_of(metric: UsageMetric) -> str:
    """The cursor that goes on after this one."""
    return f"{metric.recorded_at.isoformat()}~{metric.metric_type}"


def _no_cursor(after: object) -> RepositoryError:
    return RepositoryError(f"after={after!r}: is no cursor of this list; take `next_cursor` of a page")


def grouped(keys: Iterable[UUID], rows: Iterable[T], key: Callable[[T], UUID]) -> dict[UUID, list[T]]:
    """The rows by key, in their order; every key has an entry."""
    groups: dict[UUID, list[T]] = {wanted: [] for wanted in keys}
    for row in rows:
        groups[key(row)].append(row)
    return groups
