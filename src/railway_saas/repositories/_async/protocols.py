"""What the SDK asks of a database: one unit of work per transaction, one repository per noun.

Bring your own by implementing these Protocols; `tests/repositories` is the suite that every implementation passes.
Rules that hold for all of them:

- Lists come page by page, ordered by id (which is time-ordered), `limit` rows at most, and go on `after` the last id
  of the page before: `Page.next_cursor` is that id as text, None on the last page.
- `get` raises `NotFoundError`, `find` returns None.
- A row whose key is taken raises `ConflictError`; one that refers to a row, or updates a row, that does not exist
  `NotFoundError`. After these and `LeaseLostError` the unit of work goes on as if the refused call had not been.
  Anything else the database says becomes a `RepositoryError`, and the unit of work can only be rolled back.
- What is asked of many comes back with an entry for each, if only an empty one, where an entry is a sequence.
- Datetimes are aware and come back in UTC. Amounts are kept to nine decimal places. Text with a NUL or half a
  character is refused, as is text that is too long (`railway_saas.repositories.values`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType
    from uuid import UUID

    from railway_saas._core.paging import Page
    from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
    from railway_saas.domain.instances import (
        Deployment,
        Instance,
        InstanceDomain,
        InstanceEvent,
        InstanceService,
    )
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.domain.plans import Slots
    from railway_saas.domain.records import (
        AuditEntry,
        IdempotencyKey,
        InboxEvent,
        OutboxMessage,
        Subscription,
    )
    from railway_saas.domain.statuses import InstanceStatus, OperationState
    from railway_saas.domain.usage import UsageMetric, UsageTotal


class AsyncTemplateRepository(Protocol):
    """The catalogue and its revisions."""

    async def add(self, template: CatalogueTemplate) -> None:
        """Insert. ConflictError: the `railway_template_id` is there already."""
        ...

    async def save(self, template: CatalogueTemplate) -> None:
        """Update every column of an existing row. NotFoundError: there is none."""
        ...

    async def get(self, template_id: UUID) -> CatalogueTemplate:
        """By id."""
        ...

    async def find_by_railway_id(self, railway_template_id: str) -> CatalogueTemplate | None:
        """By Railway's id (or `local:...`)."""
        ...

    async def list_page(
        self,
        *,
        is_active: bool | None = None,
        category: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[CatalogueTemplate]:
        """The catalogue, filtered."""
        ...

    async def add_revision(self, revision: TemplateRevision) -> None:
        """Insert. ConflictError: the number or the content is there already."""
        ...

    async def get_revision(self, revision_id: UUID) -> TemplateRevision:
        """By id."""
        ...

    async def find_revision(self, template_id: UUID, content_hash: str) -> TemplateRevision | None:
        """By content."""
        ...

    async def latest_revision(self, template_id: UUID) -> TemplateRevision | None:
        """The one of the highest number."""
        ...

    async def list_revisions(
        self, template_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> Page[TemplateRevision]:
        """All of a template."""
        ...


class AsyncInstanceRepository(Protocol):
    """Instances, their slots and leases."""

    async def add(self, instance: Instance) -> None:
        """Insert everything. ConflictError: the owner has a live instance of that name (any case)."""
        ...

    async def get(self, instance_id: UUID) -> Instance:
        """By id, whoever owns it."""
        ...

    async def find_owned(self, instance_id: UUID, user_id: UUID) -> Instance | None:
        """By id, if it is this owner's."""
        ...

    async def find_by_project(self, railway_project_id: str) -> Instance | None:
        """By its Railway project."""
        ...

    async def find_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Instance]:
        """Those that exist, with one statement."""
        ...

    async def find_many_by_project(self, railway_project_ids: Collection[str]) -> Mapping[str, Instance]:
        """Those that exist, by their Railway project, with one statement."""
        ...

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        status: InstanceStatus | None = None,
        template_id: UUID | None = None,
        needs_attention: bool = False,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = False,
    ) -> Page[Instance]:
        """All, or those that every given filter lets through. `needs_attention`: only those with an `attention`."""
        ...

    async def lock(self, instance_id: UUID) -> Instance:
        """By id, held against every other transaction until this one ends."""
        ...

    async def save_desired(self, instance: Instance) -> None:
        """Write `name`, `desired`, `resources`, `updated_at`: what verbs change. Leaves the observed half alone."""
        ...

    async def save_observed(self, instance: Instance, *, worker: str, lease_until: datetime) -> None:
        """Write `observed`, `holds_slot`, `updated_at`, and prolong the lease. Leaves the desired half alone.

        LeaseLostError: `worker` does not hold the lease (any more); nothing was written.
        """
        ...

    async def claim(
        self,
        instance_id: UUID,
        *,
        worker: str,
        now: datetime,
        lease_until: datetime,
        believed_until: datetime | None = None,
    ) -> Instance | None:
        """Take the lease if it is free or over at `now`, or `worker` has it; None when another worker has it.

        A lease that ends after `believed_until` is as good as free: a clock that ran ahead wrote it.
        """
        ...

    async def claim_due(
        self,
        *,
        worker: str,
        now: datetime,
        lease_until: datetime,
        limit: int,
        believed_until: datetime | None = None,
    ) -> Sequence[Instance]:
        """Take the lease of instances with `next_check_at` at or before `now` and no lease that still runs at `now`.

        Fair to owners: everybody's longest waiting one comes first, then everybody's second, and so on.
        Two workers never get the same one (`FOR UPDATE SKIP LOCKED` on PostgreSQL).
        A `next_check_at` or a lease after `believed_until` was written by a clock that ran ahead: the instance is due.
        """
        ...

    async def release(self, instance: Instance, *, worker: str, next_check_at: datetime | None) -> None:
        """Give the lease back, and note when to look next.

        If `wakes` grew since `instance` was read, the stored `next_check_at` stays when it is earlier: a wish that came
        during the look is not lost. Does nothing when `worker` does not hold the lease.
        """
        ...

    async def wake(self, instance_id: UUID, *, at: datetime) -> None:
        """Have it looked at by `at`: `next_check_at` becomes the earlier of both, `wakes` grows by one."""
        ...

    async def next_due_at(self) -> datetime | None:
        """When `claim_due` finds something next: the earliest `next_check_at`, or later where a lease runs until then."""
        ...

    async def lock_owner(self, user_id: UUID) -> None:
        """Hold the owner until the transaction ends, so that limits are counted by one at a time."""
        ...

    async def slots_of(self, user_id: UUID) -> Slots:
        """What the owner's instances with `holds_slot` hold, and their custom domains that are not `REFUSED`.

        `unbounded` is the union of their `resources.unbounded`.
        """
        ...

    async def count_by_status(self) -> Mapping[InstanceStatus, int]:
        """How many there are of each."""
        ...


