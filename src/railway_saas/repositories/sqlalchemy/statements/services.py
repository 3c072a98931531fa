"""`instance_services`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from railway_saas.repositories.sqlalchemy.mapping.instances import service_values
from railway_saas.repositories.sqlalchemy.models import InstanceServiceRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import insert_into, one_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from sqlalchemy import Delete, Select
    from sqlalchemy.sql.dml import ReturningInsert

    from railway_saas.domain.instances import InstanceService


def list_for_many(instance_ids: Collection[UUID], dialect: str) -> Select[InstanceServiceRow]:
    return select(InstanceServiceRow).where(one_of(InstanceServiceRow.instance_id, instance_ids, dialect))


def delete_others(instance_id: UUID, railway_service_ids: Collection[str], dialect: str) -> Delete:
    kept = one_of(InstanceServiceRow.railway_service_id, railway_service_ids, dialect)
    return delete(table_of(InstanceServiceRow)).where(InstanceServiceRow.instance_id == instance_id, ~kept)


def upsert(services: Sequence[InstanceService], dialect: str) -> ReturningInsert[UUID]:
    """Insert or update; those of another instance are left alone and not returned."""
    statement = insert_into(InstanceServiceRow, dialect).values(
        [service_values(service) for service in services]
    )
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["railway_service_id"],
        set_={
            "template_key": new.template_key,
            "name": new.name,
            "railway_deployment_id": new.railway_deployment_id,
            "status": new.status,
            "stopped": new.stopped,
            "domain": new.domain,
            "updated_at": new.updated_at,
        },
        where=InstanceServiceRow.instance_id == new.instance_id,
    ).returning(InstanceServiceRow.id)
