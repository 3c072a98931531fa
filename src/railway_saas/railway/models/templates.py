"""Templates of Railway's marketplace. What is inside one is read by `railway_saas.templates`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp


def _document(value: object) -> object:
    return {} if value is None else value


class TemplateStatus(OpenStrEnum):
    """Whether the marketplace shows a template. One that it does not can still be deployed by its code."""

    HIDDEN = "HIDDEN"
    PUBLISHED = "PUBLISHED"
    UNPUBLISHED = "UNPUBLISHED"


class TemplateCreator(RailwayModel):
    """Who made a template."""

    name: str | None = None
    username: str | None = None


class Template(RailwayModel):
    """A template. Lists leave `readme` and `serialized_config` empty, except those of a workspace's templates."""

    id: str
    code: str | None = None
    """The last part of `railway.com/deploy/<code>`."""
    name: str | None = None
    description: str | None = None
    image: str | None = None
    category: str | None = None
    tags: Items[str] = ()
    languages: Items[str] = ()
    status: TemplateStatus | None = None
    workspace_id: str | None = None
    demo_project_id: str | None = None
    is_verified: bool = False
    is_approved: bool = False
    is_v2_template: bool = False
    health: float | None = None
    """Railway's own score of how well its deployments go."""
    projects: int | None = None
    active_projects: int | None = None
    recent_projects: int | None = None
    total_payout: Decimal | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    creator: TemplateCreator | None = None
    readme: str | None = Field(default=None, repr=False)
    serialized_config: Annotated[dict[str, Any], BeforeValidator(_document)] = Field(
        default_factory=dict[str, Any], repr=False
    )
    """The document itself, just as Railway stores it: `{"services": {...}, ...}`."""


class TemplateSearchResult(RailwayModel):
    """A template as the search lists it."""

    id: str
    code: str | None = None
    name: str | None = None
    description: str | None = None
    image: str | None = None
    creator_name: str | None = None
    deployment_count: int | None = None
    health_score: float | None = None
    is_verified: bool = False


class TemplateMetrics(RailwayModel):
    """How a template does. Earnings are US dollars."""

    active_deployments: int | None = None
    total_deployments: int | None = None
    deployments_last_90_days: int | None = None
    total_earnings: Decimal | None = None
    earnings_last_30_days: Decimal | None = None
    earnings_last_90_days: Decimal | None = None
    template_health: float | None = None
    support_health: float | None = None
    eligible_for_support_bonus: bool = False


class TemplateDeployment(RailwayModel):
    """What a template deploy started."""

    project_id: str
    workflow_id: str | None = None
    """What to follow with `client.workflows`. None when there is nothing to follow: read the project's services."""
