"""`client.tcp_proxies`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import tcp_proxies as ops

if TYPE_CHECKING:
    from railway_saas.railway.models.environments import EnvironmentPatch
    from railway_saas.railway.models.tcp_proxies import TCPProxy


class AsyncTcpProxies(AsyncResource):
    """TCP proxies: public ports for services that do not speak HTTP, one per service and environment."""

    async def list(self, *, environment_id: str, service_id: str) -> tuple[TCPProxy, ...]:
        """The TCP proxies of a service in one environment."""
        return await self._client.run(ops.list_(environment_id=environment_id, service_id=service_id))

    async def create(
        self, *, environment_id: str, service_id: str, application_port: int, message: str | None = None
    ) -> str:
        """Make a TCP proxy by committing a patch of the environment's configuration.

        Railway makes it in the background: `list` until `is_active`. When `unmerged_changes_count` of the
        environment is above 0, Railway's CLI only stages it, so as not to mix with other people's changes:
        `stage` does that.

        Args:
            environment_id: Where.
            service_id: Which service.
            application_port: The port that the service listens on.
            message: Kept with the patch.

        Returns:
            Railway's id of the commit.

        Raises:
            RailwayInputError: The port is out of range. Nothing was sent.
        """
        return await self._client.run(
            ops.create(
                environment_id=environment_id,
                service_id=service_id,
                application_port=application_port,
                message=message,
            )
        )

    async def stage(self, *, environment_id: str, service_id: str, application_port: int) -> EnvironmentPatch:
        """Put a TCP proxy into the staged patch; `client.environments.commit_staged` makes it."""
        return await self._client.run(
            ops.stage(environment_id=environment_id, service_id=service_id, application_port=application_port)
        )

    async def delete(self, tcp_proxy_id: str) -> bool:
        """Delete a TCP proxy."""
        return await self._client.run(ops.delete(tcp_proxy_id))
