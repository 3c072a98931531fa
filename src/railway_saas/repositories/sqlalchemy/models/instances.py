"""`instances` and what belongs to one: services, custom domains, deployments, events."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from railway_saas.repositories.sqlalchemy.models.base import Base

_LIVE = text("status NOT IN ('failed', 'deleted')")
_NEEDS_ATTENTION = text("attention IS NOT NULL")
_TO_BE_CHECKED = text("next_check_at IS NOT NULL")


class OwnerRow(Base):
    """Somebody whose limits were counted: its row is locked meanwhile. The SDK has no table of users."""

    __tablename__ = "owners"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)


class InstanceRow(Base):
    """An `Instance`."""

    __tablename__ = "instances"
    __table_args__ = (
        UniqueConstraint("railway_project_id"),
        UniqueConstraint("railway_service_id"),
        Index(
            "uq_instances_name",
            "user_id",
            "name_key",
            unique=True,
            postgresql_where=_LIVE,
            sqlite_where=_LIVE,
        ),
        Index(None, "user_id", "id"),
        Index(None, "template_id", "id"),
        Index(None, "status", "id"),
        Index(
            "ix_instances_attention", "id", postgresql_where=_NEEDS_ATTENTION, sqlite_where=_NEEDS_ATTENTION
        ),
        Index(None, "next_check_at", postgresql_where=_TO_BE_CHECKED, sqlite_where=_TO_BE_CHECKED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    template_id: Mapped[UUID] = mapped_column(ForeignKey("templates.id"))
    railway_service_id: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(765))
    """`railway_saas.repositories.values.name_key` of the name: case folding makes at most three of one character."""
    domain: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(50))
    config: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    # The desired half.
    desired_status: Mapped[str] = mapped_column(String(50))
    revision_id: Mapped[UUID] = mapped_column(ForeignKey("template_revisions.id"))
    delete_at: Mapped[datetime | None]
    generation: Mapped[int]
    wishes: Mapped[list[dict[str, Any]] | None]
    """NULL: written by a version that did not note them."""
    services: Mapped[int]
    vcpus: Mapped[Decimal]
    memory_gb: Mapped[Decimal]
    volume_gb: Mapped[Decimal]

    # The observed half.
    status_since: Mapped[datetime]
    railway_project_id: Mapped[str | None] = mapped_column(String(255))
    railway_environment_id: Mapped[str | None] = mapped_column(String(255))
    built_from_calls: Mapped[bool]
    undoing: Mapped[bool]
    applied: Mapped[dict[str, Any] | None]
    power: Mapped[str | None] = mapped_column(String(50))
    switches: Mapped[int]
    rollout: Mapped[dict[str, Any]]
    recoveries: Mapped[int]
    error: Mapped[str | None]
    attention: Mapped[str | None]
    seen_at: Mapped[datetime | None]
    holds_slot: Mapped[bool]

    # The control loop's.
    next_check_at: Mapped[datetime | None]
    wakes: Mapped[int]
    lease_owner: Mapped[str | None] = mapped_column(String(255))
    lease_until: Mapped[datetime | None]


class InstanceServiceRow(Base):
    """An `InstanceService`."""

    __tablename__ = "instance_services"
    __table_args__ = (UniqueConstraint("railway_service_id"), Index(None, "instance_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    template_key: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255))
    railway_service_id: Mapped[str] = mapped_column(String(255))
    railway_deployment_id: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[str | None] = mapped_column(String(50))
    stopped: Mapped[bool]
    domain: Mapped[str | None] = mapped_column(String(255))
    updated_at: Mapped[datetime]


class InstanceDomainRow(Base):
    """An `InstanceDomain`."""

    __tablename__ = "instance_domains"
    __table_args__ = (UniqueConstraint("domain"), Index(None, "instance_id", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(String(255))
    service: Mapped[str] = mapped_column(String(255))
    target_port: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(50))
    railway_domain_id: Mapped[str | None] = mapped_column(String(255))
    dns_records: Mapped[list[dict[str, Any]]]
    verified: Mapped[bool]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class DeploymentRow(Base):
    """A `Deployment`."""

    __tablename__ = "deployments"
    __table_args__ = (UniqueConstraint("railway_deployment_id"), Index(None, "instance_id", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    railway_deployment_id: Mapped[str] = mapped_column(String(255))
    service: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(50))
    logs: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class InstanceEventRow(Base):
    """An `InstanceEvent`."""

    __tablename__ = "instance_events"
    __table_args__ = (Index(None, "instance_id", "id"), Index(None, "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[UUID] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    step: Mapped[str] = mapped_column(String(50))
    message: Mapped[str]
    status: Mapped[str] = mapped_column(String(50))
    service: Mapped[str | None] = mapped_column(String(255))
    done: Mapped[int]
    total: Mapped[int]
