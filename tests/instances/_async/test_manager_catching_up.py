"""What changed while an instance was off comes with its start, and deploys nothing twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from railway_saas.domain.instances import Rollout, ServiceLimits
from railway_saas.domain.statuses import InstanceStatus

APP = "app-with-postgres-and-redis"
LIMITS = ServiceLimits(vcpus=Decimal(2), memory_gb=Decimal(4))
OFF_AND_ON = pytest.mark.parametrize(
    ("off", "on"), [("suspend", "resume"), ("stop", "start")], ids=["suspended", "stopped"]
)
BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])


async def services(stage: Any, instance: Any) -> dict[str, Any]:
    found: dict[str, Any] = stage.railway.services_of((await stage.get(instance.id)).observed.project_id)
    return found


async def deployed(stage: Any, instance: Any) -> dict[str, int]:
    return {name: len(one.deployments) for name, one in (await services(stage, instance)).items()}


async def switched_off(stage: Any, manager: Any, off: str) -> Any:
    instance = await stage.running(manager)
    await getattr(manager, off)(instance.id)
    await manager.wait(instance.id)
    return instance


def more(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after}


@BOTH_WAYS
@OFF_AND_ON
async def test_each_service_is_deployed_once_at_most(new_stage: Any, known: bool, off: str, on: str) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await switched_off(stage, manager, off)
    before = await deployed(stage, instance)
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue"}})
    await manager.set_limits(instance.id, LIMITS)
    await manager.set_variables(instance.id, {"Redis": {"SIZE": "9"}})
    await getattr(manager, on)(instance.id)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.error, after.is_changing) == (InstanceStatus.RUNNING, None, False)
    assert after.observed.rollout == Rollout(number=after.observed.rollout.number)
    assert more(before, await deployed(stage, instance)) == {"App": 1, "Postgres": 1, "Redis": 1}
    for name, one in (await services(stage, instance)).items():
        latest = one.latest_deployment
        assert latest.settings.limit_override == {"containers": {"cpu": 2, "memoryBytes": 4_000_000_000}}
        wanted = {"App": ("COLOUR", "blue"), "Redis": ("SIZE", "9")}.get(name)
        assert wanted is None or latest.variables[wanted[0]].value == wanted[1]


async def test_what_did_not_change_is_only_started_again(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await switched_off(stage, manager, "stop")
    before = await deployed(stage, instance)
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue"}})
    await manager.start(instance.id)
    await manager.wait(instance.id)
    assert more(before, await deployed(stage, instance)) == {"App": 1, "Postgres": 0, "Redis": 0}


@OFF_AND_ON
async def test_services_start_after_those_they_refer_to(new_stage: Any, off: str, on: str) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await switched_off(stage, manager, off)
    await manager.set_limits(instance.id, LIMITS)
    await getattr(manager, on)(instance.id)
    await manager.wait(instance.id)
    found = {name: one.latest_deployment for name, one in (await services(stage, instance)).items()}
    assert found["App"].created_at >= found["Postgres"].succeeded_at


@OFF_AND_ON
async def test_a_change_that_railway_refuses_keeps_nothing_from_starting(
    new_stage: Any, off: str, on: str
) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await switched_off(stage, manager, off)
    refused = {"message": "no such thing", "code": "BAD_USER_INPUT", "times": None}
    stage.railway.faults.add("graphql_error", "variableCollectionUpsert", **refused)
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue"}})
    await getattr(manager, on)(instance.id)
    after = await manager.wait(instance.id)
    assert (after.status, after.is_changing) == (InstanceStatus.RUNNING, False)
    assert "no such thing" in str(after.observed.error)


@OFF_AND_ON
async def test_what_does_not_come_up_with_its_changes_is_told(new_stage: Any, off: str, on: str) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await switched_off(stage, manager, off)
    before = await deployed(stage, instance)
    stage.railway.faults.add("crash", service="App", times=1, seconds=1)
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue"}})
    await getattr(manager, on)(instance.id)
    await stage.drive(manager)
    assert more(before, await deployed(stage, instance))["App"] == 1


async def test_what_was_on_its_way_when_it_was_suspended_is_not_deployed_twice(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_limits(instance.id, LIMITS)
    await manager.reconcile(instance.id)
    await manager.suspend(instance.id)
    await manager.wait(instance.id)
    before = await deployed(stage, instance)
    await manager.resume(instance.id)
    after = await manager.wait(instance.id)
    assert (after.status, after.is_changing) == (InstanceStatus.RUNNING, False)
    assert set(more(before, await deployed(stage, instance)).values()) == {1}
