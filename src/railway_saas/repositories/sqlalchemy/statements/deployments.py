"""`deployments`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from railway_saas.repositories.sqlalchemy.models import DeploymentRow
from railway_saas.repositories.sqlalchemy.statements.common import insert_into, paged
from railway_saas.repositories.values import text

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Insert, Select


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


def find(railway_deployment_id: str) -> Select[DeploymentRow]:
    return select(DeploymentRow).where(DeploymentRow.railway_deployment_id == text(railway_deployment_id))


def list_page(
    instance_id: UUID, *, after: str | None, limit: int, newest_first: bool
) -> Select[DeploymentRow]:
    query = select(DeploymentRow).where(DeploymentRow.instance_id == instance_id)
    return paged(query, DeploymentRow.id, after, limit, newest_first=newest_first)
