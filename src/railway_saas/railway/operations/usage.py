"""Operations on usage, limits and who pays. Source: Railway's GraphQL schema of 2026-08-21.

Limits and bills belong to a workspace, not to a project: what one project cost is computed from `get`.
Railway answers for about 90 days back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas._core.paging import Page
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.base import RailwayModel
from railway_saas.railway.models.customers import Customer
from railway_saas.railway.models.metrics import MetricMeasurement, MetricTag
from railway_saas.railway.models.usage import AggregatedUsage, EstimatedUsage
from railway_saas.railway.operations._arguments import choices, period, some_choices, then
from railway_saas.railway.operations._build import (
    operation,
    or_unset,
    require_range,
    require_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from railway_saas._core.operation import Operation

BILLED: Final = (
    MetricMeasurement.MEMORY_USAGE_GB,
    MetricMeasurement.CPU_USAGE,
    MetricMeasurement.NETWORK_TX_GB,
    MetricMeasurement.DISK_USAGE_GB,
    MetricMeasurement.BACKUP_USAGE_GB,
)
"""What Railway charges for. Source: the price formula of Railway's CLI."""

MAX_USAGE_PAGE: Final = 50
"""Projects per page of `projectServiceUsage`. Source: the schema."""

MIN_SOFT_DOLLARS: Final = 5
MIN_HARD_DOLLARS: Final = 10
MAX_DOLLARS: Final = 500_000


class _UsagePageInfo(RailwayModel):
    has_next_page: bool = False
    end_cursor: str | None = None


class _UsagePage(RailwayModel):
    """Railway's one list with `usage` in place of `edges`."""

    usage: tuple[AggregatedUsage, ...] = ()
    page_info: _UsagePageInfo = _UsagePageInfo()


class _Payer(RailwayModel):
    customer: Customer


def get(
    *,
    project_id: str | None = None,
    workspace_id: str | None = None,
    measurements: Iterable[MetricMeasurement | str] = BILLED,
    group_by: Iterable[MetricTag | str] | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    include_deleted: bool | None = None,
) -> Operation[tuple[AggregatedUsage, ...]]:
    """What a project, a workspace or (with neither) the user used; without dates, in this billing period."""
    start, end = period(start_date, end_date)
    variables = {
        **_whose(project_id, workspace_id),
        "measurements": some_choices("measurements", MetricMeasurement, measurements),
        "groupBy": or_unset(None if group_by is None else choices("group_by", MetricTag, group_by)),
        "startDate": or_unset(start),
        "endDate": or_unset(end),
        "includeDeleted": or_unset(include_deleted),
    }
    return operation("Usage", tuple[AggregatedUsage, ...], variables)


def estimated(
    *,
    project_id: str | None = None,
    workspace_id: str | None = None,
    measurements: Iterable[MetricMeasurement | str] = BILLED,
    include_deleted: bool | None = None,
) -> Operation[tuple[EstimatedUsage, ...]]:
    """What usage will come to at the end of the billing period if it goes on like this."""
    variables = {
        **_whose(project_id, workspace_id),
        "measurements": some_choices("measurements", MetricMeasurement, measurements),
        "includeDeleted": or_unset(include_deleted),
    }
    return operation("EstimatedUsage", tuple[EstimatedUsage, ...], variables)


