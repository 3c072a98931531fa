"""Reading what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.instances._async.managing.base import AsyncManagerBase
from railway_saas.instances.arguments import (
    choice_if_given,
    cursor,
    identity,
    identity_if_given,
    page_size,
    text_if_given,
)
from railway_saas.instances.verbs import Verb, allowed_verbs

if TYPE_CHECKING:
    from collections.abc import Sequence
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


class AsyncReading(AsyncManagerBase):
    """Lookups."""

    async def events(
        self,
        instance_id: UUID,
        *,
        user_id: UUID | None = None,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[InstanceEvent]:
        """What has happened to it, oldest first unless told otherwise; go on `after` the id of the last one."""
        after, limit = cursor(after), page_size(limit)
        async with self._database.unit_of_work() as work:
            await self._owned(work, instance_id, user_id)
            page = await work.events.list_page(
                instance_id, after=after, limit=limit, newest_first=newest_first
            )
            return page.items

    async def domains(self, instance_id: UUID, *, user_id: UUID | None = None) -> Sequence[InstanceDomain]:
        """Its custom domains with the DNS records their owner has to set."""
        async with self._database.unit_of_work() as work:
            await self._owned(work, instance_id, user_id)
            return await work.domains.list_for(instance_id)

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
        """Instances of an owner, or of all, oldest first unless told otherwise; `after` is the `next_cursor` of the page before."""
        identity_if_given(user_id, "user_id")
        identity_if_given(template_id, "template_id")
        after, limit = cursor(after), page_size(limit)
        status = choice_if_given(status, InstanceStatus, "status")
        async with self._database.unit_of_work() as work:
            return await work.instances.list_page(
                user_id=user_id,
                status=status,
                template_id=template_id,
                needs_attention=needs_attention,
                after=after,
                limit=limit,
                newest_first=newest_first,
            )

    async def services(self, instance_id: UUID, *, user_id: UUID | None = None) -> Sequence[InstanceService]:
        """Its services as last seen, by name."""
        async with self._database.unit_of_work() as work:
            await self._owned(work, instance_id, user_id)
            return await work.services.list_for(instance_id)

    async def deployments(
        self,
        instance_id: UUID,
        *,
        user_id: UUID | None = None,
        after: str | None = None,
        limit: int = 50,
        newest_first: bool = False,
    ) -> Page[Deployment]:
        """Its deployments, oldest first unless told otherwise."""
        after, limit = cursor(after), page_size(limit)
        async with self._database.unit_of_work() as work:
            await self._owned(work, instance_id, user_id)
            return await work.deployments.list_page(
                instance_id, after=after, limit=limit, newest_first=newest_first
            )

    async def operations(
        self,
        *,
        instance_id: UUID | None = None,
        state: OperationState | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[ProviderOperation]:
        """Writes to Railway: the history of an instance, or an operator's queue. Operators only."""
        identity_if_given(instance_id, "instance_id")
        after, limit = cursor(after), page_size(limit)
        state = choice_if_given(state, OperationState, "state")
        async with self._database.unit_of_work() as work:
            return await work.operations.list_page(
                instance_id=instance_id, state=state, after=after, limit=limit
            )

    async def slots_of(self, user_id: UUID) -> Slots:
        """What the owner's instances hold of the plan."""
        identity(user_id, "user_id")
        async with self._database.unit_of_work() as work:
            return await work.instances.slots_of(user_id)

    async def templates(
        self,
        *,
        is_active: bool | None = True,
        category: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[CatalogueTemplate]:
        """The catalogue; what is offered unless `is_active` says otherwise."""
        text_if_given(category, "category")
        after, limit = cursor(after), page_size(limit)
        async with self._database.unit_of_work() as work:
            return await work.templates.list_page(
                is_active=is_active, category=category, after=after, limit=limit
            )

    async def latest_revision(self, template_id: UUID) -> TemplateRevision:
        """The newest document of a template.

        Raises:
            InstanceNotFoundError: There is no such template.
        """
        async with self._database.unit_of_work() as work:
            await self._catalogue_entry(work, template_id)
            return await self._revision(work, template_id, None)

    def allowed(self, instance: Instance, *, for_owner: bool = False) -> tuple[Verb, ...]:
        """What may be asked of it now: by anybody, or by its owner only."""
        return allowed_verbs(instance, self._now(), for_owner=for_owner)
