"""Putting one discrepancy right, after a fresh look."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane
from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import InstanceEvent
from railway_saas.domain.records import AuditEntry
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.errors import RailwayAuthError, RailwayError, RailwayNotFoundError
from railway_saas.instances.arguments import actor_of
from railway_saas.instances.placement import Marker, read_marker
from railway_saas.instances.stocktaking import (
    DiscrepancyKind,
    InventoryRepair,
    RepairOutcome,
    is_in_flight,
    judge_project,
    moves_projects,
    seen_project,
    should_be_off,
    should_have_project,
    zombie_of,
)
from railway_saas.railway.operations import overview, projects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from railway_saas.domain.instances import Instance
    from railway_saas.instances.stocktaking import Discrepancy
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.railway.models.projects import Project
    from railway_saas.repositories._async.protocols import AsyncDatabase, AsyncUnitOfWork

LEASE = timedelta(minutes=5)
"""How long the control loop is kept away from an instance: longer than two calls to Railway may take."""

_UNNECESSARY = RepairOutcome.UNNECESSARY
_REFUSED = RepairOutcome.REFUSED
_BUSY = "the instance is being worked on, or does not exist"


class AsyncInventoryRepairer:
    """Repairs discrepancies one at a time. `AsyncInventory.repair` is the way to it.

    Args:
        client: Its deletions are made in their lane.
        database: Where the instances are.
        namespace: Whose markers are ours.
        now: What time it is, aware.
        min_age: How old a project must be to be deleted.
    """

    def __init__(
        self,
        client: AsyncRailwayClient,
        database: AsyncDatabase,
        *,
        namespace: str,
        now: Callable[[], datetime],
        min_age: timedelta,
    ) -> None:
        self._client = client.with_options(lane=Lane.DELETION)
        self._database = database
        self._namespace = namespace
        self._now = now
        self._min_age = min_age

    async def repair(self, found: Discrepancy, *, actor: str) -> InventoryRepair:
        """Look again, and put it right if it is still so.

        Raises:
            InstanceInputError: `actor` is no text that the audit log has room for.
            RepositoryError: The database failed.
        """
        actor_of(actor)
        ways = {
            DiscrepancyKind.ORPHAN: self._delete_project,
            DiscrepancyKind.DUPLICATE: self._delete_project,
            DiscrepancyKind.GHOST: self._fail,
            DiscrepancyKind.ZOMBIE: self._wake,
        }
        way = ways.get(found.kind)
        if way is None:
            return _ended(found, _REFUSED, "an operator has to decide")
        try:
            return await way(found, actor)
        except RailwayError as error:
            return _ended(found, RepairOutcome.FAILED, str(error))

    # Orphans and duplicates -----------------------------------------------------------------------------------------

    async def _delete_project(self, found: Discrepancy, actor: str) -> InventoryRepair:
        listed_at = self._now()
        project = await self._project(found.project_id)
        if project is None:
            return _ended(found, _UNNECESSARY, "the project is gone")
        if read_marker(project.description) != Marker(self._namespace, found.instance_id):
            return _ended(found, _REFUSED, "the project does not carry the marker any more")
        seen = seen_project(project, found.instance_id)
        living = await self._other_projects(found)
        worker = self._worker()
        async with self._database.unit_of_work() as work:
            instance, is_busy = await self._take(work, found.instance_id, worker)
            if is_busy:
                return _ended(found, _REFUSED, _BUSY)
            operations = await work.operations.list_open(instance.id) if instance else ()
            if is_in_flight(seen, instance, operations, listed_at=listed_at, min_age=self._min_age):
                return _ended(found, _REFUSED, "the project is too young, or its instance is being worked on")
            judged = judge_project(seen, instance, living)
            if judged is None or judged.kind is not found.kind:
                return _ended(found, _UNNECESSARY, f"the project is no {found.kind} any more")
            # Before the deletion: whatever happens now, the log knows who asked for it.
            await work.audit.append(self._audit(judged, actor, f"inventory.delete_{found.kind}"))
            await work.commit()
        error = await self._delete(found.project_id)
        if instance is not None:
            message = None if error else f"The project {seen.name} was deleted: {judged.reason}"
            await self._give_back(instance, worker, message)
        return _ended(found, RepairOutcome.FAILED if error else RepairOutcome.DONE, error or "")

    async def _other_projects(self, found: Discrepancy) -> set[str]:
        """The project that the instance has in the database, if it exists at Railway."""
        async with self._database.unit_of_work() as work:
            instances = await work.instances.find_many([found.instance_id])
        own = {instance.observed.project_id for instance in instances.values()} - {None, found.project_id}
        return await self._living([project_id for project_id in own if project_id])

    async def _give_back(self, instance: Instance, worker: str, message: str | None) -> None:
        """Tell what happened, and end the lease."""
        async with self._database.unit_of_work() as work:
            if message is not None:
                await work.instances.lock(instance.id)
                await work.events.append([self._event(instance, "delete", message)])
            await work.instances.release(instance, worker=worker, next_check_at=instance.next_check_at)
            await work.commit()

    async def _delete(self, project_id: str) -> str | None:
        """Delete a project; what went wrong. An answer that was lost is made up for by a look."""
        try:
            await self._client.projects.delete(project_id)
        except RailwayError as error:
            try:
                return str(error) if await self._project(project_id) else None
            except RailwayError:
                return str(error)
        return None

    # Ghosts -----------------------------------------------------------------------------------------------------------

    async def _fail(self, found: Discrepancy, actor: str) -> InventoryRepair:
        if await self._living([found.project_id]):
            return _ended(found, _UNNECESSARY, "the project is there")
        worker = self._worker()
        async with self._database.unit_of_work() as work:
            instance, _ = await self._take(work, found.instance_id, worker)
            if instance is None:
                return _ended(found, _REFUSED, _BUSY)
            operations = await work.operations.list_open(instance.id)
            now = self._now()
            if instance.observed.project_id != found.project_id or not should_have_project(
                instance, now, min_age=self._min_age
            ):
                return _ended(found, _UNNECESSARY, "the instance has changed")
            if moves_projects(operations):
                return _ended(found, _REFUSED, "the instance is being worked on")
            failed = self._failed(instance, found.reason, now)
            await work.instances.save_observed(failed, worker=worker, lease_until=now + LEASE)
            for operation in operations:
                await work.operations.save(
                    replace(operation, state=OperationState.ABANDONED, finished_at=now)
                )
            await work.services.replace(instance.id, ())
            for domain in await work.domains.list_for(instance.id):  # somebody else may have them now
                await work.domains.delete(domain.id)
            await work.audit.append(self._audit(found, actor, "inventory.fail_ghost"))
            message = "Its project was deleted at Railway; it cannot run any more"
            await work.events.append([self._event(failed, "error", message)])
            await work.instances.release(failed, worker=worker, next_check_at=None)
            await work.commit()
        return _ended(found, RepairOutcome.DONE)

    def _failed(self, instance: Instance, reason: str, now: datetime) -> Instance:
        """The instance as `failed`. Its project's id stays: usage that comes late is still its own."""
        observed = replace(
            instance.observed,
            status=InstanceStatus.FAILED,
            status_since=now,
            error=f"Its Railway project was deleted outside of this system: {reason}",
            attention=None,
        )
        return replace(instance, observed=observed, holds_slot=False, updated_at=now)

    # Zombies ----------------------------------------------------------------------------------------------------------

    async def _wake(self, found: Discrepancy, actor: str) -> InventoryRepair:
        now = self._now()
        async with self._database.unit_of_work() as work:
            instance = (await work.instances.find_many([found.instance_id])).get(found.instance_id)
        if instance is None or not should_be_off(instance, now):
            return _ended(found, _UNNECESSARY, "the instance may run, is gone, or is being worked on")
        try:
            seen = await self._client.run(overview.environment(instance.observed.environment_id or "-"))
        except (RailwayNotFoundError, RailwayAuthError):
            return _ended(found, _UNNECESSARY, "its environment is gone")
        zombie = zombie_of(instance, seen, now)
        if zombie is None:
            return _ended(found, _UNNECESSARY, "nothing of it runs any more")
        async with self._database.unit_of_work() as work:
            await work.instances.wake(instance.id, at=now)
            await work.audit.append(self._audit(zombie, actor, "inventory.wake_zombie"))
            await work.events.append([self._event(instance, "power", f"Switching it off: {zombie.reason}")])
            await work.commit()
        return _ended(found, RepairOutcome.DONE)

    # What they share --------------------------------------------------------------------------------------------------

    async def _project(self, project_id: str) -> Project | None:
        """A project as it is now; None when it is gone."""
        try:
            project = await self._client.run(projects.get(project_id))
        except (RailwayNotFoundError, RailwayAuthError):
            return None  # Railway answers alike when there is none and when it is not ours
        return None if project.deleted_at else project

    async def _living(self, project_ids: Sequence[str]) -> set[str]:
        """Those of them that exist."""
        found = await self._client.projects.by_ids(project_ids) if project_ids else ()
        return {project.id for project in found if project.deleted_at is None}

    def _worker(self) -> str:
        """A name of its own for every repair, so that two never take each other for themselves."""
        return f"inventory:{new_id(self._now())}"

    async def _take(
        self, work: AsyncUnitOfWork, instance_id: UUID, worker: str
    ) -> tuple[Instance | None, bool]:
        """The instance with its lease, if there is one, and whether another worker has it."""
        if instance_id not in await work.instances.find_many([instance_id]):
            return None, False
        now = self._now()
        instance = await work.instances.claim(instance_id, worker=worker, now=now, lease_until=now + LEASE)
        return instance, instance is None

    def _audit(self, found: Discrepancy, actor: str, action: str) -> AuditEntry:
        now = self._now()
        return AuditEntry(
            id=new_id(now),
            at=now,
            actor=actor,
            action=action,
            subject_type="instance",
            subject_id=str(found.instance_id),
            user_id=found.user_id,
            details={
                "project_id": found.project_id,
                "project_name": found.project_name,
                "reason": found.reason,
            },
        )

    def _event(self, instance: Instance, step: str, message: str) -> InstanceEvent:
        now = self._now()
        return InstanceEvent(
            id=new_id(now),
            instance_id=instance.id,
            at=now,
            step=step,
            message=message,
            status=instance.status,
        )


def _ended(found: Discrepancy, outcome: RepairOutcome, reason: str = "") -> InventoryRepair:
    return InventoryRepair(discrepancy=found, outcome=outcome, reason=reason)