class AsyncServiceRepository(Protocol):
    """Services of instances. An instance has few, so they come all at once."""

    async def list_for(self, instance_id: UUID) -> Sequence[InstanceService]:
        """All of an instance, by name."""
        ...

    async def list_for_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Sequence[InstanceService]]:
        """All of several instances, with one statement."""
        ...

    async def replace(self, instance_id: UUID, services: Sequence[InstanceService]) -> None:
        """Make these the services of the instance: insert, update (by `railway_service_id`), delete the others."""
        ...


class AsyncDomainRepository(Protocol):
    """Custom domains."""

    async def add(self, domain: InstanceDomain) -> None:
        """Insert. ConflictError: the domain is there already, whoever has it."""
        ...

    async def save(self, domain: InstanceDomain) -> None:
        """Update every column of an existing row."""
        ...

    async def find(self, domain: str) -> InstanceDomain | None:
        """By name."""
        ...

    async def list_for(self, instance_id: UUID) -> Sequence[InstanceDomain]:
        """All of an instance, oldest first."""
        ...

    async def list_for_many(self, instance_ids: Collection[UUID]) -> Mapping[UUID, Sequence[InstanceDomain]]:
        """All of several instances, with one statement."""
        ...

    async def delete(self, domain_id: UUID) -> None:
        """Forget it."""
        ...


