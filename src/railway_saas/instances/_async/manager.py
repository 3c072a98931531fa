"""The instance manager: what owners and operators ask of instances, and the loop that makes it so."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from railway_saas.config import Timeouts
from railway_saas.domain.catalogue import LOCAL_PREFIX, CatalogueTemplate, TemplateRevision
from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import (
    Desired,
    DomainState,
    Instance,
    InstanceConfig,
    InstanceDomain,
    InstanceEvent,
    Observed,
    ServiceLimits,
)
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.plans import UNLIMITED, Plans, Slots, refuse_over_limit
from railway_saas.domain.records import AuditEntry, IdempotencyKey
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus, OperationState
from railway_saas.errors import (
    ConfigurationError,
    ConflictError,
    InstanceError,
    InstanceInputError,
    InstanceNotFoundError,
    InstanceStateError,
    NameTakenError,
    NeedsAttentionError,
    NotFoundError,
    ProvisioningError,
    RailwayError,
)
from railway_saas.instances._async.looking import AsyncLooker
from railway_saas.instances._async.loop import AsyncControlLoop
from railway_saas.instances._async.reading import AsyncReader
from railway_saas.instances.inputs import (
    checked_domain,
    checked_limits,
    checked_name,
    checked_variables,
    fill_known,
    resources_of,
)
from railway_saas.instances.manager_settings import ManagerSettings
from railway_saas.instances.outcomes import Outcome, OutcomeKind, RunReport
from railway_saas.instances.placement import ProjectPerInstance
from railway_saas.instances.previews import UpgradePreview
from railway_saas.instances.steps import ENVIRONMENT, PROJECTS, ProjectSearch, Sight, SightKind
from railway_saas.instances.upgrades import plan_upgrade
from railway_saas.instances.verbs import Verb, allowed_verbs, require_verb
from railway_saas.instances.view import read_view
from railway_saas.instances.writes import Scribe
from railway_saas.railway.models.overview import EnvironmentOverview
from railway_saas.railway.operations import environments
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from railway_saas.domain.plans import Plan, Resources
    from railway_saas.instances.placement import Placement
    from railway_saas.railway._async._client import AsyncRailwayClient
    from railway_saas.railway.models.backups import VolumeInstanceBackup
    from railway_saas.repositories._async.protocols import AsyncDatabase, AsyncUnitOfWork
    from railway_saas.templates import RandomSource

BUSY_PAUSE_S: Final = 2.0
MAX_IDEMPOTENCY_KEY: Final = 255
IDEMPOTENCY_S: Final = 86_400.0
"""How long the same key gives the same instance."""

MAX_PORT: Final = 65_535
_SYSTEM: Final = "system"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AsyncInstanceManager:
    """Runs instances of templates for owners, on Railway.

    ```python
    manager = AsyncInstanceManager(railway, database, workspace_id=workspace_id, plans=plans)
    instance = await manager.deploy(user_id=owner, template_id=template.id, name="blog", inputs=values, wait=True)
    ```

    Verbs check, write what is wanted, and return; the loop does the work: `reconcile(id)` from any job runner, `run_due()`
    in a worker, or `wait=True` inline. Every verb takes `user_id`: with it, somebody else's instance does not exist;
    without it the caller is the operator.

    Args:
        client: The Railway client; it stays yours to close.
        database: Where instances are kept: `railway_saas.repositories`.
        workspace_id: The Railway workspace that instances are made in.
        plans: What owners may run; without plans there are no limits.
        placement: Where instances go; a project for each unless given.
        settings: How patient to be.
        worker: A name that no other running worker has; made up unless given.
        on_event: Called with every event once it is committed.
        now: The present moment, aware; for tests.
        random: Where generated secrets come from when a stack is built from single calls.

    Raises:
        ConfigurationError: `workspace_id` or `worker` is blank.
    """

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
        now: Callable[[], datetime] = _utc_now,
        random: RandomSource | None = None,
    ) -> None:
        if not workspace_id.strip() or (worker is not None and not worker.strip()):
            raise ConfigurationError("workspace_id and worker: must not be blank")
        self.plans = plans
        self.settings = settings or ManagerSettings()
        self.placement: Placement = placement or ProjectPerInstance()
        self._clock = client.clock
        self._client = client.with_options(timeouts=Timeouts(total_s=self.settings.call_timeout_s))
        self._database = database
        self._now = now
        self._random = random or secrets.SystemRandom()
        self._on_event = on_event
        self._listeners: list[Callable[[InstanceEvent], None]] = []
        self._looker = AsyncLooker(
            self._client, workspace_id=workspace_id, namespace=self.placement.namespace
        )
        self._reader = AsyncReader(database, self.settings)
        self._loop = AsyncControlLoop(
            self._client,
            database,
            looker=self._looker,
            scribe=Scribe(workspace_id=workspace_id, placement=self.placement, random=self._random),
            settings=self.settings,
            worker=worker or f"{os.getpid()}-{uuid4().hex[:12]}",
            now=now,
            tell=self._tell,
        )

    def _tell(self, event: InstanceEvent) -> None:
        for listener in (*self._listeners, *([self._on_event] if self._on_event else [])):
            listener(event)

    # The catalogue -------------------------------------------------------------------------------------------------

    async def publish_template(
        self,
        document: Template | Mapping[str, object],
        *,
        name: str,
        railway_template_id: str | None = None,
        description: str | None = None,
        category: str | None = None,
        price_tier: str | None = None,
        resources: ServiceLimits | None = None,
        setup_config: Mapping[str, object] | None = None,
        actor: str = _SYSTEM,
    ) -> CatalogueTemplate:
        """Offer a template; its document becomes the first revision.

        Args:
            document: Railway's `serializedConfig`, not filled in.
            name: What customers see.
            railway_template_id: Railway's id of the template. Without one it is built from single calls, always.
            description: What customers read.
            category: For the catalogue's filter.
            price_tier: What a plan must allow.
            resources: What each service may use, unless an instance says otherwise.
            setup_config: For your pages (JSON); not read here.
            actor: Who does it, for the audit log.

        Raises:
            TemplateError: The document has faults; all of them are in `problems`.
            NameTakenError: The Railway template is in the catalogue already: publish a revision.
        """
        template = _as_template(document).ensure_valid()
        now = self._now()
        template_id = new_id(now)
        entry = CatalogueTemplate(
            id=template_id,
            railway_template_id=railway_template_id or f"{LOCAL_PREFIX}{template_id}",
            name=checked_name(name),
            description=description,
            category=category,
            price_tier=price_tier,
            resources=checked_limits(resources or ServiceLimits()),
            setup_config=setup_config,
            created_at=now,
            updated_at=now,
        )
        async with self._database.unit_of_work() as work:
            if await work.templates.find_by_railway_id(entry.railway_template_id) is not None:
                raise NameTakenError(
                    f"railway_template_id={railway_template_id!r}: is in the catalogue; publish a revision of it",
                    argument="railway_template_id",
                )
            await work.templates.add(entry)
            await work.templates.add_revision(_revision(template, template_id, 1, now))
            await self._audit(work, actor, "template.publish", "template", template_id, None)
            await work.commit()
        return entry

    async def publish_revision(
        self,
        template_id: UUID,
        document: Template | Mapping[str, object],
        *,
        notes: str | None = None,
        actor: str = _SYSTEM,
    ) -> TemplateRevision:
        """Offer a newer document of a template; the same content again is the revision that exists.

        Instances stay on theirs until they are upgraded.

        Raises:
            TemplateError: The document has faults.
            InstanceNotFoundError: There is no such template.
        """
        template = _as_template(document).ensure_valid()
        async with self._database.unit_of_work() as work:
            await self._catalogue_entry(work, template_id)
            known = await work.templates.find_revision(template_id, template.content_hash)
            if known is not None:
                return known
            latest = await work.templates.latest_revision(template_id)
            number = latest.number + 1 if latest else 1
            revision = replace(_revision(template, template_id, number, self._now()), notes=notes)
            await work.templates.add_revision(revision)
            await self._audit(work, actor, "template.revise", "template", template_id, None)
            await work.commit()
        return revision

    async def _catalogue_entry(self, work: AsyncUnitOfWork, template_id: UUID) -> CatalogueTemplate:
        try:
            return await work.templates.get(template_id)
        except NotFoundError as error:
            raise InstanceNotFoundError(f"there is no template {template_id}") from error

    async def _revision(
        self, work: AsyncUnitOfWork, template_id: UUID, revision_id: UUID | None
    ) -> TemplateRevision:
        if revision_id is None:
            latest = await work.templates.latest_revision(template_id)
            if latest is None:
                raise InstanceNotFoundError(f"template {template_id} has no revision")
            return latest
        try:
            revision = await work.templates.get_revision(revision_id)
        except NotFoundError as error:
            raise InstanceNotFoundError(f"there is no revision {revision_id}") from error
        if revision.template_id != template_id:
            raise InstanceNotFoundError(f"there is no revision {revision_id} of template {template_id}")
        return revision

    # Deploying -----------------------------------------------------------------------------------------------------

    async def deploy(
        self,
        *,
        user_id: UUID,
        template_id: UUID,
        name: str,
        inputs: Mapping[str, str] | None = None,
        revision_id: UUID | None = None,
        limits: ServiceLimits | None = None,
        idempotency_key: str | None = None,
        wait: bool = False,
        timeout_s: float = 1200.0,
        actor: str | None = None,
    ) -> Instance:
        """Accept a deploy: everything is checked, and the owner's slots taken, in one transaction.

        Args:
            user_id: The owner.
            template_id: What to deploy, of the catalogue.
            name: The owner's name for it; unique among the owner's, whatever the case.
            inputs: Values for `Template.inputs`, by `Service.NAME` or `NAME`.
            revision_id: The revision; the latest unless given.
            limits: What each service may use; the template's `resources` unless given.
            idempotency_key: The same key of the same owner gives the same instance for a day, and makes no second one.
            wait: Return when it runs; otherwise as soon as it is accepted, for a worker to carry on.
            timeout_s: Seconds to wait at most.
            actor: Who does it, for the audit log; the owner unless given.

        Raises:
            InstanceNotFoundError: There is no such template or revision, or it is not offered any more.
            TemplateError: Inputs are missing, unknown or too long; all of them are in `problems`.
            InstanceInputError: The name or a limit cannot be used, or the key was used for another request.
            NameTakenError: The owner has an instance of that name.
            LimitExceededError: The owner's plan has no room.
            ProvisioningError: With `wait`: it did not come up. What was made for it is gone again, and its slot free.
            NeedsAttentionError: With `wait`: an operator has to decide.
        """
        name = checked_name(name)
        request = (str(template_id), name, dict(inputs or {}), str(revision_id), str(limits))
        async with self._database.unit_of_work() as work:
            await work.instances.lock_owner(user_id)
            known = await self._reserved(work, user_id, idempotency_key, request)
            instance = known or await self._accept(
                work, user_id, template_id, name, inputs or {}, revision_id, limits, actor or str(user_id)
            )
            if known is None:
                if idempotency_key is not None:
                    await work.idempotency_keys.complete(
                        user_id, idempotency_key, {"instance_id": str(instance.id)}
                    )
                await work.commit()
        if known is None:
            self._tell(_accepted(instance))
        return await self.wait(instance.id, timeout_s=timeout_s) if wait else instance

    async def _reserved(
        self, work: AsyncUnitOfWork, user_id: UUID, key: str | None, request: object
    ) -> Instance | None:
        """The instance that an earlier request under this key made."""
        if key is None:
            return None
        if not key.strip() or len(key) > MAX_IDEMPOTENCY_KEY:
            raise InstanceInputError(
                f"idempotency_key: must have 1 to {MAX_IDEMPOTENCY_KEY} characters",
                argument="idempotency_key",
            )
        now = self._now()
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        known = await work.idempotency_keys.reserve(
            IdempotencyKey(
                user_id=user_id,
                key=key,
                request_digest=digest,
                created_at=now,
                expires_at=now + timedelta(seconds=IDEMPOTENCY_S),
            )
        )
        if known is None:
            return None
        if known.request_digest != digest:
            raise InstanceInputError(
                "idempotency_key: was used for another request", argument="idempotency_key"
            )
        made = (known.response or {}).get("instance_id")
        return await work.instances.get(UUID(str(made))) if made else None

    async def _accept(
        self,
        work: AsyncUnitOfWork,
        user_id: UUID,
        template_id: UUID,
        name: str,
        inputs: Mapping[str, str],
        revision_id: UUID | None,
        limits: ServiceLimits | None,
        actor: str,
    ) -> Instance:
        """Check everything, then write the instance, its first operation, and who did it."""
        catalogue = await self._catalogue_entry(work, template_id)
        if not catalogue.is_active:
            raise InstanceNotFoundError(f"template {template_id} is not offered any more")
        revision = await self._revision(work, template_id, revision_id)
        document = Template.parse(revision.document)
        document.fill(inputs)
        wanted = checked_limits(limits or catalogue.resources)
        resources = resources_of(document, wanted)
        refuse_over_limit(
            self.plans,
            await self._plan_of(work, user_id),
            await work.instances.slots_of(user_id),
            Slots(instances=1, resources=resources),
            tier=catalogue.price_tier,
        )
        now = self._now()
        instance = Instance(
            id=new_id(now),
            user_id=user_id,
            template_id=template_id,
            name=name,
            desired=Desired(
                revision_id=revision.id, config=InstanceConfig(inputs=dict(inputs), limits=wanted)
            ),
            observed=Observed(status_since=now),
            resources=resources,
            next_check_at=now,
            created_at=now,
            updated_at=now,
        )
        try:
            await work.instances.add(instance)
        except ConflictError as error:
            raise NameTakenError(
                f"name={name!r}: you have an instance of that name; choose another", argument="name"
            ) from error
        await work.operations.add(
            ProviderOperation(
                id=new_id(now),
                instance_id=instance.id,
                key="project",
                kind=OperationKind.PROJECT_CREATE,
                created_at=now,
            )
        )
        await work.events.append([_accepted(instance)])
        await self._audit(work, actor, "instance.deploy", "instance", instance.id, user_id, name=name)
        return instance

    async def plan_of(self, user_id: UUID) -> Plan:
        """The owner's plan: of the current subscription, else the default one."""
        async with self._database.unit_of_work() as work:
            return await self._plan_of(work, user_id)

    async def _plan_of(self, work: AsyncUnitOfWork, user_id: UUID) -> Plan:
        subscription = await work.subscriptions.current(user_id)
        if subscription is None or not subscription.grants_plan:
            return self.plans.default
        return self.plans.get(subscription.plan_name)

    # Reading -------------------------------------------------------------------------------------------------------

    async def get(self, instance_id: UUID, *, user_id: UUID | None = None) -> Instance:
        """One instance.

        Raises:
            InstanceNotFoundError: There is none of that id, or it is somebody else's.
        """
        async with self._database.unit_of_work() as work:
            return await self._owned(work, instance_id, user_id)

    async def _owned(self, work: AsyncUnitOfWork, instance_id: UUID, user_id: UUID | None) -> Instance:
        try:
            instance = await work.instances.get(instance_id)
        except NotFoundError:
            instance = None
        if instance is None or (user_id is not None and instance.user_id != user_id):
            raise InstanceNotFoundError(f"there is no instance {instance_id}")
        return instance

    async def events(
        self, instance_id: UUID, *, user_id: UUID | None = None, after: str | None = None, limit: int = 100
    ) -> Sequence[InstanceEvent]:
        """What has happened to it, oldest first; go on `after` the id of the last one."""
        async with self._database.unit_of_work() as work:
            await self._owned(work, instance_id, user_id)
            return (await work.events.list_page(instance_id, after=after, limit=limit)).items

    async def domains(self, instance_id: UUID, *, user_id: UUID | None = None) -> Sequence[InstanceDomain]:
        """Its custom domains with the DNS records their owner has to set."""
        async with self._database.unit_of_work() as work:
            await self._owned(work, instance_id, user_id)
            return await work.domains.list_for(instance_id)

    def allowed(self, instance: Instance) -> tuple[Verb, ...]:
        """What may be asked of it now."""
        return allowed_verbs(instance)

    # Verbs ---------------------------------------------------------------------------------------------------------

    async def set_variables(
        self,
        instance_id: UUID,
        variables: Mapping[str, Mapping[str, str | None]],
        *,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Set variables by service name and deploy what they concern; None takes one away.

        Raises:
            InstanceInputError: There is no such service, or a name or value cannot be used.
            InstanceStateError: It is being deleted, or gone.
        """
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.SET_VARIABLES)
            changes = checked_variables(await self._template(work, instance), variables)
            merged = {service: dict(values) for service, values in instance.desired.config.variables.items()}
            for service, values in changes.items():
                merged.setdefault(service, {}).update(values)
            config = replace(instance.desired.config, variables=merged)
            names = {service: sorted(values) for service, values in changes.items()}
            return await self._want(
                work, instance, Verb.SET_VARIABLES, actor, {"variables": names}, config=config
            )

    async def set_limits(
        self,
        instance_id: UUID,
        limits: ServiceLimits,
        *,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Set what each service may use.

        Raises:
            InstanceInputError: A limit is not above 0.
            LimitExceededError: The owner's plan has no room for more.
            InstanceStateError: It is being deleted, or gone.
        """
        checked_limits(limits)
        owner = (await self.get(instance_id, user_id=user_id)).user_id
        async with self._database.unit_of_work() as work:
            await work.instances.lock_owner(owner)
            instance = await self._locked(work, instance_id, user_id, Verb.SET_LIMITS)
            resources = resources_of(await self._template(work, instance), limits)
            await self._refuse_growth(work, instance, resources - instance.resources)
            config = replace(instance.desired.config, limits=limits)
            return await self._want(
                work,
                replace(instance, resources=resources),
                Verb.SET_LIMITS,
                actor,
                limits.to_json(),
                config=config,
            )

    async def _refuse_growth(self, work: AsyncUnitOfWork, instance: Instance, more: Resources) -> None:
        refuse_over_limit(
            self.plans,
            await self._plan_of(work, instance.user_id),
            await work.instances.slots_of(instance.user_id),
            Slots(resources=more),
        )

    async def attach_domain(
        self,
        instance_id: UUID,
        domain: str,
        *,
        service: str | None = None,
        target_port: int | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> InstanceDomain:
        """Give a service a custom domain; `domains()` has the DNS records once Railway has told them.

        Args:
            instance_id: The instance.
            domain: A host name like `app.example.com`.
            service: Name of the service; the one that answers to the public unless given.
            target_port: The port it leads to; Railway finds it out unless given.
            user_id: The owner; None for the operator.
            actor: Who does it, for the audit log.

        Raises:
            InstanceInputError: The domain, service or port cannot be used.
            NameTakenError: The domain is in use.
            LimitExceededError: The owner's plan has no room for another domain.
        """
        host = checked_domain(domain)
        owner = (await self.get(instance_id, user_id=user_id)).user_id
        async with self._database.unit_of_work() as work:
            await work.instances.lock_owner(owner)
            instance = await self._locked(work, instance_id, user_id, Verb.ATTACH_DOMAIN)
            template = await self._template(work, instance)
            target = _domain_service(template, service)
            refuse_over_limit(
                self.plans,
                await self._plan_of(work, owner),
                await work.instances.slots_of(owner),
                Slots(domains=1),
            )
            now = self._now()
            row = InstanceDomain(
                id=new_id(now),
                instance_id=instance.id,
                domain=host,
                service=target,
                target_port=_checked_port(target_port),
                created_at=now,
                updated_at=now,
            )
            known = await work.domains.find(host)
            if known is not None and known.state is DomainState.REFUSED and known.instance_id == instance.id:
                await work.domains.delete(known.id)
            try:
                await work.domains.add(row)
            except ConflictError as error:
                raise NameTakenError(f"domain={host!r}: is in use", argument="domain") from error
            await self._want(work, instance, Verb.ATTACH_DOMAIN, actor, {"domain": host})
        return row

    async def remove_domain(
        self,
        instance_id: UUID,
        domain: str,
        *,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Take a custom domain away; its slot is free once Railway has removed it.

        Raises:
            InstanceNotFoundError: The instance has no such domain.
        """
        host = checked_domain(domain)
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.REMOVE_DOMAIN)
            row = await work.domains.find(host)
            if row is None or row.instance_id != instance.id:
                raise InstanceNotFoundError(f"the instance has no domain {host}")
            await work.domains.save(replace(row, state=DomainState.REMOVING, updated_at=self._now()))
            return await self._want(work, instance, Verb.REMOVE_DOMAIN, actor, {"domain": host})

    async def restart(
        self,
        instance_id: UUID,
        *,
        service: str | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Start the processes of all services, or of one, anew; deployments stay the same."""
        return await self._act(
            instance_id, Verb.RESTART, OperationKind.RESTART, "restart", service, user_id, actor
        )

    async def redeploy(
        self,
        instance_id: UUID,
        *,
        service: str | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Deploy all services, or one, anew from their settings as they are."""
        return await self._act(
            instance_id, Verb.REDEPLOY, OperationKind.SERVICE_DEPLOY, "redeploy", service, user_id, actor
        )

    async def _act(
        self,
        instance_id: UUID,
        verb: Verb,
        kind: OperationKind,
        prefix: str,
        service: str | None,
        user_id: UUID | None,
        actor: str | None,
    ) -> Instance:
        """Something that is done once per service, in the order of the services' names."""
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, verb)
            rows = await work.services.list_for(instance_id)
            chosen = [row for row in rows if service is None or row.name == service]
            if not chosen:
                names = ", ".join(row.name for row in rows)
                raise InstanceInputError(
                    f"service={service!r}: there is none of that name; there are {names}", argument="service"
                )
            for row in chosen:
                request = {
                    "subject": row.template_key,
                    "before": row.railway_deployment_id,
                    "deployment_id": row.railway_deployment_id,
                }
                await self._intend(work, instance, kind, prefix, request)
            return await self._want(work, instance, verb, actor, {"service": service})

    async def _intend(
        self,
        work: AsyncUnitOfWork,
        instance: Instance,
        kind: OperationKind,
        prefix: str,
        request: Mapping[str, object],
    ) -> None:
        now = self._now()
        identity = new_id(now)
        operation = ProviderOperation(
            id=identity,
            instance_id=instance.id,
            key=f"{prefix}:{identity}",
            kind=kind,
            request=request,
            created_at=now,
        )
        await work.operations.add(operation)

    async def rollback(
        self,
        instance_id: UUID,
        railway_deployment_id: str,
        *,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Go back to an earlier deployment of a service: its image and its variables.

        Raises:
            InstanceNotFoundError: The instance has no such deployment.
        """
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.ROLLBACK)
            deployment = await work.deployments.find(railway_deployment_id)
            if deployment is None or deployment.instance_id != instance.id:
                raise InstanceNotFoundError(f"the instance has no deployment {railway_deployment_id}")
            row = next(
                (one for one in await work.services.list_for(instance.id) if one.name == deployment.service),
                None,
            )
            if row is None:
                raise InstanceNotFoundError(f"the instance has no service {deployment.service}")
            if row.railway_deployment_id == railway_deployment_id:
                raise InstanceStateError(
                    f"{deployment.service} runs that deployment already",
                    current=instance.status,
                    allowed=allowed_verbs(instance),
                )
            request = {
                "subject": row.template_key,
                "before": row.railway_deployment_id,
                "deployment_id": railway_deployment_id,
            }
            await self._intend(work, instance, OperationKind.ROLLBACK, "rollback", request)
            return await self._want(work, instance, Verb.ROLLBACK, actor, {"service": row.name})

    async def stop(
        self, instance_id: UUID, *, user_id: UUID | None = None, actor: str | None = None
    ) -> Instance:
        """Switch it off; deployments are kept and start again at once."""
        return await self._switch(instance_id, Verb.STOP, DesiredStatus.STOPPED, user_id, actor)

    async def start(
        self, instance_id: UUID, *, user_id: UUID | None = None, actor: str | None = None
    ) -> Instance:
        """Switch it on again."""
        return await self._switch(instance_id, Verb.START, DesiredStatus.RUNNING, user_id, actor)

    async def suspend(self, instance_id: UUID, *, actor: str | None = None) -> Instance:
        """Take it off Railway's bill, for an owner who does not pay; volumes are kept. Operators only."""
        return await self._switch(instance_id, Verb.SUSPEND, DesiredStatus.SUSPENDED, None, actor)

    async def resume(self, instance_id: UUID, *, actor: str | None = None) -> Instance:
        """Let a suspended one run again. Operators only."""
        return await self._switch(instance_id, Verb.RESUME, DesiredStatus.RUNNING, None, actor)

    async def _switch(
        self,
        instance_id: UUID,
        verb: Verb,
        status: DesiredStatus,
        user_id: UUID | None,
        actor: str | None,
    ) -> Instance:
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, verb)
            return await self._want(work, instance, verb, actor, {}, status=status)

    async def delete(
        self,
        instance_id: UUID,
        *,
        after: timedelta | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Delete it with everything in it: at once, or after a grace in which `cancel_deletion` calls it off.

        Raises:
            InstanceInputError: The grace is not above 0.
            InstanceStateError: It is being deleted already, or gone.
        """
        if after is not None and after <= timedelta(0):
            raise InstanceInputError(
                "after: must be above 0; leave it out to delete at once", argument="after"
            )
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.DELETE)
            if after is not None:
                delete_at = self._now() + after
                details = {"delete_at": delete_at.isoformat()}
                return await self._want(work, instance, Verb.DELETE, actor, details, delete_at=delete_at)
            return await self._want(
                work, instance, Verb.DELETE, actor, {}, status=DesiredStatus.DELETED, delete_at=None
            )

    async def cancel_deletion(
        self, instance_id: UUID, *, user_id: UUID | None = None, actor: str | None = None
    ) -> Instance:
        """Call a scheduled deletion off."""
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.CANCEL_DELETION)
            due = instance.desired.delete_at
            if due is not None and due <= self._now():
                raise InstanceStateError("the deletion has begun", current=instance.status, allowed=())
            return await self._want(work, instance, Verb.CANCEL_DELETION, actor, {}, delete_at=None)

    # Revisions -----------------------------------------------------------------------------------------------------

    async def preview_upgrade(
        self,
        instance_id: UUID,
        *,
        revision_id: UUID | None = None,
        inputs: Mapping[str, str] | None = None,
        user_id: UUID | None = None,
    ) -> UpgradePreview:
        """What an upgrade would change; Railway checks the changes as staged ones, and forgets them again.

        Args:
            instance_id: The instance.
            revision_id: The revision; the latest unless given.
            inputs: Values for inputs that are new in it.
            user_id: The owner; None for the operator.

        Raises:
            TemplateError: A new required input has no value.
            InstanceStateError: It does not run.
            RailwayError: Railway does not take the changes.
        """
        async with self._database.unit_of_work() as work:
            instance = await self._owned(work, instance_id, user_id)
            require_verb(instance, Verb.UPGRADE)
            revision = await self._revision(work, instance.template_id, revision_id)
            document = Template.parse(revision.document)
            values = {**instance.desired.config.inputs, **(inputs or {})}
            new = fill_known(document, values)
            old = await self._template(work, instance)
            rows = await work.services.list_for(instance_id)
        overview = (await self._looker.look(instance, [ENVIRONMENT]))[ENVIRONMENT]
        if not isinstance(overview, EnvironmentOverview):
            raise overview if isinstance(overview, RailwayError) else InstanceError("nothing was seen")
        view = read_view(overview, new, rows)
        plan = plan_upgrade(old, new, view, self._random, instance.desired.config.variables)
        staged = 0
        if plan.patch:
            staged = await self._try_staging(instance.observed.environment_id or "", plan.patch)
        return UpgradePreview(
            revision=revision,
            diff=old.diff(new),
            deploys=tuple(service.name for service in new.services if service.key in plan.affected),
            removes=tuple(service.name for service in old.services if service.key in plan.removed),
            resources=resources_of(new, instance.desired.config.limits),
            staged_changes=staged,
        )

    async def _try_staging(self, environment_id: str, patch: Mapping[str, object]) -> int:
        """Stage, count what Railway understood, and discard; only where nothing of somebody else's waits."""
        waiting = await self._client.run(environments.staged_changes(environment_id))
        if not waiting.is_empty:
            return 0
        staged = await self._client.run(environments.stage_changes(environment_id, patch, merge=False))
        await self._client.run(environments.stage_changes(environment_id, {}, merge=False))
        return sum(len(part) for part in staged.patch.values() if isinstance(part, dict))

    async def upgrade(
        self,
        instance_id: UUID,
        *,
        revision_id: UUID | None = None,
        inputs: Mapping[str, str] | None = None,
        allow_removals: bool = False,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Take it to another revision of its template; what does not come up is rolled back.

        Args:
            instance_id: The instance.
            revision_id: The revision; the latest unless given.
            inputs: Values for inputs that are new in it.
            allow_removals: Whether services that it does not have may be deleted with their volumes.
            user_id: The owner; None for the operator.
            actor: Who does it, for the audit log.

        Raises:
            TemplateError: A new required input has no value.
            InstanceInputError: It would delete services, and that was not allowed.
            LimitExceededError: The owner's plan has no room for it.
            InstanceStateError: It does not run, or an upgrade is going on.
        """
        owner = (await self.get(instance_id, user_id=user_id)).user_id
        async with self._database.unit_of_work() as work:
            await work.instances.lock_owner(owner)
            instance = await self._locked(work, instance_id, user_id, Verb.UPGRADE)
            applied = instance.observed.applied
            rollout = instance.observed.rollout
            if (applied and applied.revision_id != instance.desired.revision_id) or rollout.watching:
                raise InstanceStateError(
                    "a change is still coming up", current=instance.status, allowed=allowed_verbs(instance)
                )
            revision = await self._revision(work, instance.template_id, revision_id)
            values = {**instance.desired.config.inputs, **(inputs or {})}
            new = fill_known(Template.parse(revision.document), values)
            old = await self._template(work, instance)
            names = {service.name for service in new.services} | {service.key for service in new.services}
            removed = [one.name for one in old.services if not {one.key, one.name} & names]
            if removed and not allow_removals:
                raise InstanceInputError(
                    f"allow_removals: the revision has no {', '.join(removed)}, whose data would be deleted; "
                    "say allow_removals=True if that is meant",
                    argument="allow_removals",
                )
            resources = resources_of(new, instance.desired.config.limits)
            await self._refuse_growth(work, instance, resources - instance.resources)
            return await self._want(
                work,
                replace(instance, resources=resources),
                Verb.UPGRADE,
                actor,
                {"revision": revision.number},
                revision_id=revision.id,
                config=replace(instance.desired.config, inputs=values),
            )

    # Backups -------------------------------------------------------------------------------------------------------

    async def back_up(
        self,
        instance_id: UUID,
        *,
        service: str | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Back every volume up, or those of one service.

        Raises:
            InstanceInputError: There is no volume.
            RailwayError: Railway cannot be asked which volumes there are.
        """
        volumes = await self._volumes(instance_id, service, user_id)
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.BACK_UP)
            for key, volume_instance_id in volumes:
                request = {"subject": key, "volume_instance_id": volume_instance_id}
                name = f"railway-saas {new_id(self._now()).hex}"
                await self._intend(
                    work, instance, OperationKind.BACKUP_CREATE, "backup", {**request, "name": name}
                )
            return await self._want(work, instance, Verb.BACK_UP, actor, {"service": service})

    async def backups(
        self, instance_id: UUID, *, service: str | None = None, user_id: UUID | None = None
    ) -> Mapping[str, Sequence[VolumeInstanceBackup]]:
        """Backups by service name, as Railway lists them.

        Raises:
            RailwayError: Railway cannot be asked.
        """
        volumes = await self._volumes(instance_id, service, user_id)
        instance = await self.get(instance_id, user_id=user_id)
        async with self._database.unit_of_work() as work:
            names = {row.template_key: row.name for row in await work.services.list_for(instance_id)}
        sights = {Sight(SightKind.BACKUPS, volume): key for key, volume in volumes}
        seen = await self._looker.look(instance, list(sights))
        found: dict[str, Sequence[VolumeInstanceBackup]] = {}
        for sight, backups in seen.items():
            if isinstance(backups, RailwayError):
                raise backups
            if isinstance(backups, tuple):
                found[names[sights[sight]]] = backups
        return found

    async def restore(
        self,
        instance_id: UUID,
        backup_id: str,
        *,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Put a backup in the place of its volume. Railway removes backups that are newer.

        Raises:
            InstanceNotFoundError: None of its volumes has that backup.
            RailwayError: Railway cannot be asked.
        """
        volumes = await self._volumes(instance_id, None, user_id)
        instance = await self.get(instance_id, user_id=user_id)
        sights = {Sight(SightKind.BACKUPS, volume): (key, volume) for key, volume in volumes}
        seen = await self._looker.look(instance, list(sights))
        place = next(
            (
                sights[sight]
                for sight, backups in seen.items()
                if isinstance(backups, tuple) and any(one.id == backup_id for one in backups)
            ),
            None,
        )
        if place is None:
            raise InstanceNotFoundError(f"the instance has no backup {backup_id}")
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.RESTORE)
            rows = {row.template_key: row for row in await work.services.list_for(instance_id)}
            request = {
                "subject": place[0],
                "volume_instance_id": place[1],
                "backup_id": backup_id,
                "before": rows[place[0]].railway_deployment_id if place[0] in rows else None,
            }
            await self._intend(work, instance, OperationKind.BACKUP_RESTORE, "restore", request)
            return await self._want(work, instance, Verb.RESTORE, actor, {"backup_id": backup_id})

    async def _volumes(
        self, instance_id: UUID, service: str | None, user_id: UUID | None
    ) -> list[tuple[str, str]]:
        """Template key of the service and id of the volume instance, of every mounted volume."""
        instance = await self.get(instance_id, user_id=user_id)
        require_verb(instance, Verb.BACK_UP)
        overview = (await self._looker.look(instance, [ENVIRONMENT]))[ENVIRONMENT]
        if isinstance(overview, RailwayError):
            raise overview
        async with self._database.unit_of_work() as work:
            rows = {row.railway_service_id: row for row in await work.services.list_for(instance_id)}
        mounted = overview.volume_instances if isinstance(overview, EnvironmentOverview) else ()
        found = [
            (rows[volume.service_id].template_key, volume.id)
            for volume in mounted
            if volume.service_id in rows and service in {None, rows[volume.service_id].name}
        ]
        if not found:
            raise InstanceInputError(
                f"service={service!r}: there is no volume to back up", argument="service"
            )
        return found

    # Operators -----------------------------------------------------------------------------------------------------

    async def retry(self, instance_id: UUID, *, actor: str) -> Instance:
        """Let the loop try again what it gave up. Operators only."""
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, None, Verb.RETRY)
            page = await work.operations.list_page(
                instance_id=instance_id, state=OperationState.NEEDS_ATTENTION, limit=500
            )
            failed = await work.operations.list_page(
                instance_id=instance_id, state=OperationState.FAILED, limit=500
            )
            for operation in (*page.items, *failed.items):
                again = replace(
                    operation,
                    # One that may have landed is looked for again before it is sent again.
                    state=OperationState.SENT if operation.sent_at else OperationState.INTENDED,
                    result={},
                    attempts=0,
                    not_before=None,
                    finished_at=None,
                )
                await work.operations.save(again)
            observed = replace(instance.observed, attention=None, error=None, status_since=self._now())
            return await self._override(work, replace(instance, observed=observed), Verb.RETRY, actor)

    async def abandon(self, instance_id: UUID, *, actor: str) -> Instance:
        """Give it up: what carries its marker is deleted, its slot freed, and it ends as FAILED. Operators only."""
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, None, Verb.ABANDON)
            doubtful = await work.operations.find(instance_id, "project")
            if doubtful is not None and doubtful.state is OperationState.NEEDS_ATTENTION:
                await work.operations.save(replace(doubtful, state=OperationState.SENT, finished_at=None))
            observed = replace(instance.observed, attention=None, undoing=True)
            if observed.status is not InstanceStatus.DELETING:
                observed = replace(observed, status=InstanceStatus.DELETING, status_since=self._now())
            return await self._override(work, replace(instance, observed=observed), Verb.ABANDON, actor)

    async def adopt(self, instance_id: UUID, project_id: str, *, actor: str) -> Instance:
        """Say which Railway project is the instance's. It must carry the instance's marker. Operators only.

        Raises:
            InstanceInputError: No project of that id carries the marker.
            RailwayError: Railway cannot be asked.
        """
        instance = await self.get(instance_id)
        require_verb(instance, Verb.ADOPT)
        search = (await self._looker.look(instance, [PROJECTS]))[PROJECTS]
        if isinstance(search, RailwayError):
            raise search
        found = search.found if isinstance(search, ProjectSearch) else ()
        project = next((one for one in found if one.project_id == project_id and one.marked), None)
        if project is None:
            raise InstanceInputError(
                f"project_id={project_id!r}: no project of that id carries the instance's marker",
                argument="project_id",
            )
        environment_id = project.environment_id
        if project_id != instance.observed.project_id:
            environment_id = await self._environment_of(project_id)
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, None, Verb.ADOPT)
            observed = replace(
                instance.observed, project_id=project_id, environment_id=environment_id, attention=None
            )
            return await self._override(work, replace(instance, observed=observed), Verb.ADOPT, actor)

    async def _environment_of(self, project_id: str) -> str | None:
        project = await self._client.projects.get(project_id)
        return project.environments[0].id if project.environments else None

    async def _override(self, work: AsyncUnitOfWork, instance: Instance, verb: Verb, actor: str) -> Instance:
        """An operator writes the observed half; no worker may be at it meanwhile."""
        now = self._now()
        worker = f"operator-{uuid4().hex[:12]}"
        until = now + timedelta(seconds=self.settings.lease_s)
        claimed = await work.instances.claim(instance.id, worker=worker, now=now, lease_until=until)
        if claimed is None:
            raise InstanceStateError(
                "a worker is at it; try again in a moment", current=instance.status, allowed=()
            )
        await work.instances.save_observed(
            replace(instance, updated_at=now), worker=worker, lease_until=until
        )
        await work.instances.release(claimed, worker=worker, next_check_at=now)
        await self._audit(work, actor, f"instance.{verb}", "instance", instance.id, instance.user_id)
        await work.commit()
        return await self.get(instance.id)

    # Driving -------------------------------------------------------------------------------------------------------

    async def reconcile(self, instance_id: UUID) -> Outcome:
        """Take one instance as far as it goes now; `next_check_at` says when there may be more to do.

        Safe to call from anywhere, as often as one likes, also at the same time.

        Raises:
            InstanceNotFoundError: There is no such instance.
        """
        try:
            return await self._loop.reconcile(instance_id)
        except NotFoundError as error:
            raise InstanceNotFoundError(f"there is no instance {instance_id}") from error

    async def run_due(self, *, limit: int = 100) -> RunReport:
        """Take every instance that is due, up to `limit`, as far as it goes now: a worker calls this again and again.

        Looks are merged, a hundred to a request, and go out after users' actions.
        """
        return await self._loop.run_due(limit)

    async def wait(
        self, instance_id: UUID, *, timeout_s: float = 1200.0, user_id: UUID | None = None
    ) -> Instance:
        """Drive one instance until what is wanted is so.

        Raises:
            ProvisioningError: It could not be brought to run; it is FAILED, and its slot free.
            NeedsAttentionError: An operator has to decide.
            InstanceError: Time is up; it goes on when a worker comes by.
        """
        async for _ in self.follow(instance_id, timeout_s=timeout_s, user_id=user_id):
            pass
        return await self._concluded(instance_id)

    async def _concluded(self, instance_id: UUID) -> Instance:
        instance = await self.get(instance_id)
        if instance.observed.attention is not None:
            raise NeedsAttentionError(f"{instance.name} needs attention: {instance.observed.attention}")
        if instance.status is InstanceStatus.FAILED:
            raise ProvisioningError(
                f"{instance.name} could not be brought to run: {instance.observed.error}",
                step="status",
                project_id=instance.observed.project_id,
            )
        return instance

    async def follow(
        self, instance_id: UUID, *, timeout_s: float = 1200.0, user_id: UUID | None = None
    ) -> AsyncIterator[InstanceEvent]:
        """Drive one instance until what is wanted is so, and yield what happens.

        Raises:
            InstanceNotFoundError: There is none of that id, or it is somebody else's.
            InstanceError: Time is up; it goes on when a worker comes by.
        """
        await self.get(instance_id, user_id=user_id)
        deadline = self._clock.monotonic() + timeout_s
        while True:
            happened, outcome = await self._listening(instance_id)
            for event in happened:
                yield event
            if outcome.kind is OutcomeKind.SETTLED:
                return
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise InstanceError(
                    f"instance {instance_id} was not done after {timeout_s:g} s ({outcome.reason}); it goes on when "
                    "a worker comes by"
                )
            pause = BUSY_PAUSE_S
            if outcome.next_check_at is not None:
                pause = max(0.0, (outcome.next_check_at - self._now()).total_seconds())
            await self._clock.sleep(min(pause, left))

    async def _listening(self, instance_id: UUID) -> tuple[list[InstanceEvent], Outcome]:
        happened: list[InstanceEvent] = []

        def listen(event: InstanceEvent) -> None:
            if event.instance_id == instance_id:
                happened.append(event)

        self._listeners.append(listen)
        try:
            outcome = await self.reconcile(instance_id)
        finally:
            self._listeners.remove(listen)
        return happened, outcome

    # What verbs share ----------------------------------------------------------------------------------------------

    async def _locked(
        self, work: AsyncUnitOfWork, instance_id: UUID, user_id: UUID | None, verb: Verb
    ) -> Instance:
        await self._owned(work, instance_id, user_id)
        instance = await work.instances.lock(instance_id)
        require_verb(instance, verb)
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
        desired = replace(
            instance.desired,
            generation=instance.desired.generation + 1,
            **changes,  # type: ignore[arg-type]  # names are those of the fields
        )
        changed = replace(instance, desired=desired, updated_at=now)
        await work.instances.save_desired(changed)
        await work.instances.wake(instance.id, at=now)
        await self._audit(
            work,
            actor or str(instance.user_id),
            f"instance.{verb}",
            "instance",
            instance.id,
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
        subject_type: str,
        subject_id: UUID,
        user_id: UUID | None,
        **details: object,
    ) -> None:
        now = self._now()
        await work.audit.append(
            AuditEntry(
                id=new_id(now),
                at=now,
                actor=actor,
                action=action,
                subject_type=subject_type,
                subject_id=str(subject_id),
                user_id=user_id,
                details=details,
            )
        )


def _as_template(document: Template | Mapping[str, object]) -> Template:
    return document if isinstance(document, Template) else Template.parse(document)


def _revision(template: Template, template_id: UUID, number: int, now: datetime) -> TemplateRevision:
    return TemplateRevision(
        id=new_id(now),
        template_id=template_id,
        number=number,
        content_hash=template.content_hash,
        document=template.serialize(),
        created_at=now,
    )


def _accepted(instance: Instance) -> InstanceEvent:
    return InstanceEvent(
        id=new_id(instance.created_at),
        instance_id=instance.id,
        at=instance.created_at,
        step="accepted",
        message="accepted",
        status=instance.status,
        total=instance.resources.services,
    )


def _domain_service(template: Template, service: str | None) -> str:
    names = [one.name for one in template.services]
    if service is None:
        public = next((one.name for one in template.services if one.is_public), None)
        return public or names[0]
    if service not in names:
        raise InstanceInputError(
            f"service={service!r}: there is none of that name; there are {', '.join(names)}",
            argument="service",
        )
    return service


def _checked_port(port: int | None) -> int | None:
    if port is not None and not 1 <= port <= MAX_PORT:
        raise InstanceInputError(f"target_port={port}: must be from 1 to {MAX_PORT}", argument="target_port")
    return port
