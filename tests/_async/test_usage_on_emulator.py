"""Metrics, usage and limits, on the local Railway."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from railway_saas.railway.models import MetricMeasurement, MetricTag

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient
    from railway_saas.emulator import Emulator


async def running(
    railway: AsyncRailwayClient, emulator: Emulator, name: str = "acme"
) -> tuple[str, str, str]:
    """The ids of a project, its environment, and a service that has been running for an hour."""
    project = await railway.projects.create(name=name, workspace_id=emulator.workspace_id)
    environment_id = project.environments[0].id
    service = await railway.services.create(
        project.id, name="web", image="nginx:alpine", environment_id=environment_id
    )
    await railway.service_instances.deploy(service_id=service.id, environment_id=environment_id)
    emulator.clock.advance(3600)
    return project.id, environment_id, service.id


def last_hour(emulator: Emulator) -> tuple[datetime, datetime]:
    now = emulator.clock.now()
    return now - timedelta(hours=1), now


async def test_metrics_are_series_of_samples_in_time(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await running(railway, railway_emulator)
        start, end = last_hour(railway_emulator)
        found = await railway.metrics.get(
            measurements=[MetricMeasurement.CPU_USAGE, "MEMORY_USAGE_GB"],
            project_id=project_id,
            environment_id=environment_id,
            service_id=service_id,
            start_date=start,
            end_date=end,
            group_by=[MetricTag.SERVICE_ID],
            sample_rate_seconds=60,
        )
    assert {series.measurement for series in found} == {"CPU_USAGE", "MEMORY_USAGE_GB"}
    for series in found:
        assert series.tags.service_id == service_id
        moments = [sample.ts for sample in series.values]
        assert moments == sorted(moments)
        assert all(start - timedelta(minutes=1) <= moment <= end for moment in moments)
        assert any(sample.value > 0 for sample in series.values)


async def test_requests_are_measured(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, environment_id, service_id = await running(railway, railway_emulator)
        start, end = last_hour(railway_emulator)
        counted = await railway.metrics.http_by_status(
            service_id=service_id, environment_id=environment_id, start_date=start, end_date=end
        )
        timed = await railway.metrics.http_durations(
            service_id=service_id, environment_id=environment_id, start_date=start, end_date=end
        )
    assert all(100 <= series.status_code < 600 for series in counted)
    assert all(sample.p50 <= sample.p99 for sample in timed.samples)


async def test_usage_of_a_project_is_the_same_however_it_is_asked_for(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, _, service_id = await running(railway, railway_emulator)
        start, end = last_hour(railway_emulator)
        by_project = await railway.usage.get(
            project_id=project_id, measurements=["CPU_USAGE"], start_date=start, end_date=end
        )
        by_service = [
            item
            async for item in railway.usage.list_project_service_usage(
                railway_emulator.workspace_id,
                measurements=["CPU_USAGE"],
                start_date=start,
                end_date=end,
                page_size=1,
            )
            if item.tags.project_id == project_id
        ]
    assert isinstance(by_project[0].value, Decimal)
    assert by_project[0].value > 0
    assert [item.tags.service_id for item in by_service] == [service_id]
    assert by_service[0].value == by_project[0].value


async def test_usage_of_all_projects_comes_page_by_page(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        projects = {(await running(railway, railway_emulator, name))[0] for name in ("one", "two", "three")}
        start, end = railway_emulator.clock.now() - timedelta(hours=3), railway_emulator.clock.now()
        workspace_id = railway_emulator.workspace_id
        page = await railway.usage.list_project_service_usage_page(
            workspace_id, start_date=start, end_date=end, first=2
        )
        everything = [
            item.tags.project_id
            async for item in railway.usage.list_project_service_usage(
                workspace_id, start_date=start, end_date=end, page_size=2
            )
        ]
    assert page.next_cursor is not None
    assert len({item.tags.project_id for item in page}) == 2
    assert set(everything) == projects


async def test_an_estimate_looks_ahead(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, _, _ = await running(railway, railway_emulator)
        used = await railway.usage.get(project_id=project_id, measurements=["MEMORY_USAGE_GB"])
        (estimate,) = await railway.usage.estimated(project_id=project_id, measurements=["MEMORY_USAGE_GB"])
    assert estimate.estimated_value >= used[0].value


async def test_limits_are_set_and_removed_for_the_customer(railway_emulator: Emulator) -> None:
    workspace_id = railway_emulator.workspace_id
    async with railway_emulator.async_client() as railway:
        customer = await railway.usage.customer(workspace_id)
        assert customer.usage_limit is None
        assert await railway.usage.set_limit(customer.id, soft_limit_dollars=50, hard_limit_dollars=100)
        limit = (await railway.usage.customer(workspace_id)).usage_limit
        assert limit is not None
        assert (limit.soft_limit, limit.hard_limit, limit.is_over_limit) == (50, 100, False)

        assert await railway.usage.set_agent_limit(workspace_id, hard_limit_cents=2_000, soft_limit_cents=500)
        limit = (await railway.usage.customer(workspace_id)).usage_limit
        assert limit is not None
        assert (limit.agent_soft_limit_cents, limit.agent_hard_limit_cents) == (500, 2_000)

        assert await railway.usage.remove_limit(customer.id)
        limit = (await railway.usage.customer(workspace_id)).usage_limit
        assert limit is None or limit.hard_limit is None
