"""`client.variables`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import variables as ops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from railway_saas._core.paging import Page
    from railway_saas.railway.models import variables as models


class AsyncVariables(AsyncResource):
    """Variables of services, and shared ones of environments. What is read never shows its values in `repr`."""

    async def rendered(
        self, *, project_id: str, environment_id: str, service_id: str | None = None
    ) -> models.Variables:
        """Variables with their references resolved.

        Args:
            project_id: Where.
            environment_id: Where.
            service_id: Of this service; without it, the environment's shared ones.
        """
        return await self._client.run(
            ops.rendered(project_id=project_id, environment_id=environment_id, service_id=service_id)
        )

    async def unrendered(
        self, *, project_id: str, environment_id: str, service_id: str | None = None
    ) -> models.Variables:
        """Variables as they were set, with `${{...}}` kept; arguments as for `rendered`."""
        return await self._client.run(
            ops.unrendered(project_id=project_id, environment_id=environment_id, service_id=service_id)
        )

    async def for_deployment(
        self, *, project_id: str, environment_id: str, service_id: str
    ) -> models.Variables:
        """What a container of the service would get, with Railway's own `RAILWAY_*`."""
        return await self._client.run(
            ops.for_deployment(project_id=project_id, environment_id=environment_id, service_id=service_id)
        )

    def records(self, environment_id: str, *, page_size: int | None = None) -> AsyncIterator[models.Variable]:
        """Go through what Railway keeps about an environment's variables, without their values."""
        return self._all(lambda cursor: ops.records_page(environment_id, first=page_size, after=cursor))

    async def records_page(
        self, environment_id: str, *, first: int | None = None, after: str | None = None
    ) -> Page[models.Variable]:
        """One page of what Railway keeps about an environment's variables."""
        return await self._client.run(ops.records_page(environment_id, first=first, after=after))

    async def upsert(
        self,
        name: str,
        value: str,
        *,
        project_id: str,
        environment_id: str,
        service_id: str | None = None,
        skip_deploys: bool | None = None,
    ) -> bool:
        """Set one variable, at once. Railway deploys the services it touches.

        Args:
            name: Its name, by convention `[A-Za-z_][A-Za-z0-9_]*`.
            value: Its value; may hold references `${{Service.NAME}}`, several lines, or nothing.
            project_id: Where.
            environment_id: Where.
            service_id: Of this service; without it, a shared variable.
            skip_deploys: Deploy nothing.

        Raises:
            RailwayInputError: The name or the value is no text; the value is not shown. Nothing was sent.
        """
        return await self._client.run(
            ops.upsert(
                name,
                value,
                project_id=project_id,
                environment_id=environment_id,
                service_id=service_id,
                skip_deploys=skip_deploys,
            )
        )

    async def upsert_many(
        self,
        variables: Mapping[str, str],
        *,
        project_id: str,
        environment_id: str,
        service_id: str | None = None,
        replace: bool | None = None,
        skip_deploys: bool | None = None,
    ) -> bool:
        """Set several variables in one request.

        Args:
            variables: Values by name.
            project_id: Where.
            environment_id: Where.
            service_id: Of this service; without it, shared variables.
            replace: Delete all others first.
            skip_deploys: Deploy nothing.

        Raises:
            RailwayInputError: A name or value is no text; values are not shown. Nothing was sent.
        """
        return await self._client.run(
            ops.upsert_many(
                variables,
                project_id=project_id,
                environment_id=environment_id,
                service_id=service_id,
                replace=replace,
                skip_deploys=skip_deploys,
            )
        )

    async def delete(
        self, name: str, *, project_id: str, environment_id: str, service_id: str | None = None
    ) -> bool:
        """Delete a variable. Railway deploys the services it touches; that cannot be skipped."""
        return await self._client.run(
            ops.delete(name, project_id=project_id, environment_id=environment_id, service_id=service_id)
        )

    async def configure_shared(
        self,
        name: str,
        *,
        project_id: str,
        environment_id: str,
        enabled_service_ids: Sequence[str] = (),
        disabled_service_ids: Sequence[str] = (),
    ) -> models.Variable:
        """Say which services get a shared variable, and which do not."""
        return await self._client.run(
            ops.configure_shared(
                name,
                project_id=project_id,
                environment_id=environment_id,
                enabled_service_ids=enabled_service_ids,
                disabled_service_ids=disabled_service_ids,
            )
        )
