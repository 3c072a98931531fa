"""Logs on the local Railway: asked for in process, followed over sockets that break."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from railway_saas.emulator import Emulator, FaultKind

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient


async def running(railway: AsyncRailwayClient, emulator: Emulator) -> tuple[str, str]:
    """The ids of an environment and of a deployment that runs in it, with a domain."""
    project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
    environment_id = project.environments[0].id
    service = await railway.services.create(project.id, name="web", image="nginx:alpine")
    await railway.domains.service_domain_create(service_id=service.id, environment_id=environment_id)
    deployment_id = await railway.service_instances.deploy(
        service_id=service.id, environment_id=environment_id
    )
    await railway.deployments.wait_until(deployment_id)
    emulator.clock.advance(120)
    return environment_id, deployment_id


async def test_the_newest_lines_are_given_oldest_first(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        environment_id, deployment_id = await running(railway, railway_emulator)
        every = await railway.logs.deployment(deployment_id, limit=5000)
        last = await railway.logs.deployment(deployment_id, limit=2)
        around = await railway.logs.environment(environment_id, limit=5000)
    assert [line.timestamp for line in every] == sorted(line.timestamp for line in every)
    assert last == every[-2:]
    assert [line.message for line in around] == [line.message for line in every]
    assert every[0].attributes["level"] in {"info", "error", "warn", "debug"}
    assert every[0].tags is not None
    assert every[0].tags.deployment_id == deployment_id


async def test_one_row_more_than_asked_for_is_dropped(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, deployment_id = await running(railway, railway_emulator)
        asked = await railway.logs.deployment(deployment_id, limit=3)
        railway_emulator.faults.add(FaultKind.EXTRA_LOG_ROW)
        assert await railway.logs.deployment(deployment_id, limit=3) == asked


async def test_a_span_bounds_the_lines(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        environment_id, deployment_id = await running(railway, railway_emulator)
        every = await railway.logs.deployment(deployment_id, limit=5000)
        middle = every[len(every) // 2].at
        assert middle is not None
        end = middle + timedelta(milliseconds=1)
        before = await railway.logs.deployment(deployment_id, end_date=end, limit=5000)
        same = await railway.logs.environment(environment_id, end_date=end, limit=5000)
        after = await railway.logs.deployment(deployment_id, start_date=end, limit=5000)
        around = await railway.logs.environment_around(
            environment_id, anchor_date=end, before_limit=1, after_limit=1
        )
    assert before
    assert after
    assert [line.message for line in same] == [line.message for line in before]
    assert len(before) + len(after) == len(every)
    assert [line.timestamp for line in around] == [before[-1].timestamp, after[0].timestamp]


async def test_a_filter_picks_lines(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, deployment_id = await running(railway, railway_emulator)
        every = await railway.logs.deployment(deployment_id, limit=5000)
        word = every[0].message.split()[0]
        found = await railway.logs.deployment(deployment_id, limit=5000, filter=f'"{word}"')
    assert found == tuple(line for line in every if word in line.message)


async def test_builds_have_lines_of_their_own(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        place = {"environment_id": project.environments[0].id}
        service = await railway.services.create(project.id, name="web", repo="railwayapp/starters")
        deployment_id = await railway.service_instances.deploy(service_id=service.id, **place)
        await railway.deployments.wait_until(deployment_id, timeout_s=900)
        assert await railway.logs.build(deployment_id, limit=10)


async def test_requests_are_listed_with_what_came_of_them(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, deployment_id = await running(railway, railway_emulator)
        requests = await railway.logs.http(deployment_id, limit=5)
        assert requests
        moment = requests[-1].at
        assert moment is not None
        around = await railway.logs.http_around(
            deployment_id, anchor_date=moment + timedelta(milliseconds=1), before_limit=1
        )
    assert requests[-1].http_status is not None
    assert around == requests[-1:]


@pytest.mark.parametrize("drops", [0, 1, 3])
async def test_every_line_is_streamed_once_however_often_the_connection_breaks(
    railway_emulator: Emulator, drops: int
) -> None:
    with railway_emulator.serve() as server:
        async with server.async_client() as railway:
            _, deployment_id = await running(railway, railway_emulator)
            stream = railway.logs.stream(deployment_id, limit=5000)
            before = await railway.logs.deployment(deployment_id, limit=5000)
            lines = [await anext(stream) for _ in before]
            drop = railway_emulator.faults.add(FaultKind.STREAM_DROP, times=drops)
            railway_emulator.clock.advance(60)
            every = await railway.logs.deployment(deployment_id, limit=5000)
            lines += [await anext(stream) for _ in range(len(every) - len(lines))]
    assert drop.times == 0
    assert len(every) > len(before)
    assert tuple(lines) == every


async def test_an_environment_and_its_requests_are_streamed_too(railway_emulator: Emulator) -> None:
    with railway_emulator.serve() as server:
        async with server.async_client() as railway:
            environment_id, deployment_id = await running(railway, railway_emulator)
            lines = await railway.logs.environment(environment_id, limit=2)
            stream = railway.logs.stream_environment(environment_id, limit=2)
            assert tuple([await anext(stream) for _ in lines]) == lines
            requests = await railway.logs.http(deployment_id, limit=2)
            streamed = railway.logs.stream_http(deployment_id, limit=2)
            assert tuple([await anext(streamed) for _ in requests]) == requests
