"""What a workspace spends: billing periods, invoices, and limits that take its workloads down."""

from __future__ import annotations

import calendar
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from railway_saas.emulator import errors, lifecycle
from railway_saas.emulator.registry import part
from railway_saas.emulator.usage import Span, cost, service_instances_of
from railway_saas.emulator.world.deployments import IN_PROGRESS

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.accounts import Workspace
    from railway_saas.emulator.world.projects import ServiceInstance
    from railway_saas.emulator.world.world import World

PLAN_PRICE = {"FREE": 0.0, "HOBBY": 5.0, "PRO": 20.0}
INCLUDED_USAGE = {"FREE": 1.0, "HOBBY": 5.0, "PRO": 20.0}
"""Dollars per month. Source: Railway's price page."""

LEAST_SOFT, LEAST_HARD, MOST = 5, 10, 500_000
"""Whole dollars. Source: Railway CLI: soft is 0 or at least 5, hard at least 10, both at most 500,000."""

CHECK_S = 600.0
"""How often a hard limit is compared with what was spent."""
CACHED = timedelta(minutes=5)
"""Railway: `currentUsage` is cached and may lag."""


@dataclass(slots=True, eq=False)
class UsageLimit:
    """What a workspace may spend in a billing period."""

    id: str
    customer_id: str
    workspace: Workspace
    soft_limit: int = 0
    hard_limit: int | None = None
    agent_soft_limit_cents: int | None = None
    agent_hard_limit_cents: int | None = None
    is_over_limit: bool = False
    taken_down: list[ServiceInstance] = field(default_factory=list["ServiceInstance"])
    """What comes back when the limit is raised or removed, or a new period begins."""
    round: int = 0
    """Goes up whenever the limit changes, which makes checks void that were queued before."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """What one closed billing period cost."""

    id: str
    period: Span
    plan_dollars: float
    usage_dollars: float
    included_dollars: float

    @property
    def total_dollars(self) -> float:
        """The plan's price, and usage beyond what it includes."""
        return self.plan_dollars + max(0.0, self.usage_dollars - self.included_dollars)


