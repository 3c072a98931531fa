"""How instances and what belongs to them are shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import Field, PlainSerializer

from railway_saas.domain import (
    DesiredStatus,
    DomainState,
    Instance,
    InstanceDomain,
    InstanceEvent,
    InstanceStatus,
    ServiceLimits,
)
from railway_saas.instances.verbs import Verb, allowed_verbs
from reference_server.api.describing import ApiModel
from reference_server.following import Following, Progress, is_changing, needs_no_look

if TYPE_CHECKING:
    from collections.abc import Collection

    from reference_server.data.database import ServerUnitOfWork

ID = "0199c1c2-6a4e-7f61-8a77-1f0f0e2f1b11"
MOMENT = "2026-03-01T12:00:00Z"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


Amount = Annotated[Decimal, PlainSerializer(_plain, return_type=str)]
"""A decimal, as text: JSON's numbers are not exact everywhere."""


class LimitsModel(ApiModel):
    """What each service of an instance may use at most; null: what Railway's plan allows."""

    vcpus: Amount | None = Field(examples=["2"])
    memory_gb: Amount | None = Field(examples=["2"])


class LimitsBody(ApiModel):
    """What each service of an instance may use at most; null: what Railway's plan allows."""

    vcpus: Decimal | None = Field(None, gt=0, le=1_000, decimal_places=3, examples=["2"])
    memory_gb: Decimal | None = Field(None, gt=0, le=10_000, decimal_places=3, examples=["2"])

    def to_limits(self) -> ServiceLimits:
        """As the SDK wants them."""
        return ServiceLimits(vcpus=self.vcpus, memory_gb=self.memory_gb)


class ResourcesModel(ApiModel):
    """What an instance holds of its owner's plan."""

    services: int = Field(examples=[3])
    vcpus: Amount = Field(examples=["6"])
    memory_gb: Amount = Field(examples=["6"])
    volume_gb: Amount = Field(examples=["1"])


class InstanceModel(ApiModel):
    """An instance."""

    id: UUID = Field(examples=[ID])
    user_id: UUID = Field(description="The owner.", examples=[ID])
    template_id: UUID = Field(examples=[ID])
    revision_id: UUID = Field(description="The revision of the template that is wanted.", examples=[ID])
    name: str = Field(examples=["blog"])
    status: InstanceStatus = Field(description="What Railway has confirmed.", examples=["running"])
    desired_status: DesiredStatus = Field(description="What is wanted.", examples=["running"])
    changing: bool = Field(description="Whether something that is wanted is still to be done.")
    needs_attention: bool = Field(description="Whether it waits for an operator.")
    domain: str | None = Field(
        description="Public host name, once there is one.", examples=["blog.up.railway.app"]
    )
    error: str | None = Field(description="What went wrong last.", examples=[None])
    delete_at: datetime | None = Field(description="When a scheduled deletion comes.", examples=[None])
    limits: LimitsModel
    resources: ResourcesModel
    actions: list[Verb] = Field(description="What may be asked of it now.", examples=[["restart", "stop"]])
    created_at: datetime = Field(examples=[MOMENT])
    updated_at: datetime = Field(examples=[MOMENT])


class InstancePageModel(ApiModel):
    """A page of instances."""

    items: list[InstanceModel]
    next_cursor: str | None = Field(
        None, description="`cursor` of the next page; null on the last.", examples=[None]
    )


class OperationLinks(ApiModel):
    """Where to look further."""

    self: str = Field(examples=[f"/api/instances/{ID}/operations/1"])
    instance: str = Field(examples=[f"/api/instances/{ID}"])
    events: str = Field(examples=[f"/api/instances/{ID}/events"])


class OperationModel(ApiModel):
    """Something that was asked for, and how far it is. Ask again until `state` is not `running`."""

    id: int = Field(description="Counts what was asked of the instance; 1 is the deploy.", examples=[1])
    instance_id: UUID = Field(examples=[ID])
    state: Progress = Field(
        description="`running`; `done`; `failed`: `message` says why; `needs_attention`: an operator has to decide; "
        "`replaced`: it was never done, as something that was asked for later took its place.",
        examples=["running", "replaced"],
    )
    done: int = Field(description="Services that run.", examples=[1])
    total: int = Field(description="Services that are to run.", examples=[3])
    message: str = Field(description="The last sentence about it.", examples=["Postgres runs"])
    instance_status: InstanceStatus = Field(examples=["deploying"])
    links: OperationLinks


