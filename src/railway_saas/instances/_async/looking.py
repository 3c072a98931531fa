"""Reading from Railway what a decision asks for: one request for everything that fits into one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayError
from railway_saas.instances.placement import read_marker
from railway_saas.instances.steps import FoundProject, ProjectSearch, Sight, SightKind
from railway_saas.instances.view import IN_PROGRESS
from railway_saas.railway.operations import (
    backups,
    domains,
    environments,
    logs,
    overview,
    projects,
    variables,
    workflows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas._core.operation import Operation
    from railway_saas.domain.instances import Instance
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.railway.models.projects import Project

LOG_LINES: Final = 50
PROJECTS_PAGE: Final = 100
_CLOCK_SKEW: Final = timedelta(minutes=10)


def operation_for(instance: Instance, sight: Sight, *, lane: Lane) -> Operation[Any] | None:
    """The read that shows it; None: it takes more than one."""
    observed = instance.observed
    match sight.kind:
        case SightKind.ENVIRONMENT:
            return overview.environment(observed.environment_id or "", lane=lane)
        case SightKind.ON_THEIR_WAY:
            return overview.deployments(
                project_id=observed.project_id or "",
                environment_id=observed.environment_id or "",
                status_in=IN_PROGRESS,
                lane=lane,
            )
        case SightKind.WORKFLOW:
            return workflows.status(sight.subject, lane=lane)
        case SightKind.PROJECT:
            return projects.get(observed.project_id or "")
        case SightKind.DOMAINS | SightKind.VARIABLES:
            read = domains.list_ if sight.kind is SightKind.DOMAINS else variables.unrendered
            return read(
                project_id=observed.project_id or "",
                environment_id=observed.environment_id or "",
                service_id=sight.subject,
            )
        case SightKind.BACKUPS:
            return backups.list_(sight.subject)
        case SightKind.STAGED:
            return environments.staged_changes(observed.environment_id or "")
        case SightKind.LOGS:
            return logs.deployment(sight.subject, limit=LOG_LINES)
        case SightKind.PROJECTS:
            return None


class AsyncLooker:
    """Looks at Railway for one installation."""

    def __init__(self, client: AsyncRailwayClient, *, workspace_id: str, namespace: str) -> None:
        self._client = client
        self._workspace_id = workspace_id
        self._namespace = namespace

    @property
    def namespace(self) -> str:
        """The installation whose markers count."""
        return self._namespace

    async def look(
        self, instance: Instance, sights: Sequence[Sight], *, lane: Lane = Lane.USER
    ) -> dict[Sight, object]:
        """Each sight, or the `RailwayError` that came instead of it."""
        wanted = {sight: operation_for(instance, sight, lane=lane) for sight in sights}
        single = {sight: operation for sight, operation in wanted.items() if operation is not None}
        seen: dict[Sight, object] = dict(zip(single, await self.run_all(list(single.values())), strict=True))
        for sight in wanted.keys() - single.keys():
            seen[sight] = await self._search(instance)
        return seen

    async def run_all(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Carry reads out as one request; errors stand in the place of what they hide."""
        if not operations:
            return []
        try:
            if len(operations) == 1:
                return [await self._client.run(operations[0])]
            return await self._client.batch(operations, return_errors=True)
        except RailwayError as error:
            return [error] * len(operations)

    async def _search(self, instance: Instance) -> ProjectSearch | RailwayError:
        """Projects made since the instance was accepted that carry its marker or id, oldest first."""
        since = instance.created_at - _CLOCK_SKEW
        found: list[Project] = []
        try:
            async for project in self._client.projects.list(
                workspace_id=self._workspace_id, order_by="CREATED_AT_DESC", page_size=PROJECTS_PAGE
            ):
                if project.created_at is not None and project.created_at < since:
                    break
                if project.deleted_at is None and self._is_of(instance, project):
                    found.append(project)
            return ProjectSearch(tuple([await self._found(instance, project) for project in found[::-1]]))
        except RailwayError as error:
            return error

    def _is_of(self, instance: Instance, project: Project) -> bool:
        return project.id == instance.observed.project_id or self._is_marked(instance, project)

    def _is_marked(self, instance: Instance, project: Project) -> bool:
        marker = read_marker(project.description)
        return (
            marker is not None and marker.namespace == self._namespace and marker.instance_id == instance.id
        )

    async def _found(self, instance: Instance, project: Project) -> FoundProject:
        """The list does not tell environments, which adopting a project needs."""
        is_known = project.id == instance.observed.project_id
        environment_id = instance.observed.environment_id if is_known else None
        if environment_id is None:
            whole = await self._client.run(projects.get(project.id))
            environment_id = whole.environments[0].id if whole.environments else None
        return FoundProject(
            project_id=project.id,
            environment_id=environment_id,
            created_at=project.created_at,
            marked=self._is_marked(instance, project),
        )
