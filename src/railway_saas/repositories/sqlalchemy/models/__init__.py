"""The tables, one module per noun. `Base.metadata` knows them all."""

from railway_saas.repositories.sqlalchemy.models.base import Base, table_of
from railway_saas.repositories.sqlalchemy.models.catalogue import TemplateRevisionRow, TemplateRow
from railway_saas.repositories.sqlalchemy.models.instances import (
    DeploymentRow,
    InstanceDomainRow,
    InstanceEventRow,
    InstanceRow,
    InstanceServiceRow,
    OwnerRow,
)
from railway_saas.repositories.sqlalchemy.models.operations import ProviderOperationRow
from railway_saas.repositories.sqlalchemy.models.records import (
    AuditRow,
    IdempotencyKeyRow,
    InboxRow,
    OutboxRow,
    SubscriptionRow,
)
from railway_saas.repositories.sqlalchemy.models.usage import UsageMetricRow, UsageWatermarkRow

__all__ = [
    "AuditRow",
    "Base",
    "DeploymentRow",
    "IdempotencyKeyRow",
    "InboxRow",
    "InstanceDomainRow",
    "InstanceEventRow",
    "InstanceRow",
    "InstanceServiceRow",
    "OutboxRow",
    "OwnerRow",
    "ProviderOperationRow",
    "SubscriptionRow",
    "TemplateRevisionRow",
    "TemplateRow",
    "UsageMetricRow",
    "UsageWatermarkRow",
    "table_of",
]
