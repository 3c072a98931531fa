"""Checks of arguments that may be left out or cleared, of ports and alternatives; see `_arguments` for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from railway_saas.errors import RailwayInputError
from railway_saas.railway.operations._arguments import choice, texts
from railway_saas.railway.operations._build import Unset, page_operation, require_text

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation
    from railway_saas._core.paging import Page
    from railway_saas.railway.models.base import OpenStrEnum

T = TypeVar("T")

_LAST_PORT = 65_535


def was_given(value: object) -> bool:
    """Whether an argument holds a value: neither None nor `UNSET`."""
    return value is not None and not isinstance(value, Unset)


def require_text_if_given(**values: object) -> None:
    """Refuse what is not text, or blank; None and `UNSET` pass.

    Raises:
        RailwayInputError: It names the argument.
    """
    require_text(**{argument: value for argument, value in values.items() if was_given(value)})


def require_choice_if_given(kind: type[OpenStrEnum], **values: object) -> None:
    """Refuse what is not a value of an enum; None and `UNSET` pass.

    Raises:
        RailwayInputError: It names the argument and the values allowed.
    """
    for argument, value in values.items():
        if was_given(value):
            choice(argument, kind, cast("str", value))


def require_texts_if_given(**values: object) -> None:
    """Refuse what is not a list of texts; None and `UNSET` pass.

    Raises:
        RailwayInputError: It names the argument.
    """
    for argument, value in values.items():
        if was_given(value):
            if not isinstance(value, Iterable):
                raise RailwayInputError(f"{argument}={value!r}: must be a list of texts", argument=argument)
            texts(argument, cast("Iterable[str]", value))


def require_whole(low: int, high: int, **values: object) -> None:
    """Refuse what is not a whole number of a range.

    Raises:
        RailwayInputError: It names the argument and the range.
    """
    for argument, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise RailwayInputError(
                f"{argument}={value!r}: must be a whole number from {low} to {high}", argument=argument
            )


def require_whole_if_given(low: int, high: int, **values: object) -> None:
    """The same; None and `UNSET` pass.

    Raises:
        RailwayInputError: It names the argument and the range.
    """
    require_whole(low, high, **{argument: value for argument, value in values.items() if was_given(value)})


def require_port(**values: object) -> None:
    """Refuse what is no port number.

    Raises:
        RailwayInputError: It names the argument.
    """
    require_whole(1, _LAST_PORT, **values)


def require_port_if_given(**values: object) -> None:
    """The same; None and `UNSET` pass.

    Raises:
        RailwayInputError: It names the argument.
    """
    require_whole_if_given(1, _LAST_PORT, **values)


def exactly_one(**values: object) -> None:
    """Refuse none or several of arguments of which one is needed.

    Raises:
        RailwayInputError: It names them; `argument` is the first.
    """
    if sum(was_given(value) for value in values.values()) != 1:
        raise RailwayInputError(f"give exactly one of {', '.join(values)}", argument=next(iter(values)))


def at_most_one(**values: object) -> None:
    """Refuse several of arguments that exclude each other.

    Raises:
        RailwayInputError: It names them; `argument` is the second one given.
    """
    names = [name for name, value in values.items() if was_given(value)]
    if len(names) > 1:
        raise RailwayInputError(f"{' and '.join(names)}: give one of them only", argument=names[1])


def all_or_none(**values: object) -> None:
    """Refuse some but not all of arguments that go together.

    Raises:
        RailwayInputError: It names them; `argument` is the first one missing.
    """
    missing = [name for name, value in values.items() if not was_given(value)]
    if missing and len(missing) < len(values):
        raise RailwayInputError(f"{' and '.join(values)}: give all of them or none", argument=missing[0])


def rfc3339(moment: datetime) -> str:
    """A moment as Railway writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def nested_page_operation(
    name: str,
    kind: type[T],
    below: str,
    variables: Mapping[str, Any],
    *,
    first: int | None,
    after: str | None,
) -> Operation[Page[T]]:
    """A page of the connection `below` an operation's root field.

    Raises:
        RailwayInputError: `first` is out of range.
    """
    page = page_operation(name, kind, variables, first=first, after=after)

    def parse(parent: Mapping[str, Any]) -> Page[T]:
        return page.parse(parent[below])

    return replace(page, parse=parse, read_after_write=True)