class AsyncOperationRepository(Protocol):
    """Writes to Railway: see `ProviderOperation`."""

    async def add(self, operation: ProviderOperation) -> None:
        """Insert. ConflictError: the instance has an operation of that key."""
        ...

    async def save(self, operation: ProviderOperation) -> None:
        """Update every column of an existing row but `instance_id`, `key`, `kind`, `created_at`."""
        ...

    async def get(self, operation_id: UUID) -> ProviderOperation:
        """By id."""
        ...

    async def find(self, instance_id: UUID, key: str) -> ProviderOperation | None:
        """By the instance's key."""
        ...

    async def find_many(self, instance_id: UUID, keys: Collection[str]) -> Mapping[str, ProviderOperation]:
        """Those of the instance that have one of these keys, by key, with one statement."""
        ...

    async def list_open(self, instance_id: UUID) -> Sequence[ProviderOperation]:
        """Those INTENDED or SENT, oldest first. The loop keeps them few."""
        ...

    async def list_open_for_many(
        self, instance_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ProviderOperation]]:
        """Those of several instances, with one statement."""
        ...

    async def list_page(
        self,
        *,
        instance_id: UUID | None = None,
        state: OperationState | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[ProviderOperation]:
        """The history of an instance, or an operator's queue."""
        ...


class AsyncDeploymentRepository(Protocol):
    """Deployments of instances."""

    async def upsert(self, deployments: Sequence[Deployment]) -> None:
        """Insert, or update status, logs (unless None), `started_at` and `finished_at` by `railway_deployment_id`."""
        ...

    async def finish(
        self,
        instance_id: UUID,
        *,
        at: datetime,
        services: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> int:
        """Set `finished_at` of an instance's deployments that have none yet; how many there were.

        Args:
            instance_id: The instance.
            at: When they ended.
            services: Only those of services of these names; None: of all.
            but: Railway's ids of those that go on.
        """
        ...

    async def find(self, railway_deployment_id: str) -> Deployment | None:
        """By Railway's id."""
        ...

    async def list_page(
        self,
        instance_id: UUID,
        *,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = False,
    ) -> Page[Deployment]:
        """Those of an instance."""
        ...


class AsyncSubscriptionRepository(Protocol):
    """Which owner has which plan."""

    async def upsert(self, subscription: Subscription) -> None:
        """Insert, or update by `stripe_subscription_id`."""
        ...

    async def find_by_stripe_id(self, stripe_subscription_id: str) -> Subscription | None:
        """By Stripe's id."""
        ...

    async def current(self, user_id: UUID) -> Subscription | None:
        """The newest that grants a plan (`active`, `trialing`, `past_due`), else the newest of all, else None."""
        ...

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        status: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Subscription]:
        """All, filtered."""
        ...


class AsyncUsageRepository(Protocol):
    """Usage per instance, measure and hour."""

    async def record(self, metrics: Sequence[UsageMetric]) -> None:
        """Write values; one that is there (same instance, measure, `recorded_at`) is replaced, never added to."""
        ...

    async def totals(
        self, instance_ids: Collection[UUID], *, start: datetime, end: datetime
    ) -> Sequence[UsageTotal]:
        """Sums by instance and measure of hours from `start` up to but not including `end`, with one statement."""
        ...

    async def totals_of_owner(self, user_id: UUID, *, start: datetime, end: datetime) -> Sequence[UsageTotal]:
        """The same for all instances an owner has or had."""
        ...

    async def list_page(
        self,
        instance_id: UUID,
        *,
        metric_type: str | None = None,
        start: datetime,
        end: datetime,
        after: str | None = None,
        limit: int = 500,
    ) -> Page[UsageMetric]:
        """The hours themselves, by time then measure; the cursor is made of both."""
        ...

    async def get_watermark(self, name: str) -> datetime | None:
        """Up to when a collector is done."""
        ...

    async def set_watermark(self, name: str, until: datetime) -> None:
        """Note up to when it is done."""
        ...


class AsyncOutboxRepository(Protocol):
    """Messages to be sent after the commit."""

    async def add(self, message: OutboxMessage) -> bool:
        """Insert; False when the topic has a message of that key."""
        ...

    async def claim_due(
        self, topic: str, *, now: datetime, retry_at: datetime, limit: int
    ) -> Sequence[OutboxMessage]:
        """Take messages that are due (neither sent nor failed, `not_before` at or before `now`), oldest first.

        `not_before` becomes `retry_at` and `attempts` grows by one, so that one whose sender dies comes again.
        """
        ...

    async def save(self, message: OutboxMessage) -> None:
        """Update `attempts`, `error`, `not_before`, `sent_at`, `failed_at`."""
        ...

    async def list_page(
        self,
        *,
        topic: str | None = None,
        failed: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[OutboxMessage]:
        """All of a topic; `failed`: only those given up."""
        ...


class AsyncInboxRepository(Protocol):
    """Events from outside, each kept once."""

    async def add(self, event: InboxEvent) -> bool:
        """Insert; False when the source has sent that key before."""
        ...

    async def save(self, event: InboxEvent) -> None:
        """Update `processed_at` and `outcome`."""
        ...

    async def list_unprocessed(self, source: str, *, limit: int = 50) -> Sequence[InboxEvent]:
        """Those without `processed_at`, oldest first."""
        ...

    async def forget_before(self, moment: datetime, *, limit: int = 1000) -> int:
        """Delete processed events received before a moment; how many went."""
        ...


class AsyncAuditRepository(Protocol):
    """Who changed what."""

    async def append(self, entry: AuditEntry) -> None:
        """Insert; entries are never changed."""
        ...

    async def list_page(
        self,
        *,
        user_id: UUID | None = None,
        subject_type: str | None = None,
        subject_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[AuditEntry]:
        """All, filtered."""
        ...


class AsyncIdempotencyRepository(Protocol):
    """Clients' keys for requests that create something."""

    async def reserve(self, key: IdempotencyKey) -> IdempotencyKey | None:
        """Insert; when the owner has the key (not expired at `key.created_at`) the stored one comes back instead.

        One that is expired is replaced.
        """
        ...

    async def complete(self, user_id: UUID, key: str, response: Mapping[str, object]) -> None:
        """Store the answer."""
        ...

    async def forget_expired(self, now: datetime, *, limit: int = 1000) -> int:
        """Delete what is over; how many went."""
        ...


class AsyncEventRepository(Protocol):
    """What happened to instances, for people."""

    async def append(self, events: Sequence[InstanceEvent]) -> Sequence[InstanceEvent]:
        """Insert, and give back as they are stored.

        The ids of an instance's events grow in the order in which they are committed, whatever the clocks of those who
        write them say: one that is not above the newest stored id gets the next one above it. For that the transaction
        has written or locked each instance before.
        """
        ...

    async def latest(self, instance_id: UUID) -> InstanceEvent | None:
        """The newest one of an instance."""
        ...

    async def list_page(
        self,
        instance_id: UUID,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page[InstanceEvent]:
        """Those of an instance, oldest first: in the order in which they were committed."""
        ...

    async def forget_before(self, moment: datetime, *, limit: int = 1000) -> int:
        """Delete old ones; how many went."""
        ...


class AsyncUnitOfWork(Protocol):
    """One transaction. Leaving the block without `commit` rolls everything back.

    ```python
    async with database.unit_of_work() as work:
        instance = await work.instances.get(instance_id)
        await work.commit()
    ```
    """

    @property
    def templates(self) -> AsyncTemplateRepository: ...
    @property
    def instances(self) -> AsyncInstanceRepository: ...
    @property
    def services(self) -> AsyncServiceRepository: ...
    @property
    def domains(self) -> AsyncDomainRepository: ...
    @property
    def operations(self) -> AsyncOperationRepository: ...
    @property
    def deployments(self) -> AsyncDeploymentRepository: ...
    @property
    def subscriptions(self) -> AsyncSubscriptionRepository: ...
    @property
    def usage(self) -> AsyncUsageRepository: ...
    @property
    def outbox(self) -> AsyncOutboxRepository: ...
    @property
    def inbox(self) -> AsyncInboxRepository: ...
    @property
    def audit(self) -> AsyncAuditRepository: ...
    @property
    def idempotency_keys(self) -> AsyncIdempotencyRepository: ...
    @property
    def events(self) -> AsyncEventRepository: ...

    async def commit(self) -> None:
        """Make everything since the block began, or since the last commit, last."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class AsyncDatabase(Protocol):
    """Where units of work come from."""

    def unit_of_work(self) -> AsyncUnitOfWork:
        """A new transaction; it begins with `async with`."""
        ...