@part
class Billing:
    """What workspaces spend, and may spend."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._limits: dict[str, UsageLimit] = {}
        self._spent: dict[str, tuple[datetime, float]] = {}
        self._invoices: dict[tuple[str, datetime], Invoice] = {}

    # Reading --------------------------------------------------------------------------------------------------------

    def workspace_of(self, customer_id: str) -> Workspace | None:
        """The workspace behind a customer."""
        return next(
            (one for one in self._world.workspaces.values() if customer_id_of(one) == customer_id), None
        )

    def limit(self, workspace: Workspace) -> UsageLimit | None:
        """Its limit, if one is set."""
        return self._limits.get(workspace.id)

    def spent(self, workspace: Workspace) -> float:
        """Dollars of usage in the current period, as of a few minutes ago."""
        now = self._world.clock.now()
        period = period_at(workspace, now)
        known = self._spent.get(workspace.id)
        if known is not None and now - known[0] < CACHED and known[0] >= period.begin:
            return known[1]
        spent = cost(workspace.projects.values(), Span(period.begin, now))
        self._spent[workspace.id] = (now, spent)
        return spent

    def invoices(self, workspace: Workspace) -> list[Invoice]:
        """One per closed period, newest first."""
        found: list[Invoice] = []
        period = period_at(workspace, self._world.clock.now())
        while period.begin > workspace.created_at:
            period = period_at(workspace, period.begin - timedelta(microseconds=1))
            key = (workspace.id, period.begin)
            if key not in self._invoices:
                self._invoices[key] = self._invoice(workspace, period)
            found.append(self._invoices[key])
        return found

    def _invoice(self, workspace: Workspace, period: Span) -> Invoice:
        return Invoice(
            id=f"in_{uuid.uuid5(uuid.UUID(workspace.id), period.begin.isoformat()).hex[:24]}",
            period=period,
            plan_dollars=PLAN_PRICE[workspace.plan],
            usage_dollars=cost(workspace.projects.values(), period),
            included_dollars=INCLUDED_USAGE[workspace.plan],
        )

    # Limits ---------------------------------------------------------------------------------------------------------

    def set_limit(self, workspace: Workspace, *, soft: int, hard: int | None) -> None:
        """Limit what a workspace may spend in a period, in whole dollars. What an old limit took down comes back.

        Raises:
            Refusal: An amount is out of range, or the hard one below the soft one.
        """
        if soft != 0 and not LEAST_SOFT <= soft <= MOST:
            raise errors.invalid_field("softLimitDollars")
        if hard is not None and not max(LEAST_HARD, soft) <= hard <= MOST:
            raise errors.invalid_field("hardLimitDollars")
        limit = self._limit(workspace)
        limit.soft_limit, limit.hard_limit = soft, hard
        self._begin_round(limit)

    def remove_limit(self, workspace: Workspace) -> None:
        """Let a workspace spend what it likes. What the limit took down comes back."""
        limit = self._limits.pop(workspace.id, None)
        if limit is not None:
            limit.hard_limit = None
            self._begin_round(limit)

    def set_agent_limit(self, workspace: Workspace, *, soft_cents: int | None, hard_cents: int) -> None:
        """Limit what Railway's agent may spend, in cents.

        Raises:
            Refusal: An amount is negative, or the hard one below the soft one.
        """
        if hard_cents < (soft_cents or 0) or (soft_cents or 0) < 0:
            raise errors.invalid_field("hardLimitCents")
        limit = self._limit(workspace)
        limit.agent_soft_limit_cents, limit.agent_hard_limit_cents = soft_cents, hard_cents

    def _limit(self, workspace: Workspace) -> UsageLimit:
        if workspace.id not in self._limits:
            customer_id = customer_id_of(workspace)
            limit = UsageLimit(str(uuid.uuid5(uuid.UUID(customer_id), "limit")), customer_id, workspace)
            self._limits[workspace.id] = limit
        return self._limits[workspace.id]

    def _begin_round(self, limit: UsageLimit) -> None:
        limit.round += 1
        self._spent.pop(limit.workspace.id, None)
        if self._is_over(limit):
            self._take_down(limit)
        elif limit.is_over_limit:
            self._bring_back(limit)
        self._check_later(limit)

    def _check_later(self, limit: UsageLimit) -> None:
        if limit.hard_limit is None:
            return
        number = limit.round

        def check() -> None:
            if limit.round == number:
                self._check(limit)
                self._check_later(limit)

        self._world.clock.call_later(CHECK_S, check)

    def _check(self, limit: UsageLimit) -> None:
        if self._is_over(limit):
            self._take_down(limit)
        elif limit.is_over_limit:
            self._bring_back(limit)

    def _is_over(self, limit: UsageLimit) -> bool:
        return limit.hard_limit is not None and self.spent(limit.workspace) >= limit.hard_limit

    def _take_down(self, limit: UsageLimit) -> None:
        """Railway: when the hard limit is reached, workloads are taken offline."""
        limit.is_over_limit = True
        for project in limit.workspace.projects.values():
            if project.deleted_at is not None:
                continue
            for instance in service_instances_of(project):
                running = [one for one in instance.deployments if one.is_running or one.status in IN_PROGRESS]
                for deployment in running:
                    lifecycle.remove(self._world, deployment)
                if running and instance not in limit.taken_down:
                    limit.taken_down.append(instance)

    def _bring_back(self, limit: UsageLimit) -> None:
        """Railway: raising or removing the limit redeploys what it took down."""
        limit.is_over_limit = False
        for instance in limit.taken_down:
            if instance.deleted_at is None and instance.settings.source:
                lifecycle.deploy_service_instance(self._world, instance, reason="redeploy")
        limit.taken_down = []


def customer_id_of(workspace: Workspace) -> str:
    """The id under which a workspace pays."""
    return str(uuid.uuid5(uuid.UUID(workspace.id), "customer"))


def period_at(workspace: Workspace, moment: datetime) -> Span:
    """The billing period that a moment lies in: a month, from the day of the month on which the workspace began."""
    begin = workspace.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    months = (moment.year - begin.year) * 12 + moment.month - begin.month
    if _months_later(begin, months) > moment:
        months -= 1
    return Span(_months_later(begin, months), _months_later(begin, months + 1))


def _months_later(begin: datetime, months: int) -> datetime:
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    day = min(begin.day, calendar.monthrange(year, month + 1)[1])
    return begin.replace(year=year, month=month + 1, day=day)
