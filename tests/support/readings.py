"""Every way the repositories read many rows, to be counted and explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from railway_saas.domain.statuses import InstanceStatus, OperationState
from tests.support.nouns import (
    HOUR,
    NOW,
    Stock,
    audit_entry,
    deployment,
    domain,
    event,
    idempotency_key,
    inbox_event,
    message,
    metric,
    new_stock,
    operation,
    revision,
    service,
    subscription,
    template,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.domain.instances import Instance
    from railway_saas.repositories import UnitOfWork


@dataclass(frozen=True)
class Filled:
    """What is in a database."""

    stock: Stock
    instances: list[Instance]

    def ids(self, limit: int) -> list[UUID]:
        """A part of them that grows with the limit, and is never most of all."""
        return [one.id for one in self.instances[: limit // 10 + 1]]

    @property
    def first(self) -> Instance:
        return self.instances[0]


def filled(work: UnitOfWork, number: int, *, owners: int = 1, each: int = 1) -> Filled:
    """So many of everything, by so many owners; `each`: so many of what belongs to an instance."""
    stocks = [new_stock() for _ in range(10)]
    for stock in stocks:
        work.templates.add(stock.template)
        work.templates.add_revision(stock.revision)
    users = [uuid4() for _ in range(owners)]
    statuses, states = list(InstanceStatus), list(OperationState)
    made: list[Instance] = []
    for position in range(number):
        user, stock = users[position % owners], stocks[position % 10]
        instance = stock.instance(
            user,
            status=statuses[position % len(statuses)],
            attention="why" if position % 10 == 0 else None,
            next_check_at=NOW + position * HOUR / 1000,
            project_id=f"project-{position}",
        )
        made.append(instance)
        work.instances.add(instance)
        work.templates.add(template(category=f"c{position % 10}", is_active=position % 10 != 0))
        work.templates.add_revision(revision(stock.template.id, number=position + 2))
        work.subscriptions.upsert(subscription(user, status="active" if position % 10 else "canceled"))
        work.outbox.add(message(topic=f"t{position % 10}", failed_at=None if position % 10 else NOW))
        work.inbox.add(
            inbox_event(source=f"s{position % 10}", processed_at=NOW if position // 10 % 2 else None)
        )
        work.audit.append(
            audit_entry(user_id=user, subject_type=f"t{position % 10}", subject_id=str(position % 50))
        )
        work.idempotency_keys.reserve(idempotency_key(user, expires_at=NOW + position * HOUR))
        work.services.replace(instance.id, [service(instance.id) for _ in range(each)])
        for one in range(each):
            work.domains.add(domain(instance.id))
            work.operations.add(operation(instance.id, state=states[(position + one) % len(states)]))
    work.deployments.upsert([deployment(one.id) for one in made for _ in range(each)])
    work.events.append(
        [event(one.id, at=NOW + hour * HOUR) for hour, one in enumerate(made) for _ in range(each)]
    )
    work.usage.record(
        [metric(one.id, recorded_at=NOW + hour * HOUR) for one in made for hour in range(each * 3)]
    )
    return Filled(stocks[0], made)


SPAN: dict[str, Any] = {"start": NOW, "end": NOW + 2 * HOUR}
EARLY = NOW + HOUR / 20

READINGS: dict[str, Callable[[UnitOfWork, Filled, int], Any]] = {
    "templates, all": lambda work, _, limit: work.templates.list_page(limit=limit),
    "templates by is_active": lambda work, _, limit: work.templates.list_page(is_active=False, limit=limit),
    "templates by category": lambda work, _, limit: work.templates.list_page(category="c1", limit=limit),
    "revisions": lambda work, at, limit: work.templates.list_revisions(at.stock.template.id, limit=limit),
    "latest revision": lambda work, at, _: work.templates.latest_revision(at.stock.template.id),
    "instances, all": lambda work, _, limit: work.instances.list_page(limit=limit),
    "instances by user_id": lambda work, at, limit: work.instances.list_page(
        user_id=at.first.user_id, limit=limit
    ),
    "instances by status": lambda work, _, limit: work.instances.list_page(
        status=InstanceStatus.RUNNING, limit=limit
    ),
    "instances by template_id": lambda work, at, limit: work.instances.list_page(
        template_id=at.stock.template.id, limit=limit
    ),
    "instances that need attention": lambda work, _, limit: work.instances.list_page(
        needs_attention=True, limit=limit
    ),
    "instances by user_id and status": lambda work, at, limit: work.instances.list_page(
        user_id=at.first.user_id, status=InstanceStatus.ACCEPTED, limit=limit
    ),
    "instance by project": lambda work, _, __: work.instances.find_by_project("project-1"),
    "instances by id": lambda work, at, limit: work.instances.find_many(at.ids(limit)),
    "instances by project": lambda work, _, limit: work.instances.find_many_by_project(
        [f"project-{position}" for position in range(limit)]
    ),
    "instances that are due": lambda work, _, limit: work.instances.claim_due(
        worker="w", now=EARLY, lease_until=NOW + HOUR, limit=limit
    ),
    "instances that are due, or that a wrong clock put off": lambda work, _, limit: work.instances.claim_due(
        worker="w", now=EARLY, lease_until=NOW + HOUR, limit=limit, believed_until=NOW + 9 * HOUR
    ),
    "the next due one": lambda work, _, __: work.instances.next_due_at(),
    "slots": lambda work, at, _: work.instances.slots_of(at.first.user_id),
    "services": lambda work, at, limit: work.services.list_for_many(at.ids(limit)),
    "domains": lambda work, at, limit: work.domains.list_for_many(at.ids(limit)),
    "open operations": lambda work, at, limit: work.operations.list_open_for_many(at.ids(limit)),
    "operations by key": lambda work, at, limit: work.operations.find_many(
        at.first.id, [str(number) for number in range(min(limit, 100))]
    ),
    "operations, all": lambda work, _, limit: work.operations.list_page(limit=limit),
    "operations by instance_id": lambda work, at, limit: work.operations.list_page(
        instance_id=at.first.id, limit=limit
    ),
    "operations by state": lambda work, _, limit: work.operations.list_page(
        state=OperationState.NEEDS_ATTENTION, limit=limit
    ),
    "operations by instance_id and state": lambda work, at, limit: work.operations.list_page(
        instance_id=at.first.id, state=OperationState.INTENDED, limit=limit
    ),
    "deployments": lambda work, at, limit: work.deployments.list_page(at.first.id, limit=limit),
    "subscriptions, all": lambda work, _, limit: work.subscriptions.list_page(limit=limit),
    "subscriptions by user_id": lambda work, at, limit: work.subscriptions.list_page(
        user_id=at.first.user_id, limit=limit
    ),
    "subscriptions by status": lambda work, _, limit: work.subscriptions.list_page(
        status="canceled", limit=limit
    ),
    "current subscription": lambda work, at, _: work.subscriptions.current(at.first.user_id),
    "usage": lambda work, at, limit: work.usage.list_page(at.first.id, limit=limit, **SPAN),
    "usage by metric_type": lambda work, at, limit: work.usage.list_page(
        at.first.id, metric_type="CPU_USAGE", limit=limit, **SPAN
    ),
    "usage totals": lambda work, at, limit: work.usage.totals(at.ids(limit), **SPAN),
    "usage totals of an owner": lambda work, at, _: work.usage.totals_of_owner(at.first.user_id, **SPAN),
    "outbox, all": lambda work, _, limit: work.outbox.list_page(limit=limit),
    "outbox by topic": lambda work, _, limit: work.outbox.list_page(topic="t1", limit=limit),
    "outbox that failed": lambda work, _, limit: work.outbox.list_page(failed=True, limit=limit),
    "outbox by topic that failed": lambda work, _, limit: work.outbox.list_page(
        topic="t0", failed=True, limit=limit
    ),
    "outbox that is due": lambda work, _, limit: work.outbox.claim_due(
        "t1", now=NOW, retry_at=NOW + HOUR, limit=limit
    ),
    "inbox": lambda work, _, limit: work.inbox.list_unprocessed("s1", limit=limit),
    "old inbox": lambda work, _, limit: work.inbox.forget_before(NOW + HOUR, limit=limit),
    "audit log, all": lambda work, _, limit: work.audit.list_page(limit=limit),
    "audit log by user_id": lambda work, at, limit: work.audit.list_page(
        user_id=at.first.user_id, limit=limit
    ),
    "audit log by subject_type": lambda work, _, limit: work.audit.list_page(subject_type="t1", limit=limit),
    "audit log by subject_id": lambda work, _, limit: work.audit.list_page(subject_id="7", limit=limit),
    "audit log by subject": lambda work, _, limit: work.audit.list_page(
        subject_type="t7", subject_id="7", limit=limit
    ),
    "expired idempotency keys": lambda work, _, limit: work.idempotency_keys.forget_expired(
        NOW + 20 * HOUR, limit=limit
    ),
    "the latest event": lambda work, at, _: work.events.latest(at.first.id),
    "events": lambda work, at, limit: work.events.list_page(at.first.id, limit=limit),
    "old events": lambda work, _, limit: work.events.forget_before(NOW + 20 * HOUR, limit=limit),
}
