"""Every way in which Railway and the database can disagree, built by hand; and nobody else's things are touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from railway_saas.config import RetryPolicy
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.prices import RAILWAY_PRICES, total_usd
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.domain.usage import cost_usd
from railway_saas.errors import ConfigurationError, InstanceInputError, RailwayError
from railway_saas.instances._async.inventory import AsyncInventory
from railway_saas.instances.placement import Marker, ProjectPerInstance
from railway_saas.instances.stocktaking import DiscrepancyKind, RepairOutcome
from railway_saas.repositories import AsyncMemoryDatabase
from tests.support.instance_rows import OWNER, START, instance, instance_id, operation, store_async

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas import AsyncRailwayClient
    from railway_saas.domain.instances import Instance
    from railway_saas.emulator import Emulator
    from railway_saas.instances.stocktaking import InventoryReport
    from railway_saas.railway.models import Project
    from railway_saas.repositories import AsyncDatabase

NAMESPACE = "prod"
SUSPENDED: dict[str, Any] = {"status": InstanceStatus.SUSPENDED, "wanted": DesiredStatus.SUSPENDED}
DONE, UNNECESSARY = RepairOutcome.DONE, RepairOutcome.UNNECESSARY
REFUSED, FAILED = RepairOutcome.REFUSED, RepairOutcome.FAILED


class AsyncPlace:
    """A workspace, a database, and an inventory of both."""

    def __init__(
        self,
        emulator: Emulator,
        railway: AsyncRailwayClient,
        *,
        database: AsyncDatabase | None = None,
        **options: Any,
    ) -> None:
        self.emulator = emulator
        self.railway = railway
        self.database: AsyncDatabase = database or AsyncMemoryDatabase()
        self.inventory = AsyncInventory(
            railway,
            self.database,
            workspace_id=emulator.workspace_id,
            placement=ProjectPerInstance(NAMESPACE),
            now=emulator.clock.now,
            **options,
        )

    async def project(self, name: str, marker: Marker | UUID | None = None, **more: Any) -> Project:
        """A project with a marker in its description: that of an instance, if only its id is given."""
        found = marker if isinstance(marker, Marker) or marker is None else Marker(NAMESPACE, marker)
        description = f"Managed by railway_saas: {found}" if found else "mine"
        options = {"workspace_id": self.emulator.workspace_id, "description": description, **more}
        return await self.railway.projects.create(name=name, **options)

    async def home(self, name: str, **more: Any) -> Project:
        """An instance with the project that belongs to it."""
        project = await self.project(name, instance_id(name))
        await self.add(name, project, **more)
        return project

    async def add(self, name: str, project: Project, **more: Any) -> None:
        """The instance of a project."""
        places = {"project_id": project.id, "environment_id": project.environments[0].id}
        await store_async(self.database, instance(name, **{**places, **more}))

    async def run(self, project: Project, name: str = "web") -> str:
        """The id of a deployment that comes up in a project."""
        environment_id = project.environments[0].id
        service = await self.railway.services.create(
            project.id, name=name, image="nginx:alpine", environment_id=environment_id
        )
        return await self.railway.service_instances.deploy(
            service_id=service.id, environment_id=environment_id
        )

    async def stored(self, name: str) -> Instance:
        async with self.database.unit_of_work() as work:
            return await work.instances.get(instance_id(name))

    async def told(self, name: str) -> list[tuple[str, str]]:
        """Steps and messages of an instance's events."""
        async with self.database.unit_of_work() as work:
            events = await work.events.list_page(instance_id(name))
            return [(event.step, event.message) for event in events]

    async def audited(self) -> list[tuple[str, str, str]]:
        """Actor, action and subject of everything in the audit log."""
        async with self.database.unit_of_work() as work:
            entries = await work.audit.list_page()
            return [(entry.actor, entry.action, entry.subject_id) for entry in entries]

    async def projects(self) -> set[str | None]:
        """Names of the projects that exist in the workspace."""
        listed = self.railway.projects.list(workspace_id=self.emulator.workspace_id)
        return {project.name async for project in listed}

    def wait(self, hours: float = 2) -> None:
        """Let everything grow old enough to be accused."""
        self.emulator.clock.advance(hours * 3600)


