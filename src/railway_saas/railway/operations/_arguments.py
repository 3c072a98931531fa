"""Arguments that several nouns share: choices, moments, periods, JSON documents; and reading an answer further."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from railway_saas.errors import RailwayInputError
from railway_saas.railway.operations._build import require_some

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation
    from railway_saas.railway.models.base import OpenStrEnum

S = TypeVar("S")
T = TypeVar("T")


def then(first: Operation[S], take: Callable[[S], T]) -> Operation[T]:
    """The same operation with one more step of reading its answer."""
    read = first.parse

    def parse(value: Any) -> T:
        return take(read(value))

    return cast("Operation[T]", replace(cast("Operation[Any]", first), parse=parse))


def texts(argument: str, values: Iterable[str]) -> list[str]:
    """A list of texts, none of them blank; empty lists pass.

    Raises:
        RailwayInputError: It is one text instead of a list, or holds something else than texts.
    """
    if isinstance(values, (str, bytes)):
        raise RailwayInputError(
            f"{argument}={values!r}: must be a list of texts, not one text", argument=argument
        )
    found = list(values)
    for value in found:
        if not _is_text(value):
            raise RailwayInputError(f"{argument}: holds {value!r}, which is not a text", argument=argument)
    return found


def _is_text(value: object) -> bool:
    """Callers without types pass other things too."""
    return isinstance(value, str) and bool(value.strip())


def choice(argument: str, kind: type[OpenStrEnum], value: str) -> str:
    """One of Railway's enum values. A plain text must be known; a member made on purpose passes as it is.

    Raises:
        RailwayInputError: It names what is allowed.
    """
    if isinstance(value, kind) or value in kind.__members__.values():
        return str(value)
    allowed = ", ".join(sorted(str(member) for member in kind))
    raise RailwayInputError(f"{argument}: {value!r} is none of {allowed}", argument=argument)


def choices(argument: str, kind: type[OpenStrEnum], values: Iterable[str]) -> list[str]:
    """Several of Railway's enum values, as `choice` takes one.

    Raises:
        RailwayInputError: It names the wrong one and what is allowed.
    """
    return [choice(argument, kind, value) for value in texts(argument, values)]


def some_choices(argument: str, kind: type[OpenStrEnum], values: Iterable[str]) -> list[str]:
    """At least one of Railway's enum values.

    Raises:
        RailwayInputError: There is none, or one is wrong.
    """
    found = choices(argument, kind, values)
    require_some(argument, found)
    return found


def moment(argument: str, value: datetime) -> datetime:
    """A moment in UTC.

    Raises:
        RailwayInputError: It has no time zone, so nobody can say when it is.
    """
    if not _is_datetime(value) or value.utcoffset() is None:
        raise RailwayInputError(
            f"{argument}={value!r}: must be a datetime with a time zone, e.g. datetime.now(UTC)",
            argument=argument,
        )
    return value.astimezone(UTC)


def _is_datetime(value: object) -> bool:
    """Callers without types pass texts too."""
    return isinstance(value, datetime)


def period(start: datetime | None, end: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The arguments `start_date` and `end_date` in UTC, in this order.

    Raises:
        RailwayInputError: One has no time zone, or the end does not come after the start.
    """
    first = None if start is None else moment("start_date", start)
    last = None if end is None else moment("end_date", end)
    if first is not None and last is not None and last <= first:
        raise RailwayInputError(
            f"end_date={last.isoformat()}: must be after start_date={first.isoformat()}", argument="end_date"
        )
    return first, last


def document(argument: str, value: Mapping[str, object]) -> dict[str, object]:
    """A JSON object that is not empty, without showing it: it may hold secrets.

    Raises:
        RailwayInputError: It is JSON text instead of an object, something else, or empty.
    """
    if not _is_mapping(value):
        raise RailwayInputError(
            f"{argument}: must be a mapping, not {type(value).__name__}; parse JSON text first",
            argument=argument,
        )
    require_some(argument, value)
    return dict(value)


def _is_mapping(value: object) -> bool:
    """Callers without types pass JSON text too."""
    return isinstance(value, Mapping)
