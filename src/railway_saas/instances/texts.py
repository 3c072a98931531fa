"""Texts from outside, made fit to be kept. Pure."""

from __future__ import annotations

from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

MAX_STORED: Final = 20_000
"""Characters kept of any one text from Railway; of a log, the last ones."""


def storable(text: str) -> str:
    """The text without what databases refuse: a NUL character, and half of a character, become a question mark."""
    return text[-MAX_STORED:].encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def storable_json(found: T) -> T:
    """The same for every text in a JSON document."""
    if isinstance(found, str):
        return cast("T", storable(found))
    if isinstance(found, dict):
        items = cast("dict[str, Any]", found).items()
        return cast("T", {storable(name): storable_json(part) for name, part in items})
    if isinstance(found, (list, tuple)):
        return cast("T", [storable_json(part) for part in cast("list[Any]", found)])
    return found
