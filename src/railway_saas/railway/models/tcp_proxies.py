"""TCP proxies: a public port for a service that does not speak HTTP."""

from __future__ import annotations

from railway_saas.railway.models.base import RailwayModel, Timestamp
from railway_saas.railway.models.domains import SyncStatus


class TCPProxy(RailwayModel):
    """A public address `domain:proxy_port` that leads to `application_port` of a service."""

    id: str
    domain: str | None = None
    """`<word>.proxy.rlwy.net`."""
    proxy_port: int | None = None
    application_port: int | None = None
    sync_status: SyncStatus | None = None
    service_id: str | None = None
    environment_id: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    deleted_at: Timestamp | None = None

    @property
    def is_active(self) -> bool:
        """Whether connections are let through."""
        return self.sync_status == SyncStatus.ACTIVE
