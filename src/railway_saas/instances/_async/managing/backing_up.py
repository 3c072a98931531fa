"""Backups of volumes, and their way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas._core.quoting import quoted
from railway_saas.domain.ids import new_id
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import GONE
from railway_saas.errors import (
    InstanceInputError,
    InstanceNotFoundError,
    RailwayError,
)
from railway_saas.instances._async.managing.base import AsyncManagerBase
from railway_saas.instances.arguments import LONGEST_RAILWAY_ID, text
from railway_saas.instances.effects import is_restoring
from railway_saas.instances.situation import as_backups
from railway_saas.instances.steps import ENVIRONMENT, Sight, SightKind
from railway_saas.instances.verbs import RESTORING, Verb, not_now, require_verb
from railway_saas.railway.models.overview import EnvironmentOverview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from railway_saas.domain.instances import (
        Instance,
    )
    from railway_saas.railway.models.backups import VolumeInstanceBackup


class AsyncBackingUp(AsyncManagerBase):
    """Backups."""

    async def back_up(
        self,
        instance_id: UUID,
        *,
        service: str | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Back every volume up, or those of one service.

        Raises:
            InstanceInputError: There is no volume.
            RailwayError: Railway cannot be asked which volumes there are.
        """
        instance = await self.get(instance_id, user_id=user_id)
        require_verb(instance, Verb.BACK_UP, for_owner=user_id is not None)
        volumes = await self._volumes(instance, service)
        if not volumes:
            raise InstanceInputError(
                f"service={quoted(service)}: there is no volume to back up", argument="service"
            )
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.BACK_UP)
            for key, volume_instance_id in volumes:
                request = {"subject": key, "volume_instance_id": volume_instance_id}
                name = f"railway-saas {new_id(self._now()).hex}"
                await self._intend(
                    work, instance, OperationKind.BACKUP_CREATE, "backup", {**request, "name": name}
                )
            return await self._want(work, instance, Verb.BACK_UP, actor, {"service": service})

    async def backups(
        self, instance_id: UUID, *, service: str | None = None, user_id: UUID | None = None
    ) -> Mapping[str, Sequence[VolumeInstanceBackup]]:
        """Backups of mounted volumes by service name, as Railway lists them; whatever may be asked of the instance now.

        Raises:
            RailwayError: Railway cannot be asked.
        """
        instance = await self.get(instance_id, user_id=user_id)
        if instance.status in GONE or instance.observed.environment_id is None:
            return {}
        volumes = await self._volumes(instance, service)
        async with self._database.unit_of_work() as work:
            names = {row.template_key: row.name for row in await work.services.list_for(instance_id)}
        seen = await self._backups_of(instance, [volume for _, volume in volumes])
        found: dict[str, tuple[VolumeInstanceBackup, ...]] = {}
        for key, volume in volumes:
            found[names[key]] = (*found.get(names[key], ()), *seen[volume])
        return found

    async def _backups_of(
        self, instance: Instance, volume_instance_ids: Sequence[str]
    ) -> dict[str, tuple[VolumeInstanceBackup, ...]]:
        sights = {Sight(SightKind.BACKUPS, volume): volume for volume in volume_instance_ids}
        seen = await self._looker.look(instance, list(sights))
        for found in seen.values():
            if isinstance(found, RailwayError):
                raise found
        return {volume: as_backups(seen[sight]) for sight, volume in sights.items()}

    async def restore(
        self,
        instance_id: UUID,
        backup_id: str,
        *,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Put a backup in the place of its volume. Railway removes backups that are newer.

        The volume before stays in the project, mounted nowhere, until the instance is deleted.

        Raises:
            InstanceInputError: The id of the backup is no text.
            InstanceNotFoundError: None of its mounted volumes has that backup.
            InstanceStateError: Another backup is being restored.
            RailwayError: Railway cannot be asked.
        """
        text(backup_id, "backup_id", longest=LONGEST_RAILWAY_ID)
        instance = await self.get(instance_id, user_id=user_id)
        require_verb(instance, Verb.RESTORE, for_owner=user_id is not None)
        volumes = await self._volumes(instance, None)
        seen = await self._backups_of(instance, [volume for _, volume in volumes])
        place = next(
            (
                (key, volume)
                for key, volume in volumes
                if any(backup.id == backup_id for backup in seen[volume])
            ),
            None,
        )
        if place is None:
            raise InstanceNotFoundError(f"the instance has no backup {backup_id}", what="backup")
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.RESTORE)
            if is_restoring(await work.operations.list_open(instance_id)):
                raise not_now(instance, Verb.RESTORE, RESTORING, for_owner=user_id is not None)
            rows = {row.template_key: row for row in await work.services.list_for(instance_id)}
            request = {
                "subject": place[0],
                "volume_instance_id": place[1],
                "backup_id": backup_id,
                "before": rows[place[0]].railway_deployment_id if place[0] in rows else None,
            }
            await self._intend(work, instance, OperationKind.BACKUP_RESTORE, "restore", request)
            return await self._want(work, instance, Verb.RESTORE, actor, {"backup_id": backup_id})

    async def _volumes(self, instance: Instance, service: str | None) -> list[tuple[str, str]]:
        """Template key of the service and id of the volume instance, of every mounted volume."""
        overview = (await self._looker.look(instance, [ENVIRONMENT]))[ENVIRONMENT]
        if isinstance(overview, RailwayError):
            raise overview
        async with self._database.unit_of_work() as work:
            rows = {row.railway_service_id: row for row in await work.services.list_for(instance.id)}
        mounted = overview.volume_instances if isinstance(overview, EnvironmentOverview) else ()
        return [
            (rows[volume.service_id].template_key, volume.id)
            for volume in mounted
            if volume.service_id in rows and service in {None, rows[volume.service_id].name}
        ]
