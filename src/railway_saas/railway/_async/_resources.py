"""The nouns of Railway's API as properties of the client.

Each is imported when it is first used: importing the SDK must not pay for all of them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.railway._async.backups import AsyncBackups
    from railway_saas.railway._async.buckets import AsyncBuckets
    from railway_saas.railway._async.deployments import AsyncDeployments
    from railway_saas.railway._async.domains import AsyncDomains
    from railway_saas.railway._async.egress_gateways import AsyncEgressGateways
    from railway_saas.railway._async.environments import AsyncEnvironments
    from railway_saas.railway._async.logs import AsyncLogs
    from railway_saas.railway._async.metrics import AsyncMetrics
    from railway_saas.railway._async.notification_rules import AsyncNotificationRules
    from railway_saas.railway._async.private_networks import AsyncPrivateNetworks
    from railway_saas.railway._async.projects import AsyncProjects
    from railway_saas.railway._async.regions import AsyncRegions
    from railway_saas.railway._async.service_instances import AsyncServiceInstances
    from railway_saas.railway._async.services import AsyncServices
    from railway_saas.railway._async.tcp_proxies import AsyncTcpProxies
    from railway_saas.railway._async.templates import AsyncTemplates
    from railway_saas.railway._async.tokens import AsyncTokens
    from railway_saas.railway._async.usage import AsyncUsage
    from railway_saas.railway._async.variables import AsyncVariables
    from railway_saas.railway._async.volumes import AsyncVolumes
    from railway_saas.railway._async.workflows import AsyncWorkflows
    from railway_saas.railway._async.workspaces import AsyncWorkspaces


class AsyncResources:
    """One lazily made resource per noun."""

    @cached_property
    def backups(self) -> AsyncBackups:
        """Backups of volumes, and their schedules."""
        from railway_saas.railway._async.backups import AsyncBackups

        return AsyncBackups(self._self)

    @cached_property
    def buckets(self) -> AsyncBuckets:
        """S3-compatible buckets."""
        from railway_saas.railway._async.buckets import AsyncBuckets

        return AsyncBuckets(self._self)

    @cached_property
    def deployments(self) -> AsyncDeployments:
        """Deployments: list, wait, watch, and every verb."""
        from railway_saas.railway._async.deployments import AsyncDeployments

        return AsyncDeployments(self._self)

    @cached_property
    def domains(self) -> AsyncDomains:
        """Railway's own and customers' domains, with their DNS state."""
        from railway_saas.railway._async.domains import AsyncDomains

        return AsyncDomains(self._self)

    @cached_property
    def egress_gateways(self) -> AsyncEgressGateways:
        """Static outbound addresses (Pro)."""
        from railway_saas.railway._async.egress_gateways import AsyncEgressGateways

        return AsyncEgressGateways(self._self)

    @cached_property
    def environments(self) -> AsyncEnvironments:
        """Environments and their configuration: patches, staged changes."""
        from railway_saas.railway._async.environments import AsyncEnvironments

        return AsyncEnvironments(self._self)

    @cached_property
    def logs(self) -> AsyncLogs:
        """Logs, queried and streamed."""
        from railway_saas.railway._async.logs import AsyncLogs

        return AsyncLogs(self._self)

    @cached_property
    def metrics(self) -> AsyncMetrics:
        """CPU, memory, network, disk and HTTP metrics."""
        from railway_saas.railway._async.metrics import AsyncMetrics

        return AsyncMetrics(self._self)

    @cached_property
    def notification_rules(self) -> AsyncNotificationRules:
        """Webhooks: Railway calls them notification rules."""
        from railway_saas.railway._async.notification_rules import AsyncNotificationRules

        return AsyncNotificationRules(self._self)

    @cached_property
    def private_networks(self) -> AsyncPrivateNetworks:
        """Private networks and their endpoints."""
        from railway_saas.railway._async.private_networks import AsyncPrivateNetworks

        return AsyncPrivateNetworks(self._self)

    @cached_property
    def projects(self) -> AsyncProjects:
        """Projects: the unit of isolation, usage and deletion."""
        from railway_saas.railway._async.projects import AsyncProjects

        return AsyncProjects(self._self)

    @cached_property
    def regions(self) -> AsyncRegions:
        """Where services can run."""
        from railway_saas.railway._async.regions import AsyncRegions

        return AsyncRegions(self._self)

    @cached_property
    def service_instances(self) -> AsyncServiceInstances:
        """Services in one environment: settings, limits, deploys."""
        from railway_saas.railway._async.service_instances import AsyncServiceInstances

        return AsyncServiceInstances(self._self)

    @cached_property
    def services(self) -> AsyncServices:
        """Services of a project."""
        from railway_saas.railway._async.services import AsyncServices

        return AsyncServices(self._self)

    @cached_property
    def tcp_proxies(self) -> AsyncTcpProxies:
        """Public TCP ports."""
        from railway_saas.railway._async.tcp_proxies import AsyncTcpProxies

        return AsyncTcpProxies(self._self)

    @cached_property
    def templates(self) -> AsyncTemplates:
        """Railway's template marketplace, and deploying from it."""
        from railway_saas.railway._async.templates import AsyncTemplates

        return AsyncTemplates(self._self)

    @cached_property
    def tokens(self) -> AsyncTokens:
        """API and project tokens."""
        from railway_saas.railway._async.tokens import AsyncTokens

        return AsyncTokens(self._self)

    @cached_property
    def usage(self) -> AsyncUsage:
        """What was used, in billing units, and usage limits."""
        from railway_saas.railway._async.usage import AsyncUsage

        return AsyncUsage(self._self)

    @cached_property
    def variables(self) -> AsyncVariables:
        """Variables: rendered, unrendered, for a deployment."""
        from railway_saas.railway._async.variables import AsyncVariables

        return AsyncVariables(self._self)

    @cached_property
    def volumes(self) -> AsyncVolumes:
        """Volumes and where they are mounted."""
        from railway_saas.railway._async.volumes import AsyncVolumes

        return AsyncVolumes(self._self)

    @cached_property
    def workflows(self) -> AsyncWorkflows:
        """Long-running work of Railway: its state, and waiting for it."""
        from railway_saas.railway._async.workflows import AsyncWorkflows

        return AsyncWorkflows(self._self)

    @cached_property
    def workspaces(self) -> AsyncWorkspaces:
        """Workspaces: members, plan, customer."""
        from railway_saas.railway._async.workspaces import AsyncWorkspaces

        return AsyncWorkspaces(self._self)

    @property
    def _self(self) -> AsyncRailwayClient:
        return cast("AsyncRailwayClient", self)
