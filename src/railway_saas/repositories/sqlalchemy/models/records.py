"""`subscriptions`, `outbox`, `inbox`, `audit_log` and `idempotency_keys`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from railway_saas.repositories.sqlalchemy.models.base import Base

_PENDING = text("sent_at IS NULL AND failed_at IS NULL")
_FAILED = text("failed_at IS NOT NULL")
_UNPROCESSED = text("processed_at IS NULL")
_PROCESSED = text("processed_at IS NOT NULL")


class SubscriptionRow(Base):
    """A `Subscription`."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("stripe_subscription_id"),
        Index(None, "user_id", "id"),
        Index(None, "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    stripe_subscription_id: Mapped[str] = mapped_column(String(255))
    plan_name: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(50))
    current_period_start: Mapped[datetime | None]
    current_period_end: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OutboxRow(Base):
    """An `OutboxMessage`."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        Index(None, "topic", "id"),
        Index("ix_outbox_pending", "topic", "not_before", postgresql_where=_PENDING, sqlite_where=_PENDING),
        Index("ix_outbox_failed", "id", postgresql_where=_FAILED, sqlite_where=_FAILED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(255))
    payload: Mapped[dict[str, Any]]
    not_before: Mapped[datetime]
    attempts: Mapped[int]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]


class InboxRow(Base):
    """An `InboxEvent`."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        Index(
            "ix_inbox_unprocessed", "source", "id", postgresql_where=_UNPROCESSED, sqlite_where=_UNPROCESSED
        ),
        Index("ix_inbox_processed", "received_at", postgresql_where=_PROCESSED, sqlite_where=_PROCESSED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(255))
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]


class AuditRow(Base):
    """An `AuditEntry`."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "user_id", "id"),
        Index(None, "subject_type", "id"),
        Index(None, "subject_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(100))
    subject_type: Mapped[str] = mapped_column(String(100))
    subject_id: Mapped[str] = mapped_column(String(255))
    user_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]]


class IdempotencyKeyRow(Base):
    """An `IdempotencyKey`."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "expires_at"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    response: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
