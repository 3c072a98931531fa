"""`client.private_networks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import private_networks as ops

if TYPE_CHECKING:
    from railway_saas.railway.models.private_networks import PrivateNetwork, PrivateNetworkEndpoint


class AsyncPrivateNetworks(AsyncResource):
    """Railway's private networks: `http://<service>.railway.internal`, within one environment, at run time."""

    async def list(self, environment_id: str) -> tuple[PrivateNetwork, ...]:
        """The private networks of an environment: normally one."""
        return await self._client.run(ops.list_(environment_id))

    async def find_endpoint(
        self, *, environment_id: str, private_network_id: str, service_id: str
    ) -> PrivateNetworkEndpoint | None:
        """A service's name and addresses in a private network, or None when it has none.

        Args:
            environment_id: The environment.
            private_network_id: `public_id` of one of `list`.
            service_id: The service.
        """
        return await self._client.run(
            ops.find_endpoint(
                environment_id=environment_id, private_network_id=private_network_id, service_id=service_id
            )
        )

    async def rename_endpoint(self, endpoint_id: str, *, dns_name: str, private_network_id: str) -> bool:
        """Give a service another name in its private network.

        Args:
            endpoint_id: `public_id` of the endpoint.
            dns_name: The part before `.railway.internal`.
            private_network_id: `public_id` of the network.

        Raises:
            RailwayInputError: Railway keeps the name for itself. Nothing was sent.
        """
        return await self._client.run(
            ops.rename_endpoint(endpoint_id, dns_name=dns_name, private_network_id=private_network_id)
        )
