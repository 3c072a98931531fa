"""Workers, many at once: nothing is sent twice, no wish is lost, and what rests costs next to nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import ServiceLimits
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.errors import RepositoryError
from railway_saas.instances import OutcomeKind
from railway_saas.instances._async import loop
from railway_saas.repositories._async.memory.parts import AsyncMemoryEvents
from tests.support.together import all_async

if TYPE_CHECKING:
    from uuid import UUID

APP = "app-with-postgres-and-redis"
BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by_template", "from_calls"])


async def together(stage: Any, managers: list[Any], instance_id: UUID) -> None:
    """All managers take their turns at the same time, again and again, until it runs."""
    for _ in range(60):
        outcomes = await all_async([lambda one=one: one.reconcile(instance_id) for one in managers])
        assert [one for one in outcomes if isinstance(one, BaseException)] == []
        if (await stage.get(instance_id)).status is InstanceStatus.RUNNING:
            return
        stage.clock.advance(5)
    raise AssertionError("it never ran")


@BOTH_WAYS
async def test_workers_at_the_same_time_send_every_write_once(new_stage: Any, known: bool) -> None:
    stage = new_stage(APP, known=known)
    instance = await stage.accepted()
    await together(stage, [stage.manager() for _ in range(3)], instance.id)
    assert set(stage.railway.writes.values()) == {1}
    assert stage.sent("projectCreate") == 1


@BOTH_WAYS
async def test_turns_of_one_manager_at_the_same_time_send_every_write_once(
    new_stage: Any, known: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.accepted(manager)
    await together(stage, [manager, manager, manager], instance.id)
    assert set(stage.railway.writes.values()) == {1}
    assert stage.sent("projectCreate") == 1


async def test_a_worker_that_comes_second_is_told_that_another_has_it(new_stage: Any) -> None:
    stage = new_stage()
    instance = await stage.accepted()
    outcomes = []

    async def meanwhile() -> None:
        outcomes.append(await stage.manager().reconcile(instance.id))

    stage.nap_after(0, meanwhile)
    await stage.manager().reconcile(instance.id)
    assert [one.kind for one in outcomes] == [OutcomeKind.BUSY]


@pytest.mark.parametrize("transactions", range(3))
async def test_a_wish_during_a_turn_is_not_lost(new_stage: Any, transactions: int) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.clock.advance(1000)

    async def meanwhile() -> None:
        await stage.manager().set_variables(instance.id, {"web": {"COLOUR": "blue"}})

    stage.nap_after(transactions, meanwhile)
    await manager.reconcile(instance.id)
    applied = (await stage.get(instance.id)).observed.applied
    due = (await stage.get(instance.id)).next_check_at
    assert applied is not None
    assert applied.variables == {"web": {"COLOUR": "blue"}} or due <= stage.clock.now()
    await stage.drive(manager)
    web = stage.railway.services_of(instance.observed.project_id)["web"]
    assert web.latest_deployment.variables["COLOUR"].value == "blue"


async def resting(stage: Any, count: int) -> Any:
    """Instances at rest, all due."""
    manager = stage.manager()
    entry = await stage.published(manager)
    for number in range(count):
        await stage.running(manager, template_id=entry.id, name=f"blog {number}")
    stage.clock.advance(1000)
    return manager


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (3, 1), (4, 2), (7, 3)])
async def test_what_rests_costs_one_request_for_many(
    new_stage: Any, monkeypatch: pytest.MonkeyPatch, count: int, requests: int
) -> None:
    stage = new_stage()
    manager = await resting(stage, count)
    monkeypatch.setattr(loop, "MAX_LOOKS_PER_REQUEST", 3)
    before = stage.railway.requests.count
    report = await manager.run_due()
    assert (report.claimed, report.settled, report.waiting, report.busy) == (count, count, 0, 0)
    assert stage.railway.requests.count - before == requests
    assert report.next_due_at > stage.clock.now()


async def test_a_run_takes_no_more_than_its_limit(new_stage: Any) -> None:
    stage = new_stage()
    manager = await resting(stage, 3)
    assert [(await manager.run_due(limit=2)).claimed for _ in range(3)] == [2, 1, 0]


async def test_one_that_cannot_be_read_does_not_keep_the_others_from_their_turn(new_stage: Any) -> None:
    stage = new_stage()
    manager = await resting(stage, 2)
    entry = await stage.published(manager, name="broken")
    broken = await stage.accepted(manager, template_id=entry.id, name="broken")
    tables = stage.database._tables
    revision = tables.revisions.get(broken.desired.revision_id)
    raw = stage.document.serialize()
    next(iter(raw["services"].values()))["variables"]["LICENCE"] = {"isOptional": False}
    tables.revisions._rows[revision.id] = replace(revision, document=raw)
    before = stage.railway.requests.count
    report = await stage.manager().run_due()
    assert (report.claimed, report.settled) == (3, 2)
    assert set(report.failures) == {broken.id}
    assert "LICENCE" in report.failures[broken.id]
    assert stage.railway.requests.count - before == 1


UNREADABLE = [
    pytest.param(OperationKind.BACKUP_CREATE, {}, id="while deciding"),
    pytest.param(OperationKind.BACKUP_CREATE, {"volume_instance_id": ""}, id="while asking Railway"),
    pytest.param(OperationKind.SERVICE_DOMAIN_CREATE, {"number": "many"}, id="while deciding after a look"),
]


async def with_an_unreadable_write(
    stage: Any, instance_id: UUID, kind: OperationKind, request: dict[str, Any]
) -> None:
    """A row that some other version has written: every turn of the instance breaks off."""
    now = stage.clock.now()
    row = ProviderOperation(
        id=new_id(now),
        instance_id=instance_id,
        key="unreadable",
        kind=kind,
        state=OperationState.SENT,
        request=request,
        attempts=1,
        created_at=now,
        sent_at=now,
    )
    async with stage.database.unit_of_work() as work:
        await work.operations.add(row)
        await work.commit()


async def ids_of(stage: Any) -> list[UUID]:
    async with stage.database.unit_of_work() as work:
        return [one.id for one in (await work.instances.list_page()).items]


@pytest.mark.parametrize(("kind", "request_"), UNREADABLE)
async def test_one_that_breaks_does_not_take_the_shared_look_from_the_others(
    new_stage: Any, kind: OperationKind, request_: dict[str, Any]
) -> None:
    stage = new_stage()
    manager = await resting(stage, 4)
    broken, *others = await ids_of(stage)
    await with_an_unreadable_write(stage, broken, kind, request_)
    before = stage.railway.requests.count
    report = await manager.run_due()
    assert (report.claimed, report.settled, set(report.failures)) == (4, 3, {broken})
    assert stage.railway.requests.count - before == 1
    for instance_id in others:
        assert (await stage.get(instance_id)).next_check_at > stage.clock.now()


async def test_one_that_breaks_comes_again_later_and_later(new_stage: Any) -> None:
    stage = new_stage()
    manager = await resting(stage, 2)
    broken, _ = await ids_of(stage)
    await with_an_unreadable_write(stage, broken, OperationKind.BACKUP_CREATE, {})
    pauses = []
    for _ in range(20):
        report = await manager.run_due()
        assert set(report.failures) == {broken}
        assert (await manager.run_due()).claimed == 0
        left = await stage.get(broken)
        assert left.lease_owner is None
        pauses.append((left.next_check_at - stage.clock.now()).total_seconds())
        stage.clock.advance_to(left.next_check_at)
    assert pauses == sorted(pauses)
    assert pauses[0] >= 5
    assert pauses[-1] == 900


async def test_one_that_broke_goes_on_once_it_is_mended(new_stage: Any) -> None:
    stage = new_stage()
    manager = await resting(stage, 2)
    broken, _ = await ids_of(stage)
    await with_an_unreadable_write(stage, broken, OperationKind.BACKUP_CREATE, {})
    assert (await manager.run_due()).failures
    async with stage.database.unit_of_work() as work:
        row = await work.operations.find(broken, "unreadable")
        await work.operations.save(replace(row, state=OperationState.ABANDONED))
        await work.commit()
    stage.clock.advance_to((await stage.get(broken)).next_check_at)
    report = await manager.run_due()
    assert (report.claimed, report.settled, report.failures) == (1, 1, {})


async def test_a_turn_that_is_asked_for_and_breaks_gives_the_instance_back(new_stage: Any) -> None:
    stage = new_stage()
    manager = await resting(stage, 1)
    (broken,) = await ids_of(stage)
    await with_an_unreadable_write(stage, broken, OperationKind.BACKUP_CREATE, {})
    with pytest.raises(KeyError):
        await manager.reconcile(broken)
    left = await stage.get(broken)
    assert left.lease_owner is None
    assert left.next_check_at > stage.clock.now()


async def test_one_whose_turn_breaks_off_is_told_and_the_others_go_on(
    new_stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = new_stage()
    manager = stage.manager()
    entry = await stage.published(manager)
    names = ("first", "second", "third")
    instances = [await stage.accepted(manager, template_id=entry.id, name=name) for name in names]
    original = manager.placement.project_name

    def breaks(instance: Any) -> str:
        if instance.name == "second":
            raise KeyError("a fault of ours")
        return original(instance)

    monkeypatch.setattr(manager.placement, "project_name", breaks)
    report = await manager.run_due()
    assert set(report.failures) == {instances[1].id}
    assert stage.sent("projectCreate") == 2


async def test_a_worker_that_sleeps_until_something_is_due_finds_something_to_do(new_stage: Any) -> None:
    stage = new_stage()
    instance = await stage.accepted()
    now = stage.clock.now()
    async with stage.database.unit_of_work() as work:
        await work.instances.claim(
            instance.id, worker="dead", now=now, lease_until=now + timedelta(seconds=60)
        )
        await work.commit()
    manager = stage.manager()
    report = await manager.run_due()
    assert (report.claimed, report.next_due_at) == (0, now + timedelta(seconds=60))
    stage.clock.advance_to(report.next_due_at)
    assert (await manager.run_due()).claimed == 1


async def test_nothing_is_due_when_nothing_is_there(new_stage: Any) -> None:
    stage = new_stage()
    report = await stage.manager().run_due()
    assert (report.claimed, report.next_due_at) == (0, None)


@pytest.mark.parametrize("verb", ["set_variables", "set_limits", "stop"])
async def test_a_database_that_is_full_for_hours_is_no_reason_to_ask_an_operator(
    new_stage: Any, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    if verb == "set_variables":
        await manager.set_variables(instance.id, {"web": {"COLOUR": "blue"}})
    elif verb == "set_limits":
        await manager.set_limits(instance.id, ServiceLimits(vcpus=Decimal(1)))
    else:
        await manager.stop(instance.id)
    with monkeypatch.context() as full:
        full.setattr(AsyncMemoryEvents, "append", refuse_to_grow)
        reports = []
        for _ in range(30):
            reports.append(await manager.run_due())
            stage.clock.advance(900)
    assert "disk is full" in str(reports[0].failures)
    await stage.drive(manager)
    after = await stage.get(instance.id)
    assert (after.observed.attention, after.observed.error) == (None, None)
    assert not after.is_changing


async def refuse_to_grow(_: object, events: list[object]) -> None:
    """What there is can be changed, and nothing can be added."""
    if events:
        raise RepositoryError(
            "the database failed: OperationalError: database or disk is full", transient=True
        )
