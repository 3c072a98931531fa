"""Arguments of callers without types, checked where they come in: before a row is read, and long before one is written.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar
from uuid import UUID

from railway_saas._core.quoting import quoted
from railway_saas.errors import ConfigurationError, InstanceInputError

if TYPE_CHECKING:
    from enum import StrEnum

E = TypeVar("E", bound="StrEnum")

LARGEST_PAGE: Final = 1000
LARGEST_RUN: Final = 100_000
"""Instances that a worker may ask for at once."""
LONGEST_GRACE: Final = timedelta(days=3650)
LONGEST_ACTOR: Final = 255
"""Characters that the audit log has room for."""
LONGEST_RAILWAY_ID: Final = 255


def identity(value: object, argument: str) -> UUID:
    """An id.

    Raises:
        InstanceInputError: It is none.
    """
    if isinstance(value, UUID):
        return value
    hint = "; owner_id(key) makes one of any key of yours" if argument == "user_id" else ""
    raise InstanceInputError(f"{argument}={quoted(value)}: must be a uuid.UUID{hint}", argument=argument)


def identity_if_given(value: object, argument: str) -> UUID | None:
    """An id, or None.

    Raises:
        InstanceInputError: It is neither.
    """
    return None if value is None else identity(value, argument)


def text(value: object, argument: str, *, longest: int | None = None) -> str:
    """A text that can be stored, and is not blank.

    Raises:
        InstanceInputError: It is none, blank, too long, or holds what no database takes.
    """
    if not isinstance(value, str):
        raise InstanceInputError(f"{argument}: must be a text, not {type(value).__name__}", argument=argument)
    if not value.strip():
        raise InstanceInputError(f"{argument}: must not be blank", argument=argument)
    _require_storable(value, argument)
    if longest is not None and len(value) > longest:
        raise InstanceInputError(
            f"{argument}: has {len(value)} characters; must have 1 to {longest} characters", argument=argument
        )
    return value


def text_if_given(value: object, argument: str, *, longest: int | None = None) -> str | None:
    """A text, which may be empty, or None.

    Raises:
        InstanceInputError: It is neither, too long, or holds what no database takes.
    """
    if value is None:
        return None
    return "" if value == "" else text(value, argument, longest=longest)


def _require_storable(value: str, argument: str) -> None:
    if "\0" in value:
        raise InstanceInputError(
            f"{argument}: holds a NUL character, which databases cannot store", argument=argument
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InstanceInputError(
            f"{argument}: holds half a character (a lone surrogate), which cannot be stored",
            argument=argument,
        ) from None


def actor_of(value: object) -> str:
    """Who does something, for the audit log.

    Raises:
        InstanceInputError: It is no text that the log has room for.
    """
    return text(value, "actor", longest=LONGEST_ACTOR)


def whole(value: object, argument: str, *, low: int, high: int) -> int:
    """A whole number within bounds.

    Raises:
        InstanceInputError: It is none, or out of them.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InstanceInputError(
            f"{argument}={quoted(value)}: must be a whole number from {low} to {high}", argument=argument
        )
    return value


def page_size(value: object) -> int:
    """How many a page may hold.

    Raises:
        InstanceInputError: It is no whole number, or out of bounds.
    """
    return whole(value, "limit", low=1, high=LARGEST_PAGE)


def cursor(value: object) -> str | None:
    """Where a page goes on.

    Raises:
        InstanceInputError: It is no cursor.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        _refuse_cursor(value)
    try:
        return str(UUID(value))
    except ValueError:
        _refuse_cursor(value)


def _refuse_cursor(value: object) -> NoReturn:
    raise InstanceInputError(
        f"after={quoted(value)}: is no cursor of this list; take `next_cursor` of a page, or the id of an event as text",
        argument="after",
    ) from None


def choice_if_given(value: object, kind: type[E], argument: str) -> E | None:
    """One of the values of an enum, or None.

    Raises:
        InstanceInputError: It is neither.
    """
    if value is None:
        return None
    if isinstance(value, str) and value in set(kind):
        return kind(value)
    raise InstanceInputError(
        f"{argument}={quoted(value)}: must be one of {', '.join(kind)}", argument=argument
    )


def seconds(value: object, argument: str) -> float:
    """How long to wait.

    Raises:
        InstanceInputError: It is no number, or below 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise InstanceInputError(
            f"{argument}={quoted(value)}: must be a number of seconds, 0 or above", argument=argument
        )
    return value


def grace_if_given(value: object) -> timedelta | None:
    """How long a deletion may be called off.

    Raises:
        InstanceInputError: It is no duration, not above 0, or beyond what anybody means.
    """
    if value is None:
        return None
    if not isinstance(value, timedelta):
        raise InstanceInputError(f"after={quoted(value)}: must be a timedelta", argument="after")
    if value <= timedelta(0):
        raise InstanceInputError("after: must be above 0; leave it out to delete at once", argument="after")
    if value > LONGEST_GRACE:
        raise InstanceInputError(f"after: must be at most {LONGEST_GRACE.days} days", argument="after")
    return value


def mapping(value: object, argument: str) -> Mapping[object, object]:
    """A mapping, whatever is in it.

    Raises:
        InstanceInputError: It is none.
    """
    if not isinstance(value, Mapping):
        raise InstanceInputError(
            f"{argument}: must be a mapping, not {type(value).__name__}", argument=argument
        )
    return value  # pyright: ignore[reportUnknownVariableType] - of anything


def workspace(value: object) -> str:
    """The id of a Railway workspace.

    Raises:
        ConfigurationError: It is no text, or blank.
    """
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"workspace_id={quoted(value)}: must be a text that is not blank")
    return value


def past_if_given(value: object, now: datetime) -> datetime | None:
    """A moment that has come, or None.

    Raises:
        ConfigurationError: It is neither, or has no time zone.
    """
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ConfigurationError(f"since={quoted(value)}: must be a datetime with a time zone")
    if value > now:
        raise ConfigurationError(
            f"since={value.isoformat()}: must not be in the future; it is {now.isoformat()} now"
        )
    return value
