"""Reading JSON text strictly: every key once, no NaN, bounded depth, and every fault with line and column.

The standard reader does the work. Only when it stumbles, or meets something it would silently change (the
last of two equal keys, a number that overflows), a slower pass over the tokens finds where.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from railway_saas.errors import TemplateError, TemplateProblem
from railway_saas.templates.json_values import MAX_DEPTH, JsonObject, JsonValue, fits_json
from railway_saas.templates.paths import ROOT, child, element

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["read_json", "refuse"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s"{}\[\]:,]+', re.DOTALL)


def refuse(problems: list[TemplateProblem]) -> TemplateError:
    """The error for a text that is no template document at all."""
    return TemplateError("the template document cannot be read", problems=problems)


def read_json(source: str | bytes) -> JsonValue:
    """Read JSON text without losing or changing anything.

    Raises:
        TemplateError: Not UTF-8, not JSON, a key given twice, NaN, Infinity, a number beyond a 64-bit float,
            or nested deeper than `MAX_DEPTH`; each problem says line and column.
    """
    text = (_decode(source) if isinstance(source, bytes) else source).removeprefix("\ufeff")
    reader = _WatchfulReader()
    try:
        value = reader.read(text)
    except json.JSONDecodeError as error:
        raise refuse([_Places(text).problem(error.pos, f"not JSON: {error.msg}")]) from error
    except RecursionError as error:
        raise refuse([_too_deep(text)]) from error
    if _deeper_than(value, MAX_DEPTH):
        raise refuse([_too_deep(text)])
    if reader.suspicious:
        raise refuse(list(_find_faults(text)))
    return value


def _decode(source: bytes) -> str:
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8 text: byte 0x{source[error.start]:02x} at offset {error.start} (line {line})"
        raise refuse([TemplateProblem(ROOT, message)]) from error


@dataclass(slots=True)
class _WatchfulReader:
    """The standard reader, noting whether anything came by that it cannot keep as it is."""

    suspicious: bool = False

    def read(self, text: str) -> JsonValue:
        return cast(
            "JsonValue",
            json.loads(
                text,
                object_pairs_hook=self._object,
                parse_constant=self._constant,
                parse_float=self._float,
                parse_int=self._int,
            ),
        )

    def _object(self, pairs: list[tuple[str, JsonValue]]) -> JsonObject:
        result = dict(pairs)
        self.suspicious |= len(result) != len(pairs)
        return result

    def _constant(self, _text: str) -> float:
        self.suspicious = True
        return 0.0

    def _float(self, text: str) -> float:
        number = float(text)
        self.suspicious |= not fits_json(number)
        return number

    def _int(self, text: str) -> int:
        number = _integer(text)
        self.suspicious |= number is None
        return number or 0


def _integer(text: str) -> int | None:
    """Read an integer, unless a 64-bit float could not hold its size. Python itself refuses 4,300 digits."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if fits_json(number) else None


def _deeper_than(value: JsonValue, limit: int) -> bool:
    level = _containers([value])
    for _ in range(limit):
        level = [item for parent in level for item in _containers(_children(parent))]
    return bool(level)


def _containers(values: Iterable[JsonValue]) -> list[JsonObject | list[JsonValue]]:
    return [value for value in values if isinstance(value, dict | list)]


def _children(value: JsonObject | list[JsonValue]) -> Iterable[JsonValue]:
    return value.values() if isinstance(value, dict) else value


@dataclass(slots=True)
class _Frame:
    """One open object or list during the search for faults."""

    path: str
    is_object: bool
    keys: set[str] = field(default_factory=set[str])
    key: str | None = None
    index: int = 0

    def here(self) -> str:
        if not self.is_object:
            return element(self.path, self.index)
        return self.path if self.key is None else child(self.path, self.key)


def _find_faults(text: str) -> Iterator[TemplateProblem]:
    """Walk the tokens of a text that the standard reader accepts."""
    place = _Places(text)
    frames: list[_Frame] = []
    for match in _TOKEN.finditer(text):
        lexeme, position = match[0], match.start()
        if lexeme in "{[":
            frames.append(_Frame(frames[-1].here() if frames else ROOT, is_object=lexeme == "{"))
        elif lexeme in "}]":
            frames.pop()
        elif lexeme == ",":
            frames[-1].index += 1
            frames[-1].key = None
        elif lexeme != ":":
            yield from _faults_of_lexeme(place, position, lexeme, frames[-1] if frames else None)


def _faults_of_lexeme(
    place: _Places, position: int, lexeme: str, frame: _Frame | None
) -> Iterator[TemplateProblem]:
    if frame is not None and frame.is_object and frame.key is None:
        frame.key = cast("str", json.loads(lexeme, strict=False))
        if frame.key in frame.keys:
            yield place.problem(position, "this key is given twice; keep one", frame.here())
        frame.keys.add(frame.key)
        return
    path = frame.here() if frame else ROOT
    if lexeme in {"NaN", "Infinity", "-Infinity"}:
        yield place.problem(position, f"{lexeme} is not JSON", path)
    elif lexeme[0] in "-0123456789" and not fits_json(float(lexeme)):
        yield place.problem(position, "the number is too large for a 64-bit float, so it would be lost", path)


def _too_deep(text: str) -> TemplateProblem:
    return _Places(text).problem(_first_too_deep(text), f"nested deeper than {MAX_DEPTH} levels")


def _first_too_deep(text: str) -> int:
    depth = 0
    for match in _TOKEN.finditer(text):
        depth += (match[0] in "{[") - (match[0] in "}]")
        if depth > MAX_DEPTH:
            return match.start()
    return len(text)


class _Places:
    """Lines and columns of a text; the line ends are found once, however many problems there are."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def problem(self, position: int, message: str, path: str = ROOT) -> TemplateProblem:
        before = bisect_left(self._ends, position)
        column = position - (self._ends[before - 1] if before else -1)
        return TemplateProblem(path, f"line {before + 1}, column {column}: {message}")
