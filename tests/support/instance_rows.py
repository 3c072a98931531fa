"""Rows of instances, and putting them into a database with what they refer to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
from railway_saas.domain.instances import Desired, Instance, Observed
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus

if TYPE_CHECKING:
    from railway_saas.repositories import AsyncDatabase, Database

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""Where a stepping emulator begins."""
LONG_AGO = START - timedelta(days=30)
_NAMES = UUID("00000000-0000-4000-8000-000000000000")
OWNER = uuid5(_NAMES, "owner")
TEMPLATE = CatalogueTemplate(
    id=uuid5(_NAMES, "template"),
    railway_template_id="local:web",
    name="Web",
    created_at=LONG_AGO,
    updated_at=LONG_AGO,
)
REVISION = TemplateRevision(
    id=uuid5(_NAMES, "revision"),
    template_id=TEMPLATE.id,
    number=1,
    content_hash="0" * 64,
    document={"services": {}},
    created_at=LONG_AGO,
)


def instance_id(name: str) -> UUID:
    """The id of the instance of that name."""
    return uuid5(_NAMES, name)


def instance(
    name: str,
    *,
    status: InstanceStatus = InstanceStatus.RUNNING,
    wanted: DesiredStatus = DesiredStatus.RUNNING,
    user_id: UUID = OWNER,
    created_at: datetime = LONG_AGO,
    status_since: datetime = LONG_AGO,
    next_check_at: datetime | None = None,
    delete_at: datetime | None = None,
    **observed: Any,
) -> Instance:
    """An instance; `observed` are fields of its observed half."""
    return Instance(
        id=instance_id(name),
        user_id=user_id,
        template_id=TEMPLATE.id,
        name=name,
        desired=Desired(status=wanted, revision_id=REVISION.id, delete_at=delete_at),
        observed=Observed(status=status, status_since=status_since, **observed),
        next_check_at=next_check_at,
        created_at=created_at,
        updated_at=created_at,
    )


def operation(owner: Instance, kind: OperationKind, **changed: Any) -> ProviderOperation:
    """An open write to Railway."""
    made = ProviderOperation(
        id=uuid5(owner.id, kind), instance_id=owner.id, key=str(kind), kind=kind, created_at=LONG_AGO
    )
    return replace(made, **changed)


async def store_async(database: AsyncDatabase, *rows: Instance | ProviderOperation) -> None:
    """Put rows into a database, the catalogue first."""
    async with database.unit_of_work() as work:
        if await work.templates.find_by_railway_id(TEMPLATE.railway_template_id) is None:
            await work.templates.add(TEMPLATE)
            await work.templates.add_revision(REVISION)
        for row in rows:
            if isinstance(row, Instance):
                await work.instances.add(row)
            else:
                await work.operations.add(row)
        await work.commit()


def store_sync(database: Database, *rows: Instance | ProviderOperation) -> None:
    """The same, blocking."""
    with database.unit_of_work() as work:
        if work.templates.find_by_railway_id(TEMPLATE.railway_template_id) is None:
            work.templates.add(TEMPLATE)
            work.templates.add_revision(REVISION)
        for row in rows:
            if isinstance(row, Instance):
                work.instances.add(row)
            else:
                work.operations.add(row)
        work.commit()
