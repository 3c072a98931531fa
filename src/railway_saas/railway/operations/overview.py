"""How everything in an environment stands, each with one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.overview import EnvironmentOverview, OverviewDeployment
from railway_saas.railway.operations._build import operation, page_operation, require_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from railway_saas._core.paging import Page

_MANY: Final = 500


def environment(environment_id: str, *, lane: Lane = Lane.USER) -> Operation[EnvironmentOverview]:
    """Services with their newest deployment and domains, and volumes."""
    require_text(environment_id=environment_id)
    return operation(
        "EnvironmentOverview", EnvironmentOverview, {"id": environment_id}, lane=lane, read_after_write=True
    )


def deployments(
    *, project_id: str, environment_id: str, status_in: Iterable[str], lane: Lane = Lane.USER
) -> Operation[Page[OverviewDeployment]]:
    """Deployments of all services in these states, however many newer ones there are; newest first."""
    require_text(project_id=project_id, environment_id=environment_id)
    wanted = {
        "projectId": project_id,
        "environmentId": environment_id,
        "status": {"in": sorted(status_in)},
    }
    return page_operation(
        "EnvironmentDeployments", OverviewDeployment, {"input": wanted}, first=_MANY, after=None, lane=lane
    )
