"""The catalogue in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.repositories._async.memory.base import AsyncMemoryRepository, first_page
from railway_saas.repositories.memory_tables import EVERYTHING
from railway_saas.repositories.paging import id_after

if TYPE_CHECKING:
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision


class AsyncMemoryTemplates(AsyncMemoryRepository):
    """See `AsyncTemplateRepository`."""

    async def add(self, template: CatalogueTemplate) -> None:
        self._tables.templates.add(template)

    async def save(self, template: CatalogueTemplate) -> None:
        self._tables.templates.replace(template)

    async def get(self, template_id: UUID) -> CatalogueTemplate:
        return self._tables.templates.get(template_id)

    async def find_by_railway_id(self, railway_template_id: str) -> CatalogueTemplate | None:
        return self._tables.templates.find_by("railway_template_id", railway_template_id)

    async def list_page(
        self,
        *,
        is_active: bool | None = None,
        category: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[CatalogueTemplate]:
        index, group = (
            ("category", category)
            if category is not None
            else ("is_active", is_active)
            if is_active is not None
            else ("all", EVERYTHING)
        )
        rows = (
            row
            for row in self._tables.templates.rows(index, group, id_after(after))
            if is_active is None or row.is_active == is_active
        )
        return first_page(rows, limit, lambda row: str(row.id))

    async def add_revision(self, revision: TemplateRevision) -> None:
        self._tables.templates.need(revision.template_id)
        self._tables.revisions.add(revision)

    async def get_revision(self, revision_id: UUID) -> TemplateRevision:
        return self._tables.revisions.get(revision_id)

    async def find_revision(self, template_id: UUID, content_hash: str) -> TemplateRevision | None:
        return self._tables.revisions.find_by("content_hash", (template_id, content_hash))

    async def latest_revision(self, template_id: UUID) -> TemplateRevision | None:
        return self._tables.revisions.last("number", template_id)

    async def list_revisions(
        self, template_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> Page[TemplateRevision]:
        rows = self._tables.revisions.rows("template_id", template_id, id_after(after))
        return first_page(rows, limit, lambda row: str(row.id))
