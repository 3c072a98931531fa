"""What a deploy and a look cost, and what is left behind: requests, rows, marks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain import OperationKind
from railway_saas.emulator import FaultKind
from railway_saas.instances import OutcomeKind
from railway_saas.instances._async import loop
from railway_saas.instances.placement import read_marker
from railway_saas.railway.operations import overview

if TYPE_CHECKING:
    from uuid import UUID

    from tests.instances._async.conftest import AsyncStage

APP = "app-with-postgres-and-redis"
BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])


async def origins_of(stage: AsyncStage, instance_id: UUID) -> set[object]:
    """Which template, and which key of it, each service says it came from."""
    instance = await stage.get(instance_id)
    async with stage.railway.async_client() as railway:
        seen = await railway.run(overview.environment(instance.observed.environment_id or ""))
    return {
        (service.service_name, service.service.template_service_id if service.service else None)
        for service in seen.service_instances
    }


async def test_a_refused_template_deploy_ends_in_the_same_instance_with_its_origin(
    new_stage: type[AsyncStage],
) -> None:
    usual, refused = new_stage(APP, known=True), new_stage(APP, known=True)
    refused.railway.faults.add(FaultKind.TEMPLATE_DEPLOY_REFUSED)
    origins = []
    for stage in (usual, refused):
        instance = await stage.running()
        origins.append(await origins_of(stage, instance.id))
    assert origins[0] == origins[1]
    assert "Railway does not deploy this template itself: building it from single calls" in refused.told()


@BOTH_WAYS
async def test_a_stack_of_three_services_takes_at_most_twelve_requests(
    new_stage: type[AsyncStage], known: bool
) -> None:
    stage = new_stage(APP, known=known)
    template = await stage.published()
    before = stage.railway.requests.count
    await stage.running(template_id=template.id)
    assert stage.railway.requests.count - before <= 12


async def test_the_project_says_whose_it_is(new_stage: type[AsyncStage]) -> None:
    stage = new_stage()
    instance = await stage.running()
    [project] = stage.railway.living
    marker = read_marker(project.description)
    assert marker is not None
    assert (marker.namespace, marker.instance_id) == ("default", instance.id)


async def test_what_another_worker_has_is_busy(new_stage: type[AsyncStage]) -> None:
    stage = new_stage()
    instance = await stage.accepted()
    async with stage.database.unit_of_work() as work:
        now = stage.clock.now()
        lease_until = now + timedelta(minutes=5)
        await work.instances.claim(instance.id, worker="somebody", now=now, lease_until=lease_until)
        await work.commit()
    outcome = await stage.manager().reconcile(instance.id)
    assert outcome.kind is OutcomeKind.BUSY
    assert stage.sent("projectCreate") == 0


@pytest.mark.parametrize("number", [1, 5, 6])
async def test_as_many_instances_at_rest_as_fit_are_one_request(
    new_stage: type[AsyncStage], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(loop, "MAX_LOOKS_PER_REQUEST", 5)
    stage = new_stage()
    manager = stage.manager()
    template = await stage.published(manager)
    for index in range(number):
        await stage.running(manager, template_id=template.id, name=f"blog {index}")
    stage.clock.advance(2 * manager.settings.check_interval_s)
    await stage.drive(manager)
    stage.clock.advance(2 * manager.settings.check_interval_s)
    before = stage.railway.requests.count
    report = await manager.run_due(limit=1000)
    assert (report.claimed, report.settled) == (number, number)
    assert stage.railway.requests.count - before == -(-number // 5)


@pytest.mark.parametrize(("verb", "requests"), [("stop", 5), ("suspend", 6)])
async def test_to_look_for_what_is_on_its_way_costs_no_request(
    new_stage: type[AsyncStage], verb: str, requests: int
) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    before = stage.railway.requests.count
    await getattr(manager, verb)(instance.id)
    await manager.wait(instance.id)
    assert stage.railway.requests.count - before == requests
    stage.clock.advance(2 * manager.settings.check_interval_s)
    before = stage.railway.requests.count
    await manager.run_due()
    assert stage.railway.requests.count - before == 1
    assert stage.railway.requests.operations["deployments"] > 0


async def test_every_write_was_written_down_before(new_stage: type[AsyncStage]) -> None:
    stage = new_stage(APP)
    instance = await stage.running()
    rows = await stage.operations(instance.id)
    kinds = [row.kind for row in rows]
    assert kinds.count(OperationKind.PROJECT_CREATE) == stage.sent("projectCreate") == 1
    assert kinds.count(OperationKind.SERVICE_CREATE) == 3
    assert kinds.count(OperationKind.SERVICE_DEPLOY) == 3
    assert all(row.request_digest and row.sent_at and row.attempts == 1 for row in rows)


async def test_waiting_deploys_do_not_ask_in_vain_whether_it_is_their_turn(
    new_stage: type[AsyncStage],
) -> None:
    stage = new_stage(railway={"limits": True})  # one project per 30 s
    manager = stage.manager()
    template = await stage.published(manager)
    for index in range(8):
        await stage.accepted(manager, template_id=template.id, name=f"blog {index}")
    for _ in range(60):
        await manager.run_due()
        stage.clock.advance(10)
    assert len(stage.railway.living) == 8
    assert stage.sent("projectCreate") <= 8 + 2
