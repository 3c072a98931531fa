"""Requests from the public to the services that run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.emulator import lifecycle
from railway_saas.emulator.domains import Domains
from railway_saas.emulator.world.networking import CustomDomain

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import ServiceInstance
    from railway_saas.emulator.world.world import World


def visit(world: World, host: str) -> int:
    """The HTTP status that a request to this host gets.

    Railway: 404 for an unknown host and before the first success; 502 without a running process. A request to a
    sleeping service wakes it, and is answered after about a second.
    """
    instance = find_instance(world, host)
    if instance is None or not any(one.succeeded_at for one in instance.deployments):
        return 404
    for deployment in reversed(instance.deployments):
        if deployment.status == "SLEEPING":
            deployment.last_request_at = world.clock.now()
            lifecycle.wake(world, deployment)
            return 200
        if deployment.status == "SUCCESS" and deployment.is_running:
            deployment.last_request_at = world.clock.now()
            return 200
    return 502


def find_instance(world: World, host: str) -> ServiceInstance | None:
    """The service instance that a domain leads to; a customer's own leads nowhere until its records are set."""
    domain = world.part(Domains).find(host)
    if domain is None or (isinstance(domain, CustomDomain) and not domain.verified):
        return None
    return domain.instance
