"""What may be asked of an instance: by whom, when, and what comes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from railway_saas.domain.instances import Power, ServiceLimits
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import (
    InstanceInputError,
    InstanceNotFoundError,
    InstanceStateError,
    NeedsAttentionError,
    RailwaySaasError,
)
from railway_saas.instances import Verb
from railway_saas.railway.operations import deployments

APP = "app-with-postgres-and-redis"
VARIABLES = {"web": {"COLOUR": "blue"}}
BOTH_WAYS = pytest.mark.parametrize("known", [True, False], ids=["by_template", "from_calls"])

Asking = Callable[..., Awaitable[object]]

OWNERS: dict[str, Asking] = {
    "get": lambda manager, it, **who: manager.get(it, **who),
    "events": lambda manager, it, **who: manager.events(it, **who),
    "domains": lambda manager, it, **who: manager.domains(it, **who),
    "wait": lambda manager, it, **who: manager.wait(it, **who),
    "backups": lambda manager, it, **who: manager.backups(it, **who),
    "preview_upgrade": lambda manager, it, **who: manager.preview_upgrade(it, **who),
    "set_variables": lambda manager, it, **who: manager.set_variables(it, VARIABLES, **who),
    "set_limits": lambda manager, it, **who: manager.set_limits(it, ServiceLimits(vcpus=Decimal(1)), **who),
    "attach_domain": lambda manager, it, **who: manager.attach_domain(it, "app.example.com", **who),
    "remove_domain": lambda manager, it, **who: manager.remove_domain(it, "app.example.com", **who),
    "restart": lambda manager, it, **who: manager.restart(it, **who),
    "redeploy": lambda manager, it, **who: manager.redeploy(it, **who),
    "rollback": lambda manager, it, **who: manager.rollback(it, "some-deployment", **who),
    "stop": lambda manager, it, **who: manager.stop(it, **who),
    "start": lambda manager, it, **who: manager.start(it, **who),
    "upgrade": lambda manager, it, **who: manager.upgrade(it, **who),
    "back_up": lambda manager, it, **who: manager.back_up(it, **who),
    "restore": lambda manager, it, **who: manager.restore(it, "some-backup", **who),
    "delete": lambda manager, it, **who: manager.delete(it, **who),
    "cancel_deletion": lambda manager, it, **who: manager.cancel_deletion(it, **who),
}
"""Everything that owners ask, by themselves."""
OPERATORS: dict[str, Asking] = {
    "suspend": lambda manager, it: manager.suspend(it),
    "resume": lambda manager, it: manager.resume(it),
    "retry": lambda manager, it: manager.retry(it, actor="operator:ann"),
    "abandon": lambda manager, it: manager.abandon(it, actor="operator:ann"),
    "adopt": lambda manager, it: manager.adopt(it, "some-project", actor="operator:ann"),
}
"""What operators ask."""
EVERYBODY = {**OWNERS, **OPERATORS}


async def nothing_written(stage: Any, kind: type[RailwaySaasError], asking: Asking) -> Any:
    """The error of something that is refused and leaves nothing."""
    before, writes = stage.snapshot(), stage.railway.writes.copy()
    with pytest.raises(kind) as caught:
        await asking()
    assert type(caught.value) is kind
    assert stage.snapshot() == before
    assert stage.railway.writes == writes
    return caught.value


async def services(stage: Any, instance: Any) -> dict[str, Any]:
    return stage.railway.services_of((await stage.get(instance.id)).observed.project_id)


async def deployed_by_somebody(stage: Any, service: Any) -> Any:
    railway = stage.railway.async_client()
    await railway.service_instances.deploy(
        service_id=service.service_id, environment_id=service.environment_id
    )
    return service.latest_deployment


# Who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OWNERS)
async def test_somebody_elses_instance_is_as_good_as_none(new_stage: Any, name: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    answers = []
    for asked in (instance.id, uuid4()):
        error = await nothing_written(
            stage, InstanceNotFoundError, partial(OWNERS[name], manager, asked, user_id=uuid4())
        )
        answers.append(str(error).replace(str(asked), "..."))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", EVERYBODY)
async def test_what_does_not_exist_is_not_found_by_operators_either(new_stage: Any, name: str) -> None:
    stage = new_stage()
    manager = stage.manager()
    unknown = uuid4()
    error = await nothing_written(stage, InstanceNotFoundError, partial(EVERYBODY[name], manager, unknown))
    assert str(unknown) in str(error)


async def test_reconciling_what_does_not_exist_is_an_error(new_stage: Any) -> None:
    stage = new_stage()
    await nothing_written(stage, InstanceNotFoundError, partial(stage.manager().reconcile, uuid4()))


async def test_the_audit_log_says_who_did_what(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"web": {"TOKEN": "very-secret"}}, user_id=instance.user_id)
    await manager.suspend(instance.id, actor="operator:ann")
    async with stage.database.unit_of_work() as work:
        entries = (await work.audit.list_page(subject_id=str(instance.id))).items
    assert [(one.actor, one.action) for one in entries] == [
        (str(instance.user_id), "instance.deploy"),
        (str(instance.user_id), "instance.set_variables"),
        ("operator:ann", "instance.suspend"),
    ]
    assert "very-secret" not in repr(entries)


# When -------------------------------------------------------------------------------------------------------------

WHILE_ACCEPTED = {"delete", "set_variables", "set_limits", "attach_domain", "remove_domain"}
WHILE_RUNNING = WHILE_ACCEPTED | {
    "back_up",
    "restore",
    "restart",
    "redeploy",
    "rollback",
    "stop",
    "suspend",
    "upgrade",
}
WHILE_STOPPED = WHILE_ACCEPTED | {"back_up", "restore", "suspend", "start"}
WHILE_SUSPENDED = WHILE_ACCEPTED | {"back_up", "restore", "resume"}


async def brought_to(stage: Any, state: str) -> Any:
    """An instance that stands so."""
    manager = stage.manager()
    if state == "accepted":
        return await stage.accepted(manager)
    instance = await stage.running(manager)
    if state == "running":
        return instance
    asked = {"stopped": manager.stop, "suspended": manager.suspend, "deleted": manager.delete}[state]
    await asked(instance.id)
    return await manager.wait(instance.id)


@pytest.mark.parametrize(
    ("state", "possible"),
    [
        ("accepted", WHILE_ACCEPTED),
        ("running", WHILE_RUNNING),
        ("stopped", WHILE_STOPPED),
        ("suspended", WHILE_SUSPENDED),
        ("deleted", set()),
    ],
)
async def test_what_is_not_possible_as_it_stands_says_what_is(
    new_stage: Any, state: str, possible: set[str]
) -> None:
    stage = new_stage()
    instance = await brought_to(stage, state)
    manager = stage.manager()
    assert set(manager.allowed(instance)) == possible
    for verb in sorted(set(Verb) - possible):
        error = await nothing_written(
            stage, InstanceStateError, partial(EVERYBODY[verb], manager, instance.id)
        )
        assert set(error.allowed) == possible, verb
        assert error.current == state
        assert all(one.replace("_", " ") in str(error) for one in possible or {"nothing"})


async def test_while_it_is_being_deleted_nothing_is_possible(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.delete(instance.id)
    error = await nothing_written(stage, InstanceStateError, partial(manager.stop, instance.id))
    assert error.allowed == ()


# Switching --------------------------------------------------------------------------------------------------------


@BOTH_WAYS
async def test_stopping_keeps_deployments_and_starting_starts_the_same_ones(
    new_stage: Any, known: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    before = {name: one.latest_deployment.id for name, one in (await services(stage, instance)).items()}
    await manager.stop(instance.id)
    stopped = await manager.wait(instance.id)
    assert (stopped.status, stopped.observed.power) == (InstanceStatus.STOPPED, Power.STOPPED)
    assert not any(one.latest_deployment.is_running for one in (await services(stage, instance)).values())
    await manager.start(instance.id)
    started = await manager.wait(instance.id)
    assert started.status is InstanceStatus.RUNNING
    found = await services(stage, instance)
    assert {name: one.latest_deployment.id for name, one in found.items()} == before
    assert all(one.latest_deployment.is_running for one in found.values())


@BOTH_WAYS
async def test_suspending_takes_everything_off_the_bill_and_keeps_volumes(
    new_stage: Any, known: bool
) -> None:
    stage = new_stage(APP, known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.suspend(instance.id)
    suspended = await manager.wait(instance.id)
    assert (suspended.status, suspended.observed.power) == (InstanceStatus.SUSPENDED, Power.SUSPENDED)
    found = await services(stage, instance)
    assert {one.latest_deployment.status for one in found.values()} == {"REMOVED"}
    assert found["Postgres"].volume_instances
    await manager.resume(instance.id)
    resumed = await manager.wait(instance.id)
    assert resumed.status is InstanceStatus.RUNNING
    assert {one.latest_deployment.status for one in (await services(stage, instance)).values()} == {"SUCCESS"}


async def test_what_sleeps_can_be_stopped_and_started(new_stage: Any) -> None:
    stage = new_stage()
    stage.document = sleepy(stage.document)
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.clock.advance(600)
    assert (await manager.wait(instance.id)).status is InstanceStatus.SLEEPING
    await manager.stop(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.STOPPED
    await manager.start(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING


async def test_what_is_switched_on_behind_our_back_is_switched_off_again_and_again(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.suspend(instance.id)
    await manager.wait(instance.id)
    railway = stage.railway.async_client()
    for _ in range(3):
        web = (await services(stage, instance))["web"]
        await railway.service_instances.deploy(service_id=web.service_id, environment_id=web.environment_id)
        stage.clock.advance(1000)
        await stage.drive(manager)
        assert not any(one.is_running for one in web.deployments)
        assert (await stage.get(instance.id)).status is InstanceStatus.SUSPENDED


async def test_what_was_stopped_and_is_restarted_behind_our_back_is_stopped_again(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.stop(instance.id)
    await manager.wait(instance.id)
    railway = stage.railway.async_client()
    for _ in range(2):
        web = (await services(stage, instance))["web"]
        await railway.run(deployments.restart(web.latest_deployment.id))
        stage.clock.advance(1000)
        await stage.drive(manager)
        assert not any(one.is_running for one in web.deployments)


async def test_a_service_of_somebody_else_in_the_project_is_left_alone(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    railway = stage.railway.async_client()
    observed = instance.observed
    other = await railway.services.create(
        observed.project_id, name="other", image="nginx:1", environment_id=observed.environment_id
    )
    await railway.service_instances.deploy(service_id=other.id, environment_id=observed.environment_id)
    stage.clock.advance(60)
    await manager.suspend(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.SUSPENDED
    found = await services(stage, instance)
    assert found["other"].latest_deployment.is_running
    assert found["web"].latest_deployment.status == "REMOVED"


async def test_what_a_failed_deployment_left_in_service_is_suspended_as_well(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("healthcheck_fails", service="web")
    await manager.set_variables(instance.id, VARIABLES)
    await manager.wait(instance.id)
    web = (await services(stage, instance))["web"]
    assert [(one.status, one.is_running) for one in web.deployments] == [("SUCCESS", True), ("FAILED", False)]
    await manager.suspend(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.SUSPENDED
    stage.clock.advance(10)
    assert {one.status for one in web.deployments} == {"REMOVED", "FAILED"}


async def test_of_several_deployments_on_their_way_all_are_taken_down(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    railway = stage.railway.async_client()
    web = (await services(stage, instance))["web"]
    for _ in range(2):
        await railway.service_instances.deploy(service_id=web.service_id, environment_id=web.environment_id)
    await manager.suspend(instance.id)
    await stage.drive(manager)
    stage.clock.advance(1000)
    await stage.drive(manager)
    stage.clock.advance(10)
    assert not any(one.is_running for one in web.deployments)
    assert (await stage.get(instance.id)).status is InstanceStatus.SUSPENDED


async def test_what_comes_up_beside_what_was_taken_down_is_taken_down_as_well(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    for _ in range(2):
        await deployed_by_somebody(stage, web)
    await manager.suspend(instance.id)
    await manager.reconcile(instance.id)
    await deployed_by_somebody(stage, web)
    stage.railway.faults.add("queued", service="web", seconds=300.0)
    await deployed_by_somebody(stage, web)
    stage.clock.advance(30)  # the one in the middle is up now
    assert any(one.is_running for one in web.deployments)
    await stage.drive(manager)
    stage.clock.advance(10)
    assert not any(one.is_running for one in web.deployments)
    assert (await stage.get(instance.id)).status is InstanceStatus.SUSPENDED


SWITCHES = [
    pytest.param("stop", InstanceStatus.STOPPED, id="stop"),
    pytest.param("suspend", InstanceStatus.SUSPENDED, id="suspend"),
]
BEHIND = [
    pytest.param(None, {}, "INITIALIZING", 0.3, id="just made"),
    pytest.param("queued", {"seconds": 300.0}, "QUEUED", 2, id="queued"),
    pytest.param("needs_approval", {}, "NEEDS_APPROVAL", 2, id="waits for an approval"),
    pytest.param("skipped", {"seconds": 300.0}, "WAITING", 2, id="waits for its tests"),
    pytest.param(None, {}, "DEPLOYING", 2, id="starting"),
    pytest.param("never_leaves_deploying", {}, "DEPLOYING", 60, id="starting for ever"),
]


@pytest.mark.parametrize(("fault", "options", "state", "after_s"), BEHIND)
@pytest.mark.parametrize(("verb", "status"), SWITCHES)
async def test_it_is_off_only_when_nothing_is_on_its_way_behind_a_newer_deployment(
    new_stage: Any,
    *,
    verb: str,
    status: InstanceStatus,
    fault: str | None,
    options: dict[str, Any],
    state: str,
    after_s: float,
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    if fault is not None:
        stage.railway.faults.add(fault, service="web", **options)
    behind = await deployed_by_somebody(stage, web)
    stage.clock.advance(after_s)
    newest = await deployed_by_somebody(stage, web)
    assert (behind.status, newest.status) == (state, "INITIALIZING")
    await getattr(manager, verb)(instance.id)
    assert (await manager.wait(instance.id)).status is status
    assert {behind.status, newest.status} <= {"REMOVED", "REMOVING"}
    stage.clock.advance(600)
    assert not any(one.is_running for one in web.deployments)


@pytest.mark.parametrize(("verb", "status"), SWITCHES)
async def test_several_that_are_on_their_way_go_down_together(
    new_stage: Any, verb: str, status: InstanceStatus
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    stage.railway.faults.add("queued", service="web", times=2, seconds=300.0)
    stage.railway.faults.add("never_leaves_deploying", service="web")
    made = [await deployed_by_somebody(stage, web) for _ in range(4)]
    stage.clock.advance(2)
    assert [one.status for one in made] == ["QUEUED", "QUEUED", "DEPLOYING", "DEPLOYING"]
    await getattr(manager, verb)(instance.id)
    assert (await manager.wait(instance.id)).status is status
    assert {one.status for one in made} <= {"REMOVED", "REMOVING"}
    cancelled = [key for key in stage.railway.writes if "deploymentCancel" in key]
    assert len(cancelled) == 1


@pytest.mark.parametrize(("verb", "status"), SWITCHES)
async def test_what_is_deployed_while_it_goes_off_goes_down_as_well(
    new_stage: Any, verb: str, status: InstanceStatus
) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    stage.railway.faults.add("queued", service="web", times=2, seconds=300.0)
    await deployed_by_somebody(stage, web)
    await deployed_by_somebody(stage, web)
    await getattr(manager, verb)(instance.id)
    await manager.reconcile(instance.id)
    stage.railway.faults.add("queued", service="web", seconds=300.0)
    await deployed_by_somebody(stage, web)
    await deployed_by_somebody(stage, web)
    assert (await manager.wait(instance.id)).status is status
    stage.clock.advance(600)
    assert not any(one.is_running for one in web.deployments)


async def test_what_another_service_of_the_project_has_on_its_way_is_left_alone(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    observed = instance.observed
    made = await stage.railway.async_client().services.create(
        observed.project_id, name="other", image="nginx:1", environment_id=observed.environment_id
    )
    other = (await services(stage, instance))["other"]
    assert other.service_id == made.id
    stage.railway.faults.add("queued", service="other", seconds=300.0)
    behind = await deployed_by_somebody(stage, other)
    await deployed_by_somebody(stage, other)
    await manager.suspend(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.SUSPENDED
    assert behind.status == "QUEUED"


async def test_it_is_not_said_to_be_off_while_railway_does_not_say_what_is_on_its_way(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    stage.railway.faults.add("graphql_error", "deployments", times=None)
    await manager.suspend(instance.id)
    for _ in range(10):
        await manager.reconcile(instance.id)
        stage.clock.advance(30)
    assert web.latest_deployment.status == "REMOVED"
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING
    stage.railway.faults.clear()
    assert (await manager.wait(instance.id)).status is InstanceStatus.SUSPENDED


# Once, on somebody's word ---------------------------------------------------------------------------------------


@BOTH_WAYS
async def test_restarting_keeps_the_deployment(new_stage: Any, known: bool) -> None:
    stage = new_stage(known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    (before,) = web.deployments
    since = before.status_updated_at
    await manager.restart(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert web.deployments == [before]
    assert before.status_updated_at > since
    assert stage.sent("deploymentRestart") == 1


@BOTH_WAYS
async def test_redeploying_makes_a_new_deployment_each_time(new_stage: Any, known: bool) -> None:
    stage = new_stage(known=known)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.redeploy(instance.id)
    await manager.redeploy(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    web = (await services(stage, instance))["web"]
    assert len(web.deployments) == 3
    assert web.latest_deployment.status == "SUCCESS"


async def test_one_service_can_be_redeployed_alone(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.redeploy(instance.id, service="Redis")
    await manager.wait(instance.id)
    found = await services(stage, instance)
    assert {name: len(one.deployments) for name, one in found.items()} == {
        "App": 1,
        "Postgres": 1,
        "Redis": 2,
    }


@pytest.mark.parametrize("verb", ["restart", "redeploy"])
async def test_an_unknown_service_is_named_with_those_there_are(new_stage: Any, verb: str) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    error = await nothing_written(
        stage, InstanceInputError, partial(getattr(manager, verb), instance.id, service="Mongo")
    )
    assert error.argument == "service"
    assert "App, Postgres, Redis" in str(error)


async def test_rolling_back_brings_an_earlier_deployment_with_its_variables(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    first = web.latest_deployment
    await manager.set_variables(instance.id, VARIABLES)
    await manager.wait(instance.id)
    assert "COLOUR" in web.latest_deployment.variables
    await manager.rollback(instance.id, first.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    assert "COLOUR" not in web.latest_deployment.variables
    assert web.latest_deployment.reason == "rollback"


async def test_one_cannot_roll_back_to_what_runs_or_to_what_never_was(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    current = (await services(stage, instance))["web"].latest_deployment.id
    await nothing_written(stage, InstanceStateError, partial(manager.rollback, instance.id, current))
    await nothing_written(stage, InstanceNotFoundError, partial(manager.rollback, instance.id, "unknown"))


async def test_an_action_that_is_overtaken_by_a_stop_is_not_carried_out(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.redeploy(instance.id)
    await manager.stop(instance.id)
    await manager.wait(instance.id)
    await stage.drive(manager)
    assert len((await services(stage, instance))["web"].deployments) == 1
    assert [
        one.state.value for one in await stage.operations(instance.id) if one.key.startswith("redeploy")
    ] == ["abandoned"]


# Crashes ----------------------------------------------------------------------------------------------------------


async def test_a_crashed_service_is_started_again_later_and_later_and_then_left_down(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    stage.railway.faults.add("crash", service="web", seconds=1, times=None)
    await manager.redeploy(instance.id)
    await manager.wait(instance.id)
    began = stage.clock.now()
    restarts: list[float] = []
    for _ in range(120):
        before = stage.sent("deploymentRestart")
        await manager.run_due()
        if stage.sent("deploymentRestart") > before:
            restarts.append((stage.clock.now() - began).total_seconds())
        stage.clock.advance(60)
    instance = await stage.get(instance.id)
    assert instance.status is InstanceStatus.CRASHED
    assert instance.observed.recoveries == 3
    assert len(restarts) == 3
    assert restarts[1] - restarts[0] < restarts[2] - restarts[1]
    assert "crashed" in (instance.observed.error or "")


async def test_a_deployment_that_somebody_removed_is_made_anew(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    await stage.railway.async_client().run(deployments.remove(web.latest_deployment.id))
    stage.clock.advance(1000)
    await manager.run_due()
    assert (await stage.get(instance.id)).status is InstanceStatus.CRASHED
    stage.clock.advance(120)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING
    assert [one.status for one in web.deployments] == ["REMOVED", "SUCCESS"]


async def test_one_that_recovers_counts_anew_once_it_has_run_well(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    web = (await services(stage, instance))["web"]
    await stage.railway.async_client().run(deployments.remove(web.latest_deployment.id))
    stage.clock.advance(1000)
    await stage.drive(manager)
    stage.clock.advance(120)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).observed.recoveries == 1
    stage.clock.advance(2000)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).observed.recoveries == 0


# Deleting ---------------------------------------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("state", ["accepted", "running", "stopped", "suspended"])
async def test_deleting_leaves_nothing(new_stage: Any, known: bool, state: str) -> None:
    stage = new_stage(known=known)
    instance = await brought_to(stage, state)
    manager = stage.manager()
    await manager.delete(instance.id)
    gone = await manager.wait(instance.id)
    assert (gone.status, gone.holds_slot) == (InstanceStatus.DELETED, False)
    assert stage.railway.living == []
    assert (await manager.reconcile(instance.id)).next_check_at is None


async def test_deleting_in_the_midst_of_a_deploy_leaves_nothing(new_stage: Any) -> None:
    stage = new_stage(APP, known=True)
    manager = stage.manager()
    instance = await stage.accepted(manager)
    await manager.run_due()
    assert len(stage.railway.living) == 1
    await manager.delete(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.DELETED
    assert stage.railway.living == []


async def test_a_scheduled_deletion_comes_at_its_time_and_not_before(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.delete(instance.id, after=timedelta(days=2))
    await stage.drive(manager)
    stage.clock.advance(timedelta(days=1, hours=23).total_seconds())
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING
    await manager.stop(instance.id)  # it lives on until then
    stage.clock.advance(3700)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.DELETED


async def test_a_scheduled_deletion_can_be_called_off(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.delete(instance.id, after=timedelta(hours=1))
    await manager.cancel_deletion(instance.id)
    stage.clock.advance(7200)
    await stage.drive(manager)
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING


async def test_a_deletion_that_is_due_cannot_be_called_off(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.delete(instance.id, after=timedelta(hours=1))
    stage.clock.advance(3600)
    for asking in (manager.cancel_deletion, partial(manager.delete, after=timedelta(days=7))):
        error = await nothing_written(stage, InstanceStateError, partial(asking, instance.id))
        assert "its deletion is due since 2026-11-02T10:00" in str(error)
        assert "cancel_deletion" not in error.allowed
    assert "cancel_deletion" not in manager.allowed(await stage.get(instance.id))
    await manager.delete(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.DELETED


@pytest.mark.parametrize("transactions", range(6))
async def test_what_is_called_off_just_before_a_worker_begins_is_not_deleted(
    new_stage: Any, transactions: int
) -> None:
    """The clock of whoever calls it off is a little behind the worker's."""
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.delete(instance.id, after=timedelta(hours=1))
    stage.clock.advance(3600)
    behind = stage.manager(now=lambda: stage.clock.now() - timedelta(seconds=5))
    called_off: list[bool] = []

    async def call_off() -> None:
        try:
            await behind.cancel_deletion(instance.id)
        except InstanceStateError:
            called_off.append(False)
        else:
            called_off.append(True)

    stage.nap_after(transactions, call_off)
    await manager.reconcile(instance.id)
    stage.sleep_no_more()
    await stage.drive()
    ended = InstanceStatus.RUNNING if called_off == [True] else InstanceStatus.DELETED
    assert (await stage.get(instance.id)).status is ended
    assert len(stage.railway.living) == (ended is InstanceStatus.RUNNING)


