"""Domains and TCP proxies of a service instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.projects import ServiceInstance


@dataclass(slots=True, eq=False)
class ServiceDomain:
    """A domain under `up.railway.app`."""

    id: str
    domain: str
    instance: ServiceInstance
    created_at: datetime
    updated_at: datetime
    target_port: int | None = None
    sync_status: str = "ACTIVE"
    deleted_at: datetime | None = None


@dataclass(slots=True, eq=False)
class CustomDomain:
    """A customer's own domain."""

    id: str
    domain: str
    instance: ServiceInstance
    created_at: datetime
    updated_at: datetime
    target_port: int | None = None
    sync_status: str = "ACTIVE"
    deleted_at: datetime | None = None


@dataclass(slots=True, eq=False)
class TcpProxy:
    """A public port that leads to a port of the service."""

    id: str
    domain: str
    proxy_port: int
    application_port: int
    instance: ServiceInstance
    created_at: datetime
    updated_at: datetime
    sync_status: str = "ACTIVE"
    deleted_at: datetime | None = None
