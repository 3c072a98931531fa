"""Private networks: `<service>.railway.internal`, one per environment."""

from __future__ import annotations

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp


class PrivateNetworkEndpointSyncStatus(OpenStrEnum):
    """Whether what was asked for is in force yet."""

    ACTIVE = "ACTIVE"
    CREATING = "CREATING"
    DELETED = "DELETED"
    DELETING = "DELETING"
    UNSPECIFIED = "UNSPECIFIED"
    UPDATING = "UPDATING"


class PrivateNetwork(RailwayModel):
    """The network that an environment's services share and nobody else reaches."""

    public_id: str
    name: str | None = None
    dns_name: str | None = None
    network_id: int | None = None
    project_id: str | None = None
    environment_id: str | None = None
    tags: Items[str] = ()
    created_at: Timestamp | None = None
    deleted_at: Timestamp | None = None


class PrivateNetworkEndpoint(RailwayModel):
    """A service's name and addresses in a private network."""

    public_id: str
    dns_name: str | None = None
    """The part before `.railway.internal`."""
    new_dns_name: str | None = None
    """What it is being renamed to."""
    private_ips: Items[str] = ()
    """IPv4 and IPv6; IPv6 only in environments made before 2025-10-16."""
    service_instance_id: str | None = None
    sync_status: PrivateNetworkEndpointSyncStatus | None = None
    tags: Items[str] = ()
    created_at: Timestamp | None = None
    deleted_at: Timestamp | None = None
