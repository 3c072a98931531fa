"""Everything in one environment that changes while it is deployed, read with one request."""

from __future__ import annotations

from pydantic import Field

from railway_saas.railway.models.base import Items, Nodes, RailwayModel, Timestamp


class OverviewDomain(RailwayModel):
    """A public host name of a service."""

    id: str
    domain: str
    target_port: int | None = None


class OverviewDomains(RailwayModel):
    """Railway's own and customers' domains of a service."""

    service_domains: Items[OverviewDomain] = ()
    custom_domains: Items[OverviewDomain] = ()


class OverviewOrigin(RailwayModel):
    """Which template a service came from, and its key there."""

    template_id: str | None = None
    template_service_id: str | None = None


class OverviewSource(RailwayModel):
    """What a service runs."""

    image: str | None = None
    repo: str | None = None


class OverviewDeployment(RailwayModel):
    """A service's newest deployment, or another one of it."""

    id: str
    service_id: str | None = None
    """Whose it is, where deployments of several services are listed."""
    status: str | None = None
    """A `DeploymentStatus`; a text, so that new values of Railway pass."""
    deployment_stopped: bool | None = None
    """True before the first start, too: never read it without `status`."""
    status_updated_at: Timestamp | None = None
    created_at: Timestamp | None = None
    static_url: str | None = None


class OverviewService(RailwayModel):
    """One service in the environment."""

    id: str
    service_id: str
    service_name: str | None = None
    cron_schedule: str | None = None
    service: OverviewOrigin | None = None
    source: OverviewSource | None = None
    domains: OverviewDomains | None = None
    latest_deployment: OverviewDeployment | None = None
    active_deployments: tuple[OverviewDeployment, ...] = ()
    """What is deployed and not replaced: a newest one that failed leaves the one before in service."""

    @property
    def public_hosts(self) -> tuple[str, ...]:
        """Host names, a customer's own first."""
        if self.domains is None:
            return ()
        return tuple(entry.domain for entry in (*self.domains.custom_domains, *self.domains.service_domains))


class OverviewVolume(RailwayModel):
    """A volume mounted in the environment."""

    id: str
    volume_id: str
    service_id: str | None = None
    mount_path: str | None = None
    size_mb: int | None = Field(default=None, alias="sizeMB")
    state: str | None = None
    is_pending_deletion: bool = False
    """Deleted, and restorable for 48 hours by a link in an e-mail."""


class EnvironmentOverview(RailwayModel):
    """All services and volumes of one environment, as they stand."""

    id: str
    name: str | None = None
    project_id: str | None = None
    service_instances: Nodes[OverviewService] = ()
    volume_instances: Nodes[OverviewVolume] = ()
