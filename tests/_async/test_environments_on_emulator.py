"""Environments, their configuration and its patches, on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway.models import EnvironmentPatchStatus

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient
    from railway_saas.emulator import Emulator


async def house(railway: AsyncRailwayClient, emulator: Emulator) -> tuple[str, str, str]:
    """The ids of a project, its environment and a service in it."""
    project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
    service = await railway.services.create(project.id, name="web", image="nginx:alpine")
    return project.id, project.environments[0].id, service.id


def variable(service_id: str, name: str, value: str) -> dict[str, object]:
    return {"services": {service_id: {"variables": {name: {"value": value}}}}}


async def test_an_environment_is_copied_renamed_and_deleted(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await house(railway, railway_emulator)
        environments = railway.environments
        made = await environments.create(
            project_id, name="staging", source_environment_id=environment_id, skip_initial_deploys=True
        )
        railway_emulator.clock.advance(10)
        copy = await environments.get(made.id)
        assert [one.service_id for one in copy.service_instances] == [service_id]
        assert copy.config_etag
        assert (await environments.rename(made.id, name="preview")).name == "preview"
        names = [found.name async for found in environments.list(project_id, page_size=1)]
        assert sorted(filter(None, names)) == ["preview", "production"]
        assert await environments.delete(made.id)
        page = await environments.list_page(project_id)
        assert [found.id for found in page] == [environment_id]


async def test_a_patch_is_committed_at_once(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, environment_id, service_id = await house(railway, railway_emulator)
        before = await railway.environments.config(environment_id)
        assert await railway.environments.commit_patch(
            environment_id, variable(service_id, "KEY", "hunter2"), message="add a key"
        )
        railway_emulator.clock.advance(10)
        after = await railway.environments.config(environment_id, decrypt=True)
        assert after.config_etag != before.config_etag
        assert "hunter2" in str(after.config)
        assert "hunter2" not in repr(after)
        assert "hunter2" not in str((await railway.environments.config(environment_id)).config)


async def test_changes_are_staged_merged_and_committed_together(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await house(railway, railway_emulator)
        environments = railway.environments
        assert (await environments.staged_changes(environment_id)).is_empty
        await environments.stage_changes(environment_id, variable(service_id, "A", "1"))
        await environments.stage_changes(environment_id, variable(service_id, "B", "2"), merge=True)
        assert (await environments.get(environment_id)).unmerged_changes_count
        assert await environments.commit_staged(environment_id, message="both", skip_deploys=True)
        railway_emulator.clock.advance(10)
        found = await railway.variables.rendered(
            project_id=project_id, environment_id=environment_id, service_id=service_id
        )
        assert dict(found) == {"A": "1", "B": "2"}
        (patch,) = [one async for one in environments.patches(environment_id)]
        assert (patch.message, patch.status) == ("both", EnvironmentPatchStatus.COMMITTED)
        assert not (await environments.patch(patch.id)).is_empty
        assert len(await environments.patches_page(environment_id, first=1)) == 1


async def test_what_waits_is_discarded_by_an_empty_patch(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, environment_id, service_id = await house(railway, railway_emulator)
        await railway.environments.stage_changes(environment_id, variable(service_id, "A", "1"))
        await railway.environments.stage_changes(environment_id, {})
        assert (await railway.environments.staged_changes(environment_id)).is_empty


async def test_triggers_are_listed_and_deployed(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await house(railway, railway_emulator)
        await railway.services.connect(service_id, repo="railwayapp/starters", branch="main")
        (trigger,) = [one async for one in railway.environments.deployment_triggers(environment_id)]
        assert trigger.branch == "main"
        assert await railway.environments.triggers_deploy(
            project_id=project_id, environment_id=environment_id, service_id=service_id
        )


async def test_the_staged_patch_is_followed(railway_emulator: Emulator) -> None:
    with railway_emulator.serve() as server:
        async with server.async_client() as railway:
            _, environment_id, service_id = await house(railway, railway_emulator)
            watched = railway.environments.watch_staged_changes(environment_id, poll_s=0.05)
            assert (await anext(watched)).is_empty
            await railway.environments.stage_changes(environment_id, variable(service_id, "A", "1"))
            assert not (await anext(watched)).is_empty
