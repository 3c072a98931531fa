"""`client.egress_gateways`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import egress_gateways as ops

if TYPE_CHECKING:
    from railway_saas.railway.models.egress_gateways import EgressGateway


class AsyncEgressGateways(AsyncResource):
    """Static outbound addresses: Pro only, in force from a service's next deployment on."""

    async def list(self, *, service_id: str, environment_id: str) -> tuple[EgressGateway, ...]:
        """The addresses that a service's outbound traffic comes from; none is normal."""
        return await self._client.run(ops.list_(service_id=service_id, environment_id=environment_id))

    async def create(
        self, *, service_id: str, environment_id: str, region: str | None = None
    ) -> tuple[EgressGateway, ...]:
        """Give a service static outbound addresses, and return them. Redeploy it afterwards.

        Raises:
            RailwayAuthError: The workspace's plan does not have them, among other things.
        """
        return await self._client.run(
            ops.create(service_id=service_id, environment_id=environment_id, region=region)
        )

    async def clear(
        self, *, service_id: str, environment_id: str, all_environments: bool | None = None
    ) -> bool:
        """Take a service's static outbound addresses away, in this or in all environments."""
        return await self._client.run(
            ops.clear(service_id=service_id, environment_id=environment_id, all_environments=all_environments)
        )
