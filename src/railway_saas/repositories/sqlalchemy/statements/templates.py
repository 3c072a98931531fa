"""`templates` and `template_revisions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from railway_saas.repositories.sqlalchemy.mapping.catalogue import revision_values, template_values
from railway_saas.repositories.sqlalchemy.models import TemplateRevisionRow, TemplateRow, table_of
from railway_saas.repositories.sqlalchemy.statements.common import paged
from railway_saas.repositories.values import clean, text

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Insert, Select, Update

    from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision


def add(template: CatalogueTemplate) -> Insert:
    return insert(table_of(TemplateRow)).values(template_values(clean(template)))


def save(template: CatalogueTemplate) -> Update:
    return (
        update(table_of(TemplateRow))
        .where(TemplateRow.id == template.id)
        .values(template_values(clean(template)))
    )


def get(template_id: UUID) -> Select[TemplateRow]:
    return select(TemplateRow).where(TemplateRow.id == template_id)


def find_by_railway_id(railway_template_id: str) -> Select[TemplateRow]:
    return select(TemplateRow).where(TemplateRow.railway_template_id == text(railway_template_id))


def list_page(
    *, is_active: bool | None, category: str | None, after: str | None, limit: int
) -> Select[TemplateRow]:
    query = select(TemplateRow)
    if is_active is not None:
        query = query.where(TemplateRow.is_active == is_active)
    if category is not None:
        query = query.where(TemplateRow.category == text(category))
    return paged(query, TemplateRow.id, after, limit)


def add_revision(revision: TemplateRevision) -> Insert:
    return insert(table_of(TemplateRevisionRow)).values(revision_values(clean(revision)))


def get_revision(revision_id: UUID) -> Select[TemplateRevisionRow]:
    return select(TemplateRevisionRow).where(TemplateRevisionRow.id == revision_id)


def find_revision(template_id: UUID, content_hash: str) -> Select[TemplateRevisionRow]:
    return select(TemplateRevisionRow).where(
        TemplateRevisionRow.template_id == template_id, TemplateRevisionRow.content_hash == text(content_hash)
    )


def latest_revision(template_id: UUID) -> Select[TemplateRevisionRow]:
    return (
        select(TemplateRevisionRow)
        .where(TemplateRevisionRow.template_id == template_id)
        .order_by(TemplateRevisionRow.number.desc())
        .limit(1)
    )


def list_revisions(template_id: UUID, *, after: str | None, limit: int) -> Select[TemplateRevisionRow]:
    query = select(TemplateRevisionRow).where(TemplateRevisionRow.template_id == template_id)
    return paged(query, TemplateRevisionRow.id, after, limit)
