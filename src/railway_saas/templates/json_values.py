"""JSON as Python values: their types, plain copies, and one canonical text for comparing and hashing."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from railway_saas.errors import TemplateProblem
from railway_saas.templates.paths import ROOT, child, element

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "MAX_DEPTH",
    "JsonObject",
    "JsonValue",
    "as_integer",
    "as_object",
    "as_text",
    "canonical_text",
    "content_hash",
    "copy_json",
    "describe",
    "faults_of_values",
    "fits_json",
    "plain",
]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""Any JSON value."""
JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object."""

MAX_DEPTH = 100
"""How deep a document may nest. Our limit: genuine templates stay under 10, and recursion stays harmless."""

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
)


def describe(value: object) -> str:
    """Name the kind of a JSON value for a message; never the value itself, which may be a secret."""
    if value is None:
        return "null"
    return next(
        (words for kind, words in _KINDS if isinstance(value, kind)), f"a Python {type(value).__name__}"
    )


def as_object(value: JsonValue) -> JsonObject:
    """The value itself if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: JsonValue) -> str | None:
    """The value itself if it is text that is not empty."""
    return value if isinstance(value, str) and value else None


def as_integer(value: JsonValue) -> int | None:
    """The value as an integer; `8080.0` is one, as JSON knows only one kind of number, and `true` is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == int(value) else None


def copy_json(value: JsonValue) -> JsonValue:
    """Copy a JSON value through and through (`copy.deepcopy` takes ten times as long)."""
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    return [copy_json(item) for item in value] if isinstance(value, list) else value


def plain(value: object) -> JsonValue:
    """Copy a value that `faults_of_values` found nothing wrong with into plain dicts, lists and scalars."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value)
        return {str.__str__(key): plain(item) for key, item in entries.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("Sequence[object]", value)]
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) else float(value)  # type: ignore[arg-type]


def faults_of_values(value: object, path: str = ROOT, depth: int = 0) -> Iterator[TemplateProblem]:
    """Find what keeps Python values from being a JSON document: other types, other keys, NaN, depth."""
    if depth >= MAX_DEPTH and isinstance(value, Mapping | list | tuple):
        yield TemplateProblem(path, f"nested deeper than {MAX_DEPTH} levels")
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[object, object]", value).items():
            if isinstance(key, str):
                yield from faults_of_values(item, child(path, key), depth + 1)
            else:
                yield TemplateProblem(path, f"has a key that is {describe(key)}; keys must be text")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("Sequence[object]", value)):
            yield from faults_of_values(item, element(path, index), depth + 1)
    elif (reason := _fault_of_scalar(value)) is not None:
        yield TemplateProblem(path, reason)


def _fault_of_scalar(value: object) -> str | None:
    if value is None or isinstance(value, str | bool):
        return None
    if isinstance(value, int | float):
        return None if fits_json(value) else "is not a finite number that JSON can hold"
    return f"is {describe(value)}, which JSON cannot hold"


def fits_json(number: float) -> bool:
    """Whether a number survives as JSON: Railway reads numbers as 64-bit floats, so larger ones are lost."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def canonical_text(value: JsonValue) -> str:
    """One text per meaning: keys sorted, no blanks, ASCII, `1.0` written as `1`."""
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _canonical(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def content_hash(value: JsonValue) -> str:
    """SHA-256 over the canonical text, in hexadecimal."""
    return hashlib.sha256(canonical_text(value).encode("ascii")).hexdigest()
