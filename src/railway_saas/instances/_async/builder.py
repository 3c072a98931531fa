"""Building a template's services from single calls, for documents that Railway's marketplace does not know.

Calls of one kind go out as one request. Services start level by level, as a template deploy of Railway's
starts them: one that refers to another waits until that one runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.instances import calls
from railway_saas.instances.mounts import first_names, mounted, mounts_of, placed
from railway_saas.instances.progress import look_delays
from railway_saas.instances.settings import (
    DEFAULT_BUCKET_REGION,
    ServiceSettings,
    bucket_region,
    settings_of,
)
from railway_saas.instances.stack import (
    Stack,
    counted,
    not_applied,
    provisioning_step,
    read_stack,
    refuse_failed,
    too_late,
)
from railway_saas.railway.operations import environments, overview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from railway_saas._core.operation import Operation
    from railway_saas.instances.progress import Progress
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.templates import JsonObject, Template
    from railway_saas.templates.expressions import RandomSource


class AsyncStackBuilder:
    """Builds one template in one environment of a fresh project."""

    def __init__(
        self,
        client: AsyncRailwayClient,
        project_id: str,
        environment_id: str,
        progress: Progress,
        random: RandomSource,
    ) -> None:
        self._client = client
        self._project_id = project_id
        self._environment_id = environment_id
        self._progress = progress
        self._random = random

    async def build(self, template: Template, *, wait: bool) -> dict[str, str]:
        """Create, configure and start every service; returns template keys by service id.

        Raises:
            ProvisioningError: A call failed, or a service that others wait for did not come up.
        """
        settings = [settings_of(service, self._random) for service in template.services]
        with provisioning_step("services", self._project_id):
            ids = await self._create_services(settings)
        with provisioning_step("volumes", self._project_id):
            volume_ids = await self._create_volumes(template)
            buckets = await self._create_buckets(template)
        with provisioning_step("settings", self._project_id):
            mounts = tuple(mounts_of(template))
            patch = calls.patch_of(
                settings, ids, mounted(mounts, volume_ids), placed(mounts, volume_ids, {}), buckets
            )
            names = first_names(template)
            await self._configure(
                settings, ids, patch, {volume_ids[place]: names[place] for place in volume_ids}
            )
        await self._start(template, ids, wait=wait)
        return {service_id: key for key, service_id in ids.items()}

    async def _create_services(self, settings: Sequence[ServiceSettings]) -> dict[str, str]:
        wanted = [calls.create_service(entry, self._project_id, self._environment_id) for entry in settings]
        created = await self._client.batch(wanted)
        self._progress.tell("services", f"created {counted(len(created), 'service')}")
        return {entry.service.key: service.id for entry, service in zip(settings, created, strict=True)}

    async def _create_volumes(self, template: Template) -> dict[str, str]:
        """One after the other: Railway allows only so many in half a minute, and the client waits when told to."""
        volume_ids: dict[str, str] = {}
        for mount in mounts_of(template):
            created = await self._client.run(calls.create_volume(self._project_id, mount.path))
            volume_ids[mount.place] = created.id
            self._progress.tell("volumes", f"created a volume for {mount.service} at {mount.path}")
        return volume_ids

    async def _create_buckets(self, template: Template) -> dict[str, JsonObject]:
        placed: dict[str, JsonObject] = {}
        for bucket in template.buckets:
            created = await self._client.run(calls.create_bucket(self._project_id, bucket.name))
            region = bucket_region(template, bucket.key) or DEFAULT_BUCKET_REGION
            placed[created.id] = {"region": region, "isCreated": True}
            self._progress.tell("volumes", f"created bucket {bucket.name}")
        return placed

    async def _configure(
        self,
        settings: Sequence[ServiceSettings],
        ids: dict[str, str],
        patch: JsonObject,
        volume_names: Mapping[str, str],
    ) -> None:
        """One request: GraphQL carries mutations out one after the other, in their order.

        The patch is staged and committed without deploying, as the services start in their own order afterwards.
        """
        wanted: list[Operation[Any]] = [
            *calls.name_volumes(volume_names),
            *calls.configure(settings, ids, self._environment_id),
            *calls.create_domains(settings, ids, self._environment_id),
        ]
        if patch:
            wanted.append(environments.stage_changes(self._environment_id, patch, merge=False))
            wanted.append(environments.commit_staged(self._environment_id, skip_deploys=True))
        if wanted:
            await self._client.batch(wanted)
        if patch:
            await self._wait_until_applied()
        if wanted:
            self._progress.tell("settings", "configured the services and their domains")

    async def _wait_until_applied(self) -> None:
        """Railway answers a commit before it has applied it. What it cannot apply goes on waiting, and says why.

        Raises:
            ProvisioningError: It could not be applied, or time is up.
        """
        pause = look_delays(first_s=1.0)  # mostly it is done before one can ask
        while True:
            waiting = await self._client.run(environments.staged_changes(self._environment_id))
            if waiting.is_empty:
                return
            if waiting.last_applied_error or self._progress.remaining_s <= 0:
                raise not_applied(self._project_id, waiting.last_applied_error, self._progress.elapsed_s)
            await self._client.clock.sleep(self._progress.pause_s(pause()))

    async def _start(self, template: Template, ids: dict[str, str], *, wait: bool) -> None:
        by_name = {service.name: ids[service.key] for service in template.services}
        levels = template.plan().start_order
        for number, level in enumerate(levels, start=1):
            wanted = [by_name[name] for name in level]
            with provisioning_step("deploy", self._project_id):
                await self._client.batch(
                    [calls.start(service_id, self._environment_id) for service_id in wanted]
                )
            self._progress.tell("deploy", f"started {', '.join(level)}")
            if wait and number < len(levels):
                await self._wait_for(set(wanted))

    async def _wait_for(self, service_ids: set[str]) -> None:
        pause = look_delays()
        while True:
            await self._client.clock.sleep(self._progress.pause_s(pause()))
            with provisioning_step("status", self._project_id):
                stack = read_stack(await self._client.run(overview.environment(self._environment_id)))
            self._progress.look(stack)
            refuse_failed(stack)
            if _all_running(stack, service_ids):
                return
            if self._progress.remaining_s <= 0:
                raise too_late(stack, self._progress.elapsed_s)


def _all_running(stack: Stack, service_ids: set[str]) -> bool:
    return all(service.is_running for service in stack.services if service.service_id in service_ids)
