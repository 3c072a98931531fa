"""Volumes, backups and buckets, on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import RailwayNotFoundError
from railway_saas.railway.models import EnvironmentVolumeInstance, VolumeState

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient
    from railway_saas.emulator import Emulator

HOME = "/var/lib/data"


async def house(railway: AsyncRailwayClient, emulator: Emulator) -> tuple[str, str, str]:
    """The ids of a project, its environment, and a service."""
    project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
    environment_id = project.environments[0].id
    service = await railway.services.create(
        project.id, name="db", image="postgres:17", environment_id=environment_id
    )
    return project.id, environment_id, service.id


async def mounted(railway: AsyncRailwayClient, environment_id: str) -> EnvironmentVolumeInstance:
    (instance,) = (await railway.environments.get(environment_id)).volume_instances
    return instance


async def test_a_volume_is_made_moved_and_deleted(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await house(railway, railway_emulator)
        volume = await railway.volumes.create(
            project_id=project_id, mount_path=HOME, service_id=service_id, environment_id=environment_id
        )
        assert volume.project_id == project_id
        assert (await railway.volumes.update(volume.id, name="data")).name == "data"

        seen = await mounted(railway, environment_id)
        instance = await railway.volumes.get_instance(seen.id)
        assert (instance.volume_id, instance.service_id) == (volume.id, service_id)
        assert (instance.mount_path, instance.state) == (HOME, VolumeState.READY)
        assert instance.volume is not None
        assert instance.volume.name == "data"
        assert instance.used_share is not None
        assert 0 < instance.used_share < 0.1

        assert await railway.volumes.update_instance(volume.id, service_id=service_id, mount_path="/srv")
        moved = await railway.volumes.get_instance(seen.id)
        assert (moved.mount_path, moved.service_id) == ("/srv", service_id)

        assert await railway.volumes.update_instance(
            volume.id, service_id=None, environment_id=environment_id
        )
        assert (await railway.volumes.get_instance(seen.id)).service_id is None

        assert await railway.volumes.delete(volume.id)


async def test_a_volume_grows(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await house(railway, railway_emulator)
        volume = await railway.volumes.create(
            project_id=project_id, mount_path=HOME, service_id=service_id, environment_id=environment_id
        )
        seen = await mounted(railway, environment_id)
        assert seen.size_mb is not None
        larger = seen.size_mb + 1_000
        await railway.volumes.resize(
            volume.id, environment_id=environment_id, size_mb=larger, commit_message="room to grow"
        )
        railway_emulator.clock.advance(120)
        assert (await railway.volumes.get_instance(seen.id)).size_mb == larger


async def test_a_volume_instance_that_does_not_exist_is_not_found(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        with pytest.raises(RailwayNotFoundError):
            await railway.volumes.get_instance("00000000-0000-4000-8000-000000000000")


async def test_a_backup_is_made_kept_restored_and_deleted(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await house(railway, railway_emulator)
        await railway.volumes.create(
            project_id=project_id, mount_path=HOME, service_id=service_id, environment_id=environment_id
        )
        seen = await mounted(railway, environment_id)

        started = await railway.backups.create(seen.id, name="before the upgrade")
        assert started.workflow_id is not None
        await railway.workflows.wait_until_complete(started.workflow_id)
        (backup,) = await railway.backups.list(seen.id)
        assert backup.name == "before the upgrade"
        assert backup.volume_instance_size_mb == seen.size_mb
        assert await railway.backups.lock(volume_instance_id=seen.id, backup_id=backup.id)

        restored = await railway.backups.restore(volume_instance_id=seen.id, backup_id=backup.id)
        assert restored.workflow_id is not None
        await railway.workflows.wait_until_complete(restored.workflow_id)

        deleted = await railway.backups.delete(volume_instance_id=seen.id, backup_id=backup.id)
        assert deleted.workflow_id is not None
        await railway.workflows.wait_until_complete(deleted.workflow_id)
        assert await railway.backups.list(seen.id) == ()


async def test_backups_are_made_by_schedule(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, service_id = await house(railway, railway_emulator)
        await railway.volumes.create(
            project_id=project_id, mount_path=HOME, service_id=service_id, environment_id=environment_id
        )
        seen = await mounted(railway, environment_id)
        assert await railway.backups.update_schedules(seen.id, ["DAILY", "WEEKLY"])
        kinds = {schedule.kind for schedule in await railway.backups.list_schedules(seen.id)}
        assert kinds == {"DAILY", "WEEKLY"}
        assert await railway.backups.update_schedules(seen.id, [])
        assert await railway.backups.list_schedules(seen.id) == ()


async def test_a_bucket_has_credentials_where_it_is_placed(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, environment_id, _ = await house(railway, railway_emulator)
        bucket = await railway.buckets.create(project_id=project_id, name="media")
        assert bucket.name == "media"
        await railway.buckets.place(bucket.id, environment_id=environment_id, region="ams")
        railway_emulator.clock.advance(60)
        (found,) = await railway.buckets.credentials(
            project_id=project_id, environment_id=environment_id, bucket_id=bucket.id
        )
    assert found.access_key_id
    assert found.secret_access_key
    assert found.secret_access_key not in repr(found)
