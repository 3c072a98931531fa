"""`templates` and `template_revisions`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from railway_saas.repositories.sqlalchemy.models.base import Base
from railway_saas.repositories.sqlalchemy.types import OrderedJson


class TemplateRow(Base):
    """A `CatalogueTemplate`."""

    __tablename__ = "templates"
    __table_args__ = (
        UniqueConstraint("railway_template_id"),
        Index(None, "category", "id"),
        Index(None, "is_active", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    railway_template_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    category: Mapped[str | None] = mapped_column(String(100))
    price_tier: Mapped[str | None] = mapped_column(String(50))
    resources: Mapped[dict[str, Any]]
    setup_config: Mapped[dict[str, Any] | None]
    is_active: Mapped[bool] = mapped_column(server_default=true())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class TemplateRevisionRow(Base):
    """A `TemplateRevision`."""

    __tablename__ = "template_revisions"
    __table_args__ = (
        UniqueConstraint("template_id", "number", name="uq_template_revisions_number"),
        UniqueConstraint("template_id", "content_hash", name="uq_template_revisions_content_hash"),
        Index(None, "template_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    template_id: Mapped[UUID] = mapped_column(ForeignKey("templates.id"))
    number: Mapped[int]
    content_hash: Mapped[str] = mapped_column(String(255))
    document: Mapped[dict[str, Any]] = mapped_column(OrderedJson)
    notes: Mapped[str | None]
    created_at: Mapped[datetime]
