"""The grammar of `${{...}}`: text is cut into literals, references and function calls, losing nothing.

Railway documents no grammar. The rules here: an expression runs from `${{` to the next `}}`, in a function
call to the next one outside quotes; `name(...)` is a call; anything else is a reference, split at its last
dot. What is malformed is kept as it stands and carries a `fault`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Expression",
    "FunctionCall",
    "Literal",
    "Reference",
    "parse_call",
    "parse_expressions",
    "references",
]

OPEN = "${{"
_CLOSE = "}}"
_CALL_WINDOW = 1_024
"""How many characters a function call may span; keeps hostile text from costing quadratic time."""

_CALL_START = re.compile(r"\s*[A-Za-z_]\w*\s*\(", re.ASCII)
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\((.*)\)", re.ASCII | re.DOTALL)
_QUOTED = r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'"""
_QUOTED_OR_CLOSE = re.compile(rf"{_QUOTED}|\}}\}}", re.DOTALL)
_ARGUMENT = re.compile(
    rf"\s*(?:(?P<number>[+-]?\d{{1,18}})|(?P<quoted>{_QUOTED}))\s*(?P<end>,|\Z)", re.DOTALL
)
_ESCAPED_QUOTE = re.compile(r"""\\(["'\\])""")

MAX_SECRET_LENGTH = 32_768
"""Longest secret made here, in characters. Our limit; Railway documents none."""
DEFAULT_SECRET_LENGTH = 32
"""Railway: `secret()` without a length."""
DEFAULT_RANDOM_INT = (0, 100)
"""Railway: `randomInt()` without bounds."""

Argument: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands for itself."""

    source: str
    """The text as written."""
    fault: str | None = None
    """What is wrong with it: a `${{` that is never closed."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`${{NAME}}`, `${{shared.NAME}}` or `${{Service Name.NAME}}`."""

    owner: str | None
    """Service, bucket or `shared`; None for the service the variable belongs to."""
    name: str
    """The variable: what follows the last dot."""
    source: str
    """The expression as written, braces included."""
    fault: str | None = None
    """What is wrong with it, e.g. nothing between the braces."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """`${{secret(32)}}` or `${{randomInt(1, 6)}}`."""

    name: str
    """Name of the function, as written."""
    arguments: tuple[Argument, ...]
    """Its arguments, read; empty when they could not be."""
    source: str
    """The expression as written, braces included."""
    fault: str | None = None
    """What is wrong with it: an unknown function or arguments it cannot take."""


Expression: TypeAlias = Literal | Reference | FunctionCall


def parse_expressions(text: str) -> tuple[Expression, ...]:
    """Cut a variable's text into its parts; their `source`s joined give the text again. Never fails."""
    if OPEN not in text:
        return (Literal(text),) if text else ()
    return _parsed(text)


def references(text: str) -> tuple[Reference, ...]:
    """The references in a variable's text, in order, repeats included."""
    return tuple(part for part in parse_expressions(text) if isinstance(part, Reference))


def parse_call(text: str, source: str) -> FunctionCall | None:
    """Read `name(arguments)`, or return None where the text has another form."""
    match = _CALL.fullmatch(text.strip())
    if match is None:
        return None
    name, arguments = match[1], _arguments(match[2])
    if arguments is None:
        return FunctionCall(name, (), source, f"{name}(): arguments are whole numbers and quoted text")
    return FunctionCall(name, arguments, source, _fault_of_call(name, arguments))


@lru_cache(maxsize=2_048)
def _parsed(text: str) -> tuple[Expression, ...]:
    return tuple(_cut(text))


def _cut(text: str) -> Iterator[Expression]:
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        end = _closing(text, start + len(OPEN))
        if end < 0:
            break
        inner = text[start + len(OPEN) : end]
        expression = parse_call(inner, f"{OPEN}{inner}{_CLOSE}")
        if expression is None and (nested := inner.rfind(OPEN)) >= 0:
            start += nested + len(OPEN)
            yield Literal(text[position:start], _UNCLOSED)
            position = start
            continue
        if start > position:
            yield Literal(text[position:start])
        yield expression or _reference(inner)
        position = end + len(_CLOSE)
    if position < len(text):
        yield Literal(text[position:], _UNCLOSED if OPEN in text[position:] else None)


_UNCLOSED = "`${{` without a closing `}}`"


def _closing(text: str, start: int) -> int:
    """Where the expression's `}}` stands; -1 when there is none."""
    if _CALL_START.match(text, start):
        position, window = start, start + _CALL_WINDOW
        while found := _QUOTED_OR_CLOSE.search(text, position, window):
            if found[0] == _CLOSE:
                return found.start()
            position = found.end()
    return text.find(_CLOSE, start)


def _reference(inner: str) -> Reference:
    owner, dot, name = inner.rpartition(".")
    owner, name = owner.strip(), name.strip()
    fault = None
    if not name:
        fault = "names no variable between `${{` and `}}`"
    elif dot and not owner:
        fault = "names no service before the dot"
    return Reference(owner or None, name, f"{OPEN}{inner}{_CLOSE}", fault)


def _arguments(text: str) -> tuple[Argument, ...] | None:
    if not text.strip():
        return ()
    arguments: list[Argument] = []
    position = 0
    while match := _ARGUMENT.match(text, position):
        arguments.append(int(match["number"]) if match["number"] else _unquoted(match["quoted"]))
        position = match.end()
        if not match["end"]:
            return tuple(arguments)
    return None


def with_defaults(arguments: Sequence[Argument], defaults: Sequence[Argument]) -> list[Argument]:
    """Arguments given, then the defaults of those that are not."""
    return [*arguments, *defaults[len(arguments) :]]


def _unquoted(quoted: str) -> str:
    return _ESCAPED_QUOTE.sub(r"\1", quoted[1:-1])


def _fault_of_call(name: str, arguments: tuple[Argument, ...]) -> str | None:
    if name == "secret":
        return _fault_of_secret(arguments)
    if name == "randomInt":
        return _fault_of_random_int(arguments)
    return f"unknown function {name}(); Railway knows secret(length?, alphabet?) and randomInt(min?, max?)"


def _fault_of_secret(arguments: tuple[Argument, ...]) -> str | None:
    length, alphabet, *more = with_defaults(arguments, (DEFAULT_SECRET_LENGTH, "-"))
    if more or not isinstance(length, int) or not isinstance(alphabet, str):
        return "secret() takes a length and then a quoted alphabet, both optional"
    if not 1 <= length <= MAX_SECRET_LENGTH:
        return f"secret(): the length is {length}; it must be from 1 to {MAX_SECRET_LENGTH}"
    return None if alphabet else "secret(): the alphabet is empty"


def _fault_of_random_int(arguments: tuple[Argument, ...]) -> str | None:
    low, high, *more = with_defaults(arguments, DEFAULT_RANDOM_INT)
    if more or not isinstance(low, int) or not isinstance(high, int):
        return "randomInt() takes a minimum and a maximum, both optional whole numbers"
    return None if low <= high else f"randomInt(): the minimum {low} is above the maximum {high}"
