"""`client.regions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import regions as ops

if TYPE_CHECKING:
    from railway_saas.railway.models.regions import Region


class AsyncRegions(AsyncResource):
    """Where services can run."""

    async def list(self, *, project_id: str | None = None) -> tuple[Region, ...]:
        """All regions; with a project, those its services can run in. `Region.name` is the identifier."""
        return await self._client.run(ops.list_(project_id=project_id))
