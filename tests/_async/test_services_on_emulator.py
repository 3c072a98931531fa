"""Services and their settings per environment, on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import RailwayAuthError, RailwayConflictError, RailwayNotFoundError

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator


async def test_a_service_is_made_changed_and_deleted(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        services = railway.services
        made = await services.create(project.id, name="web", image="nginx:alpine", variables={"PORT": "80"})
        assert (made.name, made.project_id) == ("web", project.id)
        with pytest.raises(RailwayConflictError):
            await services.create(project.id, name="web")

        assert (await services.update(made.id, name="api", icon="https://example.com/i.png")).name == "api"
        assert (await services.connect(made.id, repo="railwayapp/starters", branch="main")).id == made.id
        assert (await services.get(made.id)).repo_triggers[0].repository == "railwayapp/starters"
        await services.disconnect(made.id)
        assert (await services.get(made.id)).repo_triggers == ()

        other = await services.create(project.id, name="db")
        assert {found.id async for found in services.list(project.id, page_size=1)} == {made.id, other.id}
        assert (await services.list_page(project.id, first=1)).next_cursor is not None

        assert await services.delete(other.id)
        assert [found.id async for found in services.list(project.id)] == [made.id]
        with pytest.raises(RailwayAuthError):
            await services.delete(other.id)


async def test_settings_are_read_back_as_they_were_set(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        service = await railway.services.create(project.id, name="web", image="nginx:alpine")
        here = {"service_id": service.id, "environment_id": project.environments[0].id}
        instances = railway.service_instances
        assert await instances.update(
            **here,
            start_command="run",
            pre_deploy_command="migrate",
            healthcheck_path="/healthz",
            healthcheck_timeout=60,
            restart_policy_type="ALWAYS",
            restart_policy_max_retries=3,
            num_replicas=2,
            sleep_application=True,
            draining_seconds=10,
            overlap_seconds=5,
            watch_patterns=["src/**"],
            region="us-west2",
        )
        found = await instances.get(**here)
        assert found.start_command == "run"
        assert found.pre_deploy_command in {"migrate", ("migrate",)}
        assert (found.healthcheck_path, found.healthcheck_timeout) == ("/healthz", 60)
        assert (found.restart_policy_type, found.restart_policy_max_retries) == ("ALWAYS", 3)
        assert (found.draining_seconds, found.overlap_seconds) == (10, 5)
        assert found.watch_patterns == ("src/**",)
        assert found.latest_deployment is None

        await instances.update(**here, start_command=None)
        assert (await instances.get(**here)).start_command is None
        assert [one.id async for one in instances.list(here["environment_id"], page_size=1)] == [found.id]
        assert len(await instances.list_page(here["environment_id"], first=1)) == 1


async def test_limits_are_overridden_and_given_back(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        service = await railway.services.create(project.id, name="web", image="nginx:alpine")
        here = {"service_id": service.id, "environment_id": project.environments[0].id}
        instances = railway.service_instances
        plan = await instances.limits(**here)
        assert await instances.limit_override(**here) is None
        assert await instances.limits_update(**here, vcpus=2, memory_gb=4)
        override = await instances.limit_override(**here)
        assert override is not None
        assert (override.vcpus, override.memory_bytes) == (2, 4_000_000_000)
        assert (await instances.limits(**here)).vcpus == 2
        await instances.limits_update(**here, vcpus=None, memory_gb=None)
        assert (await instances.limits(**here)).vcpus == plan.vcpus


async def test_a_repository_is_deployed_by_commit_and_by_its_newest_one(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        service = await railway.services.create(project.id, name="web", repo="railwayapp/starters")
        here = {"service_id": service.id, "environment_id": project.environments[0].id}
        instances = railway.service_instances
        first = await instances.deploy(**here)
        commit = (await railway.deployments.get(first)).commit_hash
        await railway.deployments.wait_until(first, timeout_s=900)
        newest = railway_emulator.push("railwayapp/starters")
        assert await instances.deploy_latest_commit(**here)
        latest = (await instances.get(**here)).latest_deployment
        assert latest is not None
        assert (await railway.deployments.get(latest.id)).commit_hash == newest != commit
        await railway.deployments.wait_until(latest.id, timeout_s=900)

        back = await instances.deploy(**here, commit_sha=commit)
        assert (await railway.deployments.get(back)).commit_hash == commit
        with pytest.raises(RailwayNotFoundError):
            await instances.deploy(**here, commit_sha="0" * 40)
        await railway.deployments.wait_until(back, timeout_s=900)
        assert await instances.redeploy(**here)
        assert isinstance(await instances.is_updatable(**here), bool)
        assert (await instances.auto_deploy_status(project_id=project.id, **here)).enabled in {True, False}
