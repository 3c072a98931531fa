"""Taking an instance to another revision of its template."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from flask import Response
from pydantic import Field, JsonValue

from railway_saas.errors import TemplateError
from railway_saas.instances import UpgradePreview
from railway_saas.templates import TemplateDiff
from reference_server.api.authentication import needs, platform
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.blueprint import (
    InstancePath,
    accepted,
    accepting,
    actor,
    api,
    inputs_refused,
    owner,
)
from reference_server.api.instances.models import ID, ResourcesModel


class PreviewBody(ApiModel):
    """Where to go."""

    revision_id: UUID | None = Field(None, description="Of its template; the latest unless given.")
    inputs: dict[str, str] = Field(
        default_factory=dict[str, str],
        max_length=500,
        description="Values for inputs that are new in it.",
        examples=[{"App.ADMIN_EMAIL": "ann@example.com"}],
    )


class UpgradeBody(PreviewBody):
    """Where to go, and what may be lost on the way."""

    allow_removals: bool = Field(
        default=False,
        description="Whether services that the revision does not have may be deleted with their volumes.",
    )


class PreviewModel(ApiModel):
    """What an upgrade would change."""

    revision_id: UUID = Field(examples=[ID])
    number: int = Field(description="Of the revision.", examples=[2])
    deploys: list[str] = Field(description="Services that would be deployed anew.", examples=[["App"]])
    variables: dict[str, list[str]] = Field(
        description="Names of variables that would get another value, come or go, by service; never values.",
        examples=[{"App": ["LOG_LEVEL"]}],
    )
    removes: list[str] = Field(
        description="Services that would be deleted, with their volumes.", examples=[[]]
    )
    resources: ResourcesModel
    staged_changes: int = Field(description="Services and volumes that Railway would change.", examples=[1])
    changes: dict[str, JsonValue] = Field(
        description="What changes in the document; secrets are not shown.",
        examples=[{"services_changed": []}],
    )


@api.post(
    "/<uuid:instance_id>/upgrade/preview",
    **described("Preview an upgrade", PreviewModel, errors=(404, 409)),
)
@needs("instances:read")
def preview_upgrade(path: InstancePath, body: PreviewBody) -> Response:
    """See what an upgrade would change; nothing is."""
    with _telling_inputs(path.instance_id, body):
        preview = platform().manager.preview_upgrade(
            path.instance_id, revision_id=body.revision_id, inputs=body.inputs, user_id=owner()
        )
    return reply(_preview_model(preview))


@api.post("/<uuid:instance_id>/upgrade", **accepting("Upgrade an instance"))
@needs("instances:write")
@idempotent
def upgrade(path: InstancePath, body: UpgradeBody) -> Response:
    """Take an instance to another revision; what does not come up is rolled back."""
    with _telling_inputs(path.instance_id, body):
        instance = platform().manager.upgrade(
            path.instance_id,
            revision_id=body.revision_id,
            inputs=body.inputs,
            allow_removals=body.allow_removals,
            user_id=owner(),
            actor=actor(),
        )
    return accepted(instance, "will be upgraded")


@contextmanager
def _telling_inputs(instance_id: UUID, body: PreviewBody) -> Generator[None]:
    """Say of every fault which input of the body it is about.

    Raises:
        Problem: The inputs cannot be used.
    """
    try:
        yield
    except TemplateError as error:
        template_id = platform().manager.get(instance_id, user_id=owner()).template_id
        raise inputs_refused(error, template_id, body.revision_id) from None


def _preview_model(preview: UpgradePreview) -> PreviewModel:
    held = preview.resources
    return PreviewModel(
        revision_id=preview.revision.id,
        number=preview.revision.number,
        deploys=list(preview.deploys),
        variables={service: list(names) for service, names in preview.variables.items()},
        removes=list(preview.removes),
        resources=ResourcesModel(
            services=held.services, vcpus=held.vcpus, memory_gb=held.memory_gb, volume_gb=held.volume_gb
        ),
        staged_changes=preview.staged_changes,
        changes=_changes(preview.diff),
    )


def _changes(diff: TemplateDiff) -> dict[str, JsonValue]:
    return diff.to_dict()
