"""Where services can run."""

from __future__ import annotations

from railway_saas.railway.models.base import RailwayModel


class RegionDeprecationInfo(RailwayModel):
    """Whether a region goes away, and which one comes in its place."""

    is_deprecated: bool = False
    replacement_region: str | None = None


class RegionDeploymentConstraints(RailwayModel):
    """What keeps services from running in a region."""

    deprecation_info: RegionDeprecationInfo | None = None


class Region(RailwayModel):
    """A region."""

    name: str
    """The identifier that services and volumes take, e.g. `us-west2`."""
    id: str | None = None
    """An airport code; it also appears as a key of `multiRegionConfig`."""
    region: str | None = None
    location: str | None = None
    country: str | None = None
    workspace_id: str | None = None
    """Set for a region of one workspace only."""
    deployment_constraints: RegionDeploymentConstraints | None = None

    @property
    def is_deprecated(self) -> bool:
        """Whether nothing new should be put there."""
        constraints = self.deployment_constraints
        return bool(
            constraints and constraints.deprecation_info and constraints.deprecation_info.is_deprecated
        )
