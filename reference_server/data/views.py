"""Reads for pages that the SDK's repositories do not have, one statement each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select

from railway_saas.domain import InstanceStatus, OperationState
from railway_saas.domain.records import GRANTING
from railway_saas.domain.statuses import BUILDING, GONE
from railway_saas.repositories.sqlalchemy import Base
from railway_saas.repositories.sqlalchemy.mapping.instances import event_of
from railway_saas.repositories.sqlalchemy.models import InstanceEventRow
from reference_server.data import under_way

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain import InstanceEvent
    from railway_saas.repositories.sqlalchemy import Transaction

_MOVING: Final = BUILDING | {InstanceStatus.DEPLOYING, InstanceStatus.DELETING}
_instances = Base.metadata.tables["instances"]
_events = Base.metadata.tables["instance_events"]
_operations = Base.metadata.tables["provider_operations"]
_subscriptions = Base.metadata.tables["subscriptions"]
_templates = Base.metadata.tables["templates"]
_revisions = Base.metadata.tables["template_revisions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A revision of a template without its document."""

    id: UUID
    number: int
    content_hash: str
    notes: str | None
    created_at: datetime


class Views:
    """Counts, what was said last, and lists without their heavy columns."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def count_by_status(self, *, user_id: UUID | None) -> Mapping[InstanceStatus, int]:
        """How many there are of each, of an owner or of all."""
        query = select(_instances.c.status, func.count()).group_by(_instances.c.status)
        if user_id is not None:
            query = query.where(_instances.c.user_id == user_id)
        return {InstanceStatus(status): count for status, count in self._transaction.rows(query)}

    def plans_held(self) -> Mapping[str, int]:
        """Names of the plans that owners have by a subscription, and how many have each."""
        query = select(_subscriptions.c.plan_name, func.count()).group_by(_subscriptions.c.plan_name)
        held = _subscriptions.c.status.in_(sorted(GRANTING))
        return {str(row.plan_name): int(row[1]) for row in self._transaction.rows(query.where(held))}

    def live_ids(self, *, user_id: UUID | None, limit: int) -> Sequence[UUID]:
        """An owner's instances that are not gone; of everybody's only those whose status says that they are on their way."""
        query = select(_instances.c.id).order_by(_instances.c.id).limit(limit)
        if user_id is not None:
            is_live = _instances.c.status.not_in([status.value for status in GONE])
            query = query.where(_instances.c.user_id == user_id, is_live)
        else:
            is_moving = _instances.c.status.in_([status.value for status in _MOVING])
            query = query.where(or_(is_moving, _instances.c.attention.is_not(None)))
        return [row.id for row in self._transaction.rows(query)]

    def under_way(self, instance_ids: Collection[UUID]) -> frozenset[UUID]:
        """Those of several instances for which something is under way that their own rows do not tell."""
        if not instance_ids:
            return frozenset()
        found = self._transaction.rows(under_way.of_many(instance_ids))
        return frozenset(row.instance_id for row in found)

    def was_dropped(self, instance_id: UUID, number: int) -> bool:
        """Whether a write that this wish of an instance asked for was given up before it was sent."""
        query = (
            select(_operations.c.id)
            .where(
                _operations.c.instance_id == instance_id,
                _operations.c.state == OperationState.ABANDONED.value,
                _operations.c.request["generation"].as_integer() == number,
            )
            .limit(1)
        )
        return bool(self._transaction.rows(query))

    def latest_events(self, instance_ids: Collection[UUID]) -> Mapping[UUID, InstanceEvent]:
        """What was said last about each of several instances: an index leads to it."""
        if not instance_ids:
            return {}
        newest = (
            select(_events.c.id)
            .where(_events.c.instance_id == _instances.c.id)
            .order_by(_events.c.id.desc())
            .limit(1)
            .correlate(_instances)
            .scalar_subquery()
        )
        query = (
            select(InstanceEventRow)
            .join_from(_instances, InstanceEventRow, InstanceEventRow.id == newest)
            .where(_instances.c.id.in_(instance_ids))
            # Follows from the rest. With row level security PostgreSQL does not see that, and reads every event.
            .where(InstanceEventRow.instance_id.in_(instance_ids))
        )
        return {row.instance_id: event_of(row) for row in self._transaction.all(query)}

    def revisions(self, template_id: UUID, *, limit: int) -> Sequence[RevisionView]:
        """The latest revisions of a template, newest first."""
        query = (
            select(*(_revisions.c[name] for name in RevisionView.__slots__))
            .where(_revisions.c.template_id == template_id)
            .order_by(_revisions.c.number.desc())
            .limit(limit)
        )
        names = RevisionView.__slots__
        return [RevisionView(**dict(zip(names, row, strict=True))) for row in self._transaction.rows(query)]

    def lock_template(self, template_id: UUID) -> None:
        """Hold a row of the catalogue until the transaction ends, so that it is changed by one at a time."""
        query = select(_templates.c.id).where(_templates.c.id == template_id)
        self._transaction.rows(query.with_for_update())
