"""Operations on private networks. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.private_networks import PrivateNetwork, PrivateNetworkEndpoint
from railway_saas.railway.operations._build import operation, require_text

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation

RESERVED_NAMES = frozenset({"health", "internal", "internal-health", "railway", "up"})
"""Names that Railway keeps for itself. Source: docs.railway.com, "Private networking"."""


def list_(environment_id: str) -> Operation[tuple[PrivateNetwork, ...]]:
    """The private networks of an environment."""
    require_text(environment_id=environment_id)
    variables = {"environmentId": environment_id}
    return operation("PrivateNetworkList", tuple[PrivateNetwork, ...], variables, read_after_write=True)


def find_endpoint(
    *, environment_id: str, private_network_id: str, service_id: str
) -> Operation[PrivateNetworkEndpoint | None]:
    """A service's endpoint in a private network, or None."""
    require_text(environment_id=environment_id, private_network_id=private_network_id, service_id=service_id)
    variables = {
        "environmentId": environment_id,
        "privateNetworkId": private_network_id,
        "serviceId": service_id,
    }
    return operation(
        "PrivateNetworkEndpointFind", PrivateNetworkEndpoint | None, variables, read_after_write=True
    )


def rename_endpoint(endpoint_id: str, *, dns_name: str, private_network_id: str) -> Operation[bool]:
    """Give a service another name in its private network, without `.railway.internal`."""
    require_text(endpoint_id=endpoint_id, dns_name=dns_name, private_network_id=private_network_id)
    if dns_name.lower() in RESERVED_NAMES:
        raise RailwayInputError(
            f"dns_name={dns_name!r}: Railway keeps {', '.join(sorted(RESERVED_NAMES))} for itself",
            argument="dns_name",
        )
    variables = {"id": endpoint_id, "dnsName": dns_name, "privateNetworkId": private_network_id}
    return operation("PrivateNetworkEndpointRename", bool, variables, safe_to_repeat=True)
