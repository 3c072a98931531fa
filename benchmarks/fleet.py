"""Instances in a database, as if they had been deployed long ago: what a sweep finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from benchmarks.quiet_railway import SHAPES, QuietRailway, id_of
from railway_saas.domain.catalogue import CatalogueTemplate, TemplateRevision
from railway_saas.domain.ids import new_id, owner_id
from railway_saas.domain.instances import (
    Applied,
    Desired,
    DnsRecord,
    DomainState,
    Instance,
    InstanceConfig,
    InstanceDomain,
    InstanceService,
    Observed,
    Power,
)
from railway_saas.domain.plans import Resources
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.repositories import Database

START = datetime(2026, 11, 2, 8, 45, tzinfo=UTC)
"""An interval before nine: from nine on checks have gathered."""
LONG_AGO = START - timedelta(days=30)
TEMPLATES = Path(__file__).resolve().parent.parent / "examples" / "templates"
CODE = "app-with-postgres-and-redis"
INPUTS = {"App.ADMIN_EMAIL": "ada@example.com"}
INTERVAL_S = 900.0
INSTANCES_PER_OWNER = 10
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Mix:
    """How many instances there are, and how many of them have a custom domain."""

    instances: int
    custom_domain_each: int = 10
    """One in so many has a custom domain, verified; 0: none has."""
    waiting_domains: int = 0
    """Further instances whose custom domain waits for its owner to set DNS."""

    @property
    def waiting(self) -> range:
        """Numbers of the instances whose domain waits."""
        step = max(1, self.custom_domain_each)
        return range(1, 1 + self.waiting_domains * step, step)

    def railway(self, now: Callable[[], datetime]) -> QuietRailway:
        """The Railway that goes with it."""
        verified = range(0, self.instances, self.custom_domain_each) if self.custom_domain_each else ()
        return QuietRailway(now, self.instances, frozenset({*verified, *self.waiting}))


def template() -> Template:
    """The document, not filled in."""
    return Template.parse((TEMPLATES / f"{CODE}.json").read_bytes())


def fill(database: Database, mix: Mix, railway: QuietRailway, *, due_at: datetime | None = None) -> None:
    """Put running instances into an empty database.

    They were deployed at any time, so that their next checks are spread over the interval; with `due_at` all are due
    at once, as after a weekend without a worker.
    """
    entry, revision = _catalogue()
    with database.unit_of_work() as work:
        work.templates.add(entry)
        work.templates.add_revision(revision)
        work.commit()
    for begin in range(0, mix.instances, _CHUNK):
        with database.unit_of_work() as work:
            for number in range(begin, min(begin + _CHUNK, mix.instances)):
                instance = _instance(
                    number, railway, revision, _spread(number, mix) if due_at is None else due_at
                )
                work.instances.add(instance)
                work.services.replace(instance.id, _services(number, railway, instance.id))
                host = railway.custom_domain_of(number)
                if host is not None:
                    work.domains.add(_domain(number, host, instance.id, verified=number not in mix.waiting))
            work.commit()


def instance_id(number: int) -> UUID:
    """Our id of an instance."""
    return UUID(int=0x7000 << 64 | 0x8000 << 48 | number)


def _spread(number: int, mix: Mix) -> datetime:
    """Multiplying by a number that shares no factor with the size shuffles without chance."""
    place = number * 7919 % mix.instances
    return START + timedelta(seconds=INTERVAL_S * place / mix.instances)


def _catalogue() -> tuple[CatalogueTemplate, TemplateRevision]:
    document = template()
    entry = CatalogueTemplate(
        id=new_id(LONG_AGO),
        railway_template_id="12935f03-cac5-5c77-90f7-f0b9ab655aea",
        name="App",
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    revision = TemplateRevision(
        id=new_id(LONG_AGO),
        template_id=entry.id,
        number=1,
        content_hash=document.content_hash,
        document=document.serialize(),
        created_at=LONG_AGO,
    )
    return entry, revision


def _instance(number: int, railway: QuietRailway, revision: TemplateRevision, due_at: datetime) -> Instance:
    return Instance(
        id=instance_id(number),
        user_id=owner_id(number // INSTANCES_PER_OWNER),
        template_id=revision.template_id,
        name=f"shop-{number}",
        desired=Desired(revision_id=revision.id, config=InstanceConfig(inputs=INPUTS)),
        observed=Observed(
            status=InstanceStatus.RUNNING,
            status_since=LONG_AGO,
            project_id=id_of("project", number),
            environment_id=id_of("environment", number),
            primary_service_id=id_of("service", number * len(SHAPES)),
            domain=railway.custom_domain_of(number) or railway.domain_of(number),
            applied=Applied(revision_id=revision.id, inputs=INPUTS),
            power=Power.ON,
            seen_at=due_at - timedelta(seconds=INTERVAL_S),
        ),
        resources=Resources(services=len(SHAPES), volume_gb=Decimal(6)),
        next_check_at=due_at,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


def _services(number: int, railway: QuietRailway, owner: UUID) -> list[InstanceService]:
    return [
        InstanceService(
            id=UUID(int=0x7000 << 64 | 0x8000 << 48 | (number * len(SHAPES) + position)),
            instance_id=owner,
            template_key=shape.key,
            name=shape.name,
            railway_service_id=id_of("service", number * len(SHAPES) + position),
            railway_deployment_id=railway.deployment_of(number, position),
            status="SUCCESS",
            domain=railway.domain_of(number) if shape.is_public else None,
            updated_at=LONG_AGO,
        )
        for position, shape in enumerate(SHAPES)
    ]


def _domain(number: int, host: str, owner: UUID, *, verified: bool) -> InstanceDomain:
    record = DnsRecord(record_type="CNAME", name=host, value="waits.up.railway.app", is_set=verified)
    return InstanceDomain(
        id=UUID(int=0x7000 << 64 | 0x8000 << 48 | number),
        instance_id=owner,
        domain=host,
        service=SHAPES[0].name,
        target_port=3000,
        state=DomainState.ATTACHED,
        railway_domain_id=id_of("other", number * 16 + 15),
        dns_records=(record,),
        verified=verified,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
