"""What all parts of the instance manager share."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from railway_saas.config import Timeouts
from railway_saas.domain.ids import new_id
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.plans import UNLIMITED, Plans, Slots, refuse_over_limit
from railway_saas.domain.records import AuditEntry
from railway_saas.errors import (
    ConfigurationError,
    InstanceNotFoundError,
    NotFoundError,
)
from railway_saas.instances._async.looking import AsyncLooker
from railway_saas.instances._async.loop import AsyncControlLoop
from railway_saas.instances._async.reading import AsyncReader
from railway_saas.instances.arguments import actor_of, identity, identity_if_given, workspace
from railway_saas.instances.inputs import (
    fill_known,
)
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.placement import ProjectPerInstance
from railway_saas.instances.showing import guarded, notebook_listener, told_nobody
from railway_saas.instances.verbs import Verb, require_verb
from railway_saas.instances.wishes import wishes_after
from railway_saas.instances.writes import Scribe
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
    from railway_saas.domain.instances import (
        Instance,
        InstanceEvent,
    )
    from railway_saas.domain.plans import Plan, Resources
    from railway_saas.instances.placement import Placement
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.repositories._async.protocols import AsyncDatabase, AsyncUnitOfWork
    from railway_saas.templates import RandomSource


SYSTEM: Final = "system"


class AsyncManagerBase:
    """Everything an instance manager is made of."""

    def __init__(
        self,
        client: AsyncRailwayClient,
        database: AsyncDatabase,
        *,
        workspace_id: str,
        plans: Plans = UNLIMITED,
        placement: Placement | None = None,
        settings: ManagerSettings | None = None,
        worker: str | None = None,
        on_event: Callable[[InstanceEvent], None] | None = None,
        now: Callable[[], datetime] | None = None,
        random: RandomSource | None = None,
    ) -> None:
        workspace(workspace_id)
        if worker is not None and not worker.strip():
            raise ConfigurationError("worker: must not be blank")
        self.plans = plans
        self.settings = settings or ManagerSettings()
        self.placement: Placement = placement or ProjectPerInstance()
        self._clock = client.clock
        self._client = client.with_options(timeouts=Timeouts(total_s=self.settings.call_timeout_s))
        self._database = database
        self._now = now or client.clock.now
        self._random = random or secrets.SystemRandom()
        listener = on_event or notebook_listener()
        self._tell: Callable[[InstanceEvent], None] = guarded(listener) if listener else told_nobody
        self._looker = AsyncLooker(
            self._client, workspace_id=workspace_id, namespace=self.placement.namespace
        )
        self._reader = AsyncReader(database, self.settings, namespace=self.placement.namespace)
        self._loop = AsyncControlLoop(
            self._client,
            database,
            looker=self._looker,
            scribe=Scribe(workspace_id=workspace_id, placement=self.placement, random=self._random),
            settings=self.settings,
            worker=worker or f"{os.getpid()}-{uuid4().hex[:12]}",
            now=self._now,
            tell=self._tell,
        )

    async def _locked(
        self, work: AsyncUnitOfWork, instance_id: UUID, user_id: UUID | None, verb: Verb
    ) -> Instance:
        await self._owned(work, instance_id, user_id)
        instance = await work.instances.lock(instance_id)
        require_verb(instance, verb, for_owner=user_id is not None)
        return instance

    async def _template(self, work: AsyncUnitOfWork, instance: Instance) -> Template:
        revision = await work.templates.get_revision(instance.desired.revision_id)
        return fill_known(Template.parse(revision.document), instance.desired.config.inputs)

    async def _want(
        self,
        work: AsyncUnitOfWork,
        instance: Instance,
        verb: Verb,
        actor: str | None,
        details: Mapping[str, object],
        **changes: object,
    ) -> Instance:
        """Write what is wanted and who wants it, wake the loop, commit."""
        now = self._now()
        before = instance.desired
        desired = replace(
            before,
            generation=before.generation + 1,
            **changes,  # type: ignore[arg-type]  # names are those of the fields
        )
        desired = replace(desired, wishes=wishes_after(instance, verb, desired.status))
        changed = replace(instance, desired=desired, updated_at=now)
        await work.instances.save_desired(changed)
        await work.instances.wake(instance.id, at=now)
        await self._audit(
            work,
            actor or str(instance.user_id),
            f"instance.{verb}",
            ("instance", instance.id),
            instance.user_id,
            **details,
        )
        await work.commit()
        return changed

    async def _audit(
        self,
        work: AsyncUnitOfWork,
        actor: str,
        action: str,
        subject: tuple[str, UUID],
        user_id: UUID | None,
        **details: object,
    ) -> None:
        now = self._now()
        await work.audit.append(
            AuditEntry(
                id=new_id(now),
                at=now,
                actor=actor_of(actor),
                action=action,
                subject_type=subject[0],
                subject_id=str(subject[1]),
                user_id=user_id,
                details=details,
            )
        )

    async def _owned(self, work: AsyncUnitOfWork, instance_id: UUID, user_id: UUID | None) -> Instance:
        identity(instance_id, "instance_id")
        identity_if_given(user_id, "user_id")
        try:
            instance = await work.instances.get(instance_id)
        except NotFoundError:
            instance = None
        if instance is None or (user_id is not None and instance.user_id != user_id):
            raise InstanceNotFoundError(f"there is no instance {instance_id}")
        return instance

    async def _plan_of(self, work: AsyncUnitOfWork, user_id: UUID) -> Plan:
        subscription = await work.subscriptions.current(user_id)
        if subscription is None or not subscription.grants_plan:
            return self.plans.default
        return self.plans.get(subscription.plan_name)

    async def _refuse_growth(self, work: AsyncUnitOfWork, instance: Instance, more: Resources) -> None:
        """Refuse what the plan has no room for.

        What runs without limits since before its owner had this plan may run on so. It may not get more services,
        and to be given limits is never in the way of itself.
        """
        before, after = instance.resources.unbounded, (instance.resources + more).unbounded
        used = await work.instances.slots_of(instance.user_id)
        refuse_over_limit(
            self.plans,
            await self._plan_of(work, instance.user_id),
            replace(used, unbounded=used.unbounded - (before - after)),
            Slots(resources=more, unbounded=after if more.services > 0 else after - before),
        )

    async def _catalogue_entry(self, work: AsyncUnitOfWork, template_id: UUID) -> CatalogueTemplate:
        identity(template_id, "template_id")
        try:
            return await work.templates.get(template_id)
        except NotFoundError as error:
            raise InstanceNotFoundError(f"there is no template {template_id}", what="template") from error

    async def _revision(
        self, work: AsyncUnitOfWork, template_id: UUID, revision_id: UUID | None
    ) -> TemplateRevision:
        if identity_if_given(revision_id, "revision_id") is None:
            latest = await work.templates.latest_revision(template_id)
            if latest is None:
                raise InstanceNotFoundError(f"template {template_id} has no revision", what="revision")
            return latest
        try:
            revision = await work.templates.get_revision(identity(revision_id, "revision_id"))
        except NotFoundError as error:
            raise InstanceNotFoundError(f"there is no revision {revision_id}", what="revision") from error
        if revision.template_id != template_id:
            raise InstanceNotFoundError(
                f"there is no revision {revision_id} of template {template_id}", what="revision"
            )
        return revision

    async def get(self, instance_id: UUID, *, user_id: UUID | None = None) -> Instance:
        """One instance.

        Raises:
            InstanceNotFoundError: There is none of that id, or it is somebody else's.
        """
        async with self._database.unit_of_work() as work:
            return await self._owned(work, instance_id, user_id)

    async def _intend(
        self,
        work: AsyncUnitOfWork,
        instance: Instance,
        kind: OperationKind,
        prefix: str,
        request: Mapping[str, object],
        *,
        is_wish: bool = True,
    ) -> None:
        """Write down what is to be sent once. It names the wish that it belongs to: who follows that one learns if it is dropped."""
        now = self._now()
        identity = new_id(now)
        operation = ProviderOperation(
            id=identity,
            instance_id=instance.id,
            key=f"{prefix}:{identity}",
            kind=kind,
            request={**request, "generation": instance.desired.generation + 1} if is_wish else request,
            created_at=now,
        )
        await work.operations.add(operation)
