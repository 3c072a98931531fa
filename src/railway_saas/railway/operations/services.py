"""Operations on services. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane, Operation
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.services import Service
from railway_saas.railway.operations._build import (
    UNSET,
    Unset,
    given,
    operation,
    or_unset,
    require_some,
    require_text,
)
from railway_saas.railway.operations._checks import (
    all_or_none,
    at_most_one,
    exactly_one,
    nested_page_operation,
    require_text_if_given,
)
from railway_saas.railway.operations.variables import require_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.services import RegistryCredentials


def list_page(
    project_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[Service]]:
    """One page of a project's services."""
    require_text(project_id=project_id)
    return nested_page_operation(
        "ServiceList", Service, "services", {"projectId": project_id}, first=first, after=after
    )


def get(service_id: str) -> Operation[Service]:
    """One service with its repository triggers."""
    require_text(service_id=service_id)
    return operation("ServiceGet", Service, {"id": service_id}, read_after_write=True)


def create(
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
) -> Operation[Service]:
    """A new service, which is not deployed yet. Names are unique per project."""
    require_text(project_id=project_id)
    require_text_if_given(
        name=name,
        environment_id=environment_id,
        image=image,
        repo=repo,
        branch=branch,
        template_id=template_id,
    )
    at_most_one(image=image, repo=repo)
    all_or_none(template_id=template_id, template_service_id=template_service_id)
    if variables is not None:
        require_variables(variables)
    body = given(
        {
            "projectId": project_id,
            "name": or_unset(name),
            "environmentId": or_unset(environment_id),
            "source": source_input(image=image, repo=repo),
            "branch": or_unset(branch),
            "icon": or_unset(icon),
            "variables": UNSET if variables is None else dict(variables),
            "registryCredentials": UNSET if registry_credentials is None else asdict(registry_credentials),
            "templateId": or_unset(template_id),
            "templateServiceId": or_unset(template_service_id),
        }
    )
    return operation("ServiceCreate", Service, {"input": body})


def source_input(*, image: str | None, repo: str | None) -> dict[str, str] | Unset:
    """Railway's `ServiceSourceInput` for the one that is given, `UNSET` for neither."""
    if image is not None:
        return {"image": image}
    return UNSET if repo is None else {"repo": repo}


def update(
    service_id: str, *, name: str | Unset = UNSET, icon: str | Unset | None = UNSET
) -> Operation[Service]:
    """Change what is given; None clears the icon. References to a renamed service are not rewritten."""
    require_text(service_id=service_id)
    if not isinstance(name, Unset):
        require_text(name=name)
    body = given({"name": name, "icon": icon})
    require_some("update", body)
    return operation("ServiceUpdate", Service, {"id": service_id, "input": body}, safe_to_repeat=True)


def delete(service_id: str, *, environment_id: str | None = None) -> Operation[bool]:
    """Delete a service with its deployments and domains, in every environment that is not a fork."""
    require_text(service_id=service_id)
    require_text_if_given(environment_id=environment_id)
    variables = {"id": service_id, "environmentId": or_unset(environment_id)}
    return operation("ServiceDelete", bool, variables, lane=Lane.DELETION)


def connect(
    service_id: str, *, image: str | None = None, repo: str | None = None, branch: str | None = None
) -> Operation[Service]:
    """Point a service at an image, or at a repository (`owner/name`) and branch."""
    require_text(service_id=service_id)
    exactly_one(image=image, repo=repo)
    require_text_if_given(image=image, repo=repo, branch=branch)
    if repo is not None and "://" in repo:
        raise RailwayInputError(f"repo={repo!r}: must be 'owner/name', not an address", argument="repo")
    if branch is not None and repo is None:
        raise RailwayInputError("branch: goes with repo", argument="branch")
    body = given({"image": or_unset(image), "repo": or_unset(repo), "branch": or_unset(branch)})
    return operation("ServiceConnect", Service, {"id": service_id, "input": body}, safe_to_repeat=True)


def disconnect(service_id: str) -> Operation[Service]:
    """Part a service from its repository: pushes deploy it no longer."""
    require_text(service_id=service_id)
    return operation("ServiceDisconnect", Service, {"id": service_id}, safe_to_repeat=True)
