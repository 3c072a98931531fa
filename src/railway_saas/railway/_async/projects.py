"""`client.projects`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import projects as ops
from railway_saas.railway.operations._build import UNSET, Unset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.projects import Project, ProjectMember, ProjectsOrderBy


class AsyncProjects(AsyncResource):
    """Railway's projects: the unit of isolation, of usage and of deletion."""

    def list(
        self,
        *,
        workspace_id: str | None = None,
        include_deleted: bool | None = None,
        order_by: ProjectsOrderBy | str | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[Project]:
        """Go through all projects of a workspace, page by page as needed.

        Args:
            workspace_id: Without it, the token owner's personal scope.
            include_deleted: Deleted projects too, with `deleted_at` set.
            order_by: In which order; Railway's default (unknown) when None. Newest first is what hides no
                project when others change in the meantime.
            page_size: Projects per request; Railway's default when None.

        Raises:
            RailwayError: Any of its subclasses, while iterating.
        """
        return self._all(
            lambda cursor: ops.list_page(
                workspace_id=workspace_id,
                include_deleted=include_deleted,
                order_by=order_by,
                first=page_size,
                after=cursor,
            )
        )

    async def list_page(
        self,
        *,
        workspace_id: str | None = None,
        include_deleted: bool | None = None,
        order_by: ProjectsOrderBy | str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Page[Project]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next.

        Raises:
            RailwayInputError: `first` is out of range, or `order_by` none of Railway's. Nothing was sent.
        """
        return await self._client.run(
            ops.list_page(
                workspace_id=workspace_id,
                include_deleted=include_deleted,
                order_by=order_by,
                first=first,
                after=after,
            )
        )

    async def get(self, project_id: str) -> Project:
        """One project with its environments, services, volumes and buckets.

        Raises:
            RailwayAuthError: There is no such project, or the token may not see it; Railway answers alike.
            RailwayNotFoundError: There is no such project.
        """
        return await self._client.run(ops.get(project_id))

    async def by_ids(self, project_ids: Sequence[str]) -> tuple[Project, ...]:
        """Those of the given projects that the token may see; Railway skips the others silently."""
        return await self._client.run(ops.by_ids(project_ids))

    async def create(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        workspace_id: str | None = None,
        default_environment_name: str | None = None,
        is_public: bool | None = None,
    ) -> Project:
        """Make a project with one environment (`production` unless named). Not idempotent.

        Args:
            name: Railway invents one when None.
            description: Free text.
            workspace_id: Needed with an account token.
            default_environment_name: Name of the first environment.
            is_public: Whether anyone may look at it.

        Raises:
            RailwayConnectionError: With `maybe_applied` set, look for the project before trying again.
            RailwayInputError: The name was refused.
        """
        return await self._client.run(
            ops.create(
                name=name,
                description=description,
                workspace_id=workspace_id,
                default_environment_name=default_environment_name,
                is_public=is_public,
            )
        )

    async def update(
        self,
        project_id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        is_public: bool | Unset = UNSET,
        base_environment_id: str | Unset | None = UNSET,
    ) -> Project:
        """Change what is given; None clears a field."""
        return await self._client.run(
            ops.update(
                project_id,
                name=name,
                description=description,
                is_public=is_public,
                base_environment_id=base_environment_id,
            )
        )

    async def delete(self, project_id: str) -> bool:
        """Delete a project at once, with everything in it."""
        return await self._client.run(ops.delete(project_id))

    async def schedule_delete(self, project_id: str) -> bool:
        """Delete a project after Railway's grace of 48 hours."""
        return await self._client.run(ops.schedule_delete(project_id))

    async def schedule_delete_cancel(self, project_id: str) -> bool:
        """Call a scheduled deletion off."""
        return await self._client.run(ops.schedule_delete_cancel(project_id))

    async def schedule_delete_force(self, project_id: str) -> bool:
        """Carry a scheduled deletion out now."""
        return await self._client.run(ops.schedule_delete_force(project_id))

    async def transfer(self, project_id: str, *, workspace_id: str) -> bool:
        """Move a project to another workspace."""
        return await self._client.run(ops.transfer(project_id, workspace_id=workspace_id))

    async def members(self, project_id: str) -> tuple[ProjectMember, ...]:
        """Everybody with access to a project."""
        return await self._client.run(ops.members(project_id))
