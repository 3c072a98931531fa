"""From rows to situations, with few statements however many instances there are."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas.errors import RepositoryError
from railway_saas.instances.deciding import keys_of_interest
from railway_saas.instances.inputs import fill_known
from railway_saas.instances.situation import Situation
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.catalogue import CatalogueTemplate
    from railway_saas.domain.instances import Instance
    from railway_saas.instances.manager_settings import ManagerSettings
    from railway_saas.instances.steps import Sight
    from railway_saas.repositories._async.protocols import AsyncDatabase, AsyncUnitOfWork

CACHED_REVISIONS: Final = 256


class AsyncReader:
    """Reads what decisions need. Revisions never change, so their documents are kept."""

    def __init__(self, database: AsyncDatabase, settings: ManagerSettings, *, namespace: str) -> None:
        self._database = database
        self._settings = settings
        self._namespace = namespace
        self._documents: OrderedDict[UUID, Template] = OrderedDict()

    async def situation(self, instance_id: UUID, seen: Mapping[Sight, object], now: datetime) -> Situation:
        """One instance with everything a decision may ask about."""
        async with self._database.unit_of_work() as work:
            instance = await work.instances.get(instance_id)
            draft = Situation(
                instance=instance,
                catalogue=await work.templates.get(instance.template_id),
                template=await self._wanted(work, instance),
                applied_template=await self._applied(work, instance),
                operations={one.key: one for one in await work.operations.list_open(instance_id)},
                services=await work.services.list_for(instance_id),
                domains=await work.domains.list_for(instance_id),
                seen=seen,
                settings=self._settings,
                namespace=self._namespace,
                now=now,
            )
            keys = keys_of_interest(draft) - draft.operations.keys()
            known = await work.operations.find_many(instance_id, keys)
        return replace(draft, operations={**known, **draft.operations})

    async def situations(self, instances: Sequence[Instance], now: datetime) -> list[Situation]:
        """Several instances, with their open operations only: enough to tell which of them need more than a look.

        Nor is the template of one at rest filled in: only its services' names matter then, and filling in takes longer
        than everything else together. What cannot be read is left out: a turn of its own tells why.

        Raises:
            RepositoryError: The database failed, for all of them.
        """
        if not instances:
            return []
        ids = [instance.id for instance in instances]
        async with self._database.unit_of_work() as work:
            operations = await work.operations.list_open_for_many(ids)
            services = await work.services.list_for_many(ids)
            domains = await work.domains.list_for_many(ids)
            catalogue: dict[UUID, CatalogueTemplate] = {}
            for template_id in {instance.template_id for instance in instances}:
                catalogue[template_id] = await work.templates.get(template_id)
            documents = {one.id: await self._documents_of(work, one) for one in instances}
        return [
            Situation(
                instance=instance,
                catalogue=catalogue[instance.template_id],
                template=known[0],
                applied_template=known[1],
                operations={one.key: one for one in operations.get(instance.id, ())},
                services=services.get(instance.id, ()),
                domains=domains.get(instance.id, ()),
                settings=self._settings,
                namespace=self._namespace,
                now=now,
            )
            for instance in instances
            if (known := documents[instance.id]) is not None
        ]

    async def _documents_of(
        self, work: AsyncUnitOfWork, instance: Instance
    ) -> tuple[Template, Template | None] | None:
        """The desired revision's and the applied one's; None: one of them cannot be read."""
        try:
            return await self._known(work, instance), await self._applied(work, instance)
        except Exception as error:
            if isinstance(error, RepositoryError) and error.transient:
                raise
            return None

    async def _known(self, work: AsyncUnitOfWork, instance: Instance) -> Template:
        applied = instance.observed.applied
        if applied is not None and not instance.awaits_upgrade:
            return await self._document(work, applied.revision_id)
        return await self._wanted(work, instance)

    async def _wanted(self, work: AsyncUnitOfWork, instance: Instance) -> Template:
        document = await self._document(work, instance.desired.revision_id)
        return fill_known(document, instance.desired.config.inputs)

    async def _applied(self, work: AsyncUnitOfWork, instance: Instance) -> Template | None:
        applied = instance.observed.applied
        if applied is None or not instance.awaits_upgrade:
            return None
        return fill_known(await self._document(work, applied.revision_id), applied.inputs)

    async def _document(self, work: AsyncUnitOfWork, revision_id: UUID) -> Template:
        document = self._documents.get(revision_id)
        if document is None:
            revision = await work.templates.get_revision(revision_id)
            document = Template.parse(revision.document)
            self._documents[revision_id] = document
            if len(self._documents) > CACHED_REVISIONS:
                self._documents.popitem(last=False)
        return document
