"""`provider_operations`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from railway_saas.repositories.sqlalchemy.models.base import Base


class ProviderOperationRow(Base):
    """A `ProviderOperation`."""

    __tablename__ = "provider_operations"
    __table_args__ = (
        UniqueConstraint("instance_id", "key", name="uq_provider_operations_key"),
        Index(None, "instance_id", "id"),
        Index("ix_provider_operations_instance_id_state", "instance_id", "state", "id"),
        Index(None, "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(500))
    kind: Mapped[str] = mapped_column(String(50))
    state: Mapped[str] = mapped_column(String(50))
    request: Mapped[dict[str, Any]]
    request_digest: Mapped[str] = mapped_column(String(64))
    result: Mapped[dict[str, Any]]
    attempts: Mapped[int]
    error: Mapped[str | None]
    trace_id: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
