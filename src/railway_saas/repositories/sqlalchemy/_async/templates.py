"""The catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.repositories.sqlalchemy._async.base import AsyncSqlRepository
from railway_saas.repositories.sqlalchemy.mapping.catalogue import revision_of, template_of
from railway_saas.repositories.sqlalchemy.reading import found, needed, page, touched
from railway_saas.repositories.sqlalchemy.statements import templates as statements

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision


class AsyncSqlTemplates(AsyncSqlRepository):
    """See `AsyncTemplateRepository`."""

    async def add(self, template: CatalogueTemplate) -> None:
        await self._transaction.write(statements.add(template))

    async def save(self, template: CatalogueTemplate) -> None:
        touched(await self._transaction.write(statements.save(template)), f"template {template.id}")

    async def get(self, template_id: UUID) -> CatalogueTemplate:
        row = await self._transaction.first(statements.get(template_id))
        return needed(row, template_of, f"template {template_id}")

    async def find_by_railway_id(self, railway_template_id: str) -> CatalogueTemplate | None:
        row = await self._transaction.first(statements.find_by_railway_id(railway_template_id))
        return found(row, template_of)

    async def list_page(
        self,
        *,
        is_active: bool | None = None,
        category: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[CatalogueTemplate]:
        query = statements.list_page(is_active=is_active, category=category, after=after, limit=limit)
        return page(await self._transaction.all(query), template_of, limit)

    async def add_revision(self, revision: TemplateRevision) -> None:
        await self._transaction.write(statements.add_revision(revision))

    async def get_revision(self, revision_id: UUID) -> TemplateRevision:
        row = await self._transaction.first(statements.get_revision(revision_id))
        return needed(row, revision_of, f"template revision {revision_id}")

    async def find_revision(self, template_id: UUID, content_hash: str) -> TemplateRevision | None:
        row = await self._transaction.first(statements.find_revision(template_id, content_hash))
        return found(row, revision_of)

    async def latest_revision(self, template_id: UUID) -> TemplateRevision | None:
        return found(await self._transaction.first(statements.latest_revision(template_id)), revision_of)

    async def list_revisions(
        self, template_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> Page[TemplateRevision]:
        query = statements.list_revisions(template_id, after=after, limit=limit)
        return page(await self._transaction.all(query), revision_of, limit)
