"""Where the operations on instances are collected, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from reference_server.api.authentication import principal
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.instances.models import OperationModel, operation_model
from reference_server.following import Following, Progress
from reference_server.instance_updates import Asker

if TYPE_CHECKING:
    from railway_saas.domain import Instance

api = APIBlueprint(
    "instances",
    __name__,
    url_prefix="/api/instances",
    abp_tags=[Tag(name="instances", description="What customers run")],
)


class InstancePath(ApiModel):
    """Which instance."""

    instance_id: UUID = Field(description="The instance's id.")


class ServiceQuery(ApiModel):
    """Of which service."""

    service: str | None = Field(
        None, min_length=1, max_length=255, description="Only this one of its services, by name."
    )


def accepting(summary: str, *errors: int) -> dict[str, Any]:
    """How an operation is described that is noted at once and done later."""
    return described(summary, OperationModel, status=202, errors=(404, 409, *errors))


def owner() -> UUID | None:
    """Whose instances there are for whoever asks; None: everybody's, for an administrator."""
    who = principal().user
    return None if who.is_admin else who.id


def actor() -> str:
    """How the audit log names whoever asks."""
    who = principal().user
    return f"operator:{who.id}" if who.is_admin else str(who.id)


def asker() -> Asker:
    """Whoever asks."""
    return Asker(user_id=owner(), actor=actor())


def accepted(instance: Instance, message: str) -> Response:
    """202: it is noted and will be done; the answer says where to follow it."""
    number = instance.desired.generation
    wish = operation_model(
        instance,
        Following(
            number=number,
            progress=Progress.RUNNING,
            done=0,
            total=instance.resources.services,
            message=message,
        ),
    )
    return reply(wish, 202, Location=wish.links.self)
