"""Variables with their references resolved, as they stand now.

Railway: references are resolved when they are read, so what a variable says changes with what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from railway_saas.emulator.provided import DEFAULT_PORT, bucket_variables, provided_variables
from railway_saas.templates.expressions import VariableScope, references

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import Environment, ServiceInstance, Variables
    from railway_saas.emulator.world.world import World

SHARED = "shared"


class _Services(Mapping[str, Mapping[str, str]]):
    """Variables by service name; a service's are gathered only when something refers to it."""

    def __init__(self, world: World, environment: Environment) -> None:
        self._world = world
        self._by_name = {one.service.name: one for one in environment.instances.values()}
        self._gathered: dict[str, Mapping[str, str]] = {}

    def __getitem__(self, name: str) -> Mapping[str, str]:
        if name not in self._gathered:
            instance = self._by_name[name]
            own = visible_values(instance.variables)
            self._gathered[name] = {**provided_variables(self._world, instance), **own}
        return self._gathered[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def scope_of(world: World, environment: Environment) -> VariableScope:
    """Everything that references in an environment can find."""
    buckets = {
        bucket.name: bucket_variables(bucket.instances[environment.id])
        for bucket in environment.project.buckets.values()
        if environment.id in bucket.instances
    }
    shared = visible_values(environment.shared_variables)
    return VariableScope(_Services(world, environment), buckets=buckets, shared=shared)


def visible_values(variables: Variables) -> dict[str, str]:
    """Names and values as written. Railway: a sealed value never comes back from the API, nor through a reference."""
    return {name: one.value for name, one in variables.items() if not one.is_sealed}


def rendered(world: World, environment: Environment, instance: ServiceInstance | None) -> dict[str, str]:
    """A service's own variables (without an instance: the shared ones), with references resolved."""
    scope = scope_of(world, environment)
    own = instance.variables if instance else environment.shared_variables
    service = instance.service.name if instance else None
    return {name: scope.render(value, service=service) for name, value in visible_values(own).items()}


def for_deployment(world: World, instance: ServiceInstance) -> dict[str, str]:
    """What a container would get: its own variables, `RAILWAY_*`, and a `PORT` when it sets none."""
    variables = scope_of(world, instance.environment).variables(instance.service.name)
    variables.setdefault("PORT", DEFAULT_PORT)
    return variables


def referenced(value: str) -> list[str]:
    """The references in a value, as Railway lists them: `Service.NAME`, `shared.NAME` or `NAME`."""
    return [f"{one.owner}.{one.name}" if one.owner else one.name for one in references(value)]


def owners_referenced(variables: Variables) -> set[str]:
    """Names of the services (and buckets, and `shared`) that a service's variables refer to."""
    return {one.owner for variable in variables.values() for one in references(variable.value) if one.owner}
