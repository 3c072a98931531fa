"""Building blocks of the check: a rule takes a value and its path, and yields what is wrong with it.

Rules are only asked about values that are there and not null: everywhere in a template, null means unset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from railway_saas.errors import TemplateProblem
from railway_saas.templates.json_values import JsonObject, JsonValue, as_integer, describe
from railway_saas.templates.paths import child, element

__all__ = [
    "Problems",
    "Rule",
    "absolute_path",
    "check_fields",
    "check_object",
    "flag",
    "list_of",
    "number",
    "object_of",
    "one_of",
    "text",
    "text_or_texts",
    "whole_number",
]

Problems: TypeAlias = Iterator[TemplateProblem]
Rule: TypeAlias = Callable[[JsonValue, str], Problems]


def check_fields(owner: JsonObject, path: str, rules: Mapping[str, Rule]) -> Problems:
    """Hold every field that is set to its rule; fields without a rule are nobody's business."""
    for name, rule in rules.items():
        if (value := owner.get(name)) is not None:
            yield from rule(value, child(path, name))


def check_object(value: JsonValue, path: str, then: Callable[[JsonObject, str], Problems]) -> Problems:
    """Demand an object, and look inside only if it is one. Null counts as absent."""
    if isinstance(value, dict):
        yield from then(value, path)
    elif value is not None:
        yield _wrong(value, path, "an object")


def object_of(rules: Mapping[str, Rule]) -> Rule:
    """An object whose known fields follow these rules."""
    return lambda value, path: check_object(value, path, lambda owner, at: check_fields(owner, at, rules))


def text(value: JsonValue, path: str) -> Problems:
    """Text."""
    if not isinstance(value, str):
        yield _wrong(value, path, "text")


def flag(value: JsonValue, path: str) -> Problems:
    """True or false."""
    if not isinstance(value, bool):
        yield _wrong(value, path, "true or false")


_LARGEST = 2_147_483_647
"""GraphQL's Int has 32 bits; Railway refuses larger ones after the project is made."""


def whole_number(minimum: int, maximum: int | None = None) -> Rule:
    """A whole number within bounds, both included."""
    allowed = (
        f"a whole number of at least {minimum}" if maximum is None else f"a whole number {minimum}-{maximum}"
    )

    def rule(value: JsonValue, path: str) -> Problems:
        found = as_integer(value)
        if found is None:
            yield _wrong(value, path, allowed)
        elif found > _LARGEST:
            yield TemplateProblem(path, f"is more than {_LARGEST}; must be {allowed}")
        elif found < minimum or (maximum is not None and found > maximum):
            yield TemplateProblem(path, f"is {found}; must be {allowed}")

    return rule


def number(value: JsonValue, path: str) -> Problems:
    """A number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield _wrong(value, path, "a number above 0")
    elif value <= 0:
        yield TemplateProblem(path, f"is {value}; must be a number above 0")


def one_of(*allowed: str) -> Rule:
    """One of a few words."""

    def rule(value: JsonValue, path: str) -> Problems:
        if not isinstance(value, str):
            yield _wrong(value, path, f"one of {', '.join(allowed)}")
        elif value not in allowed:
            yield TemplateProblem(path, f"is {value[:50]!r}; must be one of {', '.join(allowed)}")

    return rule


def list_of(rule: Rule) -> Rule:
    """A list whose elements follow a rule."""

    def check(value: JsonValue, path: str) -> Problems:
        if not isinstance(value, list):
            yield _wrong(value, path, "a list")
            return
        for index, item in enumerate(value):
            yield from rule(item, element(path, index))

    return check


def text_or_texts(value: JsonValue, path: str) -> Problems:
    """Text or a list of texts. Railway: `preDeployCommand` is written in both ways."""
    if isinstance(value, list):
        yield from list_of(text)(value, path)
    elif not isinstance(value, str):
        yield _wrong(value, path, "text or a list of texts")


def absolute_path(value: JsonValue, path: str) -> Problems:
    """A path from the root; empty counts as unset."""
    if not isinstance(value, str):
        yield _wrong(value, path, "text")
    elif value and not value.startswith("/"):
        yield TemplateProblem(path, f"is {value[:50]!r}; must begin with '/'")


def _wrong(value: JsonValue, path: str, wanted: str) -> TemplateProblem:
    return TemplateProblem(path, f"is {describe(value)}; must be {wanted}")
