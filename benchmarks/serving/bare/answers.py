"""What goes in and out, and how a row of `instances` is shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, EmailStr, Field, PlainSerializer

if TYPE_CHECKING:
    from benchmarks.serving.bare.database import Seal
    from railway_saas.repositories.sqlalchemy.models import InstanceRow, TemplateRow

Amount = Annotated[Decimal, PlainSerializer(lambda value: f"{value.normalize():f}", return_type=str)]

GONE = {"failed", "deleted"}
POWER_OF = {"running": "on", "stopped": "stopped", "suspended": "suspended"}
BUILDING = {"accepted", "provisioning", "deploying"}
EARLY = ["set_variables", "set_limits", "attach_domain", "remove_domain"]
ALIVE = ["restart", "redeploy", "rollback", "stop", "upgrade"]
DORMANT = {"running": ["stop"], "stopped": ["start"], "suspended": []}
KEPT = ["back_up", "restore"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LimitsOut(BaseModel):
    vcpus: Amount | None = None
    memory_gb: Amount | None = None


class ResourcesOut(BaseModel):
    services: int
    vcpus: Amount
    memory_gb: Amount
    volume_gb: Amount


class InstanceOut(BaseModel):
    id: UUID
    user_id: UUID
    template_id: UUID
    revision_id: UUID
    name: str
    status: str
    desired_status: str
    changing: bool
    needs_attention: bool
    domain: str | None
    error: str | None
    delete_at: datetime | None
    limits: LimitsOut
    resources: ResourcesOut
    actions: list[str]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: InstanceRow, seal: Seal, *, is_under_way: bool) -> Self:
        return cls(
            id=row.id,
            user_id=row.user_id,
            template_id=row.template_id,
            revision_id=row.revision_id,
            name=row.name,
            status=row.status,
            desired_status=row.desired_status,
            changing=is_changing(row, seal, is_under_way=is_under_way),
            needs_attention=row.attention is not None,
            domain=row.domain,
            error=row.error,
            delete_at=row.delete_at,
            limits=LimitsOut(**row.config["limits"]),
            resources=ResourcesOut(
                services=row.services, vcpus=row.vcpus, memory_gb=row.memory_gb, volume_gb=row.volume_gb
            ),
            actions=actions_of(row),
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class InstancesOut(BaseModel):
    items: list[InstanceOut]
    next_cursor: str | None


class LinksOut(BaseModel):
    self: str
    instance: str
    events: str


class OperationOut(BaseModel):
    id: int
    instance_id: UUID
    state: str
    done: int
    total: int
    message: str
    instance_status: str
    links: LinksOut

    @classmethod
    def of(cls, row: InstanceRow, state: str, message: str, done: int, total: int) -> Self:
        base = f"/api/instances/{row.id}"
        number = row.generation
        return cls(
            id=number,
            instance_id=row.id,
            state=state,
            done=done,
            total=total,
            message=message,
            instance_status=row.status,
            links=LinksOut(self=f"{base}/operations/{number}", instance=base, events=f"{base}/events"),
        )


class ChangingOut(BaseModel):
    id: UUID
    name: str
    status: str
    operation: OperationOut


class StatusOut(BaseModel):
    counts: dict[str, int]
    total: int
    needs_attention: int
    changing: list[ChangingOut]


class TemplateOut(BaseModel):
    id: UUID
    railway_template_id: str
    name: str
    description: str | None
    category: str | None
    price_tier: str | None
    resources: LimitsOut
    setup_config: dict[str, Any] | None
    is_active: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: TemplateRow) -> Self:
        return cls(
            id=row.id,
            railway_template_id=row.railway_template_id,
            name=row.name,
            description=row.description,
            category=row.category,
            price_tier=row.price_tier,
            resources=LimitsOut(**row.resources),
            setup_config=row.setup_config,
            is_active=row.is_active,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


class TemplatesOut(BaseModel):
    items: list[TemplateOut]
    next_cursor: str | None


class LoginIn(Strict):
    email: EmailStr
    password: str = Field(max_length=1000)


class TokensOut(BaseModel):
    access_token: str
    token_type: str = "Bearer"
    expires_in: int
    refresh_token: str


class DeployIn(Strict):
    template_id: UUID
    name: str = Field(min_length=1, max_length=64)
    inputs: dict[str, str] = Field(default_factory=dict[str, str], max_length=500)


def is_changing(row: InstanceRow, seal: Seal, *, is_under_way: bool) -> bool:
    """Whether something that is wanted is still to be done. What was wanted and what was given are sealed apart."""
    if row.status in GONE or row.attention is not None:
        return False
    if (
        is_under_way
        or row.undoing
        or row.desired_status == "deleted"
        or row.power != POWER_OF[row.desired_status]
    ):
        return True
    if row.power != "on":
        return False
    if row.rollout["pending"] or row.rollout["watching"]:
        return True
    if row.applied is None or row.error is not None:
        return False
    wanted = seal.open(row.config["sealed"], f"instances.config:{row.id}")
    given = seal.open(row.applied["sealed"], f"instances.applied:{row.id}")
    return (str(row.revision_id), wanted["inputs"], wanted["variables"], row.config["limits"]) != (
        row.applied["revision_id"],
        given["inputs"],
        given["variables"],
        row.applied["limits"],
    )


def actions_of(row: InstanceRow) -> list[str]:
    """What its owner may ask of it now."""
    if row.status in GONE:
        return []
    if row.attention is not None:
        return ["delete"]
    if row.status == "deleting" or row.desired_status == "deleted":
        return []
    ending = ["delete"] if row.delete_at is None else ["delete", "cancel_deletion"]
    if row.status in BUILDING:
        return [*EARLY, *ending]
    if row.desired_status == "running" and row.status in {"running", "sleeping", "crashed"}:
        return [*EARLY, *ALIVE, *KEPT, *ending]
    return [*EARLY, *DORMANT[row.desired_status], *KEPT, *ending]
