"""The server's own tables. The SDK's stand in `railway_saas.repositories.sqlalchemy.models`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, ForeignKey, Index, Integer, MetaData, String, Text, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from railway_saas.repositories.sqlalchemy.types import Exact, Json, UtcDateTime


class ServerBase(DeclarativeBase):
    """Attributes are named like their columns."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bool: Boolean(),
        int: Integer(),
        str: Text(),
        date: Date(),
        datetime: UtcDateTime(),
        Decimal: Exact(),
        UUID: Uuid(),
        dict[str, Any]: Json,
        list[str]: Json,
    }


class UserRow(ServerBase):
    """Somebody with an account."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    """Lower case."""
    password_hash: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(50))
    email_verified: Mapped[bool]
    closing_at: Mapped[datetime | None]
    """When the account was asked to be deleted: nothing can be done with it, it goes once its instances are gone."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class SessionRow(ServerBase):
    """A log-in: the family of refresh tokens that came of it."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id", "id"), Index(None, "expires_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_agent: Mapped[str | None] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None] = mapped_column(String(50))
    """`logout`, `logout_all`, `password`, `reuse`, `role` or `closing`."""


class RefreshTokenRow(ServerBase):
    """One refresh token of a session; the one without `used_at` is the good one."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index(None, "session_id"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OneTimeTokenRow(ServerBase):
    """A link in a mail."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (Index(None, "user_id"), Index(None, "expires_at"))

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(50))
    """`verify_email`, `change_email` or `reset_password`."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    payload: Mapped[dict[str, Any]]
    """With `verify_email`: the name and the password hash of this registration, which hold once the link is followed.
    With `change_email`: the new address. Emptied once the link is used or void."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKeyRow(ServerBase):
    """A key for programs. Shown once, stored as a digest."""

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "user_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    hint: Mapped[str] = mapped_column(String(20))
    """Its first characters, to know it by."""
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_under: Mapped[str | None] = mapped_column(String(80))
    """The idempotency key of the request that made it."""
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginFailureRow(ServerBase):
    """Wrong passwords for an address, whether it has an account or not."""

    __tablename__ = "login_failures"
    __table_args__ = (Index(None, "last_at"),)

    email_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    """Since `window_began_at`."""
    window_began_at: Mapped[datetime]
    locks: Mapped[int]
    """How many there were lately: each is longer than the one before."""
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class IdempotentRequestRow(ServerBase):
    """The answer to a request with an `Idempotency-Key`."""

    __tablename__ = "idempotent_requests"
    __table_args__ = (Index(None, "expires_at"),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    """None while the first request is still at work."""
    answer: Mapped[str | None]
    """The body, encrypted: it may hold a key that is shown once."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AuditSealRow(ServerBase):
    """One link of the chain over `audit_log`: SHA-256 of the link before it and of the entry."""

    __tablename__ = "audit_seals"

    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    )
    entry_id: Mapped[UUID] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class WorkerRow(ServerBase):
    """A worker that says it lives."""

    __tablename__ = "workers"

    executor_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class UsageDayRow(ServerBase):
    """Usage of an instance, rolled up by day (UTC)."""

    __tablename__ = "usage_days"
    __table_args__ = (Index(None, "user_id", "day"),)

    instance_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    metric_type: Mapped[str] = mapped_column(String(100), primary_key=True)
    user_id: Mapped[UUID]
    value: Mapped[Decimal]
    unit: Mapped[str] = mapped_column(String(50))


class InventoryReportRow(ServerBase):
    """What the last comparisons of Railway with the database found."""

    __tablename__ = "inventory_reports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    report: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
