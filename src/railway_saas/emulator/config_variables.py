"""Variables as an environment config or a template spells them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.world.projects import NO_VARIABLES, Variable
from railway_saas.errors import TemplateError
from railway_saas.templates.expressions import evaluate_generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.emulator.world.projects import Variables
    from railway_saas.emulator.world.world import World


def patched_variables(
    world: World, variables: Variables, patch: Mapping[str, Mapping[str, Any] | None] | None
) -> Variables:
    """The variables after a patch: null deletes one (or all), `isSealed` seals one for good.

    Raises:
        Refusal: A generator is not a call that Railway knows.
    """
    if patch is None:
        return NO_VARIABLES
    result = dict(variables)
    for name, entry in patch.items():
        if entry is None:
            result.pop(name, None)
        else:
            result[name] = _patched(world, name, variables.get(name), entry)
    return result


def generated(world: World, generator: str) -> str:
    """What a `generator` makes: the same calls as in templates, without braces.

    Raises:
        Refusal: It is not a call that Railway knows.
    """
    try:
        return evaluate_generator(generator, world.ids.stream("secret"))
    except TemplateError as error:
        raise errors.invalid_field("generator") from error


def _patched(world: World, name: str, known: Variable | None, entry: Mapping[str, Any]) -> Variable:
    now = world.clock.now()
    value = entry.get("value")
    if value is None and entry.get("generator") and known is None:
        value = generated(world, entry["generator"])
    if value is None:
        value = known.value if known else entry.get("defaultValue") or ""
    sealed = bool(entry.get("isSealed")) or (known is not None and known.is_sealed)
    if known is None:
        return Variable(world.ids.uuid(), name, value, now, now, sealed)
    if (known.value, known.is_sealed) == (value, sealed):
        return known
    return replace(known, value=value, is_sealed=sealed, updated_at=now)
