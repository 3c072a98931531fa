"""Texts from outside, made fit to be kept. Pure."""

from __future__ import annotations

from typing import Final

MAX_STORED: Final = 20_000
"""Characters kept of any one text from Railway; of a log, the last ones."""


def storable(text: str) -> str:
    """The text without what databases refuse: a NUL character, and half of a character, become a question mark."""
    return text[-MAX_STORED:].encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
