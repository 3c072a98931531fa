"""Values of variables, taken out of what Railway writes: it may quote what it was sent. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from railway_saas._core.redaction import MASK, Secret, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from railway_saas._core.operation import Operation
    from railway_saas.errors import RailwayError
    from railway_saas.instances.situation import Situation

SHORTEST: Final = 4
"""Shorter values are not masked: they are hardly secrets, and are everywhere in texts."""
CUT: Final = "…"
"""Ends a text that was cut short; a value may have been cut with it."""
_HARMLESS: Final = frozenset({"true", "false", "null", "none"})
_HOLDERS: Final = frozenset({"variables", "sharedVariables", "registryCredentials"})
"""What holds values in calls and in template documents."""


def sent_values(operations: Iterable[Operation[Any]]) -> frozenset[str]:
    """Every value of a variable in these calls, also those that were generated for them."""
    return frozenset(value for one in operations for value in _values(one.variables, inside=False))


def known_values(s: Situation) -> frozenset[str]:
    """Every value that the instance's owner has chosen, or its document holds."""
    config = s.instance.desired.config
    chosen = [*config.inputs.values()]
    chosen += [value for one in config.variables.values() for value in one.values() if value is not None]
    held = [variable.text for service in s.template.services for variable in service.variables]
    return frozenset(filter(None, (*chosen, *held)))


def masked(text: str, values: Iterable[str]) -> str:
    """The text without these values, longest first: one may be part of another."""
    for form in _forms(values):
        text = text.replace(form, MASK)
        text = _without_its_beginning(text, form)
    return text


def mask_error(error: RailwayError, values: Iterable[str]) -> None:
    """Take these values out of everything that an error says."""
    forms = _forms(values)
    for form in forms:
        scrub(error, Secret(form))
    error.args = tuple(masked(arg, forms) if isinstance(arg, str) else arg for arg in error.args)


def _values(found: object, *, inside: bool) -> Iterator[str]:
    if isinstance(found, str):
        if inside:
            yield found
        return
    if isinstance(found, dict):
        for name, part in cast("dict[str, object]", found).items():
            yield from _values(part, inside=inside or name in _HOLDERS)
    elif isinstance(found, (list, tuple)):
        for part in cast("Iterable[object]", found):
            yield from _values(part, inside=inside)


def _forms(values: Iterable[str]) -> list[str]:
    """How a value may be written: as it is, as JSON has it, line by line."""
    forms = {
        form.strip()
        for value in values
        for form in (
            value,
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            *value.splitlines(),
        )
    }
    hidden = (form for form in forms if len(form) >= SHORTEST and form.lower() not in _HARMLESS)
    return sorted(hidden, key=len, reverse=True)


def _without_its_beginning(text: str, form: str) -> str:
    """What was cut short may end in the middle of a value."""
    *cut, rest = text.split(CUT)
    return CUT.join((*(_without_end(part, form) for part in cut), rest))


def _without_end(text: str, form: str) -> str:
    for length in range(len(form) - 1, SHORTEST - 1, -1):
        if text.endswith(form[:length]):
            return f"{text[:-length]}{MASK}"
    return text
