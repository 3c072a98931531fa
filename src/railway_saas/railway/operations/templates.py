"""Operations on Railway's template marketplace. Source: Railway's GraphQL schema of 2026-08-21.

Reading templates needs no token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas._core.operation import Lane, Operation
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.templates import (
    Template,
    TemplateDeployment,
    TemplateMetrics,
    TemplateSearchResult,
)
from railway_saas.railway.operations._arguments import document
from railway_saas.railway.operations._build import (
    given,
    operation,
    or_unset,
    page_operation,
    require_range,
    require_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas._core.paging import Page

CATEGORIES: Final = (
    "AI/ML",
    "Analytics",
    "Authentication",
    "Automation",
    "Blogs",
    "Bots",
    "CMS",
    "Observability",
    "Other",
    "Queues",
    "Starters",
    "Storage",
)
"""Where the marketplace can file a template. Source: Railway CLI."""

DESCRIPTION_LENGTH: Final = (25, 75)
"""Characters that a published description may have. Source: Railway CLI."""

README_LENGTH: Final = (250, 10_000)
"""Characters that a published readme may have. Source: Railway CLI."""

MAX_SEARCH_PAGE: Final = 50
"""Search results per page. Source: Railway CLI."""


def by_code(code: str) -> Operation[Template]:
    """The template that `railway.com/deploy/<code>` deploys, with its document; unpublished ones too."""
    require_text(code=code)
    return operation("TemplateByCode", Template, {"code": code})


def by_id(template_id: str) -> Operation[Template]:
    """A template by its id, with its document."""
    require_text(template_id=template_id)
    return operation("TemplateById", Template, {"id": template_id})


def by_repo(*, owner: str, repo: str) -> Operation[Template]:
    """The template of a GitHub repository, with its document."""
    require_text(owner=owner, repo=repo)
    return operation("TemplateByRepo", Template, {"owner": owner, "repo": repo})


def list_page(
    *,
    verified: bool | None = None,
    recommended: bool | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Operation[Page[Template]]:
    """One page of the published templates, without their documents."""
    variables = {"verified": or_unset(verified), "recommended": or_unset(recommended)}
    return page_operation("TemplateList", Template, variables, first=first, after=after)


def search_page(
    query: str,
    *,
    category: str | None = None,
    verified: bool | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Operation[Page[TemplateSearchResult]]:
    """One page of the published templates that fit some words; an empty query browses."""
    if not _is_text(query):
        raise RailwayInputError(f"query={query!r}: must be a text", argument="query")
    require_range(1, MAX_SEARCH_PAGE, first=first)
    variables = {"query": query, "category": or_unset(category), "verified": or_unset(verified)}
    return page_operation("TemplateSearch", TemplateSearchResult, variables, first=first, after=after)


def _is_text(value: object) -> bool:
    """Callers without types pass other things too."""
    return isinstance(value, str)


def workspace_templates_page(
    workspace_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[Template]]:
    """One page of a workspace's own templates, published or not, with their documents."""
    require_text(workspace_id=workspace_id)
    return page_operation(
        "WorkspaceTemplateList", Template, {"workspaceId": workspace_id}, first=first, after=after
    )


def source_for_project(project_id: str) -> Operation[Template | None]:
    """What Railway calls a project's source template, without its document; or None.

    The schema says no more. What a service was deployed from is told by its own `templateId`.
    """
    require_text(project_id=project_id)
    variables = {"projectId": project_id}
    return operation("TemplateSourceForProject", Template | None, variables, read_after_write=True)


def metrics(template_id: str) -> Operation[TemplateMetrics]:
    """How a template of ours does in the marketplace."""
    require_text(template_id=template_id)
    return operation("TemplateMetricsGet", TemplateMetrics, {"id": template_id})


