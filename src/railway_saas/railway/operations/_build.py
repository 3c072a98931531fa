"""How operations are put together: variables checked and cleaned before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeVar

from railway_saas._core import documents
from railway_saas._core.operation import Lane, Operation
from railway_saas._core.paging import Page, read_page
from railway_saas.errors import RailwayInputError

T = TypeVar("T")

DOCUMENTS: Final = "railway_saas.railway.documents"

MAX_PAGE = 5000
"""No documented limit; large pages are slow long before this."""


class Unset:
    """The type of `UNSET`: an argument that was not given, where None means "clear this"."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()


def reader(kind: Any) -> Callable[[Any], Any]:
    """A function that checks a JSON value against a type and returns it typed."""
    return _reader(kind)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - loads most of pydantic, with the first operation

    return TypeAdapter(kind).validate_python


def operation(
    name: str,
    kind: type[T] | Any,
    variables: Mapping[str, Any] | None = None,
    *,
    safe_to_repeat: bool | None = None,
    lane: Lane = Lane.USER,
    read_after_write: bool = False,
) -> Operation[T]:
    """An operation of our documents whose root field holds a `kind`.

    Variables left at `UNSET` are not sent. `safe_to_repeat` defaults to True for queries, False for mutations.
    """
    document = documents.load(DOCUMENTS, name)
    return Operation(
        document=document,
        variables=given(variables or {}),
        parse=reader(kind),
        safe_to_repeat=document.kind != "mutation" if safe_to_repeat is None else safe_to_repeat,
        lane=lane,
        read_after_write=read_after_write,
    )


def page_operation(
    name: str,
    kind: type[T],
    variables: Mapping[str, Any],
    *,
    first: int | None,
    after: str | None,
    lane: Lane = Lane.USER,
) -> Operation[Page[T]]:
    """An operation whose root field is a Relay connection of `kind`.

    Raises:
        RailwayInputError: `first` is not from 1 to 5000.
    """
    if first is not None and not 1 <= first <= MAX_PAGE:
        raise RailwayInputError(f"first={first!r}: must be from 1 to {MAX_PAGE}", argument="first")
    document = documents.load(DOCUMENTS, name)
    paging = {"first": UNSET if first is None else first, "after": UNSET if after is None else after}
    return Operation(
        document=document,
        variables=given({**variables, **paging}),
        parse=read_page(reader(kind)),
        safe_to_repeat=True,
        lane=lane,
    )


def given(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was given: for Railway null means "unset this field" and absent means "leave it"."""
    return {name: value for name, value in variables.items() if value is not UNSET}


def or_unset(value: T | None) -> T | Unset:
    """None as "not given", for arguments that cannot be cleared."""
    return UNSET if value is None else value


def require_text(**values: object) -> None:
    """Refuse ids and names that are not text, or are blank.

    Raises:
        RailwayInputError: It names the argument.
    """
    for argument, value in values.items():
        if not isinstance(value, str) or not value.strip():
            raise RailwayInputError(
                f"{argument}={value!r}: must be a text that is not empty", argument=argument
            )


def require_range(low: float, high: float, **values: float | Unset | None) -> None:
    """Refuse numbers outside a range; None and `UNSET` pass.

    Raises:
        RailwayInputError: It names the argument and the range.
    """
    for argument, value in values.items():
        if value is None or isinstance(value, Unset):
            continue
        if isinstance(value, bool) or not _is_number(value) or not low <= value <= high:
            raise RailwayInputError(f"{argument}={value!r}: must be from {low} to {high}", argument=argument)


def _is_number(value: object) -> bool:
    """Callers without types pass texts too."""
    return isinstance(value, (int, float))


def require_some(argument: str, values: object) -> None:
    """Refuse an empty list or mapping.

    Raises:
        RailwayInputError: It names the argument.
    """
    if not values:
        raise RailwayInputError(f"{argument} must not be empty", argument=argument)
