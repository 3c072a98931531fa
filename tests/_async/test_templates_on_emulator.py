"""Railway's template marketplace, and waiting for what it starts, on the local Railway."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from railway_saas import AsyncRailwayClient
from railway_saas.emulator import Emulator, FaultKind
from railway_saas.errors import (
    RailwayAuthError,
    RailwayDeploymentError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayTimeoutError,
)
from railway_saas.railway.models import TemplateDeployment, TemplateStatus, WorkflowStatus
from railway_saas.templates import Template

OWN = Path(__file__).resolve().parent.parent.parent / "examples" / "templates"
CODE = "web-app"


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(templates=OWN)


async def deployed(railway: AsyncRailwayClient, emulator: Emulator) -> TemplateDeployment:
    """Deploy a template of the marketplace, its inputs filled in."""
    published = await railway.templates.by_code(CODE)
    template = Template.parse(published.serialized_config)
    values = {item.key: "owner@example.com" for item in template.inputs() if item.required}
    return await railway.templates.deploy(
        template_id=published.id,
        serialized_config=template.fill(values).serialize(),
        workspace_id=emulator.workspace_id,
    )


async def test_templates_are_read_without_a_token(emulator: Emulator) -> None:
    http = httpx.AsyncClient(transport=emulator.async_transport())
    async with http, AsyncRailwayClient(endpoint=emulator.endpoint, http_client=http) as railway:
        found = await railway.templates.by_code(CODE)
        assert (await railway.templates.by_id(found.id)).code == CODE
        with pytest.raises(RailwayNotFoundError):
            await railway.templates.by_code("nothing-of-the-kind")
        with pytest.raises(RailwayNotFoundError):
            await railway.templates.by_repo(owner="acme", repo="nothing-of-the-kind")
    assert "services" in found.serialized_config


async def test_the_marketplace_is_browsed_and_searched(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        listed = [template.code async for template in railway.templates.list(page_size=1)]
        page = await railway.templates.list_page(first=2)
        words = "postgres"
        found = [template.code async for template in railway.templates.search(words, page_size=1)]
        assert len(await railway.templates.search_page("", first=2)) == 2
    assert {path.stem for path in OWN.glob("*.json")} <= set(listed)
    assert len(page) == 2
    assert "app-with-postgres-and-redis" in found


async def test_a_deploy_is_followed_until_it_is_complete(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        started = await deployed(railway, emulator)
        assert started.workflow_id is not None
        result = await railway.workflows.wait_until_complete(started.workflow_id)
        project = await railway.projects.get(started.project_id)
        source = await railway.templates.source_for_project(started.project_id)
        assert await railway.workflows.status(started.workflow_id) == result
    assert result.status is WorkflowStatus.COMPLETE
    assert all(service.template_service_id for service in project.services)
    assert source is None or source.code == CODE


async def test_a_workflow_that_is_not_known_yet_is_waited_for(emulator: Emulator) -> None:
    emulator.faults.add(FaultKind.WORKFLOW_NOT_FOUND, times=3)
    async with emulator.async_client() as railway:
        started = await deployed(railway, emulator)
        assert started.workflow_id is not None
        assert (await railway.workflows.wait_until_complete(started.workflow_id)).status == "Complete"


async def test_a_passing_fault_does_not_end_the_wait(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        started = await deployed(railway, emulator)
        assert started.workflow_id is not None
        emulator.faults.add(FaultKind.GATEWAY_ERROR, "workflowStatus", times=6)
        assert (await railway.workflows.wait_until_complete(started.workflow_id)).status == "Complete"


async def test_a_failed_workflow_raises_with_railways_reason(emulator: Emulator) -> None:
    emulator.faults.add(FaultKind.WORKFLOW_ERROR, message="no capacity in this region")
    async with emulator.async_client() as railway:
        started = await deployed(railway, emulator)
        assert started.workflow_id is not None
        with pytest.raises(RailwayDeploymentError, match="no capacity in this region"):
            await railway.workflows.wait_until_complete(started.workflow_id)


async def test_a_wait_ends_in_time(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        started = railway.clock.monotonic()
        with pytest.raises(RailwayTimeoutError, match="last seen: NotFound") as caught:
            await railway.workflows.wait_until_complete("deployTemplate/project/p1/abcdef", timeout_s=20)
        waited = railway.clock.monotonic() - started
    assert waited == pytest.approx(20, abs=1)
    assert caught.value.operation == "workflowStatus"


async def test_a_token_that_may_not_look_ends_the_wait(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        started = await deployed(railway, emulator)
        assert started.workflow_id is not None
        emulator.faults.add(FaultKind.NOT_AUTHORIZED, "workflowStatus", times=None)
        with pytest.raises(RailwayAuthError):
            await railway.workflows.wait_until_complete(started.workflow_id)


async def test_a_deploy_may_leave_nothing_to_follow(emulator: Emulator) -> None:
    emulator.faults.add(FaultKind.WORKFLOW_ID_NULL)
    async with emulator.async_client() as railway:
        started = await deployed(railway, emulator)
    assert started.workflow_id is None
    assert started.project_id


async def test_a_document_that_railway_does_not_know_is_refused_with_the_key(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        published = await railway.templates.by_code(CODE)
        document = dict(published.serialized_config)
        services = {
            key: {**service, "sleepApplication": True} for key, service in document["services"].items()
        }
        with pytest.raises(RailwayInputError, match="sleepApplication"):
            await railway.templates.deploy(
                template_id=published.id,
                serialized_config={**document, "services": services},
                workspace_id=emulator.workspace_id,
            )


async def test_a_template_is_made_from_a_project_published_and_taken_back(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
        await railway.services.create(
            project.id, name="web", image="nginx:alpine", environment_id=project.environments[0].id
        )
        made = await railway.templates.generate(project.id)
        assert made.status is not TemplateStatus.PUBLISHED

        published = await railway.templates.publish(
            made.id,
            category="Starters",
            description="A web server that says hello",
            readme="Says hello to whoever comes by. " * 10,
            workspace_id=emulator.workspace_id,
        )
        assert published.status is TemplateStatus.PUBLISHED
        own = [item.id async for item in railway.templates.list_of_workspace(emulator.workspace_id)]
        assert made.id in own
        assert len(await railway.templates.list_of_workspace_page(emulator.workspace_id, first=1)) == 1
        assert (await railway.templates.metrics(made.id)).total_deployments == 0

        assert published.code is not None
        copy = await railway.templates.clone(published.code, workspace_id=emulator.workspace_id)
        assert copy.id != made.id
        assert await railway.templates.unpublish(made.id)
        assert await railway.templates.delete(made.id, workspace_id=emulator.workspace_id)


async def test_the_size_of_a_templates_volume_is_changed_in_its_document(emulator: Emulator) -> None:
    async with emulator.async_client() as railway:
        copy = await railway.templates.clone(
            "app-with-postgres-and-redis", workspace_id=emulator.workspace_id
        )
        service_id, volume_id = next(
            (key, volume)
            for key, service in copy.serialized_config["services"].items()
            for volume in service.get("volumeMounts") or {}
        )
        changed = await railway.templates.update_volume(
            template_id=copy.id, service_id=service_id, volume_id=volume_id, size_mb=2_000
        )
    assert changed.serialized_config["services"][service_id]["volumeMounts"][volume_id]["sizeMB"] == 2_000
