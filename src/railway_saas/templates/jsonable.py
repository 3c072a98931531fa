"""Our result objects as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from railway_saas.templates.costs import CostEstimate, ServiceCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas.templates.json_values import JsonValue

__all__ = ["to_json_value"]


def to_json_value(value: object) -> JsonValue:
    """Turn frozen dataclasses, tuples, decimals and dates into plain JSON; private fields are left out."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {str(key): to_json_value(item) for key, item in entries.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(item) for item in cast("Sequence[object]", value)]
    return _fields(value)


def _fields(value: object) -> JsonValue:
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no JSON form")
    result = {
        field.name: to_json_value(getattr(value, field.name))
        for field in fields(value)
        if not field.name.startswith("_")
    }
    if isinstance(value, CostEstimate | ServiceCost):
        result = {"total": to_json_value(value.total), **result}
    return result
