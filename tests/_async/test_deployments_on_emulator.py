"""Deployments on the local Railway: every verb, waiting, and watching over sockets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from railway_saas.emulator import Emulator, FaultKind
from railway_saas.errors import (
    RailwayDeploymentError,
    RailwayNotFoundError,
    RailwayStateError,
    RailwayTimeoutError,
)
from railway_saas.railway.models import DeploymentStatus

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient

POLL_S = 0.05
"""Real seconds: a watch looks again when no push came for so long."""


@dataclass(frozen=True)
class Place:
    project_id: str
    environment_id: str
    service_id: str

    @property
    def instance(self) -> dict[str, str]:
        return {"service_id": self.service_id, "environment_id": self.environment_id}


async def service(railway: AsyncRailwayClient, emulator: Emulator, image: str = "nginx:alpine") -> Place:
    project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
    environment_id = project.environments[0].id
    made = await railway.services.create(project.id, name="web", image=image)
    return Place(project.id, environment_id, made.id)


async def test_a_deployment_is_waited_for_through_all_its_states(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        deployment_id = await railway.service_instances.deploy(**place.instance)
        told: list[tuple[str, bool]] = []
        running = await railway.deployments.wait_until(
            deployment_id, on_change=lambda seen: told.append((str(seen.status), seen.deployment_stopped))
        )
        whole = await railway.deployments.get(deployment_id)
    assert running.is_active
    assert told[0] == ("INITIALIZING", True)
    assert told[-1] == ("SUCCESS", False)
    assert [status for status, _ in told] == sorted((status for status, _ in told), key=_order)
    assert whole.image == "nginx:alpine"


def _order(status: str) -> int:
    return ["INITIALIZING", "BUILDING", "DEPLOYING", "SUCCESS"].index(status)


async def test_stop_and_restart_leave_the_deployment_and_its_status(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        deployment_id = await railway.service_instances.deploy(**place.instance)
        await railway.deployments.wait_until(deployment_id)
        assert await railway.deployments.stop(deployment_id)
        stopped = await railway.deployments.wait_until(deployment_id, stopped=True)
        assert stopped.completed
        assert await railway.deployments.restart(deployment_id)
        assert (await railway.deployments.wait_until(deployment_id, stopped=False)).is_active


async def test_a_redeploy_replaces_and_a_rollback_brings_back(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        first = await railway.service_instances.deploy(**place.instance)
        await railway.deployments.wait_until(first)
        second = await railway.deployments.redeploy(first)
        await railway.deployments.wait_until(second.id)
        removed = await railway.deployments.wait_until(first, statuses=DeploymentStatus.REMOVED)
        assert removed.is_terminal
        assert await railway.deployments.rollback(first)
        listed = [found.id async for found in railway.deployments.list(**place.instance, page_size=1)]
        assert listed[1:] == [second.id, first]
        page = await railway.deployments.list_page(
            project_id=place.project_id, status_in=["REMOVED"], first=5
        )
        assert [found.id for found in page] == [first]


async def test_cancel_and_remove_end_a_deployment(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        cancelled = await railway.service_instances.deploy(**place.instance)
        assert await railway.deployments.cancel(cancelled)
        await railway.deployments.wait_until(cancelled, statuses="REMOVED")
        removed = await railway.service_instances.deploy(**place.instance)
        await railway.deployments.wait_until(removed)
        assert await railway.deployments.remove(removed)
        await railway.deployments.wait_until(removed, statuses="REMOVED")


async def test_a_deployment_that_needs_approval_goes_on_once_it_has_it(railway_emulator: Emulator) -> None:
    railway_emulator.faults.add(FaultKind.NEEDS_APPROVAL)
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        deployment_id = await railway.service_instances.deploy(**place.instance)
        with pytest.raises(RailwayTimeoutError, match="it is NEEDS_APPROVAL"):
            await railway.deployments.wait_until(deployment_id, timeout_s=60)
        assert await railway.deployments.approve(deployment_id)
        assert (await railway.deployments.wait_until(deployment_id)).is_active


@pytest.mark.parametrize(
    ("fault", "status"), [(FaultKind.HEALTHCHECK_FAILS, "FAILED"), (FaultKind.CRASH, "CRASHED")]
)
async def test_waiting_ends_with_the_deployment(
    railway_emulator: Emulator, fault: FaultKind, status: str
) -> None:
    railway_emulator.faults.add(fault)
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        await railway.service_instances.update(**place.instance, healthcheck_path="/healthz")
        deployment_id = await railway.service_instances.deploy(**place.instance)
        statuses = ("SUCCESS",) if status == "FAILED" else ("REMOVED",)
        with pytest.raises(RailwayDeploymentError) as caught:
            await railway.deployments.wait_until(deployment_id, statuses=statuses, timeout_s=900)
    assert caught.value.status == status


async def test_a_process_that_ends_well_has_completed(railway_emulator: Emulator) -> None:
    railway_emulator.faults.add(FaultKind.COMPLETES)
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        deployment_id = await railway.service_instances.deploy(**place.instance)
        assert (await railway.deployments.wait_until(deployment_id, stopped=True)).completed


async def test_steps_and_cron_runs_are_listed(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        await railway.service_instances.update(**place.instance, cron_schedule="*/5 * * * *")
        deployment_id = await railway.service_instances.deploy(**place.instance)
        await railway.deployments.wait_until(deployment_id)
        railway_emulator.clock.advance(900)
        steps = [str(event.step) async for event in railway.deployments.events(deployment_id, page_size=1)]
        page = await railway.deployments.events_page(deployment_id, first=1)
        runs = [run async for run in railway.deployments.executions(**place.instance)]
        first = await railway.deployments.executions_page(**place.instance, first=1)
    assert "CREATE_CONTAINER" in steps
    assert len(page) == len(first) == 1
    assert len(runs) >= 2
    assert {run.deployment_id for run in runs} == {deployment_id}


async def test_what_is_not_there_is_said_so(railway_emulator: Emulator) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    async with railway_emulator.async_client() as railway:
        with pytest.raises(RailwayNotFoundError):
            await railway.deployments.stop(unknown)


async def test_a_sleeping_deployment_refuses_to_stop(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        place = await service(railway, railway_emulator)
        await railway.service_instances.update(**place.instance, sleep_application=True)
        deployment_id = await railway.service_instances.deploy(**place.instance)
        await railway.deployments.wait_until(deployment_id, statuses="SLEEPING", timeout_s=1200)
        with pytest.raises(RailwayStateError):
            await railway.deployments.stop(deployment_id)


async def test_a_watch_sees_every_state_and_a_stop_that_is_not_pushed(railway_emulator: Emulator) -> None:
    with railway_emulator.serve() as server:
        async with server.async_client() as railway:
            place = await service(railway, railway_emulator)
            deployment_id = await railway.service_instances.deploy(**place.instance)
            watched = railway.deployments.watch(deployment_id, poll_s=POLL_S)
            seen = [await anext(watched)]
            railway_emulator.clock.advance(15)
            while not seen[-1].is_active:
                seen.append(await anext(watched))
            await railway.deployments.stop(deployment_id)
            railway_emulator.clock.advance(30)
            while not seen[-1].completed:
                seen.append(await anext(watched))
            await railway.deployments.remove(deployment_id)
            railway_emulator.clock.advance(60)
            seen += [found async for found in watched]
    assert [str(found.status) for found in seen][:1] == ["INITIALIZING"]
    assert seen[-1].status is DeploymentStatus.REMOVED


async def test_a_watch_of_steps_ends_when_the_deployment_has_settled(railway_emulator: Emulator) -> None:
    with railway_emulator.serve() as server:
        async with server.async_client() as railway:
            place = await service(railway, railway_emulator)
            deployment_id = await railway.service_instances.deploy(**place.instance)
            watched = railway.deployments.watch_events(deployment_id, poll_s=POLL_S)
            railway_emulator.clock.advance(2)
            told = [await anext(watched)]
            railway_emulator.clock.advance(60)
            told += [event async for event in watched]
    ended = [str(event.step) for event in told if event.completed_at is not None]
    assert "CREATE_CONTAINER" in ended
    assert len(ended) == len(set(ended))