def place(emulator: Emulator, **options: Any) -> AsyncPlace:
    railway = emulator.async_client(retry=RetryPolicy(max_attempts=1), rate_limit=None)
    return AsyncPlace(emulator, railway, **options)


def found(report: InventoryReport) -> set[tuple[str, str | None, UUID]]:
    return {(str(one.kind), one.project_name, one.instance_id) for one in report.discrepancies}


async def a_bit_of_everything(here: AsyncPlace) -> None:
    """One of each discrepancy, and whatever looks like one."""
    # what is well
    fine = await here.home("fine")
    await here.run(fine)
    await here.home("quiet", **SUSPENDED)
    unmarked = await here.project("renamed by hand")
    await here.add("unmarked", unmarked)
    # what is somebody else's
    await here.project("somebody's")
    await here.project("staging", Marker("staging", instance_id("fine")))
    await here.project("staging unknown", Marker("staging", uuid4()))
    # orphans
    await here.project("unknown", instance_id("unknown"))
    await here.project("failed", instance_id("failed"))
    await here.project("deleted", instance_id("deleted"))
    # a duplicate
    await here.project("fine again", instance_id("fine"))
    # ghosts
    ghost = await here.home("ghost", status=InstanceStatus.CRASHED)
    await here.railway.projects.delete(ghost.id)
    # zombies
    await here.run(await here.home("zombie", **SUSPENDED))
    await here.run(await here.home("stopped zombie", wanted=DesiredStatus.STOPPED))
    # strays
    await here.home("parked", attention="six attempts failed")
    moved = await here.home("moved")
    await here.railway.projects.delete(moved.id)
    await here.project("moved too", instance_id("moved"))
    await store_async(
        here.database,
        instance("failed", status=InstanceStatus.FAILED),
        instance("deleted", status=InstanceStatus.DELETED),
    )
    here.wait()


EVERYTHING = {
    ("orphan", "unknown", instance_id("unknown")),
    ("orphan", "failed", instance_id("failed")),
    ("orphan", "deleted", instance_id("deleted")),
    ("duplicate", "fine again", instance_id("fine")),
    ("ghost", None, instance_id("ghost")),
    ("zombie", None, instance_id("zombie")),
    ("zombie", None, instance_id("stopped zombie")),
    ("stray", None, instance_id("parked")),
    ("stray", "moved too", instance_id("moved")),
}
OTHERS = {"somebody's", "staging", "staging unknown", "renamed by hand", "fine", "quiet"}


# Reports --------------------------------------------------------------------------------------------------------------


