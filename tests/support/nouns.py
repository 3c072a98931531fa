"""Rows for tests: each function makes one that is valid as it is; name what matters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import (
    Deployment,
    Desired,
    Instance,
    InstanceDomain,
    InstanceEvent,
    InstanceService,
    Observed,
)
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.records import AuditEntry, IdempotencyKey, InboxEvent, OutboxMessage, Subscription
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.domain.usage import UsageMetric

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase, Database

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

_numbers = count(1)


def next_id() -> UUID:
    """Each is later than the one before."""
    return new_id(NOW + timedelta(milliseconds=next(_numbers)))


def unique(word: str) -> str:
    return f"{word}-{next(_numbers)}"


@dataclass(frozen=True)
class Stock:
    """What an instance refers to."""

    template: CatalogueTemplate
    revision: TemplateRevision

    def instance(self, user_id: UUID | None = None, **changes: Any) -> Instance:
        """`status`, `project_id`, `attention` and other words of `Observed` may be named too."""
        observed = {
            name: changes.pop(name) for name in list(changes) if name in Observed.__dataclass_fields__
        }
        made = Instance(
            id=next_id(),
            user_id=user_id or uuid4(),
            template_id=self.template.id,
            name=unique("shop"),
            desired=Desired(revision_id=self.revision.id),
            observed=Observed(status_since=NOW),
            created_at=NOW,
            updated_at=NOW,
        )
        return replace(made, observed=replace(made.observed, **observed), **changes)


def new_stock() -> Stock:
    made = template()
    return Stock(made, revision(made.id))


async def stocked_async(database: AsyncDatabase) -> Stock:
    """A template and a revision in the database."""
    stock = new_stock()
    async with database.unit_of_work() as work:
        await work.templates.add(stock.template)
        await work.templates.add_revision(stock.revision)
        await work.commit()
    return stock


def stocked_sync(database: Database) -> Stock:
    """The same."""
    stock = new_stock()
    with database.unit_of_work() as work:
        work.templates.add(stock.template)
        work.templates.add_revision(stock.revision)
        work.commit()
    return stock


async def added_async(database: AsyncDatabase, *instances: Instance) -> None:
    """Instances in the database."""
    async with database.unit_of_work() as work:
        for instance in instances:
            await work.instances.add(instance)
        await work.commit()


def added_sync(database: Database, *instances: Instance) -> None:
    """The same."""
    with database.unit_of_work() as work:
        for instance in instances:
            work.instances.add(instance)
        work.commit()


def template(**changes: Any) -> CatalogueTemplate:
    made = CatalogueTemplate(
        id=next_id(), railway_template_id=unique("tpl"), name="Shop", created_at=NOW, updated_at=NOW
    )
    return replace(made, **changes)


def revision(template_id: UUID, **changes: Any) -> TemplateRevision:
    made = TemplateRevision(
        id=next_id(),
        template_id=template_id,
        number=1,
        content_hash=unique("hash"),
        document={"services": {"web": {"name": "web"}}},
        created_at=NOW,
    )
    return replace(made, **changes)


def service(instance_id: UUID, **changes: Any) -> InstanceService:
    made = InstanceService(
        id=next_id(),
        instance_id=instance_id,
        template_key="web",
        name="web",
        railway_service_id=unique("svc"),
        updated_at=NOW,
    )
    return replace(made, **changes)


def domain(instance_id: UUID, **changes: Any) -> InstanceDomain:
    made = InstanceDomain(
        id=next_id(),
        instance_id=instance_id,
        domain=f"{unique('www')}.example.com",
        service="web",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **changes)


def operation(instance_id: UUID, **changes: Any) -> ProviderOperation:
    made = ProviderOperation(
        id=next_id(),
        instance_id=instance_id,
        key=unique("step"),
        kind=OperationKind.PROJECT_CREATE,
        created_at=NOW,
    )
    return replace(made, **changes)


def deployment(instance_id: UUID, **changes: Any) -> Deployment:
    made = Deployment(
        id=next_id(),
        instance_id=instance_id,
        railway_deployment_id=unique("dep"),
        service="web",
        status="BUILDING",
        created_at=NOW,
    )
    return replace(made, **changes)


def event(instance_id: UUID, **changes: Any) -> InstanceEvent:
    made = InstanceEvent(
        id=next_id(),
        instance_id=instance_id,
        at=NOW,
        step="deploy",
        message="web is coming up",
        status=InstanceStatus.DEPLOYING,
    )
    return replace(made, **changes)


def metric(instance_id: UUID, **changes: Any) -> UsageMetric:
    made = UsageMetric(
        instance_id=instance_id,
        metric_type="CPU_USAGE",
        value=Decimal("1.5"),
        unit="vCPU-minutes",
        recorded_at=NOW,
    )
    return replace(made, **changes)


def subscription(user_id: UUID, **changes: Any) -> Subscription:
    made = Subscription(
        id=next_id(),
        user_id=user_id,
        stripe_subscription_id=unique("sub"),
        plan_name="pro",
        status="active",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **changes)


def message(**changes: Any) -> OutboxMessage:
    made = OutboxMessage(
        id=next_id(),
        topic="mail",
        key=unique("key"),
        payload={"to": "a@example.com"},
        not_before=NOW,
        created_at=NOW,
    )
    return replace(made, **changes)


def inbox_event(**changes: Any) -> InboxEvent:
    made = InboxEvent(
        id=next_id(),
        source="railway",
        key=unique("evt"),
        kind="deploy",
        payload={"status": "SUCCESS"},
        received_at=NOW,
    )
    return replace(made, **changes)


def audit_entry(**changes: Any) -> AuditEntry:
    made = AuditEntry(
        id=next_id(),
        at=NOW,
        actor="system",
        action="instance.deploy",
        subject_type="instance",
        subject_id=unique("id"),
    )
    return replace(made, **changes)


def idempotency_key(user_id: UUID, **changes: Any) -> IdempotencyKey:
    made = IdempotencyKey(
        user_id=user_id,
        key=unique("key"),
        request_digest="ab" * 32,
        created_at=NOW,
        expires_at=NOW + 24 * HOUR,
    )
    return replace(made, **changes)
