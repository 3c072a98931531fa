"""What is offered: templates and their revisions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas._core.quoting import quoted
from railway_saas.domain.catalogue import LOCAL_PREFIX, CatalogueTemplate, TemplateRevision
from railway_saas.domain.ids import new_id
from railway_saas.domain.instances import (
    ServiceLimits,
)
from railway_saas.errors import ConflictError, NameTakenError, TemplateError, TemplateProblem
from railway_saas.instances._async.managing.base import SYSTEM, AsyncManagerBase
from railway_saas.instances.arguments import LONGEST_RAILWAY_ID, text_if_given
from railway_saas.instances.inputs import (
    MAX_VARIABLES_BYTES,
    checked_limits,
    checked_name,
    variables_bytes,
)
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


LONGEST_CATEGORY: Final = 100
LONGEST_TIER: Final = 50


class AsyncCatalogueVerbs(AsyncManagerBase):
    """Publishing."""

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
        actor: str = SYSTEM,
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
            InstanceInputError: The name, a text or a limit cannot be used.
            NameTakenError: The Railway template is in the catalogue already: publish a revision.
        """
        template = _checked(document)
        text_if_given(railway_template_id, "railway_template_id", longest=LONGEST_RAILWAY_ID)
        text_if_given(description, "description")
        text_if_given(category, "category", longest=LONGEST_CATEGORY)
        text_if_given(price_tier, "price_tier", longest=LONGEST_TIER)
        now = self._now()
        template_id = new_id(now)
        entry = CatalogueTemplate(
            id=template_id,
            railway_template_id=railway_template_id or f"{LOCAL_PREFIX}{template_id}",
            name=checked_name(name),
            description=description,
            category=category,
            price_tier=price_tier,
            resources=checked_limits(ServiceLimits() if resources is None else resources, "resources"),
            setup_config=setup_config,
            created_at=now,
            updated_at=now,
        )
        async with self._database.unit_of_work() as work:
            if await work.templates.find_by_railway_id(entry.railway_template_id) is not None:
                raise _published_already(railway_template_id)
            try:
                await work.templates.add(entry)
            except ConflictError as error:  # somebody else has just published it
                raise _published_already(railway_template_id) from error
            await work.templates.add_revision(_new_revision(template, template_id, 1, now))
            await self._audit(work, actor, "template.publish", ("template", template_id), None)
            await work.commit()
        return entry

    async def publish_revision(
        self,
        template_id: UUID,
        document: Template | Mapping[str, object],
        *,
        notes: str | None = None,
        actor: str = SYSTEM,
    ) -> TemplateRevision:
        """Offer a newer document of a template; the same content again is the revision that exists.

        Instances stay on theirs until they are upgraded.

        Raises:
            TemplateError: The document has faults.
            InstanceNotFoundError: There is no such template.
        """
        template = _checked(document)
        text_if_given(notes, "notes")
        async with self._database.unit_of_work() as work:
            await self._catalogue_entry(work, template_id)
            known = await work.templates.find_revision(template_id, template.content_hash)
            if known is not None:
                return known
            latest = await work.templates.latest_revision(template_id)
            number = latest.number + 1 if latest else 1
            revision = replace(_new_revision(template, template_id, number, self._now()), notes=notes)
            try:
                await work.templates.add_revision(revision)
            except ConflictError as error:  # somebody else has just published one
                raise NameTakenError(
                    f"number={number}: another revision has just been published; try again",
                    argument="number",
                ) from error
            await self._audit(work, actor, "template.revise", ("template", template_id), None)
            await work.commit()
        return revision


def _published_already(railway_template_id: str | None) -> NameTakenError:
    return NameTakenError(
        f"railway_template_id={quoted(railway_template_id)}: is in the catalogue; publish a revision of it",
        argument="railway_template_id",
    )


def _checked(document: Template | Mapping[str, object]) -> Template:
    template = document if isinstance(document, Template) else Template.parse(document)
    size = variables_bytes(template.ensure_valid(), {})
    if size > MAX_VARIABLES_BYTES:
        problem = TemplateProblem(
            "$.services",
            f"the variables are {size} bytes long together; at most {MAX_VARIABLES_BYTES} are accepted",
        )
        raise TemplateError("the template cannot be offered: 1 problem", problems=[problem])
    return template


def _new_revision(template: Template, template_id: UUID, number: int, now: datetime) -> TemplateRevision:
    return TemplateRevision(
        id=new_id(now),
        template_id=template_id,
        number=number,
        content_hash=template.content_hash,
        document=template.serialize(),
        created_at=now,
    )
