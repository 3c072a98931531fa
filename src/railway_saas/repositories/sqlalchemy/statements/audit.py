"""`audit_log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from railway_saas.repositories.sqlalchemy.mapping.records import audit_entry_values
from railway_saas.repositories.sqlalchemy.models import AuditRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import paged
from railway_saas.repositories.values import clean, text

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Insert, Select

    from railway_saas.domain.records import AuditEntry


def append(entry: AuditEntry) -> Insert:
    return insert(table_of(AuditRow)).values(audit_entry_values(clean(entry)))


def list_page(
    *,
    user_id: UUID | None,
    subject_type: str | None,
    subject_id: str | None,
    after: str | None,
    limit: int,
) -> Select[AuditRow]:
    query = select(AuditRow)
    if user_id is not None:
        query = query.where(AuditRow.user_id == user_id)
    if subject_type is not None:
        query = query.where(AuditRow.subject_type == text(subject_type))
    if subject_id is not None:
        query = query.where(AuditRow.subject_id == text(subject_id))
    return paged(query, AuditRow.id, after, limit)
