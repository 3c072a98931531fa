"""Secrets that cannot be shown by accident, and values masked for people to see."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.errors import RailwayError

V = TypeVar("V")

MASK = "••••••••"
_SHOWN_FROM = 12
_SHOWN = 4


class Secret:
    """A text that only `reveal()` gives away: not `repr`, not `str`, not a format, a pickle or a copy."""

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        # A closure rather than an attribute: tools that print objects' attributes find a function.
        def reveal() -> str:
            return value

        self._reveal: Callable[[], str] = reveal

    def reveal(self) -> str:
        """The text itself."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret('…')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled: create the client anew in the other process")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())


def scrub(error: RailwayError, secret: Secret) -> None:
    """Take a secret out of what a server wrote: proxies and gateways may quote the headers they were sent."""
    text = secret.reveal()
    error.args = tuple(_without(text, arg) for arg in error.args)
    error.trace_id = _without(text, error.trace_id)
    error.errors = tuple(
        replace(
            detail,
            message=_without(text, detail.message),
            code=_without(text, detail.code),
            trace_id=_without(text, detail.trace_id),
            path=tuple(_without(text, step) for step in detail.path),
        )
        for detail in error.errors
    )
    if text in repr(error.partial_data):
        error.partial_data = None


def _without(text: str, value: V) -> V:
    """The value with the text masked where it is a text."""
    return cast("V", value.replace(text, MASK)) if isinstance(value, str) else value


def mask(value: str) -> str:
    """A secret for people to recognise, not to use: all dots, with the last four letters of a long one."""
    if not value:
        return ""
    return f"{MASK}{value[-_SHOWN:]}" if len(value) >= _SHOWN_FROM * 2 else MASK
