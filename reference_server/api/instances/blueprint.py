"""Where the operations on instances are collected, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import Field

from reference_server.api.authentication import platform, principal
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.instances.models import OperationModel, operation_model
from reference_server.api.pointers import pointer
from reference_server.api.problems import Problem, invalid
from reference_server.catalogue.offers import input_at
from reference_server.following import Following, Progress
from reference_server.instance_updates import Asker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.domain import Instance
    from railway_saas.errors import TemplateError

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


def inputs_refused(error: TemplateError, template_id: UUID, revision_id: UUID | None) -> Problem:
    """Every fault by the input that it is about, so that a form can show it there."""
    with platform().database.unit_of_work() as work:
        revision = (
            work.templates.get_revision(revision_id)
            if revision_id
            else work.templates.latest_revision(template_id)
        )
    document: Mapping[str, object] = revision.document if revision else {}
    faults: list[dict[str, str]] = []
    for one in error.problems:
        name = input_at(document, one.path)
        known = {"pointer": pointer("inputs", name), "detail": one.message}
        faults.append(known if name else {"pointer": pointer("inputs"), "detail": str(one)})
    return invalid("The template's inputs cannot be used.", *faults)
