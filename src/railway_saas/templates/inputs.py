"""What a customer must or may fill in, as objects and as a JSON Schema that forms are built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from railway_saas.templates.functions import calls_secret
from railway_saas.templates.syntax import FunctionCall, Literal, parse_expressions, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from railway_saas.templates.json_values import JsonObject, JsonValue
    from railway_saas.templates.views import TemplateService, TemplateVariable

__all__ = ["MAX_VALUE_BYTES", "TemplateInput", "inputs_of", "schema_of"]

MAX_VALUE_BYTES = 32 * 1024
"""Longest value accepted for an input, in bytes of UTF-8. Our limit; Railway documents none."""


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """One variable that a customer must or may fill in."""

    service: str
    """Name of the service."""
    name: str
    """Name of the variable."""
    required: bool
    """Nothing fills it unless somebody does."""
    default: str | None = field(repr=False)
    """What it holds otherwise; may contain `${{...}}`."""
    description: str | None
    secret: bool
    """Generated as a secret, sealed, or named like one: show it as a password, never log it."""
    generator: str | None = field(default=None, repr=False)
    """The call that makes its value, where a template states one apart from the default."""

    @property
    def key(self) -> str:
        """How `Template.fill` and the JSON Schema name it: `Service.NAME`."""
        return f"{self.service}.{self.name}"

    @property
    def is_generated(self) -> bool:
        """Whether Railway makes its value when the template is deployed, unless somebody gives one."""
        if not self.default:
            return self.generator is not None
        return any(isinstance(part, FunctionCall) for part in parse_expressions(self.default))

    @property
    def is_reference(self) -> bool:
        """Whether its value comes from other variables, unless somebody gives one."""
        return bool(self.default) and bool(references(self.default or ""))

    @property
    def shown_default(self) -> str | None:
        """The default as it may be shown: a secret written out in clear is withheld."""
        if self.secret and all(isinstance(part, Literal) for part in parse_expressions(self.default or "")):
            return None
        return self.default


def inputs_of(services: Iterable[TemplateService]) -> Iterator[TemplateInput]:
    """The inputs of services, in the document's order."""
    for service in services:
        for variable in service.variables:
            yield _input(service.name, variable)


def _input(service: str, variable: TemplateVariable) -> TemplateInput:
    return TemplateInput(
        service=service,
        name=variable.name,
        required=variable.is_required,
        default=variable.text or None,
        description=variable.description,
        secret=variable.is_secret or calls_secret(variable.default or ""),
        generator=variable.generator,
    )


def schema_of(inputs: Iterable[TemplateInput]) -> JsonObject:
    """A JSON Schema (2020-12) of the values that `Template.fill` takes, one property per `Service.NAME`."""
    listed = list(inputs)
    properties: JsonObject = {item.key: _property(item) for item in listed}
    required: list[JsonValue] = list(dict.fromkeys(item.key for item in listed if item.required))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _property(item: TemplateInput) -> JsonObject:
    # A NUL cannot be in an environment variable; the length counts characters, so `fill` still counts bytes.
    result: JsonObject = {
        "type": "string",
        "title": item.name,
        "x-service": item.service,
        "maxLength": MAX_VALUE_BYTES,
        "pattern": "^[^\\u0000]*$",
    }
    if item.description:
        result["description"] = item.description
    if item.required:
        result["minLength"] = 1
    if item.shown_default is not None:
        result["default"] = item.shown_default
    if item.is_generated:
        result["x-generated"] = True
    if item.is_reference:
        result["x-reference"] = True
    if item.secret:
        result |= {"writeOnly": True, "format": "password"}
    return result
