"""Railway's log filter language.

```text
error                     a word anywhere in the line          "upstream timed out"    a phrase
@level:error              an attribute                         @tags[0]:web            an entry of a list
@durationMs:>100          >, >=, <, <=, a..b                   replica:<id>  @service:<id>
a b      a AND b          a OR b                               -a        ( ... )
```

Source: Railway's documentation of log filtering.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from railway_saas.emulator import errors

if TYPE_CHECKING:
    from collections.abc import Callable


class Record(Protocol):
    """What a filter looks at."""

    def text(self) -> str:
        """What words and phrases are looked for in."""
        ...

    def value(self, key: str) -> object:
        """The value of `@key`, or None."""
        ...


if TYPE_CHECKING:
    Predicate = Callable[[Record], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<minus>-)(?=[@("\w])
      | (?P<key>@[\w.\[\]-]+|replica):(?P<value>"(?:[^"\\]|\\.)*"|[^\s()]+)
      | "(?P<phrase>(?:[^"\\]|\\.)*)"
      | (?P<word>[^\s()]+)
    )""",
    re.VERBOSE,
)
_NUMBER = r"-?\d+(?:\.\d+)?"
_COMPARISON = re.compile(rf"(>=|<=|>|<)({_NUMBER})")
_SPAN = re.compile(rf"({_NUMBER})\.\.({_NUMBER})")
_INDEX = re.compile(r"(.*)\[(\d+)\]")

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


@lru_cache(maxsize=256)
def compile_filter(text: str) -> Predicate:
    """A predicate for a filter; the empty one fits everything.

    Raises:
        Refusal: The filter makes no sense.
    """
    tokens = _tokens(text)
    if not tokens:
        return lambda _: True
    parser = _Parser(tokens)
    predicate = parser.any_of()
    if parser.position != len(tokens):
        raise _invalid()
    return predicate


def _invalid() -> errors.Refusal:
    return errors.invalid("Invalid filter")


def _tokens(text: str) -> list[re.Match[str]]:
    tokens: list[re.Match[str]] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise _invalid()
        tokens.append(match)
        position = match.end()
    return tokens


@dataclass(slots=True)
class _Parser:
    """Recursive descent: OR binds weakest, then AND (also by standing side by side), then `-`."""

    tokens: list[re.Match[str]]
    position: int = 0

    def any_of(self) -> Predicate:
        parts = [self.all_of()]
        while self._take_word("OR"):
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else lambda record: any(part(record) for part in parts)

    def all_of(self) -> Predicate:
        parts = [self.term()]
        while self._take_word("AND") or self._continues():
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else lambda record: all(part(record) for part in parts)

    def term(self) -> Predicate:
        token = self._next()
        if token["minus"]:
            inner = self.term()
            return lambda record: not inner(record)
        if token["open"]:
            inner = self.any_of()
            if not self._next()["close"]:
                raise _invalid()
            return inner
        if token["close"]:
            raise _invalid()
        return _leaf(token)

    def _next(self) -> re.Match[str]:
        if self.position >= len(self.tokens):
            raise _invalid()
        self.position += 1
        return self.tokens[self.position - 1]

    def _peek_word(self) -> str | None:
        return self.tokens[self.position]["word"] if self.position < len(self.tokens) else None

    def _take_word(self, word: str) -> bool:
        taken = self._peek_word() == word
        self.position += taken
        return taken

    def _continues(self) -> bool:
        if self.position >= len(self.tokens) or self._peek_word() == "OR":
            return False
        return not self.tokens[self.position]["close"]


def _leaf(token: re.Match[str]) -> Predicate:
    if token["key"]:
        key = token["key"].removeprefix("@")
        fits = _value_predicate(_unquote(token["value"]))
        return lambda record: fits(_look_up(record, key))
    needle = _unescape(token["phrase"]) if token["phrase"] is not None else token["word"]
    lowered = needle.lower()
    return lambda record: lowered in record.text().lower()


def _value_predicate(wanted: str) -> Callable[[object], bool]:
    comparison, span = _COMPARISON.fullmatch(wanted), _SPAN.fullmatch(wanted)
    if comparison:
        compare, bound = COMPARE[comparison[1]], float(comparison[2])
        return lambda value: (number := _number(value)) is not None and compare(number, bound)
    if span:
        low, high = float(span[1]), float(span[2])
        return lambda value: (number := _number(value)) is not None and low <= number <= high
    lowered = wanted.lower()
    return lambda value: value is not None and _text(value).lower() == lowered


def _look_up(record: Record, key: str) -> object:
    index = _INDEX.fullmatch(key)
    if index is None:
        return record.value(key)
    entries: Any = record.value(index[1])
    place = int(index[2])
    return entries[place] if isinstance(entries, list) and place < len(entries) else None  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(str(value))
    except ValueError:
        return None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unquote(text: str) -> str:
    return _unescape(text[1:-1]) if text.startswith('"') else text


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
