"""Instances in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from railway_saas.domain.plans import Resources, Slots
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import LeaseLostError
from railway_saas.repositories._async.memory.base import AsyncMemoryRepository, first_page
from railway_saas.repositories.memory_tables import EVERYTHING
from railway_saas.repositories.paging import id_after
from railway_saas.repositories.values import text, utc

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.instances import Instance


class AsyncMemoryInstances(AsyncMemoryRepository):
    """See `AsyncInstanceRepository`."""

    async def add(self, instance: Instance) -> None:
        self._tables.templates.need(instance.template_id)
        self._tables.revisions.need(instance.desired.revision_id)
        self._tables.instances.add(instance)

    async def get(self, instance_id: UUID) -> Instance:
        return self._tables.instances.get(instance_id)

    async def find_owned(self, instance_id: UUID, user_id: UUID) -> Instance | None:
        found = self._tables.instances.find(instance_id)
        return found if found is not None and found.user_id == user_id else None

    async def find_by_project(self, railway_project_id: str) -> Instance | None:
        return self._tables.instances.find_by("railway_project_id", railway_project_id)

    async def find_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Instance]:
        found = (self._tables.instances.find(instance_id) for instance_id in instance_ids)
        return {row.id: row for row in found if row is not None}

    async def find_many_by_project(self, railway_project_ids: Collection[str]) -> Mapping[str, Instance]:
        found = (
            (project_id, self._tables.instances.find_by("railway_project_id", project_id))
            for project_id in railway_project_ids
        )
        return {project_id: row for project_id, row in found if row is not None}

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
        wanted: dict[str, Any] = {"user_id": user_id, "template_id": template_id, "status": status}
        filters = {name: value for name, value in wanted.items() if value is not None}
        index, group = next(iter(filters.items()), ("attention" if needs_attention else "all", EVERYTHING))
        rows = (
            row
            for row in self._tables.instances.rows_by_id(
                index, group, id_after(after), newest_first=newest_first
            )
            if all(getattr(row, name) == value for name, value in filters.items())
            and (row.observed.attention is not None or not needs_attention)
        )
        return first_page(rows, limit, lambda row: str(row.id))

    async def lock(self, instance_id: UUID) -> Instance:
        return self._tables.instances.get(instance_id)

    async def save_desired(self, instance: Instance) -> None:
        self._tables.revisions.need(instance.desired.revision_id)
        stored = self._tables.instances.get(instance.id)
        self._tables.instances.replace(
            replace(
                stored,
                name=instance.name,
                desired=instance.desired,
                resources=instance.resources,
                updated_at=instance.updated_at,
            )
        )

    async def save_observed(self, instance: Instance, *, worker: str, lease_until: datetime) -> None:
        stored = self._tables.instances.find(instance.id)
        if stored is None or stored.lease_owner != worker:
            raise LeaseLostError(f"instance {instance.id}: {worker!r} does not hold its lease")
        self._tables.instances.replace(
            replace(
                stored,
                observed=instance.observed,
                holds_slot=instance.holds_slot,
                updated_at=instance.updated_at,
                lease_until=lease_until,
            )
        )

    async def claim(
        self,
        instance_id: UUID,
        *,
        worker: str,
        now: datetime,
        lease_until: datetime,
        believed_until: datetime | None = None,
    ) -> Instance | None:
        stored = self._tables.instances.get(instance_id)
        holder, is_leased = text(worker, "worker", 255), _is_leased(stored, utc(now, "now"), believed_until)
        if is_leased and stored.lease_owner != holder:
            return None
        return self._leased(stored, holder, lease_until)

    async def claim_due(
        self,
        *,
        worker: str,
        now: datetime,
        lease_until: datetime,
        limit: int,
        believed_until: datetime | None = None,
    ) -> Sequence[Instance]:
        chosen = sorted(self._due(utc(now, "now"), believed_until), key=lambda turn: turn[:-1])[
            : max(limit, 0)
        ]
        return [self._leased(row, worker, lease_until) for *_, row in chosen]

    def _due(
        self, now: datetime, believed_until: datetime | None
    ) -> Iterator[tuple[int, datetime, UUID, Instance]]:
        """What is due, each with its owner's turn: 1 for the owner's longest waiting one, 2 for the next."""
        turns: Counter[UUID] = Counter()
        for row in self._waiting(now, believed_until):
            if row.next_check_at is not None and not _is_leased(row, now, believed_until):
                turns[row.user_id] += 1
                yield turns[row.user_id], row.next_check_at, row.id, row

    def _waiting(self, now: datetime, believed_until: datetime | None) -> Iterator[Instance]:
        """Those whose time has come, and those whose time cannot be meant."""
        rows = self._tables.instances.rows("due")
        yield from takewhile(lambda row: row.next_check_at is not None and row.next_check_at <= now, rows)
        if believed_until is not None:
            yield from self._tables.instances.rows("due", after=(utc(believed_until, "believed_until"),))

    def _leased(self, row: Instance, worker: str, until: datetime) -> Instance:
        self._tables.instances.replace(
            replace(row, lease_owner=worker, lease_until=utc(until, "lease_until"))
        )
        return self._tables.instances.get(row.id)

    async def release(self, instance: Instance, *, worker: str, next_check_at: datetime | None) -> None:
        stored = self._tables.instances.find(instance.id)
        if stored is None or stored.lease_owner != worker:
            return
        wanted = None if next_check_at is None else utc(next_check_at, "next_check_at")
        if stored.wakes > instance.wakes:
            wanted = min((at for at in (wanted, stored.next_check_at) if at is not None), default=None)
        self._tables.instances.replace(
            replace(stored, next_check_at=wanted, lease_owner=None, lease_until=None)
        )

    async def wake(self, instance_id: UUID, *, at: datetime) -> None:
        stored = self._tables.instances.get(instance_id)
        moment = utc(at, "at")
        earliest = moment if stored.next_check_at is None else min(stored.next_check_at, moment)
        self._tables.instances.replace(replace(stored, next_check_at=earliest, wakes=stored.wakes + 1))

    async def next_due_at(self) -> datetime | None:
        earliest: datetime | None = None
        for row in self._tables.instances.rows("due"):
            if row.next_check_at is None or (earliest is not None and row.next_check_at >= earliest):
                break  # they are sorted by `next_check_at`: no later one can be claimed earlier
            claimable = max(row.next_check_at, row.lease_until or row.next_check_at)
            earliest = claimable if earliest is None else min(earliest, claimable)
        return earliest

    async def lock_owner(self, user_id: UUID) -> None:  # noqa: ARG002 - everything is held already
        self._open()

    async def slots_of(self, user_id: UUID) -> Slots:
        rows = list(self._tables.instances.rows("slots", user_id))
        return Slots(
            instances=len(rows),
            domains=sum(self._tables.domains.count("slots", row.id) for row in rows),
            resources=sum((row.resources for row in rows), Resources()),
            unbounded=frozenset(name for row in rows for name in row.resources.unbounded),
        )

    async def count_by_status(self) -> Mapping[InstanceStatus, int]:
        counts = {status: self._tables.instances.count("status", status) for status in InstanceStatus}
        return {status: count for status, count in counts.items() if count}


def _is_leased(instance: Instance, now: datetime, believed_until: datetime | None) -> bool:
    until = instance.lease_until
    if until is None or (believed_until is not None and until > believed_until):
        return False
    return until > now
