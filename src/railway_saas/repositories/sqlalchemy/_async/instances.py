"""Instances, their slots and leases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import LeaseLostError
from railway_saas.repositories.sealing import is_stale, seal_instance
from railway_saas.repositories.sqlalchemy._async.base import AsyncSqlRepository
from railway_saas.repositories.sqlalchemy.mapping.instances import instance_of, slots_of
from railway_saas.repositories.sqlalchemy.reading import found, needed, page, touched
from railway_saas.repositories.sqlalchemy.statements import instances as statements
from railway_saas.repositories.values import utc

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.instances import Instance
    from railway_saas.domain.plans import Slots
    from railway_saas.repositories.sealing import VariableCipher
    from railway_saas.repositories.sqlalchemy._async.transaction import AsyncTransaction
    from railway_saas.repositories.sqlalchemy.models import InstanceRow


class AsyncSqlInstances(AsyncSqlRepository):
    """See `AsyncInstanceRepository`. With a cipher, variables and inputs are encrypted at rest."""

    def __init__(self, transaction: AsyncTransaction, cipher: VariableCipher | None = None) -> None:
        super().__init__(transaction)
        self._cipher = cipher

    def _read(self, row: InstanceRow) -> Instance:
        return instance_of(row, self._cipher)

    def _sealed(self, instance: Instance) -> Instance:
        return seal_instance(instance, self._cipher)

    async def add(self, instance: Instance) -> None:
        await self._transaction.write(statements.add(self._sealed(instance)))

    async def get(self, instance_id: UUID) -> Instance:
        row = await self._transaction.record(statements.get(instance_id))
        return needed(row, self._read, f"instance {instance_id}")

    async def find_owned(self, instance_id: UUID, user_id: UUID) -> Instance | None:
        return found(await self._transaction.record(statements.find_owned(instance_id, user_id)), self._read)

    async def find_by_project(self, railway_project_id: str) -> Instance | None:
        return found(
            await self._transaction.record(statements.find_by_project(railway_project_id)), self._read
        )

    async def find_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Instance]:
        rows = await self._transaction.records(statements.find_many(instance_ids, self._dialect))
        return {row.id: self._read(row) for row in rows}

    async def find_many_by_project(self, railway_project_ids: Collection[str]) -> Mapping[str, Instance]:
        query = statements.find_many_by_project(railway_project_ids, self._dialect)
        instances = [self._read(row) for row in await self._transaction.records(query)]
        return {one.observed.project_id: one for one in instances if one.observed.project_id is not None}

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        status: InstanceStatus | None = None,
        template_id: UUID | None = None,
        needs_attention: bool = False,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = False,
    ) -> Page[Instance]:
        query = statements.list_page(
            user_id=user_id,
            status=status,
            template_id=template_id,
            needs_attention=needs_attention,
            after=after,
            limit=limit,
            newest_first=newest_first,
        )
        return page(await self._transaction.records(query), self._read, limit)

    async def lock(self, instance_id: UUID) -> Instance:
        row = await self._transaction.record(statements.get(instance_id).with_for_update())
        return needed(row, self._read, f"instance {instance_id}")

    async def save_desired(self, instance: Instance) -> None:
        touched(
            await self._transaction.write(statements.save_desired(self._sealed(instance))),
            f"instance {instance.id}",
        )

    async def save_observed(self, instance: Instance, *, worker: str, lease_until: datetime) -> None:
        saved = await self._transaction.write(
            statements.save_observed(self._sealed(instance), worker=worker, lease_until=lease_until)
        )
        if not saved:
            raise LeaseLostError(f"instance {instance.id}: {worker!r} does not hold its lease")

    async def claim(
        self,
        instance_id: UUID,
        *,
        worker: str,
        now: datetime,
        lease_until: datetime,
        believed_until: datetime | None = None,
    ) -> Instance | None:
        claimed = await self._transaction.run(
            statements.claim(
                instance_id, worker=worker, now=now, lease_until=lease_until, believed_until=believed_until
            )
        )
        instance = await self.get(instance_id)
        return instance if claimed else None

    async def claim_due(
        self,
        *,
        worker: str,
        now: datetime,
        lease_until: datetime,
        limit: int,
        believed_until: datetime | None = None,
    ) -> Sequence[Instance]:
        due = statements.due(now=now, limit=limit, believed_until=believed_until)
        rows = await self._transaction.all(due)
        instances = [self._read(row) for row in rows]
        if instances:
            ids = [one.id for one in instances]
            lease = statements.lease(ids, worker=worker, lease_until=lease_until, dialect=self._dialect)
            await self._transaction.run(lease)
        return [replace(one, lease_owner=worker, lease_until=utc(lease_until)) for one in instances]

    async def release(self, instance: Instance, *, worker: str, next_check_at: datetime | None) -> None:
        await self._transaction.run(statements.release(instance, worker=worker, next_check_at=next_check_at))

    async def wake(self, instance_id: UUID, *, at: datetime) -> None:
        touched(await self._transaction.run(statements.wake(instance_id, at=at)), f"instance {instance_id}")

    async def next_due_at(self) -> datetime | None:
        return await self._transaction.first(statements.next_due_at())

    async def lock_owner(self, user_id: UUID) -> None:
        await self._transaction.run(statements.lock_owner(user_id, self._dialect))

    async def slots_of(self, user_id: UUID) -> Slots:
        (row,) = await self._transaction.rows(statements.slots_of(user_id))
        return slots_of(row)

    async def count_by_status(self) -> Mapping[InstanceStatus, int]:
        rows = await self._transaction.rows(statements.count_by_status())
        return {InstanceStatus(status): count for status, count in rows}

    async def reseal(self, *, after: UUID | None = None, limit: int = 100) -> tuple[int, UUID | None]:
        """Seal a page of instances anew with the cipher's present key, where it is not.

        Args:
            after: Where the page before ended.
            limit: How many instances to look at, and to lock until the unit of work ends.

        Returns:
            How many were sealed anew, and where the next page begins (None: that was the last one).

        Raises:
            UndecipherableError: One cannot be opened; nothing of the page was changed.
        """
        rows = await self._transaction.all(statements.locked_page(after, limit))
        stale = [instance for row in rows if is_stale(instance := self._read(row), self._cipher)]
        for instance in stale:
            await self._transaction.run(statements.save_sealed(self._sealed(instance)))
        return len(stale), rows[-1].id if len(rows) == limit else None
