"""Numbers as people write them, read exactly. Pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

_LONGEST: Final = 100
"""Characters of a number in text: more is a mistake."""


def exact(value: object) -> Decimal | None:
    """The finite number that a value is, exactly; None: it is none.

    Whole numbers and texts count as they are, floats as Python writes them: `0.1` is a tenth.
    """
    number = _read(value)
    return number if number is not None and number.is_finite() else None


def _read(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        return None
    if isinstance(value, Decimal | int):
        return Decimal(value)
    text = repr(value) if isinstance(value, float) else value.strip()
    try:
        return Decimal(text) if len(text) <= _LONGEST else None
    except InvalidOperation:
        return None
