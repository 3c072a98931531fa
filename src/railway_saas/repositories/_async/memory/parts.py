"""What belongs to an instance, in memory: services, domains, operations, deployments, events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from railway_saas.errors import ConflictError
from railway_saas.repositories._async.memory.base import AsyncMemoryRepository, first_page
from railway_saas.repositories.folding import services_by_id, updated_deployment
from railway_saas.repositories.memory_tables import EVERYTHING
from railway_saas.repositories.ordering import in_order
from railway_saas.repositories.paging import id_after
from railway_saas.repositories.values import utc

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.instances import Deployment, InstanceDomain, InstanceEvent, InstanceService
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.domain.statuses import OperationState


class AsyncMemoryServices(AsyncMemoryRepository):
    """See `AsyncServiceRepository`."""

    async def list_for(self, instance_id: UUID) -> Sequence[InstanceService]:
        return self._tables.services.all_of("instance_id", instance_id)

    async def list_for_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Sequence[InstanceService]]:
        return {one: self._tables.services.all_of("instance_id", one) for one in instance_ids}

    async def replace(self, instance_id: UUID, services: Sequence[InstanceService]) -> None:
        self._tables.instances.need(instance_id)
        table = self._tables.services
        wanted = services_by_id(instance_id, services)
        holders = {key: table.find_by("railway_service_id", key) for key in wanted}
        if any(row is not None and row.instance_id != instance_id for row in holders.values()):
            raise ConflictError("instance_services: a row of that railway_service_id is there already")
        for row in table.all_of("instance_id", instance_id):
            if row.railway_service_id not in wanted:
                table.remove(row.id)
        for key, service in wanted.items():
            stored = holders[key]
            table.put(replace(service, id=service.id if stored is None else stored.id))


class AsyncMemoryDomains(AsyncMemoryRepository):
    """See `AsyncDomainRepository`."""

    async def add(self, domain: InstanceDomain) -> None:
        self._tables.instances.need(domain.instance_id)
        self._tables.domains.add(domain)

    async def save(self, domain: InstanceDomain) -> None:
        self._tables.domains.replace(domain)

    async def find(self, domain: str) -> InstanceDomain | None:
        return self._tables.domains.find_by("domain", domain)

    async def list_for(self, instance_id: UUID) -> Sequence[InstanceDomain]:
        return self._tables.domains.all_of("instance_id", instance_id)

    async def list_for_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Sequence[InstanceDomain]]:
        return {one: self._tables.domains.all_of("instance_id", one) for one in instance_ids}

    async def delete(self, domain_id: UUID) -> None:
        self._tables.domains.remove(domain_id)


class AsyncMemoryOperations(AsyncMemoryRepository):
    """See `AsyncOperationRepository`."""

    async def add(self, operation: ProviderOperation) -> None:
        self._tables.instances.need(operation.instance_id)
        self._tables.operations.add(operation)

    async def save(self, operation: ProviderOperation) -> None:
        stored = self._tables.operations.get(operation.id)
        self._tables.operations.replace(
            replace(
                operation,
                instance_id=stored.instance_id,
                key=stored.key,
                kind=stored.kind,
                created_at=stored.created_at,
            )
        )

    async def get(self, operation_id: UUID) -> ProviderOperation:
        return self._tables.operations.get(operation_id)

    async def find(self, instance_id: UUID, key: str) -> ProviderOperation | None:
        return self._tables.operations.find_by("key", (instance_id, key))

    async def find_many(self, instance_id: UUID, keys: Collection[str]) -> Mapping[str, ProviderOperation]:
        found = {key: self._tables.operations.find_by("key", (instance_id, key)) for key in keys}
        return {key: operation for key, operation in found.items() if operation is not None}

    async def list_open(self, instance_id: UUID) -> Sequence[ProviderOperation]:
        return self._tables.operations.all_of("open", instance_id)

    async def list_open_for_many(
        self, instance_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ProviderOperation]]:
        return {one: self._tables.operations.all_of("open", one) for one in instance_ids}

    async def list_page(
        self,
        *,
        instance_id: UUID | None = None,
        state: OperationState | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[ProviderOperation]:
        wanted: dict[str, Any] = {"instance_id": instance_id, "state": state}
        filters = {name: value for name, value in wanted.items() if value is not None}
        index, group = next(iter(filters.items()), ("all", EVERYTHING))
        rows = (
            row
            for row in self._tables.operations.rows(index, group, id_after(after))
            if state is None or row.state == state
        )
        return first_page(rows, limit, lambda row: str(row.id))


class AsyncMemoryDeployments(AsyncMemoryRepository):
    """See `AsyncDeploymentRepository`."""

    async def upsert(self, deployments: Sequence[Deployment]) -> None:
        table = self._tables.deployments
        for deployment in deployments:
            self._tables.instances.need(deployment.instance_id)
        for deployment in deployments:
            stored = table.find_by("railway_deployment_id", deployment.railway_deployment_id)
            if stored is None:
                table.add(deployment)
            else:
                table.replace(updated_deployment(stored, deployment))

    async def finish(
        self,
        instance_id: UUID,
        *,
        at: datetime,
        services: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> int:
        table = self._tables.deployments
        over = [
            row
            for row in table.all_of("instance_id", instance_id)
            if row.finished_at is None
            and row.railway_deployment_id not in but
            and (services is None or row.service in services)
        ]
        for row in over:
            table.replace(replace(row, finished_at=utc(at)))
        return len(over)

    async def find(self, railway_deployment_id: str) -> Deployment | None:
        return self._tables.deployments.find_by("railway_deployment_id", railway_deployment_id)

    async def list_page(
        self,
        instance_id: UUID,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = False,
    ) -> Page[Deployment]:
        rows = self._tables.deployments.rows_by_id(
            "instance_id", instance_id, id_after(after), newest_first=newest_first
        )
        return first_page(rows, limit, lambda row: str(row.id))


class AsyncMemoryEvents(AsyncMemoryRepository):
    """See `AsyncEventRepository`."""

    async def append(self, events: Sequence[InstanceEvent]) -> Sequence[InstanceEvent]:
        for event in events:
            self._tables.instances.need(event.instance_id)
        newest = {one: await self.latest(one) for one in {event.instance_id for event in events}}
        ordered = in_order(events, {one: event.id for one, event in newest.items() if event is not None})
        for event in ordered:
            self._tables.events.add(event)
        return ordered

    async def latest(self, instance_id: UUID) -> InstanceEvent | None:
        return self._tables.events.last("instance_id", instance_id)

    async def list_page(
        self,
        instance_id: UUID,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page[InstanceEvent]:
        rows = self._tables.events.rows_by_id(
            "instance_id", instance_id, id_after(after), newest_first=newest_first
        )
        return first_page(rows, limit, lambda row: str(row.id))

    async def forget_before(self, moment: datetime, *, limit: int = 1000) -> int:
        before = utc(moment)
        old = self._tables.events.first("at", lambda row: row.at < before, limit)
        for event in old:
            self._tables.events.remove(event.id)
        return len(old)
