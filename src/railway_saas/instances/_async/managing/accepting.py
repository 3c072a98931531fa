"""Accepting a deploy: everything checked and every slot taken in one transaction."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import (
    Desired,
    Instance,
    InstanceConfig,
    InstanceEvent,
    Observed,
    ServiceLimits,
    Wish,
)
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.plans import Slots, refuse_over_limit
from railway_saas.domain.records import IdempotencyKey
from railway_saas.errors import (
    ConflictError,
    InstanceInputError,
    InstanceNotFoundError,
    NameTakenError,
)
from railway_saas.instances._async.managing.driving import AsyncDriving
from railway_saas.instances.arguments import identity, identity_if_given, mapping, seconds, text
from railway_saas.instances.inputs import (
    checked_limits,
    checked_name,
    completed_limits,
    require_size,
    resources_of,
    variables_bytes,
)
from railway_saas.instances.wishes import DEPLOY
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.domain.plans import Plan
    from railway_saas.repositories._async.protocols import AsyncUnitOfWork


MAX_IDEMPOTENCY_KEY: Final = 255
IDEMPOTENCY_S: Final = 86_400.0
"""How long the same key gives the same instance."""


class AsyncAccepting(AsyncDriving):
    """Deploying."""

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
            limits: What each service may use. What it leaves open is as in the template's `resources`.
            idempotency_key: The same key of the same owner gives the same instance for a day, and makes no second one.
            wait: Return when it runs; otherwise as soon as it is accepted, for a worker to carry on.
            timeout_s: Seconds to wait at most.
            actor: Who does it, for the audit log; the owner unless given.

        Raises:
            InstanceNotFoundError: There is no such template or revision, or it is not offered any more.
            TemplateError: Inputs are missing, unknown or too long; all of them are in `problems`.
            InstanceInputError: The name or a limit cannot be used, the inputs are too long together, or the key was used for
                another request.
            NameTakenError: The owner has an instance of that name.
            LimitExceededError: The owner's plan has no room.
            ProvisioningError: With `wait`: it did not come up. What was made for it is gone again, and its slot free.
            NeedsAttentionError: With `wait`: an operator has to decide.
        """
        identity(user_id, "user_id")
        identity(template_id, "template_id")
        identity_if_given(revision_id, "revision_id")
        name = checked_name(name)
        mapping({} if inputs is None else inputs, "inputs")
        limits = checked_limits(ServiceLimits() if limits is None else limits)
        seconds(timeout_s, "timeout_s")
        given = sorted((str(key), str(value)) for key, value in (inputs or {}).items())
        request = (str(template_id), name, given, str(revision_id), limits.to_json())
        async with self._database.unit_of_work() as work:
            await work.instances.lock_owner(user_id)
            known = await self._reserved(work, user_id, idempotency_key, request)
            instance = known or await self._accept(
                work,
                user_id=user_id,
                template_id=template_id,
                name=name,
                inputs=inputs or {},
                revision_id=revision_id,
                limits=limits,
                actor=actor or str(user_id),
            )
            accepted = _accepted(instance)
            if known is None:
                await work.events.append([accepted])
                if idempotency_key is not None:
                    await work.idempotency_keys.complete(
                        user_id, idempotency_key, {"instance_id": str(instance.id)}
                    )
                await work.commit()
        if known is None:
            self._tell(accepted)
        return await self.wait(instance.id, timeout_s=timeout_s) if wait else instance

    async def _reserved(
        self, work: AsyncUnitOfWork, user_id: UUID, key: str | None, request: object
    ) -> Instance | None:
        """The instance that an earlier request under this key made."""
        if key is None:
            return None
        text(key, "idempotency_key", longest=MAX_IDEMPOTENCY_KEY)
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
        *,
        user_id: UUID,
        template_id: UUID,
        name: str,
        inputs: Mapping[str, str],
        revision_id: UUID | None,
        limits: ServiceLimits,
        actor: str,
    ) -> Instance:
        """Check everything, then write the instance, its first operation, and who did it."""
        catalogue = await self._catalogue_entry(work, template_id)
        if not catalogue.is_active:
            raise InstanceNotFoundError(f"template {template_id} is not offered any more", what="template")
        revision = await self._revision(work, template_id, revision_id)
        document = Template.parse(revision.document)
        require_size(variables_bytes(document.fill(inputs), {}), "inputs")
        wanted = completed_limits(limits, catalogue.resources)
        resources = resources_of(document, wanted)
        refuse_over_limit(
            self.plans,
            await self._plan_of(work, user_id),
            await work.instances.slots_of(user_id),
            Slots(instances=1, resources=resources, unbounded=resources.unbounded),
            tier=catalogue.price_tier,
        )
        now = self._now()
        instance = Instance(
            id=new_id(now),
            user_id=user_id,
            template_id=template_id,
            name=name,
            desired=Desired(
                revision_id=revision.id,
                config=InstanceConfig(inputs=dict(inputs), limits=wanted),
                wishes=(Wish(number=1, verb=DEPLOY),),
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
        await self._audit(work, actor, "instance.deploy", ("instance", instance.id), user_id, name=name)
        return instance

    async def plan_of(self, user_id: UUID) -> Plan:
        """The owner's plan: of the current subscription, else the default one."""
        identity(user_id, "user_id")
        async with self._database.unit_of_work() as work:
            return await self._plan_of(work, user_id)


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
