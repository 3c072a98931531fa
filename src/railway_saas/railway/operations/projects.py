"""Operations on projects. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.projects import Project, ProjectMember, ProjectsOrderBy
from railway_saas.railway.operations._arguments import choice
from railway_saas.railway.operations._build import (
    UNSET,
    Unset,
    given,
    operation,
    or_unset,
    page_operation,
    require_some,
    require_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas._core.paging import Page


def list_page(
    *,
    workspace_id: str | None = None,
    include_deleted: bool | None = None,
    order_by: ProjectsOrderBy | str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Operation[Page[Project]]:
    """One page of a workspace's projects (without a workspace: of the token owner's personal scope)."""
    variables = {
        "workspaceId": or_unset(workspace_id),
        "includeDeleted": or_unset(include_deleted),
        "orderBy": UNSET if order_by is None else choice("order_by", ProjectsOrderBy, order_by),
    }
    return page_operation("ProjectList", Project, variables, first=first, after=after)


def get(project_id: str) -> Operation[Project]:
    """One project with its environments, services, volumes and buckets."""
    require_text(project_id=project_id)
    return operation("ProjectGet", Project, {"id": project_id}, read_after_write=True)


def by_ids(project_ids: Sequence[str]) -> Operation[tuple[Project, ...]]:
    """Those of the given projects that the token may see; Railway skips the others silently."""
    require_some("project_ids", project_ids)
    return operation("ProjectsByIds", tuple[Project, ...], {"ids": list(project_ids)})


def create(
    *,
    name: str | None = None,
    description: str | None = None,
    workspace_id: str | None = None,
    default_environment_name: str | None = None,
    is_public: bool | None = None,
) -> Operation[Project]:
    """A new project with one environment. Not idempotent: every call makes another project."""
    if name is not None:
        require_text(name=name)
    body = given(
        {
            "name": or_unset(name),
            "description": or_unset(description),
            "workspaceId": or_unset(workspace_id),
            "defaultEnvironmentName": or_unset(default_environment_name),
            "isPublic": or_unset(is_public),
        }
    )
    return operation("ProjectCreate", Project, {"input": body})


def update(
    project_id: str,
    *,
    name: str | Unset = UNSET,
    description: str | Unset | None = UNSET,
    is_public: bool | Unset = UNSET,
    base_environment_id: str | Unset | None = UNSET,
) -> Operation[Project]:
    """Change what is given; None clears a field."""
    require_text(project_id=project_id)
    body = given(
        {
            "name": name,
            "description": description,
            "isPublic": is_public,
            "baseEnvironmentId": base_environment_id,
        }
    )
    require_some("update", body)
    return operation("ProjectUpdate", Project, {"id": project_id, "input": body}, safe_to_repeat=True)


def delete(project_id: str) -> Operation[bool]:
    """Delete at once, with everything in it."""
    return _by_id("ProjectDelete", project_id, lane=Lane.DELETION)


def schedule_delete(project_id: str) -> Operation[bool]:
    """Delete after Railway's grace of 48 hours."""
    return _by_id("ProjectScheduleDelete", project_id, lane=Lane.DELETION)


def schedule_delete_cancel(project_id: str) -> Operation[bool]:
    """Call a scheduled deletion off."""
    return _by_id("ProjectScheduleDeleteCancel", project_id)


def schedule_delete_force(project_id: str) -> Operation[bool]:
    """Carry a scheduled deletion out now."""
    return _by_id("ProjectScheduleDeleteForce", project_id, lane=Lane.DELETION)


def _by_id(name: str, project_id: str, *, lane: Lane = Lane.USER) -> Operation[bool]:
    require_text(project_id=project_id)
    return operation(name, bool, {"id": project_id}, lane=lane)


def transfer(project_id: str, *, workspace_id: str) -> Operation[bool]:
    """Move a project to another workspace."""
    require_text(project_id=project_id, workspace_id=workspace_id)
    return operation(
        "ProjectTransfer",
        bool,
        {"projectId": project_id, "input": {"workspaceId": workspace_id}},
        safe_to_repeat=True,
    )


def members(project_id: str) -> Operation[tuple[ProjectMember, ...]]:
    """Everybody with access to a project."""
    require_text(project_id=project_id)
    return operation("ProjectMembers", tuple[ProjectMember, ...], {"projectId": project_id})