@pytest.mark.parametrize("after", [timedelta(0), timedelta(hours=-1)])
async def test_a_grace_is_above_zero(new_stage: Any, after: timedelta) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    error = await nothing_written(
        stage, InstanceInputError, partial(manager.delete, instance.id, after=after)
    )
    assert error.argument == "after"


async def test_a_project_that_somebody_deleted_counts_as_deleted(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await stage.railway.async_client().projects.delete(instance.observed.project_id)
    await manager.delete(instance.id)
    assert (await manager.wait(instance.id)).status is InstanceStatus.DELETED


@pytest.mark.parametrize(
    "description",
    [None, "mine", "[railway-saas staging {id}]", "[railway-saas default {other}]"],
    ids=["none", "no marker", "another installation's", "another instance's"],
)
async def test_a_project_without_its_marker_is_never_deleted(new_stage: Any, description: str | None) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    project = stage.railway.world.projects[instance.observed.project_id]
    project.description = description and description.format(id=instance.id, other=UUID(int=7))
    await manager.delete(instance.id)
    with pytest.raises(NeedsAttentionError, match="does not carry its marker"):
        await manager.wait(instance.id)
    assert stage.sent("projectDelete") == 0
    assert project.deleted_at is None
    assert (await stage.get(instance.id)).holds_slot


def sleepy(document: Any) -> Any:
    """The document with services that fall asleep."""
    raw = document.serialize()
    for service in raw["services"].values():
        service["deploy"]["sleepApplication"] = True
    return type(document).parse(raw)
