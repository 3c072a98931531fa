"""Variables, limits and custom domains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas._core.quoting import quoted
from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import (
    DomainState,
    Instance,
    InstanceDomain,
    ServiceLimits,
)
from railway_saas.domain.plans import Slots, refuse_over_limit
from railway_saas.errors import (
    ConflictError,
    InstanceInputError,
    InstanceNotFoundError,
    NameTakenError,
)
from railway_saas.instances._async.managing.base import AsyncManagerBase
from railway_saas.instances.arguments import whole
from railway_saas.instances.inputs import (
    checked_domain,
    checked_limits,
    checked_variables,
    completed_limits,
    require_count,
    require_size,
    resources_of,
    variables_bytes,
)
from railway_saas.instances.verbs import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from railway_saas.templates import Template


MAX_PORT: Final = 65_535


class AsyncChanging(AsyncManagerBase):
    """Changes of what runs."""

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
            InstanceInputError: There is no such service, a name or value cannot be used, or they are too many or too long
                together.
            InstanceStateError: It is being deleted, or gone.
        """
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.SET_VARIABLES)
            template, known = await self._template(work, instance), instance.desired.config.variables
            changes = checked_variables(template, variables)
            merged = {service: dict(values) for service, values in known.items()}
            for service, values in changes.items():
                merged.setdefault(service, {}).update(values)
            require_count(merged, before=sum(map(len, known.values())))
            before = variables_bytes(template, known)
            require_size(variables_bytes(template, merged), "variables", before=before)
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
        """Set what each service may use. What is left open is as in the template's `resources`.

        Raises:
            InstanceInputError: A limit is not above 0.
            LimitExceededError: The owner's plan has no room for more, or limits what is left open by the template as well.
            InstanceStateError: It is being deleted, or gone.
        """
        given = checked_limits(limits)
        owner = (await self.get(instance_id, user_id=user_id)).user_id
        async with self._database.unit_of_work() as work:
            await work.instances.lock_owner(owner)
            instance = await self._locked(work, instance_id, user_id, Verb.SET_LIMITS)
            catalogue = await self._catalogue_entry(work, instance.template_id)
            wanted = completed_limits(given, catalogue.resources)
            resources = resources_of(await self._template(work, instance), wanted)
            await self._refuse_growth(work, instance, resources - instance.resources)
            config = replace(instance.desired.config, limits=wanted)
            return await self._want(
                work,
                replace(instance, resources=resources),
                Verb.SET_LIMITS,
                actor,
                wanted.to_json(),
                config=config,
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
                leaving = known is not None and _is_leaving(known, instance)
                state = "is being removed; ask again once it is gone" if leaving else "is in use"
                raise NameTakenError(f"domain={host!r}: {state}", argument="domain") from error
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
                raise InstanceNotFoundError(f"the instance has no domain {host}", what="domain")
            await work.domains.save(replace(row, state=DomainState.REMOVING, updated_at=self._now()))
            return await self._want(work, instance, Verb.REMOVE_DOMAIN, actor, {"domain": host})


def _is_leaving(domain: InstanceDomain, instance: Instance) -> bool:
    """Whether the instance itself is giving it up. Of somebody else's nothing is told."""
    return domain.instance_id == instance.id and domain.state is DomainState.REMOVING


def _domain_service(template: Template, service: str | None) -> str:
    names = [one.name for one in template.services]
    if service is None:
        public = next((one.name for one in template.services if one.is_public), None)
        return public or names[0]
    if service not in names:
        raise InstanceInputError(
            f"service={quoted(service)}: there is none of that name; there are {', '.join(names)}",
            argument="service",
        )
    return service


def _checked_port(port: int | None) -> int | None:
    return None if port is None else whole(port, "target_port", low=1, high=MAX_PORT)
