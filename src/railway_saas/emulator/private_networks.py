"""The private network of an environment, its endpoints, and static outbound addresses.

Addresses and ids follow from the ids of environments and service instances, so that nothing of it is stored.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas.emulator import errors, structure
from railway_saas.emulator.provided import PRIVATE_ZONE
from railway_saas.emulator.regions import DEFAULT_REGION, is_region
from railway_saas.emulator.registry import graphql_type, part
from railway_saas.emulator.slugs import slug
from railway_saas.templates.names import RESERVED_ENDPOINT_NAMES

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.projects import Environment, ServiceInstance
    from railway_saas.emulator.world.world import World

NETWORK_NAME = "railway"
_ENDPOINT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@graphql_type("PrivateNetwork")
@dataclass(frozen=True, slots=True)
class PrivateNetwork:
    """The private network of one environment. Railway: isolated per project and environment."""

    public_id: str
    name: str
    dns_name: str
    network_id: int
    environment_id: str
    project_id: str
    created_at: datetime
    deleted_at: datetime | None = None
    tags: tuple[str, ...] = ()


@graphql_type("PrivateNetworkEndpoint")
@dataclass(frozen=True, slots=True)
class PrivateNetworkEndpoint:
    """A service's place in the private network."""

    public_id: str
    dns_name: str
    private_ips: list[str]
    service_instance_id: str
    created_at: datetime
    sync_status: str = "ACTIVE"
    new_dns_name: str | None = None
    deleted_at: datetime | None = None
    tags: tuple[str, ...] = ()


@graphql_type("EgressGateway")
@dataclass(frozen=True, slots=True)
class EgressGateway:
    """A static outbound address."""

    ipv4: str
    region: str
    zone: str | None = None


@part
class EgressGateways:
    """The static outbound addresses of service instances."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_instance: dict[str, list[EgressGateway]] = {}
        world.hooks.instance_deleted.append(self.clear)

    def of(self, instance: ServiceInstance) -> list[EgressGateway]:
        """Those of one service instance."""
        return self._by_instance.get(instance.id, [])

    def add(self, instance: ServiceInstance, region: str | None) -> list[EgressGateway]:
        """Give a service instance a static address; all it has then. Railway: on the Pro plan only.

        Raises:
            Refusal: The plan has none; there is no such region.
        """
        if instance.project.workspace.plan != "PRO":
            raise errors.invalid("Static outbound IPs are only available on the Pro plan")
        if region is not None and not is_region(region):
            raise errors.invalid_field("region")
        stream = self._world.ids.stream("egress")
        address = f"{stream.choice((162, 152, 66, 208))}." + ".".join(
            str(stream.randint(1, 254)) for _ in range(3)
        )
        gateway = EgressGateway(address, region or instance.settings.region or DEFAULT_REGION)
        self._by_instance.setdefault(instance.id, []).append(gateway)
        return self._by_instance[instance.id]

    def clear(self, instance: ServiceInstance) -> None:
        """Take all away."""
        self._by_instance.pop(instance.id, None)


def network_of(environment: Environment) -> PrivateNetwork:
    """The private network of an environment; there always is exactly one."""
    return PrivateNetwork(
        public_id=_derived(environment.id, "network"),
        name=NETWORK_NAME,
        dns_name=PRIVATE_ZONE,
        network_id=int.from_bytes(_digest(environment.id)[:4]),
        environment_id=environment.id,
        project_id=environment.project.id,
        created_at=environment.created_at,
    )


def endpoint_of(instance: ServiceInstance) -> PrivateNetworkEndpoint:
    """The endpoint of a service instance; it comes with the service."""
    network, host = _digest(instance.environment.id), _digest(instance.id)
    groups = (
        f"{network.hex()[:4]}:{network.hex()[4:8]}:0:{host.hex()[:4]}:{host.hex()[4:8]}:{host.hex()[8:12]}"
    )
    return PrivateNetworkEndpoint(
        public_id=_derived(instance.id, "endpoint"),
        dns_name=endpoint_name(instance),
        private_ips=[f"10.{host[6]}.{host[7]}.{max(host[8], 1)}", f"fd12:{groups}"],
        service_instance_id=instance.id,
        created_at=instance.created_at,
    )


def endpoint_name(instance: ServiceInstance) -> str:
    """The host name without its zone."""
    return instance.private_name or slug(instance.service.name)


def is_free(environment: Environment, name: str) -> bool:
    """Whether an endpoint may take this name."""
    if not _ENDPOINT_NAME.fullmatch(name) or name in RESERVED_ENDPOINT_NAMES:
        return False
    return all(endpoint_name(one) != name for one in environment.instances.values())


def rename_endpoint(world: World, instance: ServiceInstance, name: str | None) -> None:
    """Give an endpoint another name; None: the service's own again.

    Raises:
        Refusal: The name is none, is reserved, or is taken.
    """
    if name is not None and name != endpoint_name(instance) and not is_free(instance.environment, name):
        raise errors.invalid_field("dnsName")
    instance.private_name = name
    structure.touch(world, instance.project)


def _derived(owner_id: str, what: str) -> str:
    return str(uuid.uuid5(uuid.UUID(owner_id), what))


def _digest(owner_id: str) -> bytes:
    return hashlib.sha256(owner_id.encode()).digest()