def project_service_usage_page(
    workspace_id: str,
    *,
    start_date: datetime,
    end_date: datetime,
    measurements: Iterable[MetricMeasurement | str] = BILLED,
    include_deleted: bool | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Operation[Page[AggregatedUsage]]:
    """One page of a workspace's usage by project and service. `first` counts projects, not items."""
    require_text(workspace_id=workspace_id)
    require_range(1, MAX_USAGE_PAGE, first=first)
    start, end = period(start_date, end_date)
    variables = {
        "workspaceId": workspace_id,
        "measurements": some_choices("measurements", MetricMeasurement, measurements),
        "startDate": start,
        "endDate": end,
        "includeDeleted": or_unset(include_deleted),
        "first": or_unset(first),
        "after": or_unset(after),
    }
    return then(operation("ProjectServiceUsage", _UsagePage, variables), _as_page)


def _as_page(page: _UsagePage) -> Page[AggregatedUsage]:
    info = page.page_info
    return Page(items=page.usage, next_cursor=info.end_cursor if info.has_next_page else None)


def customer(workspace_id: str) -> Operation[Customer]:
    """Who pays for a workspace, with limits, invoices and subscriptions."""
    require_text(workspace_id=workspace_id)
    whole: Operation[_Payer] = operation("CustomerOfWorkspace", _Payer, {"workspaceId": workspace_id})
    return then(whole, lambda payer: payer.customer)


def set_limit(
    customer_id: str, *, soft_limit_dollars: int, hard_limit_dollars: int | None
) -> Operation[bool]:
    """Set what a workspace may cost in a billing period, in whole dollars.

    At the hard limit Railway takes every workload of the workspace offline. Both limits are replaced, so
    neither has a default: a hard limit must not go away because somebody changed the soft one.

    Source: Railway CLI (soft 0 or from 5, hard 0 or from 10 and not below soft, both to 500,000).
    """
    require_text(customer_id=customer_id)
    _require_limit("soft_limit_dollars", soft_limit_dollars, MIN_SOFT_DOLLARS)
    if hard_limit_dollars is not None:
        _require_limit("hard_limit_dollars", hard_limit_dollars, MIN_HARD_DOLLARS)
    if hard_limit_dollars and hard_limit_dollars < soft_limit_dollars:
        raise RailwayInputError(
            f"hard_limit_dollars={hard_limit_dollars}: must not be below soft_limit_dollars={soft_limit_dollars}",
            argument="hard_limit_dollars",
        )
    body = {
        "customerId": customer_id,
        "softLimitDollars": soft_limit_dollars,
        "hardLimitDollars": hard_limit_dollars,
    }
    return operation("UsageLimitSet", bool, {"input": body}, safe_to_repeat=True)


def remove_limit(customer_id: str) -> Operation[bool]:
    """Take the limits of a workspace away. Workloads that a hard limit stopped are deployed again."""
    require_text(customer_id=customer_id)
    return operation("UsageLimitRemove", bool, {"input": {"customerId": customer_id}}, safe_to_repeat=True)


def set_agent_limit(
    workspace_id: str, *, hard_limit_cents: int, soft_limit_cents: int | None = None
) -> Operation[bool]:
    """Set what Railway's AI agent may cost in a workspace, in cents; a hard limit of 0 blocks it.

    Source: Railway CLI (soft not above hard, both to 500,000 dollars).
    """
    require_text(workspace_id=workspace_id)
    _require_whole("hard_limit_cents", hard_limit_cents, 100 * MAX_DOLLARS)
    if soft_limit_cents is not None:
        _require_whole("soft_limit_cents", soft_limit_cents, 100 * MAX_DOLLARS)
        if soft_limit_cents > hard_limit_cents:
            raise RailwayInputError(
                f"soft_limit_cents={soft_limit_cents}: must not be above hard_limit_cents={hard_limit_cents}",
                argument="soft_limit_cents",
            )
    body = {
        "workspaceId": workspace_id,
        "hardLimitCents": hard_limit_cents,
        "softLimitCents": soft_limit_cents,
    }
    return operation("AgentUsageLimitSet", bool, {"input": body}, safe_to_repeat=True)


def _whose(project_id: str | None, workspace_id: str | None) -> dict[str, object]:
    for argument, value in (("project_id", project_id), ("workspace_id", workspace_id)):
        if value is not None:
            require_text(**{argument: value})
    return {"projectId": or_unset(project_id), "workspaceId": or_unset(workspace_id)}


def _require_limit(argument: str, dollars: int, least: int) -> None:
    _require_whole(argument, dollars, MAX_DOLLARS)
    if 0 < dollars < least:
        raise RailwayInputError(
            f"{argument}={dollars}: must be 0 or from {least} to {MAX_DOLLARS:,} dollars", argument=argument
        )


def _require_whole(argument: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise RailwayInputError(
            f"{argument}={value!r}: must be a whole number from 0 to {most:,}", argument=argument
        )