class EventModel(ApiModel):
    """Something that happened to an instance."""

    id: UUID = Field(examples=[ID])
    at: datetime = Field(examples=[MOMENT])
    step: str = Field(examples=["deploy"])
    message: str = Field(examples=["Postgres runs"])
    status: InstanceStatus = Field(examples=["deploying"])
    service: str | None = Field(examples=["Postgres"])
    done: int = Field(examples=[1])
    total: int = Field(examples=[3])


class DnsRecordModel(ApiModel):
    """A DNS record to set."""

    type: str = Field(examples=["CNAME"])
    name: str = Field(examples=["app.example.com"])
    value: str = Field(examples=["abc123.up.railway.app"])
    is_set: bool = Field(description="Whether Railway has seen it.", examples=[False])


class DomainModel(ApiModel):
    """A custom domain."""

    domain: str = Field(examples=["app.example.com"])
    service: str = Field(description="The service that answers.", examples=["App"])
    target_port: int | None = Field(examples=[3000])
    state: DomainState = Field(examples=["attached"])
    verified: bool = Field(examples=[False])
    dns_records: list[DnsRecordModel] = Field(
        description="What its owner has to set; empty until Railway has told."
    )
    error: str | None = Field(examples=[None])
    created_at: datetime = Field(examples=[MOMENT])


def under_way(work: ServerUnitOfWork, instances: Collection[Instance]) -> frozenset[UUID]:
    """Those for which something is under way that their rows do not tell. Asks only where that is not known."""
    known = {one.id: work.instances.was_under_way(one) for one in instances if not needs_no_look(one)}
    asked = work.views.under_way([key for key, moves in known.items() if moves is None])
    return asked | {key for key, moves in known.items() if moves}


def instance_model(instance: Instance, *, is_under_way: bool, for_admin: bool = False) -> InstanceModel:
    """How an instance is shown: from its row, and `under_way`."""
    desired, observed, held = instance.desired, instance.observed, instance.resources
    return InstanceModel.model_construct(
        id=instance.id,
        user_id=instance.user_id,
        template_id=instance.template_id,
        revision_id=desired.revision_id,
        name=instance.name,
        status=observed.status,
        desired_status=desired.status,
        changing=is_changing(instance, is_under_way=is_under_way),
        needs_attention=observed.attention is not None,
        domain=observed.domain,
        error=(observed.attention or observed.error) if for_admin else observed.error,
        delete_at=desired.delete_at,
        limits=limits_model(desired.config.limits),
        resources=ResourcesModel.model_construct(
            services=held.services,
            vcpus=held.vcpus,
            memory_gb=held.memory_gb,
            volume_gb=held.volume_gb,
        ),
        actions=list(allowed_verbs(instance, for_owner=not for_admin)),
        created_at=instance.created_at,
        updated_at=instance.updated_at,
    )


def limits_model(limits: ServiceLimits) -> LimitsModel:
    """How limits are shown."""
    return LimitsModel.model_construct(vcpus=limits.vcpus, memory_gb=limits.memory_gb)


def operation_model(instance: Instance, seen: Following) -> OperationModel:
    """How something that was asked for is shown."""
    base = f"/api/instances/{instance.id}"
    return OperationModel(
        id=seen.number,
        instance_id=instance.id,
        state=seen.progress,
        done=seen.done,
        total=seen.total,
        message=seen.message,
        instance_status=instance.status,
        links=OperationLinks(self=f"{base}/operations/{seen.number}", instance=base, events=f"{base}/events"),
    )


def event_model(event: InstanceEvent) -> EventModel:
    """How an event is shown."""
    return EventModel(
        id=event.id,
        at=event.at,
        step=event.step,
        message=event.message,
        status=event.status,
        service=event.service,
        done=event.done,
        total=event.total,
    )


def domain_model(domain: InstanceDomain) -> DomainModel:
    """How a custom domain is shown."""
    return DomainModel(
        domain=domain.domain,
        service=domain.service,
        target_port=domain.target_port,
        state=domain.state,
        verified=domain.verified,
        dns_records=[
            DnsRecordModel(type=one.record_type, name=one.name, value=one.value, is_set=one.is_set)
            for one in domain.dns_records
        ],
        error=domain.error,
        created_at=domain.created_at,
    )


def as_data(model: ApiModel) -> dict[str, Any]:
    """As it is pushed."""
    return model.model_dump(mode="json")
