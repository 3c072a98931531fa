"""Changing what is offered, and showing what deploying it would do. No HTTP here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from railway_saas.errors import InstanceNotFoundError, NotFoundError
from railway_saas.instances.inputs import checked_limits, checked_name
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain import CatalogueTemplate, TemplateRevision
    from railway_saas.instances import InstanceManager
    from railway_saas.templates import JsonObject
    from reference_server.data.database import ServerDatabase, ServerUnitOfWork
    from reference_server.data.views import RevisionView

REMEMBERED: Final = 256
"""Revisions whose plan is kept: revisions never change, and planning takes longer than reading."""


MOST_REVISIONS: Final = 50
"""Shown of a template, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A template with its latest document, and all its revisions."""

    template: CatalogueTemplate
    latest: TemplateRevision
    revisions: Sequence[RevisionView]


def read_offer(work: ServerUnitOfWork, template_id: UUID) -> Offer:
    """A template of the catalogue, offered or withdrawn.

    Raises:
        InstanceNotFoundError: There is no such template.
    """
    try:
        template = work.templates.get(template_id)
    except NotFoundError:
        template = None
    latest = work.templates.latest_revision(template_id)
    if template is None or latest is None:
        raise InstanceNotFoundError(f"there is no template {template_id}", what="template")
    return Offer(
        template=template, latest=latest, revisions=work.views.revisions(template_id, limit=MOST_REVISIONS)
    )


class Catalogue:
    """What administrators change of the catalogue.

    Args:
        database: Where it is.
        manager_in: A manager whose verbs are part of an open transaction.
        now: The present moment, aware.
    """

    def __init__(
        self,
        database: ServerDatabase,
        manager_in: Callable[[ServerUnitOfWork], InstanceManager],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._manager_in = manager_in
        self._now = now

    def change(
        self,
        template_id: UUID,
        *,
        check: Callable[[Offer], None],
        actor: str,
        document: Mapping[str, object] | None = None,
        notes: str | None = None,
        **columns: Any,
    ) -> Offer:
        """Change columns, or publish a new revision, or both.

        Raises:
            InstanceNotFoundError: There is no such template.
            InstanceInputError: The name or a limit cannot be used.
            TemplateError: The document has faults.
        """
        with self._database.unit_of_work() as work:
            work.views.lock_template(template_id)
            before = read_offer(work, template_id)
            check(before)
            if columns:
                self._save(work, before.template, columns, actor)
            if document is not None:
                self._manager_in(work).publish_revision(template_id, document, notes=notes, actor=actor)
            after = read_offer(work, template_id)
            work.commit()
        return after

    def _save(
        self, work: ServerUnitOfWork, before: CatalogueTemplate, columns: dict[str, Any], actor: str
    ) -> None:
        if "name" in columns:
            columns = {**columns, "name": checked_name(columns["name"])}
        if "resources" in columns:
            checked_limits(columns["resources"])
        changed = {name: value for name, value in columns.items() if getattr(before, name) != value}
        if not changed:
            return
        now = self._now()
        after = replace(before, **changed, updated_at=now)
        work.templates.save(after)
        is_withdrawn = changed == {"is_active": False}
        work.audit.note(
            now,
            "template.withdraw" if is_withdrawn else "template.change",
            ("template", before.id),
            actor=actor,
            before={name: _plain(getattr(before, name)) for name in changed},
            after={name: _plain(value) for name, value in changed.items()},
        )


def _plain(value: Any) -> Any:
    return value.to_json() if hasattr(value, "to_json") else value


_SHOWN: Final = (
    "services",
    "start_order",
    "domains",
    "volumes",
    "buckets",
    "estimated_monthly_cost",
    "warnings",
)
"""Of a plan: without `required_inputs`, which the schema of the inputs has, too."""


class Preview:
    """What deploying a revision asks for, and would do."""

    def __init__(self, document: Mapping[str, object]) -> None:
        template = Template.parse(document)
        self.inputs: JsonObject = template.json_schema()
        plan = template.plan().to_dict()
        self.plan: JsonObject = {name: plan[name] for name in _SHOWN}


def preview_of(revision: TemplateRevision) -> Preview:
    """That of a revision."""
    return _remembered(_Known(revision))


class _Known:
    """A revision, known by its id."""

    def __init__(self, revision: TemplateRevision) -> None:
        self.revision = revision

    def __hash__(self) -> int:
        return hash(self.revision.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.revision.id == self.revision.id


@lru_cache(maxsize=REMEMBERED)
def _remembered(known: _Known) -> Preview:
    return Preview(known.revision.document)


_GIVEN: Final = re.compile(r"values\['(.*)'\]", re.DOTALL)


def input_at(document: Mapping[str, object], path: str) -> str | None:
    """Which input a fault is about: `Service.NAME`, as forms name it; None where it is about none."""
    given = _GIVEN.fullmatch(path)
    if given:
        return given[1].replace("\\'", "'").replace("\\\\", "\\")
    for service in Template.parse(document).services:
        for variable in service.variables:
            ends = (f".variables.{variable.name}", f".variables['{variable.name}']")
            if path in {service.path + end for end in ends}:
                return f"{service.name}.{variable.name}"
    return None
