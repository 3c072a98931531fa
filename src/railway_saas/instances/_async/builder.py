"""Building a template's services from single calls, for documents that Railway's marketplace does not know.

Calls of one kind go out as one request. Services start level by level, as a template deploy of Railway's
starts them: one that refers to another waits until that one runs.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from railway_saas.errors import ProvisioningError, RailwayError
from railway_saas.instances.progress import look_delays
from railway_saas.instances.settings import ServiceSettings, settings_of
from railway_saas.instances.stack import read_stack
from railway_saas.railway.operations import (
    buckets,
    domains,
    environments,
    overview,
    service_instances,
    services,
    volumes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        ids = await self._create_services(settings)
        await self._create_volumes(settings, ids)
        await self._configure(settings, ids)
        await self._patch(template, settings, ids)
        await self._start(template, ids, wait=wait)
        return {service_id: key for key, service_id in ids.items()}
