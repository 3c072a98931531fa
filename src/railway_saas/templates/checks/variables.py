"""What can be wrong with a service's variables, and with the `${{...}}` in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import TemplateProblem
from railway_saas.templates.checks.rules import check_fields, check_object, flag, text
from railway_saas.templates.functions import GENERATOR_FORM
from railway_saas.templates.paths import child
from railway_saas.templates.sizes import fault_of_functions, fault_of_generator
from railway_saas.templates.syntax import OPEN, parse_call, parse_expressions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.templates.checks.rules import Problems, Rule
    from railway_saas.templates.json_values import JsonObject, JsonValue

__all__ = ["check_variables"]


def check_variables(variables: JsonObject, path: str) -> Problems:
    """Yield every fault of one service's variables."""
    for name, value in variables.items():
        at = child(path, name)
        yield from _check_name(name, at)
        if isinstance(value, str | int | float):
            yield TemplateProblem(at, "must be an object like {'defaultValue': '...'}, not the bare value")
        else:
            yield from check_object(value, at, _check_variable)


def _check_variable(variable: JsonObject, path: str) -> Problems:
    yield from check_fields(variable, path, _VARIABLE)


def _check_name(name: str, path: str) -> Problems:
    if not name:
        yield TemplateProblem(path, "a variable without a name")
    elif any(char in "=.{}" or char.isspace() or not char.isprintable() for char in name):
        yield TemplateProblem(path, "the name holds a blank, '=', '.', a brace or a control character")


def _check_text(value: JsonValue, path: str) -> Problems:
    yield from text(value, path)
    if not isinstance(value, str):
        return
    if "\0" in value:
        yield TemplateProblem(path, "holds a NUL character, which no environment variable can")
    if any("\ud800" <= char <= "\udfff" for char in value):
        yield TemplateProblem(path, "holds half a character (a lone surrogate), which cannot be sent")
    for part in parse_expressions(value):
        if part.fault is not None:
            yield TemplateProblem(path, part.fault)
    if (fault := fault_of_functions(value)) is not None:
        yield TemplateProblem(path, fault)


def _check_generator(value: JsonValue, path: str) -> Problems:
    yield from text(value, path)
    if not isinstance(value, str) or not value:
        return
    call = parse_call(value, value)
    if call is None and OPEN in value:
        yield from _check_text(value, path)
    elif call is None or call.fault is not None:
        yield TemplateProblem(path, call.fault if call and call.fault else GENERATOR_FORM)
    elif (fault := fault_of_generator(value)) is not None:
        yield TemplateProblem(path, fault)


_VARIABLE: Mapping[str, Rule] = {
    "value": _check_text,
    "defaultValue": _check_text,
    "generator": _check_generator,
    "encryptedValue": text,
    "description": text,
    "isOptional": flag,
    "isSealed": flag,
}
