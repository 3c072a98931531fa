"""Comparing Railway with the database, both ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane
from railway_saas._core.paging import Cursors
from railway_saas.domain.statuses import GONE
from railway_saas.errors import ConfigurationError, RailwayAuthError, RailwayError, RailwayNotFoundError
from railway_saas.instances._async.inventory_repair import AsyncInventoryRepairer
from railway_saas.instances.arguments import workspace
from railway_saas.instances.stocktaking import (
    DESTRUCTIVE,
    REPAIRABLE,
    DiscrepancyKind,
    InventoryRepair,
    InventoryRepairs,
    InventoryReport,
    Listing,
    RepairOutcome,
    costs_of,
    ghost_of,
    is_in_flight,
    judge_project,
    moves_projects,
    should_be_off,
    should_have_project,
    stray_of,
    zombie_of,
)
from railway_saas.railway.models.metrics import MetricTag
from railway_saas.railway.models.projects import ProjectsOrderBy
from railway_saas.railway.operations import overview

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence

    from railway_saas.domain.instances import Instance
    from railway_saas.instances.placement import Placement
    from railway_saas.instances.stocktaking import Discrepancy
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.repositories._async.protocols import AsyncDatabase

ROWS = 200
"""Instances per page of the database."""
OVERVIEWS = 25
"""Environments per request: large enough to cost little, small enough to be answered in time."""
IDS = 50
"""Projects per `projectsByIds`, which Railway means for "a small viewport-sized set" (schema)."""


class AsyncInventory:
    """Finds what Railway has and the database does not know, and the other way round.

    A report changes nothing. For 10,000 projects it takes about 100 requests, all in the background lane, and what it
    keeps of a project that fits is its id.

    Args:
        client: Its reads are made in the background lane, its deletions in that of deletions.
        database: Where the instances are.
        workspace_id: The Railway workspace.
        placement: Its namespace says which projects are ours.
        now: What time it is, aware; the client's clock unless given.
        min_age: How old projects and instances must be to be accused.
        page_size: Projects per request.

    Raises:
        ConfigurationError: `workspace_id` is blank, or `min_age` negative.
    """

    def __init__(
        self,
        client: AsyncRailwayClient,
        database: AsyncDatabase,
        *,
        workspace_id: str,
        placement: Placement,
        now: Callable[[], datetime] | None = None,
        min_age: timedelta = timedelta(hours=1),
        page_size: int = 100,
    ) -> None:
        workspace(workspace_id)
        if min_age < timedelta():
            raise ConfigurationError(f"min_age={min_age}: must not be negative")
        self._client = client.with_options(lane=Lane.BACKGROUND)
        self._database = database
        self._workspace_id = workspace_id
        self._namespace = placement.namespace
        self._now = now or client.clock.now
        self._min_age = min_age
        self._page_size = page_size
        self._repairer = AsyncInventoryRepairer(
            client, database, namespace=self._namespace, now=self._now, min_age=min_age
        )

    async def report(self) -> InventoryReport:
        """Compare, and say what does not fit and what it costs.

        Raises:
            RailwayError: A call failed.
            RepositoryError: The database failed.
        """
        began = self._now()
        listing = await self._list()
        report = InventoryReport(
            taken_at=began,
            workspace_id=self._workspace_id,
            namespace=self._namespace,
            projects=len(listing.project_ids),
            ours=listing.ours,
            foreign=listing.foreign,
            unmarked=listing.unmarked,
            instances=0,
            in_flight=0,
        )
        report = await self._judge_projects(report, listing)
        async for instances in self._instances():
            report = await self._judge_instances(report, instances, listing)
        return await self._with_costs(report)

    async def repair(
        self,
        report: InventoryReport,
        *,
        actor: str,
        kinds: Collection[DiscrepancyKind] = REPAIRABLE,
        at_most: int = 20,
    ) -> InventoryRepairs:
        """Put right what a report found. Every one is looked at anew before it is touched; repeat it as you like.

        Orphans and duplicates: the project is deleted, if it still carries the marker. Ghosts: the instance becomes
        `failed` and gives its slot back. Zombies: the control loop is woken and switches them off. Each leaves an entry
        in the audit log and an event of the instance.

        Args:
            report: What `report` returned; it may be old.
            actor: Who asked for it, for the audit log.
            kinds: What to repair. Strays are for people only.
            at_most: How many deletions and failed instances are plausible at once. With more, none is carried out: a
                wrong database, or a token that no longer sees the workspace, looks just like that.

        Raises:
            ConfigurationError: The report is about another workspace or namespace.
            RepositoryError: The database failed.
        """
        if (report.workspace_id, report.namespace) != (self._workspace_id, self._namespace):
            raise ConfigurationError("report: is about another workspace or another namespace")
        chosen = [found for found in report.discrepancies if found.kind in kinds]
        drastic = sum(found.kind in DESTRUCTIVE for found in chosen)
        repairs: list[InventoryRepair] = []
        for found in chosen:
            if found.kind in DESTRUCTIVE and drastic > at_most:
                reason = (
                    f"{drastic} at once are more than at_most={at_most}: look at the report, then raise it"
                )
                repairs.append(
                    InventoryRepair(discrepancy=found, outcome=RepairOutcome.REFUSED, reason=reason)
                )
            else:
                repairs.append(await self._repairer.repair(found, actor=actor))
        return InventoryRepairs(repairs=tuple(repairs))

    async def _list(self) -> Listing:
        """All projects. Newest first: what is made meanwhile comes before what was read, so nothing is skipped."""
        listing = Listing(self._namespace)
        cursors, cursor = Cursors("projects"), None
        while True:
            page = await self._client.projects.list_page(
                workspace_id=self._workspace_id,
                order_by=ProjectsOrderBy.CREATED_AT_DESC,
                first=self._page_size,
                after=cursor,
            )
            own = listing.add(page.items)
            if own:
                async with self._database.unit_of_work() as work:
                    instances = await work.instances.find_many({project.instance_id for project in own})
                listing.suspect(own, instances)
            cursor = cursors.after(page)
            if cursor is None:
                return listing

    async def _judge_projects(self, report: InventoryReport, listing: Listing) -> InventoryReport:
        """Projects of ours that do not fit, with the instances as they are after all projects were listed."""
        found: list[Discrepancy] = []
        for start in range(0, len(listing.suspects), ROWS):
            suspects = listing.suspects[start : start + ROWS]
            async with self._database.unit_of_work() as work:
                instances = await work.instances.find_many({project.instance_id for project in suspects})
                operations = await work.operations.list_open_for_many(list(instances))
            for project in suspects:
                instance = instances.get(project.instance_id)
                if is_in_flight(
                    project,
                    instance,
                    operations.get(project.instance_id, ()),
                    listed_at=report.taken_at,
                    min_age=self._min_age,
                ):
                    report = replace(report, in_flight=report.in_flight + 1)
                elif one := judge_project(project, instance, listing.project_ids):
                    found.append(one)
        return replace(report, discrepancies=(*report.discrepancies, *found))

    async def _instances(self) -> AsyncIterator[Sequence[Instance]]:
        """All instances that are neither failed nor deleted, page by page."""
        cursor: str | None = None
        while True:
            async with self._database.unit_of_work() as work:
                page = await work.instances.list_page(after=cursor, limit=ROWS)
            yield [instance for instance in page if instance.status not in GONE]
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _judge_instances(
        self, report: InventoryReport, instances: Sequence[Instance], listing: Listing
    ) -> InventoryReport:
        now = self._now()
        listed = listing.project_ids
        suspects = [
            instance
            for instance in instances
            if instance.observed.project_id not in listed
            and instance.id not in listing.claimed
            and should_have_project(instance, now, min_age=self._min_age)
        ]
        could_run = [
            instance
            for instance in instances
            if instance.observed.project_id in listed and should_be_off(instance, now)
        ]
        strays = [stray for instance in instances if (stray := stray_of(instance, listed))]
        ghosts, moving = await self._ghosts(suspects)
        zombies = await self._zombies(could_run, now)
        return replace(
            report,
            instances=report.instances + len(instances),
            in_flight=report.in_flight + moving,
            discrepancies=(*report.discrepancies, *strays, *ghosts, *zombies),
        )

    async def _ghosts(self, suspects: Sequence[Instance]) -> tuple[list[Discrepancy], int]:
        """Those whose project is really gone, and how many are being worked on.

        Asked for by id once more: a project made while the list was read is not on it.
        """
        if not suspects:
            return [], 0
        async with self._database.unit_of_work() as work:
            operations = await work.operations.list_open_for_many([instance.id for instance in suspects])
        still = [instance for instance in suspects if not moves_projects(operations.get(instance.id, ()))]
        there: set[str] = set()
        for start in range(0, len(still), IDS):
            ids = [instance.observed.project_id or "" for instance in still[start : start + IDS]]
            found = await self._client.projects.by_ids(ids)
            there |= {project.id for project in found if project.deleted_at is None}
        ghosts = [ghost_of(instance) for instance in still if instance.observed.project_id not in there]
        return ghosts, len(suspects) - len(still)

    async def _zombies(self, suspects: Sequence[Instance], now: datetime) -> list[Discrepancy]:
        """Those of which something runs. Those that are being switched off right now are left out."""
        if not suspects:
            return []
        async with self._database.unit_of_work() as work:
            operations = await work.operations.list_open_for_many([instance.id for instance in suspects])
        at_rest = [
            instance
            for instance in suspects
            if instance.observed.environment_id and not operations.get(instance.id)
        ]
        zombies: list[Discrepancy] = []
        for start in range(0, len(at_rest), OVERVIEWS):
            part = at_rest[start : start + OVERVIEWS]
            reads = [
                overview.environment(instance.observed.environment_id or "", lane=Lane.BACKGROUND)
                for instance in part
            ]
            for instance, seen in zip(part, await self._client.batch(reads, return_errors=True), strict=True):
                if isinstance(seen, (RailwayNotFoundError, RailwayAuthError)):
                    continue  # the environment is gone, so nothing runs in it
                if isinstance(seen, RailwayError):
                    raise seen
                if zombie := zombie_of(instance, seen, now):
                    zombies.append(zombie)
        return zombies

    async def _with_costs(self, report: InventoryReport) -> InventoryReport:
        """What each costs: one request for what was used, and one for Railway's estimate, however many there are."""
        project_ids = {found.project_id for found in report.discrepancies}
        if not project_ids:
            return report
        used = await self._client.usage.get(
            workspace_id=self._workspace_id, group_by=[MetricTag.PROJECT_ID], include_deleted=True
        )
        estimated = await self._client.usage.estimated(workspace_id=self._workspace_id)
        now = report.taken_at
        so_far = costs_of(
            ((one.tags.project_id, str(one.measurement), one.value) for one in used), project_ids, now
        )
        at_the_end = costs_of(
            ((one.project_id, str(one.measurement), one.estimated_value) for one in estimated),
            project_ids,
            now,
        )
        none = Decimal(0)
        discrepancies = tuple(
            replace(
                found,
                cost_usd=so_far.get(found.project_id, none),
                # Nothing is added to the cost of a project that is gone, whatever Railway's estimate goes on with.
                estimated_usd=(so_far if found.kind is DiscrepancyKind.GHOST else at_the_end).get(
                    found.project_id, none
                ),
            )
            for found in report.discrepancies
        )
        return replace(report, discrepancies=discrepancies)