def deploy(
    *,
    template_id: str,
    serialized_config: Mapping[str, object],
    project_id: str | None = None,
    environment_id: str | None = None,
    workspace_id: str | None = None,
    stage_only: bool | None = None,
    existing_root_service_id: str | None = None,
) -> Operation[TemplateDeployment]:
    """Deploy a template's document as it was filled in. Not idempotent: every call deploys another copy.

    Railway needs `template_id` also when the document was changed; the document is what is deployed.
    """
    targets = {
        "project_id": project_id,
        "environment_id": environment_id,
        "workspace_id": workspace_id,
        "existing_root_service_id": existing_root_service_id,
    }
    require_text(template_id=template_id, **_those_given(targets))
    body = given(
        {
            "templateId": template_id,
            "serializedConfig": document("serialized_config", serialized_config),
            "projectId": or_unset(project_id),
            "environmentId": or_unset(environment_id),
            "workspaceId": or_unset(workspace_id),
            "stageOnly": or_unset(stage_only),
            "existingRootServiceId": or_unset(existing_root_service_id),
        }
    )
    return operation("TemplateDeploy", TemplateDeployment, {"input": body})


def generate(project_id: str, *, environment_id: str | None = None) -> Operation[Template]:
    """Make a template from a project. Railway drops plain values, `isOptional`, branches and build settings."""
    require_text(project_id=project_id, **_those_given({"environment_id": environment_id}))
    body = given({"projectId": project_id, "environmentId": or_unset(environment_id)})
    return operation("TemplateGenerate", Template, {"input": body})


def publish(
    template_id: str,
    *,
    category: str,
    description: str,
    readme: str,
    image: str | None = None,
    demo_project_id: str | None = None,
    workspace_id: str | None = None,
) -> Operation[Template]:
    """Put a template into the marketplace, or change how it is shown there."""
    require_text(template_id=template_id)
    if category not in CATEGORIES:
        raise RailwayInputError(
            f"category={category!r}: must be one of {', '.join(CATEGORIES)}", argument="category"
        )
    _require_length("description", description, DESCRIPTION_LENGTH)
    _require_length("readme", readme, README_LENGTH)
    body = given(
        {
            "category": category,
            "description": description,
            "readme": readme,
            "image": or_unset(image),
            "demoProjectId": or_unset(demo_project_id),
            "workspaceId": or_unset(workspace_id),
        }
    )
    variables = {"id": template_id, "input": body}
    return operation("TemplatePublish", Template, variables, safe_to_repeat=True)


def unpublish(template_id: str) -> Operation[bool]:
    """Take a template out of the marketplace. Its code still deploys it."""
    require_text(template_id=template_id)
    return operation("TemplateUnpublish", bool, {"id": template_id}, safe_to_repeat=True)


def delete(template_id: str, *, workspace_id: str | None = None) -> Operation[bool]:
    """Delete a template. What was deployed from it stays."""
    require_text(template_id=template_id)
    body = given({"workspaceId": or_unset(workspace_id)})
    return operation("TemplateDelete", bool, {"id": template_id, "input": body}, lane=Lane.DELETION)


def clone(code: str, *, workspace_id: str | None = None) -> Operation[Template]:
    """Copy a template into a workspace."""
    require_text(code=code)
    body = given({"code": code, "workspaceId": or_unset(workspace_id)})
    return operation("TemplateClone", Template, {"input": body})


def update_volume(
    *, template_id: str, service_id: str, volume_id: str, size_mb: int | None
) -> Operation[Template]:
    """Set the size that a template's volume is made with, in megabytes; None for the plan's default.

    `service_id` and `volume_id` are keys of the template's document. Larger sizes than the deployer's plan
    allows are cut down when the template is deployed.
    """
    require_text(template_id=template_id, service_id=service_id, volume_id=volume_id)
    require_range(1, float("inf"), size_mb=size_mb)
    variables = {
        "templateId": template_id,
        "serviceId": service_id,
        "volumeId": volume_id,
        "sizeMB": size_mb,
    }
    return operation("TemplateVolumeUpdate", Template, variables, safe_to_repeat=True)


def _those_given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _require_length(argument: str, value: str, limits: tuple[int, int]) -> None:
    require_text(**{argument: value})
    low, high = limits
    if not low <= len(value) <= high:
        raise RailwayInputError(
            f"{argument}: has {len(value)} characters; must have from {low} to {high:,}", argument=argument
        )
