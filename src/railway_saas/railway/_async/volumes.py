"""`client.volumes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import volumes as ops
from railway_saas.railway.operations._build import UNSET, Unset

if TYPE_CHECKING:
    from railway_saas.railway.models.volumes import Volume, VolumeInstance, VolumeState


class AsyncVolumes(AsyncResource):
    """Railway's volumes. A volume belongs to a project; its state in one environment is a volume instance.

    A service has at most one volume, no replicas then, and a short downtime at every deployment.
    """

    async def create(
        self,
        *,
        project_id: str,
        mount_path: str,
        service_id: str | None = None,
        environment_id: str | Unset | None = UNSET,
        region: str | None = None,
    ) -> Volume:
        """Make a volume. Not idempotent.

        Args:
            project_id: The project.
            mount_path: Where the container sees it, from `/` on.
            service_id: The service that gets it; without one it is detached.
            environment_id: Where it gets an instance: everywhere unless given, nowhere when None.
            region: Railway's default when None.

        Raises:
            RailwayRateLimitError: Volumes were made too quickly; wait half a minute.
            RailwayConnectionError: With `maybe_applied` set, look for the volume before trying again.
        """
        return await self._client.run(
            ops.create(
                project_id=project_id,
                mount_path=mount_path,
                service_id=service_id,
                environment_id=environment_id,
                region=region,
            )
        )

    async def update(self, volume_id: str, *, name: str) -> Volume:
        """Rename a volume."""
        return await self._client.run(ops.update(volume_id, name=name))

    async def delete(self, volume_id: str) -> bool:
        """Delete a volume with its data; for 48 hours a link in an e-mail brings it back."""
        return await self._client.run(ops.delete(volume_id))

    async def get_instance(self, volume_instance_id: str) -> VolumeInstance:
        """A volume in one environment: where it is mounted, how full it is, what is going on with it.

        Raises:
            RailwayNotFoundError: There is no such volume instance.
        """
        return await self._client.run(ops.get_instance(volume_instance_id))

    async def update_instance(
        self,
        volume_id: str,
        *,
        service_id: str | None,
        environment_id: str | None = None,
        mount_path: str | None = None,
        state: VolumeState | str | None = None,
    ) -> bool:
        """Attach, detach or mount a volume elsewhere.

        Args:
            volume_id: The volume.
            service_id: The service that has it from now on; None detaches it. Give the present one when only
                the mount path changes.
            environment_id: The environment; all of them when None.
            mount_path: Where the container sees it; as it is when None.
            state: What Railway shall take it to be; normally left alone.
        """
        return await self._client.run(
            ops.update_instance(
                volume_id,
                service_id=service_id,
                environment_id=environment_id,
                mount_path=mount_path,
                state=state,
            )
        )

    async def resize(
        self, volume_id: str, *, environment_id: str, size_mb: int, commit_message: str | None = None
    ) -> str:
        """Grow a volume in one environment, by a patch of its config. Volumes cannot shrink.

        Args:
            volume_id: The volume.
            environment_id: The environment.
            size_mb: Megabytes it shall have.
            commit_message: What the environment's history shows.

        Returns:
            What Railway answers to a committed patch; its meaning is not documented.

        Raises:
            RailwayInputError: The size is smaller than before, or larger than the plan allows.
        """
        return await self._client.run(
            ops.resize(
                volume_id, environment_id=environment_id, size_mb=size_mb, commit_message=commit_message
            )
        )
