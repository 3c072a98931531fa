"""Our own nouns: frozen, pure, no I/O."""

from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
from railway_saas.domain.ids import new_id, owner_id
from railway_saas.domain.instances import (
    Applied,
    Deployment,
    Desired,
    DnsRecord,
    DomainState,
    Instance,
    InstanceConfig,
    InstanceDomain,
    InstanceEvent,
    InstanceService,
    Observed,
    Power,
    Rollout,
    ServiceLimits,
    Wish,
)
from railway_saas.domain.money import Money
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.plans import UNLIMITED, Limits, Plan, Plans, Resources, Slots
from railway_saas.domain.records import (
    AuditEntry,
    IdempotencyKey,
    InboxEvent,
    OutboxMessage,
    Subscription,
)
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.domain.usage import UsageMetric, UsageTotal

__all__ = [
    "UNLIMITED",
    "Applied",
    "AuditEntry",
    "CatalogueTemplate",
    "Deployment",
    "Desired",
    "DesiredStatus",
    "DnsRecord",
    "DomainState",
    "IdempotencyKey",
    "InboxEvent",
    "Instance",
    "InstanceConfig",
    "InstanceDomain",
    "InstanceEvent",
    "InstanceService",
    "InstanceStatus",
    "Limits",
    "Money",
    "Observed",
    "OperationKind",
    "OperationState",
    "OutboxMessage",
    "Plan",
    "Plans",
    "Power",
    "ProviderOperation",
    "Resources",
    "Rollout",
    "ServiceLimits",
    "Slots",
    "Subscription",
    "TemplateRevision",
    "UsageMetric",
    "UsageTotal",
    "Wish",
    "new_id",
    "owner_id",
]
