"""When the loop has stopped: why, who is told, and what operators can do about it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.errors import (
    InstanceInputError,
    InstanceStateError,
    NeedsAttentionError,
    ProvisioningError,
)
from railway_saas.instances import ManagerSettings
from railway_saas.instances._async.inventory import AsyncInventory
from railway_saas.instances.placement import Marker, ProjectPerInstance

if TYPE_CHECKING:
    from collections.abc import Callable

APP = "app-with-postgres-and-redis"
ANN = "operator:ann"
PARK = {"settings": ManagerSettings(failed_deploy="park")}


async def nothing_written(stage: Any, kind: type[Exception], asking: Callable[[], Any]) -> Any:
    before, writes = stage.snapshot(), stage.railway.writes.copy()
    with pytest.raises(kind) as caught:
        await asking()
    assert type(caught.value) is kind
    assert stage.snapshot() == before
    assert stage.railway.writes == writes
    return caught.value


async def stuck_without_project(stage: Any, manager: Any) -> Any:
    """An instance whose project Railway refuses to make."""
    stage.railway.faults.add("not_authorized", "projectCreate", times=3)
    instance = await stage.accepted(manager)
    with pytest.raises(NeedsAttentionError, match=r"project_create failed: .*Not Authorized"):
        await manager.wait(instance.id)
    return await stage.get(instance.id)


async def planted(stage: Any, instance: Any, description: str | None = None) -> Any:
    """A project that was made after all, or looks so."""
    return await stage.railway.async_client().projects.create(
        name="late",
        workspace_id=stage.railway.workspace_id,
        description=description or str(Marker("default", instance.id)),
    )


# Standing still ---------------------------------------------------------------------------------------------------


async def test_what_needs_attention_says_why_and_lets_owners_only_delete(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    assert set(manager.allowed(instance)) == {"retry", "abandon", "adopt", "delete"}
    for asking in (manager.stop, manager.restart, manager.upgrade, manager.cancel_deletion):
        error = await nothing_written(stage, NeedsAttentionError, partial(asking, instance.id))
        assert instance.observed.attention in str(error)
    assert (stage.events[-1].step, stage.events[-1].message) == (
        "attention",
        f"needs attention: {instance.observed.attention}",
    )


async def test_nothing_is_done_until_somebody_decides(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    before, requests = stage.snapshot(), stage.railway.requests.count
    assert (await manager.reconcile(instance.id)).next_check_at is None
    after = stage.snapshot()
    assert after["operations"] == before["operations"]
    assert stage.railway.requests.count == requests
    assert (await stage.get(instance.id)).next_check_at is None


async def test_a_service_that_somebody_deleted_needs_attention(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    redis = stage.railway.services_of(instance.observed.project_id)["Redis"]
    await stage.railway.async_client().services.delete(redis.service_id)
    await manager.set_variables(instance.id, {"App": {"A": "1"}})
    with pytest.raises(NeedsAttentionError, match="Redis is gone at Railway"):
        await manager.wait(instance.id)


async def test_a_project_that_somebody_deleted_needs_attention(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await stage.railway.async_client().projects.delete(instance.observed.project_id)
    stage.clock.advance(1000)
    await manager.run_due()
    found = await stage.get(instance.id)
    assert "is gone, deleted by somebody else" in (found.observed.attention or "")
    assert found.holds_slot


async def without_environment(stage: Any, manager: Any, instance: Any) -> None:
    """Somebody deletes the environment in the dashboard, and the project stays."""
    await stage.railway.async_client().environments.delete(instance.observed.environment_id)
    stage.clock.advance(1000)
    await manager.run_due()


@pytest.mark.parametrize("state", ["running", "stop", "suspend"])
async def test_an_environment_that_somebody_deleted_needs_attention(new_stage: Any, state: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    if state != "running":
        await getattr(manager, state)(instance.id)
        await manager.wait(instance.id)
    await without_environment(stage, manager, instance)
    found = await stage.get(instance.id)
    assert found.observed.attention == (
        f"environment {instance.observed.environment_id} of its Railway project {instance.observed.project_id} is gone, "
        "deleted by somebody else"
    )
    inventory = AsyncInventory(
        stage.railway.async_client(),
        stage.database,
        workspace_id=stage.railway.workspace_id,
        placement=ProjectPerInstance(),
        now=stage.clock.now,
        min_age=timedelta(),
    )
    (told,) = (await inventory.report()).discrepancies
    assert (told.kind, told.reason, told.instance_id) == ("stray", found.observed.attention, instance.id)
    await manager.abandon(instance.id, actor="operator:eve")
    await manager.run_due()
    ended = await stage.get(instance.id)
    assert (ended.status, ended.holds_slot) == (InstanceStatus.FAILED, False)
    assert stage.railway.living == []


async def test_a_change_in_an_environment_that_somebody_deleted_needs_attention(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.back_up(instance.id)
    stage.railway.faults.add("drop", "volumeInstanceBackupCreate", times=None)
    await manager.reconcile(instance.id)
    await without_environment(stage, manager, instance)
    assert "is gone, deleted by somebody else" in str((await stage.get(instance.id)).observed.attention)


# Retry ------------------------------------------------------------------------------------------------------------


async def test_a_retry_goes_on_where_it_stopped(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    await manager.retry(instance.id, actor=ANN)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert len(stage.railway.living) == 1


async def test_a_retry_looks_first_whether_it_landed_after_all(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    project = await planted(stage, instance)
    await manager.retry(instance.id, actor=ANN)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.project_id) == (InstanceStatus.RUNNING, project.id)


@pytest.mark.parametrize("known", [True, False], ids=["by_template", "from_calls"])
async def test_a_parked_deploy_is_left_as_it_is_and_comes_up_with_a_retry(
    new_stage: Any, known: bool
) -> None:
    stage = new_stage(APP, known=known, manager=PARK)
    manager = stage.manager()
    stage.railway.faults.add("healthcheck_fails", service="App")
    instance = await stage.accepted(manager)
    with pytest.raises(NeedsAttentionError, match="App failed"):
        await manager.wait(instance.id)
    assert len(stage.railway.living) == 1
    await manager.retry(instance.id, actor=ANN)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.error) == (InstanceStatus.RUNNING, None)
    services = stage.railway.services_of(after.observed.project_id)
    assert {name: len(one.deployments) for name, one in services.items()} == {
        "App": 2,
        "Postgres": 1,
        "Redis": 1,
    }


async def test_a_retry_does_not_deploy_a_template_twice_into_one_project(new_stage: Any) -> None:
    stage = new_stage(APP, known=True, manager=PARK)
    manager = stage.manager()
    stage.railway.faults.add("workflow_error", message="no capacity")
    instance = await stage.accepted(manager)
    with pytest.raises(NeedsAttentionError, match="no capacity"):
        await manager.wait(instance.id)
    await manager.retry(instance.id, actor=ANN)
    await stage.drive(manager)
    services = stage.railway.services_of((await stage.get(instance.id)).observed.project_id)
    assert set(services) <= {"App", "Postgres", "Redis"}


async def test_a_retry_leaves_what_was_refused_long_ago_alone(new_stage: Any) -> None:
    stage = new_stage(known=True)
    manager = stage.manager()
    stage.railway.faults.add("template_deploy_refused")
    instance = await stage.running(manager)
    web = stage.railway.services_of(instance.observed.project_id)["web"]
    await stage.railway.async_client().services.delete(web.service_id)
    stage.clock.advance(1000)
    await manager.run_due()
    deploys = stage.sent("templateDeployV2")
    await manager.retry(instance.id, actor=ANN)
    await stage.drive(manager)
    assert stage.sent("templateDeployV2") == deploys
    assert (await stage.get(instance.id)).observed.attention is not None


async def test_a_deletion_that_railway_refuses_can_be_retried(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("graphql_error", "projectDelete", message="Invalid input: not now")
    await manager.delete(instance.id)
    with pytest.raises(NeedsAttentionError, match="refuses to delete"):
        await manager.wait(instance.id)
    await manager.retry(instance.id, actor=ANN)
    assert (await manager.wait(instance.id)).status is InstanceStatus.DELETED
    assert stage.railway.living == []


# Abandon, delete --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["abandon", "delete"])
async def test_giving_up_without_a_project_frees_the_slot(new_stage: Any, verb: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    await getattr(manager, verb)(instance.id, actor=ANN)
    await stage.drive(manager)
    gone = await stage.get(instance.id)
    ended = {"abandon": InstanceStatus.FAILED, "delete": InstanceStatus.DELETED}[verb]
    assert (gone.status, gone.holds_slot, gone.observed.attention) == (ended, False, None)
    assert stage.railway.living == []


@pytest.mark.parametrize("verb", ["abandon", "delete"])
async def test_giving_up_looks_for_a_project_that_was_made_after_all(new_stage: Any, verb: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    await planted(stage, instance)
    other = await planted(stage, instance, f"[railway-saas staging {instance.id}]")
    await getattr(manager, verb)(instance.id, actor=ANN)
    await stage.drive(manager)
    assert not (await stage.get(instance.id)).holds_slot
    assert [project.id for project in stage.railway.living] == [other.id]


async def test_what_was_tried_too_often_can_be_abandoned(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    stage.railway.faults.add("drop", "projectCreate", applied=False, times=None)
    instance = await stage.accepted(manager)
    await stage.drive(manager)
    assert "was tried 6 times" in ((await stage.get(instance.id)).observed.attention or "")
    await manager.abandon(instance.id, actor=ANN)
    await stage.drive(manager)
    gone = await stage.get(instance.id)
    assert (gone.status, gone.holds_slot) == (InstanceStatus.FAILED, False)
    states = {one.state for one in await stage.operations(instance.id)}
    assert not states & {OperationState.SENT, OperationState.INTENDED}


async def test_abandoning_deletes_what_carries_the_marker(new_stage: Any) -> None:
    stage = new_stage(APP, manager=PARK)
    manager = stage.manager()
    stage.railway.faults.add("healthcheck_fails", service="App")
    instance = await stage.accepted(manager)
    with pytest.raises(NeedsAttentionError):
        await manager.wait(instance.id)
    await manager.abandon(instance.id, actor=ANN)
    with pytest.raises(ProvisioningError):
        await manager.wait(instance.id)
    assert stage.railway.living == []


async def test_abandoning_leaves_no_write_open(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    stage.railway.faults.add("not_authorized", "serviceInstanceUpdate", times=3)
    instance = await stage.accepted(manager)
    await stage.drive(manager)
    assert OperationState.SENT in {one.state for one in await stage.operations(instance.id)}
    await manager.abandon(instance.id, actor=ANN)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.FAILED
    assert OperationState.SENT not in {one.state for one in await stage.operations(instance.id)}


async def test_abandoning_never_deletes_what_does_not_carry_the_marker(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    project = stage.railway.world.projects[instance.observed.project_id]
    project.description = "mine"
    await manager.delete(instance.id)
    await stage.drive(manager)
    for _ in range(2):
        await manager.abandon(instance.id, actor=ANN)
        await stage.drive(manager)
        assert "does not carry its marker" in ((await stage.get(instance.id)).observed.attention or "")
    assert stage.sent("projectDelete") == 0
    project.description = str(Marker("default", instance.id))
    await manager.retry(instance.id, actor=ANN)
    await stage.drive(manager)
    assert stage.railway.living == []


async def test_a_scheduled_deletion_comes_although_nobody_decided(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.delete(instance.id, after=timedelta(hours=2))
    redis = stage.railway.services_of(instance.observed.project_id)["Redis"]
    await stage.railway.async_client().services.delete(redis.service_id)
    stage.clock.advance(3600)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).observed.attention is not None
    stage.clock.advance(3700)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.DELETED
    assert stage.railway.living == []


# Adopt ------------------------------------------------------------------------------------------------------------


async def test_an_adopted_project_is_the_instances(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    project = await planted(stage, instance)
    await manager.adopt(instance.id, project.id, actor=ANN)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.project_id) == (InstanceStatus.RUNNING, project.id)
    assert len(stage.railway.living) == 1


@pytest.mark.parametrize(
    "description", ["mine", "[railway-saas staging {id}]"], ids=["no marker", "another installation's"]
)
async def test_a_project_without_the_marker_is_not_adopted(new_stage: Any, description: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    project = await planted(stage, instance, description.format(id=instance.id))
    for project_id in (project.id, "unknown"):
        error = await nothing_written(
            stage, InstanceInputError, partial(manager.adopt, instance.id, project_id, actor=ANN)
        )
        assert error.argument == "project_id"


# With workers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["retry", "abandon"])
async def test_operators_wait_until_a_worker_is_done(new_stage: Any, verb: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    now = stage.clock.now()
    async with stage.database.unit_of_work() as work:
        await work.instances.claim(
            instance.id, worker="busy", now=now, lease_until=now + timedelta(seconds=60)
        )
        await work.commit()
    error = await nothing_written(
        stage, InstanceStateError, partial(getattr(manager, verb), instance.id, actor=ANN)
    )
    assert "a worker is at it" in str(error)
    stage.clock.advance(61)
    await getattr(manager, verb)(instance.id, actor=ANN)


async def test_every_decision_is_in_the_audit_log(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stuck_without_project(stage, manager)
    await manager.retry(instance.id, actor=ANN)
    async with stage.database.unit_of_work() as work:
        entries = (await work.audit.list_page(subject_id=str(instance.id))).items
    assert [(one.actor, one.action) for one in entries][-1] == (ANN, "instance.retry")
