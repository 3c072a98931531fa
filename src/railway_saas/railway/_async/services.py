"""`client.services`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import services as ops
from railway_saas.railway.operations._build import UNSET, Unset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.services import RegistryCredentials, Service


class AsyncServices(AsyncResource):
    """Railway's services. Their settings in one environment are `client.service_instances`."""

    def list(self, project_id: str, *, page_size: int | None = None) -> AsyncIterator[Service]:
        """Go through all services of a project, page by page as needed."""
        return self._all(lambda cursor: ops.list_page(project_id, first=page_size, after=cursor))

    async def list_page(
        self, project_id: str, *, first: int | None = None, after: str | None = None
    ) -> Page[Service]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(ops.list_page(project_id, first=first, after=after))

    async def get(self, service_id: str) -> Service:
        """One service with its repository triggers.

        Raises:
            RailwayAuthError: There is no such service, or the token may not see it; Railway answers alike.
        """
        return await self._client.run(ops.get(service_id))

    async def create(
        self,
        project_id: str,
        *,
        name: str | None = None,
        environment_id: str | None = None,
        image: str | None = None,
        repo: str | None = None,
        branch: str | None = None,
        icon: str | None = None,
        variables: Mapping[str, str] | None = None,
        registry_credentials: RegistryCredentials | None = None,
        template_id: str | None = None,
        template_service_id: str | None = None,
    ) -> Service:
        """Make a service. Railway does not deploy it: `client.service_instances.deploy` does.

        Args:
            project_id: Where.
            name: Unique in the project; Railway invents one when None.
            environment_id: A fork gets the service alone; otherwise every environment that is no fork does.
            image: What it runs; or `repo`.
            repo: What it is built from, `owner/name`.
            branch: Of the repository. Railway was seen to ignore it where its GitHub App is not installed.
            icon: Address of a picture.
            variables: Its first variables.
            registry_credentials: Log-in of the image's registry (Pro).
            template_id: The template it comes from; with `template_service_id`.
            template_service_id: Its key in the template's document.

        Raises:
            RailwayConflictError: The name is taken.
            RailwayInputError: Arguments exclude each other. Nothing was sent.
            RailwayConnectionError: With `maybe_applied` set, look for the service before trying again.
        """
        return await self._client.run(
            ops.create(
                project_id,
                name=name,
                environment_id=environment_id,
                image=image,
                repo=repo,
                branch=branch,
                icon=icon,
                variables=variables,
                registry_credentials=registry_credentials,
                template_id=template_id,
                template_service_id=template_service_id,
            )
        )

    async def update(
        self, service_id: str, *, name: str | Unset = UNSET, icon: str | Unset | None = UNSET
    ) -> Service:
        """Change what is given; None clears the icon. References to a renamed service are not rewritten."""
        return await self._client.run(ops.update(service_id, name=name, icon=icon))

    async def delete(self, service_id: str, *, environment_id: str | None = None) -> bool:
        """Delete a service with its deployments and domains; Railway was seen to take up to 15 seconds.

        Args:
            service_id: Which.
            environment_id: A fork loses the service alone; otherwise every environment that is no fork does.

        Raises:
            RailwayAuthError: There is no such service, or the token has no right; Railway answers alike.
        """
        return await self._client.run(ops.delete(service_id, environment_id=environment_id))

    async def connect(
        self, service_id: str, *, image: str | None = None, repo: str | None = None, branch: str | None = None
    ) -> Service:
        """Point a service at an image, or at a repository (`owner/name`) and branch.

        Raises:
            RailwayInputError: Both or neither are given, or `repo` is an address. Nothing was sent.
        """
        return await self._client.run(ops.connect(service_id, image=image, repo=repo, branch=branch))

    async def disconnect(self, service_id: str) -> Service:
        """Part a service from its repository: pushes deploy it no longer."""
        return await self._client.run(ops.disconnect(service_id))
