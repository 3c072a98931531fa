"""`instances` and `owners`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import and_, bindparam, case, func, insert, literal, or_, select, union_all, update

from railway_saas.domain.instances import DomainState
from railway_saas.repositories.sqlalchemy.mapping.instances import (
    desired_values,
    instance_values,
    observed_values,
)
from railway_saas.repositories.sqlalchemy.models import InstanceDomainRow, InstanceRow, OwnerRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import insert_into, one_of, paged
from railway_saas.repositories.sqlalchemy.types import UtcDateTime, exact_sum
from railway_saas.repositories.values import clean, text, utc

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import ColumnElement, Insert, Select, Update
    from sqlalchemy.orm import InstrumentedAttribute

    from railway_saas.domain.instances import Instance
    from railway_saas.domain.statuses import InstanceStatus

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def add(instance: Instance) -> Insert:
    return insert(table_of(InstanceRow)).values(instance_values(clean(instance)))


_instances = table_of(InstanceRow)
_ROWS: Final = cast("Select[InstanceRow]", select(*_instances.c))
"""The columns instead of the object: for `Transaction.records`."""
_BY_ID: Final = _ROWS.where(_instances.c.id == bindparam("instance_id"))
"""Made once: it is what is asked most."""


def get(instance_id: UUID) -> Select[InstanceRow]:
    return _BY_ID.params(instance_id=instance_id)


def exists(instance_id: UUID) -> Select[UUID]:
    return select(InstanceRow.id).where(InstanceRow.id == instance_id)


def find_owned(instance_id: UUID, user_id: UUID) -> Select[InstanceRow]:
    return get(instance_id).where(_instances.c.user_id == user_id)


def find_many(instance_ids: Collection[UUID], dialect: str) -> Select[InstanceRow]:
    return _ROWS.where(one_of(InstanceRow.id, instance_ids, dialect))


def find_by_project(railway_project_id: str) -> Select[InstanceRow]:
    return _ROWS.where(InstanceRow.railway_project_id == text(railway_project_id))


def find_many_by_project(railway_project_ids: Collection[str], dialect: str) -> Select[InstanceRow]:
    return _ROWS.where(one_of(InstanceRow.railway_project_id, railway_project_ids, dialect))


def list_page(
    *,
    user_id: UUID | None,
    status: InstanceStatus | None,
    template_id: UUID | None,
    needs_attention: bool,
    after: str | None,
    limit: int,
    newest_first: bool,
) -> Select[InstanceRow]:
    query = _ROWS
    if user_id is not None:
        query = query.where(InstanceRow.user_id == user_id)
    if status is not None:
        query = query.where(InstanceRow.status == status.value)
    if template_id is not None:
        query = query.where(InstanceRow.template_id == template_id)
    if needs_attention:
        query = query.where(InstanceRow.attention.is_not(None))
    return paged(query, InstanceRow.id, after, limit, newest_first=newest_first)


def save_desired(instance: Instance) -> Update:
    return _update(instance.id).values(desired_values(clean(instance)))


def save_observed(instance: Instance, *, worker: str, lease_until: datetime) -> Update:
    return (
        _update(instance.id)
        .where(InstanceRow.lease_owner == text(worker, "worker"))
        .values({**observed_values(clean(instance)), "lease_until": utc(lease_until, "lease_until")})
    )


def locked_page(after: UUID | None, limit: int) -> Select[InstanceRow]:
    query = select(InstanceRow).order_by(InstanceRow.id).limit(limit).with_for_update()
    return query if after is None else query.where(InstanceRow.id > after)


def save_sealed(instance: Instance) -> Update:
    sealed = {**desired_values(instance), **observed_values(instance)}
    return _update(instance.id).values(config=sealed["config"], applied=sealed["applied"])


def claim(
    instance_id: UUID, *, worker: str, now: datetime, lease_until: datetime, believed_until: datetime | None
) -> Update:
    holder = text(worker, "worker", 255)
    return (
        _update(instance_id)
        .where(or_(InstanceRow.lease_owner == holder, _is_free(now, believed_until)))
        .values(lease_owner=holder, lease_until=utc(lease_until, "lease_until"))
    )


def due(*, now: datetime, limit: int, believed_until: datetime | None) -> Select[InstanceRow]:
    """What is due, locked; everybody's longest waiting one first, then everybody's second.

    PostgreSQL locks no rows of a query with a window, hence the join: the window ranks what is due, the outer query
    locks, passing over what another worker has locked, and looks again whether it is still due.
    """
    is_free, ends = _is_free(now, believed_until), _ends(now, believed_until)
    columns = InstanceRow.id, InstanceRow.user_id, InstanceRow.next_check_at
    # Each end of the index by itself: a search for either end at once is read as a search for anything.
    found = union_all(*(select(*columns).where(end, is_free) for end in ends)).subquery()
    turn = func.row_number().over(partition_by=found.c.user_id, order_by=(found.c.next_check_at, found.c.id))
    ranked = select(found.c.id, turn.label("turn")).subquery()
    return (
        select(InstanceRow)
        .join(ranked, ranked.c.id == InstanceRow.id)
        .where(or_(*ends), is_free)
        .order_by(ranked.c.turn, InstanceRow.next_check_at, InstanceRow.id)
        .limit(max(limit, 0))
        .with_for_update(of=InstanceRow, skip_locked=True)
    )


def lease(instance_ids: Collection[UUID], *, worker: str, lease_until: datetime, dialect: str) -> Update:
    return (
        update(table_of(InstanceRow))
        .where(one_of(InstanceRow.id, instance_ids, dialect))
        .values(lease_owner=text(worker, "worker", 255), lease_until=utc(lease_until, "lease_until"))
    )


def release(instance: Instance, *, worker: str, next_check_at: datetime | None) -> Update:
    wanted = None if next_check_at is None else utc(next_check_at, "next_check_at")
    woken = InstanceRow.wakes > instance.wakes
    return (
        _update(instance.id)
        .where(InstanceRow.lease_owner == text(worker, "worker"))
        .values(
            next_check_at=case((woken, _earlier_check(wanted)), else_=_moment(wanted)),
            lease_owner=None,
            lease_until=None,
        )
    )


def wake(instance_id: UUID, *, at: datetime) -> Update:
    return _update(instance_id).values(
        next_check_at=_earlier_check(utc(at, "at")), wakes=InstanceRow.wakes + 1
    )


def next_due_at() -> Select[datetime | None]:
    """The first free one, or a leased one that can be claimed before it: such a one is due before it as well.

    So the index that is sorted by `next_check_at` serves both: it is read up to the first free one, and no further.
    """
    check, lease = InstanceRow.next_check_at, InstanceRow.lease_until
    free = select(func.min(check).label("at")).where(check.is_not(None), lease.is_(None))
    before_it = check < func.coalesce(free.scalar_subquery(), _moment(_NEVER))
    claimable = case((lease > check, lease), else_=check)
    leased = select(func.min(claimable).label("at")).where(lease.is_not(None), before_it)
    both = union_all(free, leased).subquery()
    return select(func.min(both.c.at, type_=UtcDateTime()))


def lock_owner(user_id: UUID, dialect: str) -> Insert:
    """Insert the owner or write its row anew: either holds it until the transaction ends.

    Writing, where `SELECT ... FOR UPDATE` would do for `READ COMMITTED`, makes the stricter isolation levels fail
    rather than count what they saw before it was their turn.
    """
    statement = insert_into(OwnerRow, dialect).values(user_id=user_id)
    return statement.on_conflict_do_update(
        index_elements=["user_id"], set_={"user_id": statement.excluded.user_id}
    )


def slots_of(user_id: UUID) -> Select[*tuple[Any, ...]]:
    holding = InstanceRow.user_id == user_id, InstanceRow.holds_slot.is_(True)
    domains = (
        select(func.count())
        .select_from(InstanceDomainRow)
        .join(InstanceRow, InstanceRow.id == InstanceDomainRow.instance_id)
        .where(*holding, InstanceDomainRow.state != DomainState.REFUSED.value)
        .scalar_subquery()
    )
    return select(
        func.count(InstanceRow.id).label("instances"),
        domains.label("domains"),
        func.coalesce(func.sum(InstanceRow.services), 0).label("services"),
        exact_sum(InstanceRow.vcpus).label("vcpus"),
        exact_sum(InstanceRow.memory_gb).label("memory_gb"),
        exact_sum(InstanceRow.volume_gb).label("volume_gb"),
        _any_unbounded(InstanceRow.vcpus).label("unbounded_vcpus"),
        _any_unbounded(InstanceRow.memory_gb).label("unbounded_memory_gb"),
    ).where(*holding)


def _any_unbounded(amount: InstrumentedAttribute[Decimal]) -> ColumnElement[int]:
    """How many have services without a limit of their own: see `Resources.unbounded`."""
    return func.coalesce(
        func.sum(case((and_(InstanceRow.services > 0, amount == Decimal(0)), 1), else_=0)), 0
    )


def count_by_status() -> Select[str, int]:
    return select(InstanceRow.status, func.count()).group_by(InstanceRow.status)


def _update(instance_id: UUID) -> Update:
    return update(table_of(InstanceRow)).where(InstanceRow.id == instance_id)


def _ends(now: datetime, believed_until: datetime | None) -> list[ColumnElement[bool]]:
    """The ends of the index in which what is due is found: its time has come, or cannot be meant."""
    ends = [InstanceRow.next_check_at <= utc(now, "now")]
    if believed_until is not None:
        ends.append(InstanceRow.next_check_at > utc(believed_until, "believed_until"))
    return ends


def _is_free(now: datetime, believed_until: datetime | None) -> ColumnElement[bool]:
    free = or_(InstanceRow.lease_until.is_(None), InstanceRow.lease_until <= utc(now, "now"))
    if believed_until is None:
        return free
    return or_(free, InstanceRow.lease_until > utc(believed_until, "believed_until"))


def _earlier_check(moment: datetime | None) -> ColumnElement[datetime | None]:
    """The earlier of what is stored and a moment; None on either side is later than everything."""
    if moment is None:
        return InstanceRow.next_check_at.expression
    return case((InstanceRow.next_check_at < moment, InstanceRow.next_check_at), else_=_moment(moment))


def _moment(moment: datetime | None) -> ColumnElement[datetime | None]:
    return literal(moment, UtcDateTime())
