"""Regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.emulator.regions import REGIONS, Region
from railway_saas.emulator.registry import constant, field, never, query, registry

if TYPE_CHECKING:
    from railway_saas.emulator.context import Context

registry.types["Region"] = Region

never("no region is being closed", "RegionDeploymentConstraints", "RegionDeprecationInfo")
constant("Region", deploymentConstraints=None, workspaceId=None)


@query("regions")
def regions(_ctx: Context, *, project_id: str | None = None) -> tuple[Region, ...]:
    """Where things can run; the same for every project."""
    del project_id
    return REGIONS


@field("Region", "region")
def region_name(region: Region, _ctx: Context) -> str:
    """The identifier once more."""
    return region.name
