"""Deploying several services at once, in the order in which they refer to each other.

Railway: when a template is deployed, staged changes are committed or an environment is duplicated, a service waits for
those it refers to, transitively; services on a cycle start in parallel. Single redeploys know no order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.emulator import lifecycle
from railway_saas.emulator.rendering import SHARED, owners_referenced
from railway_saas.templates.graph import strongly_connected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from railway_saas.emulator.world.accounts import User
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import ServiceInstance
    from railway_saas.emulator.world.world import World


def deploy_in_order(
    world: World, instances: Iterable[ServiceInstance], *, reason: str = "deploy", creator: User | None = None
) -> list[Deployment]:
    """Deploy every instance that has a source; each waits for the others of the batch that it refers to."""
    batch = {one.service.name: one for one in instances if one.settings.source}
    needs = {name: _needs(one) & batch.keys() - {name} for name, one in batch.items()}
    made: dict[str, Deployment] = {}
    for cycle_or_one in strongly_connected(batch, lambda name: sorted(needs[name])):
        waited_for = sorted({need for name in cycle_or_one for need in needs[name]} - set(cycle_or_one))
        for name in cycle_or_one:
            made[name] = lifecycle.deploy_service_instance(
                world, batch[name], reason=reason, creator=creator, wait_for=[made[one] for one in waited_for]
            )
    return [made[name] for name in batch]


def _needs(instance: ServiceInstance) -> set[str]:
    """Names of the services it refers to, also through shared variables."""
    owners = owners_referenced(instance.variables)
    if SHARED in owners:
        owners |= owners_referenced(instance.environment.shared_variables)
    return owners
