"""`client.templates`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import templates as ops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.templates import (
        Template,
        TemplateDeployment,
        TemplateMetrics,
        TemplateSearchResult,
    )


class AsyncTemplates(AsyncResource):
    """Railway's template marketplace, and deploying from it. Reading it needs no token.

    What a document asks for, and filling it in, is the work of `railway_saas.templates`.
    """

    async def by_code(self, code: str) -> Template:
        """The template that `railway.com/deploy/<code>` deploys, with its document; unpublished ones too.

        Raises:
            RailwayNotFoundError: There is no such template.
        """
        return await self._client.run(ops.by_code(code))

    async def by_id(self, template_id: str) -> Template:
        """A template by its id, with its document.

        Raises:
            RailwayNotFoundError: There is no such template.
        """
        return await self._client.run(ops.by_id(template_id))

    async def by_repo(self, *, owner: str, repo: str) -> Template:
        """The template of a GitHub repository, with its document.

        Raises:
            RailwayNotFoundError: There is no such template.
        """
        return await self._client.run(ops.by_repo(owner=owner, repo=repo))

    def list(
        self,
        *,
        verified: bool | None = None,
        recommended: bool | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[Template]:
        """Go through all published templates, without their documents.

        Args:
            verified: Only those that Railway has verified.
            recommended: Only those that Railway recommends.
            page_size: Templates per request; Railway's default when None.
        """
        return self._all(
            lambda cursor: ops.list_page(
                verified=verified, recommended=recommended, first=page_size, after=cursor
            )
        )

    async def list_page(
        self,
        *,
        verified: bool | None = None,
        recommended: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Page[Template]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(
            ops.list_page(verified=verified, recommended=recommended, first=first, after=after)
        )

    def search(
        self,
        query: str,
        *,
        category: str | None = None,
        verified: bool | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[TemplateSearchResult]:
        """Go through the published templates that fit some words, best first; an empty text browses.

        Args:
            query: The words.
            category: Only this category.
            verified: Only those that Railway has verified (or, False, has not).
            page_size: Results per request, at most 50.
        """
        return self._all(
            lambda cursor: ops.search_page(
                query, category=category, verified=verified, first=page_size, after=cursor
            )
        )

    async def search_page(
        self,
        query: str,
        *,
        category: str | None = None,
        verified: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Page[TemplateSearchResult]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(
            ops.search_page(query, category=category, verified=verified, first=first, after=after)
        )

    def list_of_workspace(
        self, workspace_id: str, *, page_size: int | None = None
    ) -> AsyncIterator[Template]:
        """Go through a workspace's own templates, published or not, with their documents."""
        return self._all(
            lambda cursor: ops.workspace_templates_page(workspace_id, first=page_size, after=cursor)
        )

    async def list_of_workspace_page(
        self, workspace_id: str, *, first: int | None = None, after: str | None = None
    ) -> Page[Template]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(ops.workspace_templates_page(workspace_id, first=first, after=after))

    async def source_for_project(self, project_id: str) -> Template | None:
        """What Railway calls a project's source template, without its document; or None.

        What a service was deployed from is told more surely by its own `template_id`.
        """
        return await self._client.run(ops.source_for_project(project_id))

    async def metrics(self, template_id: str) -> TemplateMetrics:
        """How a template of ours does: deployments, earnings, health."""
        return await self._client.run(ops.metrics(template_id))

    async def deploy(
        self,
        *,
        template_id: str,
        serialized_config: Mapping[str, object],
        project_id: str | None = None,
        environment_id: str | None = None,
        workspace_id: str | None = None,
        stage_only: bool | None = None,
        existing_root_service_id: str | None = None,
    ) -> TemplateDeployment:
        """Deploy a template's document as it was filled in. Not idempotent.

        Follow `workflow_id` with `client.workflows`; then services carry `template_service_id`, which is their
        key in the document.

        Args:
            template_id: Needed by Railway also when the document was changed.
            serialized_config: The document, every required variable with its `value`.
            project_id: Where to; without it a new project in `workspace_id`, named by Railway.
            environment_id: Where to within the project.
            workspace_id: Whose the new project is.
            stage_only: Make everything, but leave the deploy to a commit of the staged changes.
            existing_root_service_id: The service that becomes the root of a database cluster.

        Raises:
            RailwayInputError: The document is not what Railway knows; its message names the key.
            RailwayConnectionError: With `maybe_applied` set, look whether services have appeared before
                trying again, or a second copy is deployed.
            RailwayQueryError: Railway refused without a reason: a required variable without value, say.
        """
        return await self._client.run(
            ops.deploy(
                template_id=template_id,
                serialized_config=serialized_config,
                project_id=project_id,
                environment_id=environment_id,
                workspace_id=workspace_id,
                stage_only=stage_only,
                existing_root_service_id=existing_root_service_id,
            )
        )

    async def generate(self, project_id: str, *, environment_id: str | None = None) -> Template:
        """Make a template from a project.

        Railway leaves things out: plain values of variables (those with `${{...}}` stay), `isOptional`,
        branches, sleep, and build settings.

        Raises:
            RailwayInputError: A service's repository is not connected in a way that a template can use.
        """
        return await self._client.run(ops.generate(project_id, environment_id=environment_id))

    async def publish(
        self,
        template_id: str,
        *,
        category: str,
        description: str,
        readme: str,
        image: str | None = None,
        demo_project_id: str | None = None,
        workspace_id: str | None = None,
    ) -> Template:
        """Put a template into the marketplace, or change how it is shown there.

        Args:
            template_id: The template.
            category: One of `railway_saas.railway.operations.templates.CATEGORIES`.
            description: 25 to 75 characters.
            readme: 250 to 10,000 characters of Markdown.
            image: Address of a picture.
            demo_project_id: A project that shows it.
            workspace_id: Whose template it is.

        Raises:
            RailwayInputError: A text is too short or too long, or the category unknown. Nothing was sent.
            RailwayAuthError: The account may not publish.
        """
        return await self._client.run(
            ops.publish(
                template_id,
                category=category,
                description=description,
                readme=readme,
                image=image,
                demo_project_id=demo_project_id,
                workspace_id=workspace_id,
            )
        )

    async def unpublish(self, template_id: str) -> bool:
        """Take a template out of the marketplace. Its code still deploys it."""
        return await self._client.run(ops.unpublish(template_id))

    async def delete(self, template_id: str, *, workspace_id: str | None = None) -> bool:
        """Delete a template. What was deployed from it stays."""
        return await self._client.run(ops.delete(template_id, workspace_id=workspace_id))

    async def clone(self, code: str, *, workspace_id: str | None = None) -> Template:
        """Copy a template into a workspace. Not idempotent."""
        return await self._client.run(ops.clone(code, workspace_id=workspace_id))

    async def update_volume(
        self, *, template_id: str, service_id: str, volume_id: str, size_mb: int | None
    ) -> Template:
        """Set the size that a template's volume is made with.

        Args:
            template_id: The template.
            service_id: The service's key in the template's document.
            volume_id: The volume's key in the template's document.
            size_mb: Megabytes; None for the default of the deployer's plan.
        """
        return await self._client.run(
            ops.update_volume(
                template_id=template_id, service_id=service_id, volume_id=volume_id, size_mb=size_mb
            )
        )
