"""`client.usage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import usage as ops
from railway_saas.railway.operations.usage import BILLED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.customers import Customer
    from railway_saas.railway.models.metrics import MetricMeasurement, MetricTag
    from railway_saas.railway.models.usage import AggregatedUsage, EstimatedUsage


class AsyncUsage(AsyncResource):
    """What was used, in the units Railway bills (GB-minutes, vCPU-minutes, GB), and the limits of it.

    Railway answers for about 90 days back. Bills and limits belong to a workspace, not to a project.
    """

    async def get(
        self,
        *,
        project_id: str | None = None,
        workspace_id: str | None = None,
        measurements: Iterable[MetricMeasurement | str] = BILLED,
        group_by: Iterable[MetricTag | str] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        include_deleted: bool | None = None,
    ) -> tuple[AggregatedUsage, ...]:
        """What was used: one sum per measurement and group, as exact decimals.

        Args:
            project_id: By this project. With neither id, by the token's user.
            workspace_id: By this workspace.
            measurements: What; everything that is billed unless given.
            group_by: One sum each, e.g. per `PROJECT_ID`. Only these tags are filled in the answer.
            start_date: From when on; the present billing period when None.
            end_date: Until when; now when None.
            include_deleted: By deleted projects too.

        Raises:
            RailwayInputError: A moment has no time zone, or the end is not after the start. Nothing was sent.
        """
        return await self._client.run(
            ops.get(
                project_id=project_id,
                workspace_id=workspace_id,
                measurements=measurements,
                group_by=group_by,
                start_date=start_date,
                end_date=end_date,
                include_deleted=include_deleted,
            )
        )

    async def estimated(
        self,
        *,
        project_id: str | None = None,
        workspace_id: str | None = None,
        measurements: Iterable[MetricMeasurement | str] = BILLED,
        include_deleted: bool | None = None,
    ) -> tuple[EstimatedUsage, ...]:
        """What usage will come to at the end of the billing period if it goes on like this.

        Args:
            project_id: By this project. With neither id, by the token's user.
            workspace_id: By this workspace.
            measurements: What; everything that is billed unless given.
            include_deleted: By deleted projects too.
        """
        return await self._client.run(
            ops.estimated(
                project_id=project_id,
                workspace_id=workspace_id,
                measurements=measurements,
                include_deleted=include_deleted,
            )
        )

    def list_project_service_usage(
        self,
        workspace_id: str,
        *,
        start_date: datetime,
        end_date: datetime,
        measurements: Iterable[MetricMeasurement | str] = BILLED,
        include_deleted: bool | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[AggregatedUsage]:
        """Go through a workspace's usage by project and service: the cheapest way to meter everything.

        Args:
            workspace_id: The workspace.
            start_date: From when on.
            end_date: Until when.
            measurements: What; everything that is billed unless given.
            include_deleted: By deleted projects too.
            page_size: Projects (not items) per request, at most 50.
        """
        wanted = tuple(measurements)
        return self._all(
            lambda cursor: ops.project_service_usage_page(
                workspace_id,
                start_date=start_date,
                end_date=end_date,
                measurements=wanted,
                include_deleted=include_deleted,
                first=page_size,
                after=cursor,
            )
        )

    async def list_project_service_usage_page(
        self,
        workspace_id: str,
        *,
        start_date: datetime,
        end_date: datetime,
        measurements: Iterable[MetricMeasurement | str] = BILLED,
        include_deleted: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Page[AggregatedUsage]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next. `first` counts projects."""
        return await self._client.run(
            ops.project_service_usage_page(
                workspace_id,
                start_date=start_date,
                end_date=end_date,
                measurements=measurements,
                include_deleted=include_deleted,
                first=first,
                after=after,
            )
        )

    async def customer(self, workspace_id: str) -> Customer:
        """Who pays for a workspace: state, usage so far, limits, invoices, subscriptions.

        `Customer.id` is what limits are set for.
        """
        return await self._client.run(ops.customer(workspace_id))

    async def set_limit(
        self, customer_id: str, *, soft_limit_dollars: int, hard_limit_dollars: int | None
    ) -> bool:
        """Set what a workspace may cost in a billing period. Both limits are replaced.

        Args:
            customer_id: `Customer.id`, not the workspace's.
            soft_limit_dollars: Railway sends mails from here on: 0 for none, or 5 to 500,000.
            hard_limit_dollars: Railway takes every workload of the workspace offline here: 10 to 500,000 and
                not below the soft limit; None for no limit. Give the present one to keep it.

        Raises:
            RailwayInputError: A limit is out of range. Nothing was sent.
            RailwayAuthError: Often a workspace's id in place of the customer's.
        """
        return await self._client.run(
            ops.set_limit(
                customer_id, soft_limit_dollars=soft_limit_dollars, hard_limit_dollars=hard_limit_dollars
            )
        )

    async def remove_limit(self, customer_id: str) -> bool:
        """Take the limits of a workspace away. Workloads that a hard limit stopped are deployed again."""
        return await self._client.run(ops.remove_limit(customer_id))

    async def set_agent_limit(
        self, workspace_id: str, *, hard_limit_cents: int, soft_limit_cents: int | None = None
    ) -> bool:
        """Set what Railway's AI agent may cost in a workspace.

        Args:
            workspace_id: The workspace.
            hard_limit_cents: Cents, at most 500,000 dollars; 0 blocks the agent.
            soft_limit_cents: Railway sends mails from here on; not above the hard limit.

        Raises:
            RailwayInputError: A limit is out of range. Nothing was sent.
        """
        return await self._client.run(
            ops.set_agent_limit(
                workspace_id, hard_limit_cents=hard_limit_cents, soft_limit_cents=soft_limit_cents
            )
        )
