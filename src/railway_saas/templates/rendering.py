"""Resolving references within one environment, as Railway does when a deployment reads its variables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from railway_saas.templates.graph import strongly_connected
from railway_saas.templates.syntax import OPEN, Reference, parse_expressions, references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["MAX_RENDERED_CHARACTERS", "SHARED", "VariableScope", "render"]

SHARED = "shared"
"""Railway: `${{shared.NAME}}` is the environment's shared variable."""

MAX_RENDERED_CHARACTERS = 1_048_576
"""A rendered value is cut off here. Our limit: a chain of doubling references would fill any memory."""

_Variable: TypeAlias = tuple[str, str]
"""Owner (service, bucket or `shared`) and name."""


class VariableScope:
    """The variables of one environment, as they stand: a snapshot to render from.

    Making one costs nothing, however many services there are; values are resolved when asked for and then
    remembered, so make a new scope after a change. `RAILWAY_*` variables are ordinary entries of their
    service. Where a service and a bucket share a name, the service is meant.

    Railway: a reference to nothing renders as the empty string. References that lead back to themselves have
    no value either: within such a cycle every reference renders as the empty string.

    Args:
        services: Variables by service name, then by variable name.
        buckets: Credentials by bucket name, then by name.
        shared: Shared variables of the environment by name.
    """

    def __init__(
        self,
        services: Mapping[str, Mapping[str, str]],
        *,
        buckets: Mapping[str, Mapping[str, str]] | None = None,
        shared: Mapping[str, str] | None = None,
    ) -> None:
        self._services = services
        self._buckets: Mapping[str, Mapping[str, str]] = buckets or {}
        self._shared: Mapping[str, str] = shared or {}
        self._resolved: dict[_Variable, str] = {}

    def __repr__(self) -> str:
        return f"VariableScope({len(self._services)} services)"

    def render(self, text: str, *, service: str | None = None) -> str:
        """Resolve the references in a text as if it were a variable of `service` (None: a shared one)."""
        if OPEN not in text:
            return text
        owner = SHARED if service is None else service
        return _join(text, lambda reference: self._value(_target(reference, owner)))

    def variables(self, service: str | None = None) -> dict[str, str]:
        """All variables of a service, rendered (None: the shared ones). An unknown service has none."""
        owner = SHARED if service is None else service
        return {name: self._value((owner, name)) for name in self._owned_by(owner)}

    def _owned_by(self, owner: str) -> Mapping[str, str]:
        if owner == SHARED:
            return self._shared
        owned = self._services.get(owner)
        return self._buckets.get(owner, {}) if owned is None else owned

    def _text(self, variable: _Variable) -> str:
        return self._owned_by(variable[0]).get(variable[1], "")

    def _value(self, variable: _Variable) -> str:
        text = self._text(variable)
        if OPEN not in text:
            return text
        if variable not in self._resolved:
            for cycle_or_one in strongly_connected([variable], self._unresolved):
                self._resolve(frozenset(cycle_or_one))
        return self._resolved[variable]

    def _unresolved(self, variable: _Variable) -> Iterator[_Variable]:
        """The variables that must be resolved first."""
        for reference in references(self._text(variable)):
            target = _target(reference, variable[0])
            if target not in self._resolved and OPEN in self._text(target):
                yield target

    def _resolve(self, members: frozenset[_Variable]) -> None:
        """Resolve variables that lead to each other (mostly one that does not); all they need is resolved."""
        for variable in members:
            owner, text = variable[0], self._text(variable)
            self._resolved[variable] = _join(text, partial(self._value_outside, members, owner))

    def _value_outside(self, members: frozenset[_Variable], owner: str, reference: Reference) -> str:
        target = _target(reference, owner)
        return "" if target in members else self._value(target)


def render(text: str, scope: VariableScope, *, service: str | None = None) -> str:
    """Resolve the references in a text within a scope; see `VariableScope.render`."""
    return scope.render(text, service=service)


def _target(reference: Reference, owner: str) -> _Variable:
    return (owner if reference.owner is None else reference.owner, reference.name)


def _join(text: str, value_of: Callable[[Reference], str]) -> str:
    """Put values in the place of references. Function calls stay: Railway evaluates them only at deploy."""
    parts: list[str] = []
    room = MAX_RENDERED_CHARACTERS
    for part in parse_expressions(text):
        piece = value_of(part) if isinstance(part, Reference) else part.source
        parts.append(piece[:room])
        room -= len(parts[-1])
        if not room:
            break
    return "".join(parts)
