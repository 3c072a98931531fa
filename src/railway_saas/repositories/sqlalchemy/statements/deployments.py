"""`deployments`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from railway_saas.repositories.sqlalchemy.models import DeploymentRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import insert_into, paged
from railway_saas.repositories.values import text

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Insert, Select, Update


def upsert(dialect: str) -> Insert:
    """To be sent with many values."""
    statement = insert_into(DeploymentRow, dialect)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["railway_deployment_id"],
        set_={
            "status": new.status,
            "logs": func.coalesce(new.logs, DeploymentRow.logs),
            "started_at": new.started_at,
            "finished_at": new.finished_at,
        },
    )


def finish(
    instance_id: UUID, *, at: datetime, services: Collection[str] | None, but: Collection[str]
) -> Update:
    statement = update(table_of(DeploymentRow)).where(
        DeploymentRow.instance_id == instance_id, DeploymentRow.finished_at.is_(None)
    )
    if services is not None:
        statement = statement.where(DeploymentRow.service.in_([text(name) for name in sorted(services)]))
    if but:
        going_on = [text(one) for one in sorted(but)]
        statement = statement.where(DeploymentRow.railway_deployment_id.not_in(going_on))
    return statement.values(finished_at=at)


def find(railway_deployment_id: str) -> Select[DeploymentRow]:
    return select(DeploymentRow).where(DeploymentRow.railway_deployment_id == text(railway_deployment_id))


def list_page(
    instance_id: UUID, *, after: str | None, limit: int, newest_first: bool
) -> Select[DeploymentRow]:
    query = select(DeploymentRow).where(DeploymentRow.instance_id == instance_id)
    return paged(query, DeploymentRow.id, after, limit, newest_first=newest_first)
