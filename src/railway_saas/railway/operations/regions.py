"""Operations on regions. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway.models.regions import Region
from railway_saas.railway.operations._build import operation, or_unset, require_text

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation


def list_(*, project_id: str | None = None) -> Operation[tuple[Region, ...]]:
    """Where services can run; with a project, where its services can."""
    if project_id is not None:
        require_text(project_id=project_id)
    return operation("RegionList", tuple[Region, ...], {"projectId": or_unset(project_id)})
