"""`instance_domains`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from railway_saas.repositories.sqlalchemy.mapping.instances import domain_values
from railway_saas.repositories.sqlalchemy.models import InstanceDomainRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import one_of
from railway_saas.repositories.values import clean, text

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import Delete, Insert, Select, Update

    from railway_saas.domain.instances import InstanceDomain


def add(domain: InstanceDomain) -> Insert:
    return insert(table_of(InstanceDomainRow)).values(domain_values(clean(domain)))


def save(domain: InstanceDomain) -> Update:
    return (
        update(table_of(InstanceDomainRow))
        .where(InstanceDomainRow.id == domain.id)
        .values(domain_values(clean(domain)))
    )


def find(domain: str) -> Select[InstanceDomainRow]:
    return select(InstanceDomainRow).where(InstanceDomainRow.domain == text(domain))


def list_for_many(instance_ids: Collection[UUID], dialect: str) -> Select[InstanceDomainRow]:
    return (
        select(InstanceDomainRow)
        .where(one_of(InstanceDomainRow.instance_id, instance_ids, dialect))
        .order_by(InstanceDomainRow.id)
    )


def forget(domain_id: UUID) -> Delete:
    return delete(table_of(InstanceDomainRow)).where(InstanceDomainRow.id == domain_id)
