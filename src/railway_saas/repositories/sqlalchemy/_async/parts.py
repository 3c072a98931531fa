"""What belongs to an instance: services, domains, operations, deployments, events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import ConflictError, NotFoundError
from railway_saas.repositories.folding import latest_deployments, services_by_id
from railway_saas.repositories.ordering import in_order
from railway_saas.repositories.paging import grouped
from railway_saas.repositories.sqlalchemy._async.base import AsyncSqlRepository
from railway_saas.repositories.sqlalchemy.mapping.instances import (
    deployment_of,
    deployment_values,
    domain_of,
    event_of,
    event_values,
    service_of,
)
from railway_saas.repositories.sqlalchemy.mapping.operations import operation_of
from railway_saas.repositories.sqlalchemy.reading import found, needed, page, touched
from railway_saas.repositories.sqlalchemy.statements import deployments as deployment_statements
from railway_saas.repositories.sqlalchemy.statements import domains as domain_statements
from railway_saas.repositories.sqlalchemy.statements import events as event_statements
from railway_saas.repositories.sqlalchemy.statements import instances as instance_statements
from railway_saas.repositories.sqlalchemy.statements import operations as operation_statements
from railway_saas.repositories.sqlalchemy.statements import services as service_statements
from railway_saas.repositories.values import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.instances import Deployment, InstanceDomain, InstanceEvent, InstanceService
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.domain.statuses import OperationState


class AsyncSqlServices(AsyncSqlRepository):
    """See `AsyncServiceRepository`."""

    async def list_for(self, instance_id: UUID) -> Sequence[InstanceService]:
        return (await self.list_for_many([instance_id]))[instance_id]

    async def list_for_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Sequence[InstanceService]]:
        rows = await self._transaction.all(service_statements.list_for_many(instance_ids, self._dialect))
        # Sorted here, as databases differ in how they order text.
        services = sorted(map(service_of, rows), key=lambda service: (service.name, service.id))
        return grouped(instance_ids, services, lambda service: service.instance_id)

    async def replace(self, instance_id: UUID, services: Sequence[InstanceService]) -> None:
        wanted = [clean(service) for service in services_by_id(instance_id, services).values()]
        async with self._transaction.savepoint():
            if not await self._transaction.all(instance_statements.exists(instance_id)):
                raise NotFoundError(f"instance {instance_id}: there is no such row")
            others = service_statements.delete_others(
                instance_id, [service.railway_service_id for service in wanted], self._dialect
            )
            await self._transaction.run(others)
            if wanted:
                written = await self._transaction.rows(service_statements.upsert(wanted, self._dialect))
                if len(written) < len(wanted):
                    raise ConflictError(
                        "instance_services: a row of that railway_service_id is there already"
                    )


class AsyncSqlDomains(AsyncSqlRepository):
    """See `AsyncDomainRepository`."""

    async def add(self, domain: InstanceDomain) -> None:
        await self._transaction.write(domain_statements.add(domain))

    async def save(self, domain: InstanceDomain) -> None:
        touched(await self._transaction.write(domain_statements.save(domain)), f"domain {domain.id}")

    async def find(self, domain: str) -> InstanceDomain | None:
        return found(await self._transaction.first(domain_statements.find(domain)), domain_of)

    async def list_for(self, instance_id: UUID) -> Sequence[InstanceDomain]:
        return (await self.list_for_many([instance_id]))[instance_id]

    async def list_for_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Sequence[InstanceDomain]]:
        rows = await self._transaction.all(domain_statements.list_for_many(instance_ids, self._dialect))
        return grouped(instance_ids, map(domain_of, rows), lambda domain: domain.instance_id)

    async def delete(self, domain_id: UUID) -> None:
        await self._transaction.run(domain_statements.forget(domain_id))


class AsyncSqlOperations(AsyncSqlRepository):
    """See `AsyncOperationRepository`."""

    async def add(self, operation: ProviderOperation) -> None:
        await self._transaction.write(operation_statements.add(operation))

    async def save(self, operation: ProviderOperation) -> None:
        touched(
            await self._transaction.run(operation_statements.save(operation)), f"operation {operation.id}"
        )

    async def get(self, operation_id: UUID) -> ProviderOperation:
        row = await self._transaction.first(operation_statements.get(operation_id))
        return needed(row, operation_of, f"operation {operation_id}")

    async def find(self, instance_id: UUID, key: str) -> ProviderOperation | None:
        return found(await self._transaction.first(operation_statements.find(instance_id, key)), operation_of)

    async def find_many(self, instance_id: UUID, keys: Collection[str]) -> Mapping[str, ProviderOperation]:
        rows = await self._transaction.all(operation_statements.find_many(instance_id, keys)) if keys else ()
        return {operation.key: operation for operation in map(operation_of, rows)}

    async def list_open(self, instance_id: UUID) -> Sequence[ProviderOperation]:
        return (await self.list_open_for_many([instance_id]))[instance_id]

    async def list_open_for_many(
        self, instance_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ProviderOperation]]:
        query = operation_statements.list_open_for_many(instance_ids, self._dialect)
        rows = await self._transaction.all(query)
        return grouped(instance_ids, map(operation_of, rows), lambda operation: operation.instance_id)

    async def list_page(
        self,
        *,
        instance_id: UUID | None = None,
        state: OperationState | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[ProviderOperation]:
        query = operation_statements.list_page(instance_id=instance_id, state=state, after=after, limit=limit)
        return page(await self._transaction.all(query), operation_of, limit)


class AsyncSqlDeployments(AsyncSqlRepository):
    """See `AsyncDeploymentRepository`."""

    async def upsert(self, deployments: Sequence[Deployment]) -> None:
        values = [deployment_values(clean(one)) for one in latest_deployments(deployments)]
        if values:
            await self._transaction.write(deployment_statements.upsert(self._dialect), values)

    async def finish(
        self,
        instance_id: UUID,
        *,
        at: datetime,
        services: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> int:
        return await self._transaction.run(
            deployment_statements.finish(instance_id, at=at, services=services, but=but)
        )

    async def find(self, railway_deployment_id: str) -> Deployment | None:
        row = await self._transaction.first(deployment_statements.find(railway_deployment_id))
        return found(row, deployment_of)

    async def list_page(
        self,
        instance_id: UUID,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = False,
    ) -> Page[Deployment]:
        query = deployment_statements.list_page(
            instance_id, after=after, limit=limit, newest_first=newest_first
        )
        return page(await self._transaction.all(query), deployment_of, limit)


class AsyncSqlEvents(AsyncSqlRepository):
    """See `AsyncEventRepository`."""

    async def append(self, events: Sequence[InstanceEvent]) -> Sequence[InstanceEvent]:
        newest: dict[UUID, UUID] = {}
        for instance_id in dict.fromkeys(event.instance_id for event in events):
            latest_id = await self._transaction.first(event_statements.latest_id(instance_id))
            if latest_id is not None:
                newest[instance_id] = latest_id
        ordered = in_order(events, newest)
        if ordered:
            values = [event_values(clean(event)) for event in ordered]
            await self._transaction.write(event_statements.append(), values)
        return ordered

    async def latest(self, instance_id: UUID) -> InstanceEvent | None:
        return found(await self._transaction.first(event_statements.latest(instance_id)), event_of)

    async def list_page(
        self,
        instance_id: UUID,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page[InstanceEvent]:
        query = event_statements.list_page(instance_id, after=after, limit=limit, newest_first=newest_first)
        return page(await self._transaction.all(query), event_of, limit)

    async def forget_before(self, moment: datetime, *, limit: int = 1000) -> int:
        return await self._transaction.run(event_statements.forget_before(moment, limit))
