"""What Railway sends, as frozen pydantic models, and its enums: all under one name.

A model is loaded when it is first asked for: importing this package, or the client, loads none of those that
are not used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from railway_saas.railway.models.account import (
        ApiTokenContext,
        ApiTokenRateLimit,
        ApiTokenWorkspace,
        Plan,
        ProjectTokenInfo,
        TokenEnvironment,
        TokenProject,
        User,
        WorkspaceRef,
    )
    from railway_saas.railway.models.backups import (
        VolumeInstanceBackup,
        VolumeInstanceBackupSchedule,
        VolumeInstanceBackupScheduleKind,
    )
    from railway_saas.railway.models.base import (
        OpenStrEnum,
        RailwayModel,
    )
    from railway_saas.railway.models.buckets import (
        Bucket,
        BucketS3CompatibleCredentials,
    )
    from railway_saas.railway.models.customers import (
        BillingPeriod,
        Customer,
        CustomerInvoice,
        CustomerSubscription,
        SubscriptionState,
        UsageLimit,
    )
    from railway_saas.railway.models.deployments import (
        Deployment,
        DeploymentCreator,
        DeploymentEvent,
        DeploymentEventPayload,
        DeploymentEventStep,
        DeploymentExecution,
        DeploymentInstance,
        DeploymentInstanceStatus,
        DeploymentSocket,
        DeploymentStatus,
    )
    from railway_saas.railway.models.domains import (
        Certificate,
        CertificateErrorType,
        CertificateStatus,
        CertificateStatusDetailed,
        CustomDomain,
        CustomDomainStatus,
        DNSRecord,
        DNSRecordPurpose,
        DNSRecordStatus,
        DNSRecordType,
        DomainAvailability,
        Domains,
        ServiceDomain,
        SyncStatus,
    )
    from railway_saas.railway.models.egress_gateways import (
        EgressGateway,
    )
    from railway_saas.railway.models.environments import (
        Environment,
        EnvironmentConfig,
        EnvironmentMeta,
        EnvironmentPatch,
        EnvironmentPatchStatus,
        EnvironmentServiceInstance,
        EnvironmentVolumeInstance,
        PatchAuthor,
        SourceEnvironment,
    )
    from railway_saas.railway.models.logs import (
        HttpLog,
        Log,
        LogTags,
    )
    from railway_saas.railway.models.metrics import (
        HttpDurationMetricsResult,
        HttpDurationMetricsSample,
        HttpMetricsByStatusResult,
        HttpMetricsSample,
        Metric,
        MetricMeasurement,
        MetricsResult,
        MetricTag,
        MetricTags,
    )
    from railway_saas.railway.models.notification_rules import (
        NotificationChannel,
        NotificationRule,
        NotificationSeverity,
    )
    from railway_saas.railway.models.overview import (
        EnvironmentOverview,
        OverviewDeployment,
        OverviewDomain,
        OverviewDomains,
        OverviewOrigin,
        OverviewService,
        OverviewSource,
        OverviewVolume,
    )
    from railway_saas.railway.models.private_networks import (
        PrivateNetwork,
        PrivateNetworkEndpoint,
        PrivateNetworkEndpointSyncStatus,
    )
    from railway_saas.railway.models.projects import (
        BucketRef,
        EnvironmentRef,
        Project,
        ProjectMember,
        ProjectRole,
        ProjectsOrderBy,
        ServiceRef,
        VolumeRef,
    )
    from railway_saas.railway.models.regions import (
        Region,
        RegionDeploymentConstraints,
        RegionDeprecationInfo,
    )
    from railway_saas.railway.models.service_instances import (
        AutoDeployStatus,
        Builder,
        RestartPolicyType,
        ServiceInstance,
        ServiceInstanceLimits,
        ServiceSource,
    )
    from railway_saas.railway.models.services import (
        DeploymentTrigger,
        RegistryCredentials,
        Service,
    )
    from railway_saas.railway.models.tcp_proxies import (
        TCPProxy,
    )
    from railway_saas.railway.models.templates import (
        Template,
        TemplateCreator,
        TemplateDeployment,
        TemplateMetrics,
        TemplateSearchResult,
        TemplateStatus,
    )
    from railway_saas.railway.models.tokens import (
        ApiToken,
        ProjectToken,
    )
    from railway_saas.railway.models.usage import (
        AggregatedUsage,
        EstimatedUsage,
    )
    from railway_saas.railway.models.variables import (
        Variable,
        Variables,
    )
    from railway_saas.railway.models.volumes import (
        Volume,
        VolumeInstance,
        VolumeState,
    )
    from railway_saas.railway.models.workflows import (
        WorkflowId,
        WorkflowResult,
        WorkflowStatus,
    )
    from railway_saas.railway.models.workspaces import (
        TeamRole,
        Workspace,
        WorkspaceMember,
    )

__all__ = [
    "AggregatedUsage",
    "ApiToken",
    "ApiTokenContext",
    "ApiTokenRateLimit",
    "ApiTokenWorkspace",
    "AutoDeployStatus",
    "BillingPeriod",
    "Bucket",
    "BucketRef",
    "BucketS3CompatibleCredentials",
    "Builder",
    "Certificate",
    "CertificateErrorType",
    "CertificateStatus",
    "CertificateStatusDetailed",
    "CustomDomain",
    "CustomDomainStatus",
    "Customer",
    "CustomerInvoice",
    "CustomerSubscription",
    "DNSRecord",
    "DNSRecordPurpose",
    "DNSRecordStatus",
    "DNSRecordType",
    "Deployment",
    "DeploymentCreator",
    "DeploymentEvent",
    "DeploymentEventPayload",
    "DeploymentEventStep",
    "DeploymentExecution",
    "DeploymentInstance",
    "DeploymentInstanceStatus",
    "DeploymentSocket",
    "DeploymentStatus",
    "DeploymentTrigger",
    "DomainAvailability",
    "Domains",
    "EgressGateway",
    "Environment",
    "EnvironmentConfig",
    "EnvironmentMeta",
    "EnvironmentOverview",
    "EnvironmentPatch",
    "EnvironmentPatchStatus",
    "EnvironmentRef",
    "EnvironmentServiceInstance",
    "EnvironmentVolumeInstance",
    "EstimatedUsage",
    "HttpDurationMetricsResult",
    "HttpDurationMetricsSample",
    "HttpLog",
    "HttpMetricsByStatusResult",
    "HttpMetricsSample",
    "Log",
    "LogTags",
    "Metric",
    "MetricMeasurement",
    "MetricTag",
    "MetricTags",
    "MetricsResult",
    "NotificationChannel",
    "NotificationRule",
    "NotificationSeverity",
    "OpenStrEnum",
    "OverviewDeployment",
    "OverviewDomain",
    "OverviewDomains",
    "OverviewOrigin",
    "OverviewService",
    "OverviewSource",
    "OverviewVolume",
    "PatchAuthor",
    "Plan",
    "PrivateNetwork",
    "PrivateNetworkEndpoint",
    "PrivateNetworkEndpointSyncStatus",
    "Project",
    "ProjectMember",
    "ProjectRole",
    "ProjectToken",
    "ProjectTokenInfo",
    "ProjectsOrderBy",
    "RailwayModel",
    "Region",
    "RegionDeploymentConstraints",
    "RegionDeprecationInfo",
    "RegistryCredentials",
    "RestartPolicyType",
    "Service",
    "ServiceDomain",
    "ServiceInstance",
    "ServiceInstanceLimits",
    "ServiceRef",
    "ServiceSource",
    "SourceEnvironment",
    "SubscriptionState",
    "SyncStatus",
    "TCPProxy",
    "TeamRole",
    "Template",
    "TemplateCreator",
    "TemplateDeployment",
    "TemplateMetrics",
    "TemplateSearchResult",
    "TemplateStatus",
    "TokenEnvironment",
    "TokenProject",
    "UsageLimit",
    "User",
    "Variable",
    "Variables",
    "Volume",
    "VolumeInstance",
    "VolumeInstanceBackup",
    "VolumeInstanceBackupSchedule",
    "VolumeInstanceBackupScheduleKind",
    "VolumeRef",
    "VolumeState",
    "WorkflowId",
    "WorkflowResult",
    "WorkflowStatus",
    "Workspace",
    "WorkspaceMember",
    "WorkspaceRef",
]

_MODULES = {
    "account": (
        "ApiTokenContext",
        "ApiTokenRateLimit",
        "ApiTokenWorkspace",
        "Plan",
        "ProjectTokenInfo",
        "TokenEnvironment",
        "TokenProject",
        "User",
        "WorkspaceRef",
    ),
    "backups": ("VolumeInstanceBackup", "VolumeInstanceBackupSchedule", "VolumeInstanceBackupScheduleKind"),
    "base": ("OpenStrEnum", "RailwayModel"),
    "buckets": ("Bucket", "BucketS3CompatibleCredentials"),
    "customers": (
        "BillingPeriod",
        "Customer",
        "CustomerInvoice",
        "CustomerSubscription",
        "SubscriptionState",
        "UsageLimit",
    ),
    "deployments": (
        "Deployment",
        "DeploymentCreator",
        "DeploymentEvent",
        "DeploymentEventPayload",
        "DeploymentEventStep",
        "DeploymentExecution",
        "DeploymentInstance",
        "DeploymentInstanceStatus",
        "DeploymentSocket",
        "DeploymentStatus",
    ),
    "domains": (
        "Certificate",
        "CertificateErrorType",
        "CertificateStatus",
        "CertificateStatusDetailed",
        "CustomDomain",
        "CustomDomainStatus",
        "DNSRecord",
        "DNSRecordPurpose",
        "DNSRecordStatus",
        "DNSRecordType",
        "DomainAvailability",
        "Domains",
        "ServiceDomain",
        "SyncStatus",
    ),
    "egress_gateways": ("EgressGateway",),
    "environments": (
        "Environment",
        "EnvironmentConfig",
        "EnvironmentMeta",
        "EnvironmentPatch",
        "EnvironmentPatchStatus",
        "EnvironmentServiceInstance",
        "EnvironmentVolumeInstance",
        "PatchAuthor",
        "SourceEnvironment",
    ),
    "logs": ("HttpLog", "Log", "LogTags"),
    "metrics": (
        "HttpDurationMetricsResult",
        "HttpDurationMetricsSample",
        "HttpMetricsByStatusResult",
        "HttpMetricsSample",
        "Metric",
        "MetricMeasurement",
        "MetricTag",
        "MetricTags",
        "MetricsResult",
    ),
    "notification_rules": ("NotificationChannel", "NotificationRule", "NotificationSeverity"),
    "overview": (
        "EnvironmentOverview",
        "OverviewDeployment",
        "OverviewDomain",
        "OverviewDomains",
        "OverviewOrigin",
        "OverviewService",
        "OverviewSource",
        "OverviewVolume",
    ),
    "private_networks": ("PrivateNetwork", "PrivateNetworkEndpoint", "PrivateNetworkEndpointSyncStatus"),
    "projects": (
        "BucketRef",
        "EnvironmentRef",
        "Project",
        "ProjectMember",
        "ProjectRole",
        "ProjectsOrderBy",
        "ServiceRef",
        "VolumeRef",
    ),
    "regions": ("Region", "RegionDeploymentConstraints", "RegionDeprecationInfo"),
    "service_instances": (
        "AutoDeployStatus",
        "Builder",
        "RestartPolicyType",
        "ServiceInstance",
        "ServiceInstanceLimits",
        "ServiceSource",
    ),
    "services": ("DeploymentTrigger", "RegistryCredentials", "Service"),
    "tcp_proxies": ("TCPProxy",),
    "templates": (
        "Template",
        "TemplateCreator",
        "TemplateDeployment",
        "TemplateMetrics",
        "TemplateSearchResult",
        "TemplateStatus",
    ),
    "tokens": ("ApiToken", "ProjectToken"),
    "usage": ("AggregatedUsage", "EstimatedUsage"),
    "variables": ("Variable", "Variables"),
    "volumes": ("Volume", "VolumeInstance", "VolumeState"),
    "workflows": ("WorkflowId", "WorkflowResult", "WorkflowStatus"),
    "workspaces": ("TeamRole", "Workspace", "WorkspaceMember"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a model from the module of its noun.

    Raises:
        AttributeError: There is no such model.
    """
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
