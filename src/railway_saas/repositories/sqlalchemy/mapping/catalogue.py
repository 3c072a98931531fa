"""Templates and their revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
from railway_saas.domain.instances import ServiceLimits

if TYPE_CHECKING:
    from railway_saas.repositories.sqlalchemy.models import TemplateRevisionRow, TemplateRow


def template_of(row: TemplateRow) -> CatalogueTemplate:
    """Read a row of `templates`."""
    return CatalogueTemplate(
        id=row.id,
        railway_template_id=row.railway_template_id,
        name=row.name,
        description=row.description,
        category=row.category,
        price_tier=row.price_tier,
        resources=ServiceLimits.from_json(row.resources),
        setup_config=row.setup_config,
        is_active=row.is_active,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def template_values(template: CatalogueTemplate) -> dict[str, Any]:
    """A row of `templates`."""
    return {
        "id": template.id,
        "railway_template_id": template.railway_template_id,
        "name": template.name,
        "description": template.description,
        "category": template.category,
        "price_tier": template.price_tier,
        "resources": template.resources.to_json(),
        "setup_config": template.setup_config,
        "is_active": template.is_active,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def revision_of(row: TemplateRevisionRow) -> TemplateRevision:
    """Read a row of `template_revisions`."""
    return TemplateRevision(
        id=row.id,
        template_id=row.template_id,
        number=row.number,
        content_hash=row.content_hash,
        document=row.document,
        notes=row.notes,
        created_at=row.created_at,
    )


def revision_values(revision: TemplateRevision) -> dict[str, Any]:
    """A row of `template_revisions`."""
    return {
        "id": revision.id,
        "template_id": revision.template_id,
        "number": revision.number,
        "content_hash": revision.content_hash,
        "document": revision.document,
        "notes": revision.notes,
        "created_at": revision.created_at,
    }