async def test_where_all_is_well_nobody_is_accused(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    for name in ("one", "two"):
        await here.run(await here.home(name))
    here.wait()
    railway_emulator.requests.reset()
    report = await here.inventory.report()
    assert report.discrepancies == ()
    assert (report.projects, report.ours, report.instances, report.in_flight) == (2, 2, 2, 0)
    assert (report.cost_usd, report.estimated_usd) == (0, 0)
    assert railway_emulator.requests.count == 1


async def test_every_discrepancy_is_found_and_nothing_else(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await a_bit_of_everything(here)
    report = await here.inventory.report()
    assert found(report) == EVERYTHING
    assert (report.foreign, report.unmarked, report.in_flight) == (2, 2, 0)
    assert report.projects == report.ours + report.foreign + report.unmarked == 14
    assert report.instances == 8
    assert (report.workspace_id, report.namespace) == (railway_emulator.workspace_id, NAMESPACE)
    reasons = {one.instance_id: one.reason for one in report.discrepancies}
    assert reasons[instance_id("zombie")] == "it should be suspended, but there is web (SUCCESS)"
    assert reasons[instance_id("parked")] == "six attempts failed"
    owners = {one.instance_id: one.user_id for one in report.discrepancies}
    assert owners.pop(instance_id("unknown")) is None
    assert set(owners.values()) == {OWNER}
    assert (
        here.emulator.requests.operations["projectDelete"] == 2
    )  # the two that were built; a report deletes none


async def test_each_discrepancy_has_its_price(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    orphan = await here.project("orphan", instance_id("orphan"))
    await here.run(orphan)
    ghost = await here.home("ghost")
    await here.run(ghost)
    await here.run(await here.home("fine"))
    here.wait(30)
    await here.railway.projects.delete(ghost.id)
    railway_emulator.requests.reset()
    report = await here.inventory.report()
    assert railway_emulator.requests.operations["usage"] == 1
    assert railway_emulator.requests.operations["estimatedUsage"] == 1
    for one in report.discrepancies:
        billed = await here.railway.usage.get(project_id=one.project_id, include_deleted=True)
        amounts = {str(part.measurement): part.value for part in billed}
        assert one.cost_usd == cost_usd(amounts, RAILWAY_PRICES) > 0
    (costly,) = report.of_kind(DiscrepancyKind.ORPHAN)
    (gone,) = report.of_kind(DiscrepancyKind.GHOST)
    assert costly.estimated_usd > 2 * costly.cost_usd
    assert gone.estimated_usd == gone.cost_usd
    assert report.cost_usd == total_usd([costly.cost_usd, gone.cost_usd])
    assert report.estimated_usd == total_usd([costly.estimated_usd, gone.estimated_usd])


async def test_the_cost_of_a_project_that_is_wrong_twice_counts_once(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await here.run(await here.home("both", attention="stuck", **SUSPENDED))
    here.wait()
    report = await here.inventory.report()
    assert [one.kind for one in report.discrepancies] == ["stray", "zombie"]
    assert report.cost_usd == report.discrepancies[0].cost_usd > Decimal(0)


async def test_what_is_young_or_being_worked_on_is_not_accused(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    now = START + timedelta(hours=2)
    creating = await here.project("creating", instance_id("creating"))
    own = await here.project("its own", instance_id("creating"))
    await here.add("creating", own)
    deleting = await here.home("deleting", status=InstanceStatus.DELETING, wanted=DesiredStatus.DELETED)
    vanishing = await here.home("vanishing")
    undoing = await here.home("undoing", undoing=True)
    due = await here.home("due", delete_at=now)
    young = await here.home("young ghost", created_at=now)
    for gone in (deleting, vanishing, undoing, due, young):
        await here.railway.projects.delete(gone.id)
    switching = await here.home("switching", **SUSPENDED)
    await here.run(switching)
    await here.project("not adopted yet", instance_id("not adopted yet"))
    await here.project("just deleted", instance_id("just deleted"))
    rows = {name: await here.stored(name) for name in ("creating", "vanishing", "switching")}
    await store_async(
        here.database,
        instance("not adopted yet", status=InstanceStatus.PROVISIONING),
        instance("just deleted", status=InstanceStatus.DELETED, status_since=now + timedelta(seconds=1)),
        operation(rows["creating"], OperationKind.PROJECT_CREATE, state=OperationState.SENT),
        operation(rows["vanishing"], OperationKind.PROJECT_DELETE),
        operation(rows["switching"], OperationKind.REMOVE),
    )
    here.wait()
    await here.project("young", instance_id("nobody"))
    report = await here.inventory.report()
    assert found(report) == set()
    assert creating.id != own.id
    assert report.in_flight == 4  # creating, just deleted, vanishing, young


async def test_an_instance_that_somebody_works_on_is_no_zombie(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await here.run(await here.home("leased", **SUSPENDED))
    here.wait()
    now = railway_emulator.clock.now()
    async with here.database.unit_of_work() as work:
        await work.instances.claim(
            instance_id("leased"), worker="loop", now=now, lease_until=now + timedelta(minutes=1)
        )
        await work.commit()
    assert found(await here.inventory.report()) == set()
    here.wait(0.1)
    assert found(await here.inventory.report()) == {("zombie", None, instance_id("leased"))}


async def test_a_project_that_was_not_on_the_list_but_exists_makes_no_ghost(
    railway_emulator: Emulator,
) -> None:
    here = place(railway_emulator)
    other = railway_emulator.add_workspace("moved to")
    project = await here.project("elsewhere", instance_id("elsewhere"), workspace_id=other)
    await here.add("elsewhere", project)
    here.wait()
    assert found(await here.inventory.report()) == set()


async def test_what_has_been_stopped_is_no_zombie(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    project = await here.home("stopped", status=InstanceStatus.STOPPED, wanted=DesiredStatus.STOPPED)
    deployment_id = await here.run(project)
    here.wait(0.1)
    await here.railway.deployments.stop(deployment_id)
    here.wait()
    assert found(await here.inventory.report()) == set()


async def test_thousands_of_projects_take_few_requests(railway_emulator: Emulator) -> None:
    here = place(railway_emulator, page_size=100)
    for number in range(250):
        await here.project(f"p{number}")
    for number in range(30):
        await here.home(f"off{number}", **SUSPENDED)
    here.wait()
    railway_emulator.requests.reset()
    report = await here.inventory.report()
    assert (report.projects, report.instances, found(report)) == (280, 30, set())
    assert railway_emulator.requests.operations["projects"] == 3
    assert railway_emulator.requests.count == 3 + 2  # 30 environments in two batches


async def test_a_report_that_cannot_be_made_fails(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await here.project("unknown", instance_id("unknown"))
    here.wait()
    railway_emulator.faults.add("drop", "usage")
    with pytest.raises(RailwayError):
        await here.inventory.report()
    assert len((await here.inventory.report()).discrepancies) == 1


# Repairs --------------------------------------------------------------------------------------------------------------


async def test_everything_is_repaired_and_nobody_elses_things_are_touched(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await a_bit_of_everything(here)
    report = await here.inventory.report()
    repairs = await here.inventory.repair(report, actor="operator:ada")
    assert {repair.outcome for repair in repairs.repairs} == {DONE}
    assert len(repairs.with_outcome(DONE)) == 7
    assert await here.projects() >= OTHERS
    assert not {"unknown", "failed", "deleted", "fine again"} & await here.projects()
    assert {"zombie", "stopped zombie", "parked", "moved too"} <= await here.projects()

    ghost = await here.stored("ghost")
    assert (ghost.status, ghost.holds_slot, ghost.next_check_at) == (InstanceStatus.FAILED, False, None)
    assert ghost.observed.project_id is not None
    assert "deleted outside" in (ghost.observed.error or "")
    assert ghost.lease_owner is None
    for name in ("zombie", "stopped zombie"):
        woken = await here.stored(name)
        assert (woken.wakes, woken.next_check_at) == (1, railway_emulator.clock.now())
    fine = await here.stored("fine")
    assert (fine.lease_owner, fine.status, fine.next_check_at) == (None, InstanceStatus.RUNNING, None)

    audited = await here.audited()
    assert {actor for actor, _, _ in audited} == {"operator:ada"}
    assert sorted(action for _, action, _ in audited) == [
        "inventory.delete_duplicate",
        *["inventory.delete_orphan"] * 3,
        "inventory.fail_ghost",
        *["inventory.wake_zombie"] * 2,
    ]
    for name, step in {"fine": "delete", "failed": "delete", "ghost": "error", "zombie": "power"}.items():
        assert [told for told, _ in await here.told(name)] == [step]

    again = await here.inventory.repair(report, actor="operator:ada")
    assert {repair.outcome for repair in again.repairs if repair.discrepancy.kind != "zombie"} == {
        UNNECESSARY
    }
    left = {kind for kind, _, _ in found(await here.inventory.report())}
    assert left == {"stray", "zombie"}  # zombies are the control loop's, which does not run here
    assert await here.projects() >= OTHERS


async def test_only_the_kinds_asked_for_are_repaired_and_strays_never(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await a_bit_of_everything(here)
    report = await here.inventory.report()
    before = await here.projects()
    repairs = await here.inventory.repair(
        report, actor="system", kinds=[DiscrepancyKind.GHOST, DiscrepancyKind.STRAY]
    )
    outcomes = {repair.discrepancy.kind: repair.outcome for repair in repairs.repairs}
    assert outcomes == {DiscrepancyKind.GHOST: DONE, DiscrepancyKind.STRAY: REFUSED}
    assert await here.projects() == before


@pytest.mark.parametrize("actor", ["", "x" * 256, "a\0b", None])
async def test_nothing_is_deleted_by_somebody_whom_the_audit_log_cannot_name(
    railway_emulator: Emulator, actor: Any
) -> None:
    here = place(railway_emulator)
    await a_bit_of_everything(here)
    report = await here.inventory.report()
    before = await here.projects()
    with pytest.raises(InstanceInputError, match="actor"):
        await here.inventory.repair(report, actor=actor)
    assert await here.projects() == before


@pytest.mark.parametrize("kind", ["orphan", "duplicate"])
@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_to_a_deletion_is_looked_for(
    railway_emulator: Emulator, applied: bool, kind: str
) -> None:
    here = place(railway_emulator)
    await here.project("too much", instance_id("acme"))
    if kind == "duplicate":
        await here.home("acme")
    here.wait()
    report = await here.inventory.report()
    railway_emulator.faults.add("gateway_error", "projectDelete", status=504, applied=applied)
    (first,) = (await here.inventory.repair(report, actor="system")).repairs
    assert first.outcome is (DONE if applied else FAILED)
    (second,) = (await here.inventory.repair(report, actor="system")).repairs
    assert second.outcome is (UNNECESSARY if applied else DONE)
    assert await here.projects() == ({"acme"} if kind == "duplicate" else set())
    if kind == "duplicate":
        assert [step for step, _ in await here.told("acme")] == ["delete"]
        assert (await here.stored("acme")).lease_owner is None


async def test_an_answer_that_stays_lost_fails_and_frees_the_instance(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await here.home("acme")
    await here.project("too much", instance_id("acme"))
    here.wait()
    report = await here.inventory.report()
    railway_emulator.faults.add("drop", "projectDelete")
    railway_emulator.faults.add("drop", "project", after=1)
    (repair,) = (await here.inventory.repair(report, actor="system")).repairs
    assert repair.outcome is FAILED
    assert (await here.stored("acme")).lease_owner is None


async def test_a_look_that_fails_changes_nothing(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await a_bit_of_everything(here)
    report = await here.inventory.report()
    before = await here.projects()
    for name in ("project", "projectsByIds", "environment"):
        railway_emulator.faults.add("gateway_error", name, times=None)
    repairs = await here.inventory.repair(report, actor="system")
    assert {repair.outcome for repair in repairs.repairs} == {FAILED}
    railway_emulator.faults.clear()
    assert await here.projects() == before
    assert await here.audited() == []


async def test_an_old_report_harms_nobody(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    names = ["unmarked since", "adopted since", "foreign since", "young"]
    made = {name: await here.project(name, instance_id(name)) for name in names}
    await here.project("own", instance_id("lost its own"))
    ghost = await here.home("ghost")
    await here.railway.projects.delete(ghost.id)
    await here.run(await here.home("zombie", **SUSPENDED))
    here.wait()
    report = await here.inventory.report()
    assert len(report.discrepancies) == 7
    await here.railway.projects.update(made["unmarked since"].id, description="mine now")
    await here.railway.projects.update(
        made["foreign since"].id, description=str(Marker("staging", instance_id("foreign since")))
    )
    await here.add("adopted since", made["adopted since"])
    await store_async(here.database, instance("lost its own", status=InstanceStatus.PROVISIONING))
    async with here.database.unit_of_work() as work:
        for name in ("ghost", "zombie"):
            changed = await work.instances.get(instance_id(name))
            wanted = DesiredStatus.DELETED if name == "ghost" else DesiredStatus.RUNNING
            await work.instances.save_desired(
                replace(changed, desired=replace(changed.desired, status=wanted))
            )
        await work.commit()
    repairs = await here.inventory.repair(report, actor="system", kinds=list(DiscrepancyKind))
    outcomes = {repair.discrepancy.instance_id: repair.outcome for repair in repairs.repairs}
    assert outcomes == {
        instance_id("unmarked since"): REFUSED,
        instance_id("foreign since"): REFUSED,
        instance_id("adopted since"): UNNECESSARY,
        instance_id("lost its own"): UNNECESSARY,
        instance_id("young"): DONE,
        instance_id("ghost"): UNNECESSARY,
        instance_id("zombie"): UNNECESSARY,
    }
    assert await here.projects() == {"unmarked since", "foreign since", "adopted since", "own", "zombie"}
    assert (await here.stored("ghost")).status is InstanceStatus.RUNNING


async def test_a_duplicate_is_kept_when_the_instances_own_project_is_gone_since(
    railway_emulator: Emulator,
) -> None:
    here = place(railway_emulator)
    own = await here.home("acme")
    await here.project("the other", instance_id("acme"))
    here.wait()
    report = await here.inventory.report()
    assert found(report) == {("duplicate", "the other", instance_id("acme"))}
    await here.railway.projects.delete(own.id)
    (repair,) = (await here.inventory.repair(report, actor="system")).repairs
    assert repair.outcome is UNNECESSARY
    assert await here.projects() == {"the other"}
    assert found(await here.inventory.report()) == {("stray", "the other", instance_id("acme"))}


async def test_an_instance_that_somebody_works_on_is_left_to_them(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    await here.home("acme")
    await here.project("the other", instance_id("acme"))
    ghost = await here.home("ghost")
    await here.railway.projects.delete(ghost.id)
    here.wait()
    report = await here.inventory.report()
    now = railway_emulator.clock.now()
    async with here.database.unit_of_work() as work:
        for name in ("acme", "ghost"):
            until = now + timedelta(minutes=1)
            await work.instances.claim(instance_id(name), worker="loop", now=now, lease_until=until)
        await work.commit()
    repairs = await here.inventory.repair(report, actor="system")
    assert [repair.outcome for repair in repairs.repairs] == [REFUSED, REFUSED]
    assert (await here.stored("acme")).lease_owner == "loop"
    assert await here.projects() == {"acme", "the other"}
    assert await here.audited() == []


async def test_what_has_changed_since_the_report_is_looked_at_again(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    ghost = await here.home("ghost")
    await here.railway.projects.delete(ghost.id)
    deployment_id = await here.run(await here.home("zombie", **SUSPENDED))
    here.wait()
    report = await here.inventory.report()
    assert len(report.discrepancies) == 2
    await store_async(here.database, operation(await here.stored("ghost"), OperationKind.PROJECT_CREATE))
    await here.railway.deployments.remove(deployment_id)
    here.wait(0.1)
    repairs = await here.inventory.repair(report, actor="system")
    outcomes = {repair.discrepancy.kind: repair.outcome for repair in repairs.repairs}
    assert outcomes == {DiscrepancyKind.GHOST: REFUSED, DiscrepancyKind.ZOMBIE: UNNECESSARY}
    assert (await here.stored("ghost")).status is InstanceStatus.RUNNING
    assert (await here.stored("zombie")).wakes == 0
    assert await here.audited() == []


async def test_a_ghosts_open_writes_are_abandoned(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    ghost = await here.home("ghost")
    await here.railway.projects.delete(ghost.id)
    write = operation(await here.stored("ghost"), OperationKind.VARIABLES, state=OperationState.SENT)
    await store_async(here.database, write)
    here.wait()
    await here.inventory.repair(await here.inventory.report(), actor="system")
    async with here.database.unit_of_work() as work:
        assert await work.operations.list_open(instance_id("ghost")) == []
        assert (await work.operations.get(write.id)).state is OperationState.ABANDONED


async def test_when_everything_looks_wrong_nothing_is_deleted(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    for number in range(4):
        await here.project(f"p{number}", uuid4())
    await here.run(await here.home("zombie", **SUSPENDED))
    here.wait()
    report = await here.inventory.report()
    repairs = await here.inventory.repair(report, actor="system", at_most=3)
    assert len(repairs.with_outcome(REFUSED)) == 4
    assert len(repairs.with_outcome(DONE)) == 1  # waking is harmless
    assert len(await here.projects()) == 5
    await here.inventory.repair(report, actor="system", at_most=4)
    assert await here.projects() == {"zombie"}


async def test_a_token_that_no_longer_sees_the_workspace_fails_instead_of_accusing(
    railway_emulator: Emulator,
) -> None:
    here = place(railway_emulator)
    await here.home("acme")
    here.wait()
    other = railway_emulator.workspace_token(railway_emulator.add_workspace("other"))
    stranger = AsyncPlace(railway_emulator, railway_emulator.async_client(other))
    with pytest.raises(RailwayError):
        await stranger.inventory.report()


async def test_a_report_about_something_else_is_refused(railway_emulator: Emulator) -> None:
    here = place(railway_emulator)
    report = await here.inventory.report()
    for other in (replace(report, namespace="staging"), replace(report, workspace_id="w2")):
        with pytest.raises(ConfigurationError, match="another"):
            await here.inventory.repair(other, actor="system")


def test_a_negative_age_is_refused(railway_emulator: Emulator) -> None:
    with pytest.raises(ConfigurationError, match="min_age"):
        place(railway_emulator, min_age=timedelta(seconds=-1))
