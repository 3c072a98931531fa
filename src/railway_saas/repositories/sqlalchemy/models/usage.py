"""`usage_metrics` and `usage_watermarks`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from railway_saas.repositories.sqlalchemy.models.base import Base


class UsageMetricRow(Base):
    """A `UsageMetric`."""

    __tablename__ = "usage_metrics"
    __table_args__ = (
        # In this order it also serves all that is asked of an instance: sums over a time, and pages by time.
        UniqueConstraint("instance_id", "recorded_at", "metric_type"),
        Index(None, "recorded_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    metric_type: Mapped[str] = mapped_column(String(100))
    value: Mapped[Decimal]
    unit: Mapped[str] = mapped_column(String(50))
    recorded_at: Mapped[datetime]


class UsageWatermarkRow(Base):
    """Up to when a collector is done."""

    __tablename__ = "usage_watermarks"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    until: Mapped[datetime]
