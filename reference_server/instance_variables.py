"""What an owner may see of an instance's variables. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from railway_saas.templates import Template, looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from railway_saas.domain import InstanceConfig
    from railway_saas.templates import TemplateInput


class VariableSource(StrEnum):
    """Where a variable's value comes from."""

    TEMPLATE = "template"
    """The template's own default, or what Railway generates for it."""
    INPUT = "input"
    """What the owner filled in when the instance was deployed."""
    SET = "set"
    """What was set since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVariable:
    """A variable, with its value only where the owner set it and it is no secret."""

    service: str
    name: str
    value: str | None = field(repr=False)
    secret: bool
    source: VariableSource
    description: str | None = None


def shown_variables(document: Mapping[str, object], config: InstanceConfig) -> Iterator[ShownVariable]:
    """All variables that are known of an instance: those of its template first, then those added since.

    Args:
        document: The template's, as it was published: without what the owner filled in.
        config: What the owner chose.
    """
    overlay = {service: dict(values) for service, values in config.variables.items()}
    for item in Template.parse(document).inputs():
        changes = overlay.get(item.service, {})
        if item.name in changes:
            value = changes.pop(item.name)
            if value is not None:
                yield _shown(item, value, VariableSource.SET)
        else:
            given = config.inputs.get(item.key, config.inputs.get(item.name))
            source = VariableSource.TEMPLATE if given is None else VariableSource.INPUT
            yield _shown(item, given, source)
    for service, added in sorted(overlay.items()):
        for name, value in sorted(added.items()):
            if value is not None:
                yield _added(service, name, value)


def _shown(item: TemplateInput, value: str | None, source: VariableSource) -> ShownVariable:
    return ShownVariable(
        service=item.service,
        name=item.name,
        value=None if item.secret else value,
        secret=item.secret,
        source=source,
        description=item.description,
    )


def _added(service: str, name: str, value: str) -> ShownVariable:
    secret = looks_secret(name)
    return ShownVariable(
        service=service,
        name=name,
        value=None if secret else value,
        secret=secret,
        source=VariableSource.SET,
    )
