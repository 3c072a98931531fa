"""`provider_operations`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from railway_saas.domain.statuses import OPEN
from railway_saas.repositories.sqlalchemy.mapping.operations import operation_values, progress_values
from railway_saas.repositories.sqlalchemy.models import ProviderOperationRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import one_of, paged
from railway_saas.repositories.values import clean, text

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import Insert, Select, Update

    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.domain.statuses import OperationState

_OPEN = sorted(state.value for state in OPEN)


def add(operation: ProviderOperation) -> Insert:
    return insert(table_of(ProviderOperationRow)).values(operation_values(clean(operation)))


def save(operation: ProviderOperation) -> Update:
    return (
        update(table_of(ProviderOperationRow))
        .where(ProviderOperationRow.id == operation.id)
        .values(progress_values(clean(operation)))
    )


def get(operation_id: UUID) -> Select[ProviderOperationRow]:
    return select(ProviderOperationRow).where(ProviderOperationRow.id == operation_id)


def find(instance_id: UUID, key: str) -> Select[ProviderOperationRow]:
    return select(ProviderOperationRow).where(
        ProviderOperationRow.instance_id == instance_id, ProviderOperationRow.key == text(key)
    )


def find_many(instance_id: UUID, keys: Collection[str]) -> Select[ProviderOperationRow]:
    return select(ProviderOperationRow).where(
        ProviderOperationRow.instance_id == instance_id,
        ProviderOperationRow.key.in_([text(key) for key in sorted(keys)]),
    )


def list_open_for_many(instance_ids: Collection[UUID], dialect: str) -> Select[ProviderOperationRow]:
    return (
        select(ProviderOperationRow)
        .where(
            one_of(ProviderOperationRow.instance_id, instance_ids, dialect),
            ProviderOperationRow.state.in_(_OPEN),
        )
        .order_by(ProviderOperationRow.id)
    )


def list_page(
    *, instance_id: UUID | None, state: OperationState | None, after: str | None, limit: int
) -> Select[ProviderOperationRow]:
    query = select(ProviderOperationRow)
    if instance_id is not None:
        query = query.where(ProviderOperationRow.instance_id == instance_id)
    if state is not None:
        query = query.where(ProviderOperationRow.state == state.value)
    return paged(query, ProviderOperationRow.id, after, limit)
