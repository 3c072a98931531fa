"""Setting and deleting variables, and who has to be deployed again because of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.emulator import lifecycle, structure
from railway_saas.emulator.rendering import SHARED, owners_referenced
from railway_saas.emulator.world.projects import Variable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from railway_saas.emulator.world.accounts import User
    from railway_saas.emulator.world.projects import Environment, ServiceInstance, Variables
    from railway_saas.emulator.world.world import World


def read(environment: Environment, instance: ServiceInstance | None) -> Variables:
    """The variables of a service instance; without one, the shared variables of the environment."""
    return environment.shared_variables if instance is None else instance.variables


def write(
    world: World, environment: Environment, instance: ServiceInstance | None, variables: Variables
) -> None:
    """Put these in the place of all that were there."""
    if instance is None:
        environment.shared_variables = variables
    else:
        instance.variables = variables
    (instance or environment).updated_at = world.clock.now()
    structure.touch(world, environment.project)


def upsert(
    world: World, variables: Variables, values: Mapping[str, str], *, replace_all: bool = False
) -> Variables:
    """The variables with some values set. Railway: what is sealed stays sealed."""
    now = world.clock.now()
    result = {} if replace_all else dict(variables)
    for name, value in values.items():
        known = variables.get(name)
        if known is None:
            result[name] = Variable(world.ids.uuid(), name, value, now, now)
        else:
            result[name] = known if known.value == value else replace(known, value=value, updated_at=now)
    return result


def without(variables: Variables, names: Collection[str]) -> Variables:
    """The variables except some."""
    return {name: one for name, one in variables.items() if name not in names}


def affected(environment: Environment, changed: ServiceInstance | None) -> list[ServiceInstance]:
    """Who reads the variables of a service (None: shared ones), itself included, through however many references."""
    names = {SHARED if changed is None else changed.service.name}
    found = [changed] if changed else []
    refers = {
        instance.service.id: owners_referenced(instance.variables)
        for instance in environment.instances.values()
    }
    growing = True
    while growing:
        new = [
            one
            for one in environment.instances.values()
            if one not in found and refers[one.service.id] & names
        ]
        found += new
        names |= {one.service.name for one in new}
        growing = bool(new)
    return found


def redeploy(world: World, instances: Iterable[ServiceInstance], creator: User | None) -> None:
    """Deploy again whoever was deployed before, all at once: no order is kept outside batch deploys."""
    for instance in instances:
        if instance.deployments and instance.settings.source:
            lifecycle.deploy_service_instance(world, instance, creator=creator)
