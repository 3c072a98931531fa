"""Quoting what somebody has passed, so that an error says which value it means without repeating all of it."""

from __future__ import annotations

from typing import Final

LONGEST_QUOTE: Final = 80
"""Characters. Who passes a file by mistake, or on purpose, does not get it back in the error, the log and the answer."""


def cut(text: str) -> str:
    """The beginning of a text that is long, else all of it."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."


def quoted(value: object) -> str:
    """A value as it stands in code, at least the beginning of it."""
    if isinstance(value, str | bytes) and len(value) > LONGEST_QUOTE:
        return f"{value[:LONGEST_QUOTE]!r}..."
    try:
        return cut(repr(value))
    except Exception:  # noqa: BLE001 - somebody else's object, or a number with too many digits
        return f"a {type(value).__name__}"
