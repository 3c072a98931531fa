"""Variables of an instance's services."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import Field

from railway_saas.domain import Instance
from reference_server.api.authentication import needs, platform
from reference_server.api.describing import ApiModel, described
from reference_server.api.instances.blueprint import InstancePath, accepted, api, asker, owner
from reference_server.api.instances.models import OperationModel
from reference_server.api.preconditions import reply_with_etag, require_match, updates
from reference_server.api.problems import not_found
from reference_server.data.database import ServerUnitOfWork
from reference_server.instance_variables import VariableSource, shown_variables

Name = Annotated[str, Field(min_length=1, max_length=255)]
Value = Annotated[str, Field(max_length=32_768)]


class VariableModel(ApiModel):
    """A variable."""

    service: str = Field(examples=["App"])
    name: str = Field(examples=["ADMIN_EMAIL"])
    value: str | None = Field(
        description="Only where you set it and it is no secret.", examples=["ann@example.com"]
    )
    secret: bool = Field(examples=[False])
    source: VariableSource = Field(examples=["input"])
    description: str | None = Field(examples=["Where the first administrator gets mail."])


class VariablesModel(ApiModel):
    """All variables of an instance."""

    generation: int = Field(description="Grows with every change of what is wanted.", examples=[1])
    items: list[VariableModel]


class VariablesBody(ApiModel):
    """What to set; what is left out stays."""

    variables: dict[Name, dict[Name, Value | None]] = Field(
        min_length=1,
        max_length=100,
        description="By service; null takes a variable away.",
        examples=[{"App": {"LOG_LEVEL": "debug", "OLD_SWITCH": None}}],
    )


def shown(work: ServerUnitOfWork, instance: Instance) -> VariablesModel:
    """As the owner may see them."""
    revision = work.templates.get_revision(instance.desired.revision_id)
    return VariablesModel(
        generation=instance.desired.generation,
        items=[
            VariableModel(
                service=one.service,
                name=one.name,
                value=one.value,
                secret=one.secret,
                source=one.source,
                description=one.description,
            )
            for one in shown_variables(revision.document, instance.desired.config)
        ],
    )


def require_seen(work: ServerUnitOfWork, instance: Instance) -> None:
    """Whoever sets variables has seen them as they are.

    Raises:
        Problem: If-Match is missing, or says otherwise.
    """
    require_match(shown(work, instance))


@api.get("/<uuid:instance_id>/variables", **described("List variables", VariablesModel, errors=(404,)))
@needs("instances:read")
def list_variables(path: InstancePath) -> Response:
    """Names of all variables, and values of those that you set and that are no secrets.

    What the template computes or generates is not shown. The ETag goes into If-Match of a change.
    """
    mine = owner()
    with platform().database.unit_of_work() as work:
        instance = (
            work.instances.find_many([path.instance_id]).get(path.instance_id)
            if mine is None
            else work.instances.find_owned(path.instance_id, mine)
        )
        if instance is None:
            raise not_found("instance")
        body = shown(work, instance)
    return reply_with_etag(body)


@api.put(
    "/<uuid:instance_id>/variables",
    **described("Set variables", OperationModel, status=202, errors=(404, 409)),
)
@needs("instances:write")
@updates
def set_variables(path: InstancePath, body: VariablesBody) -> Response:
    """Set variables, and deploy the services that they concern."""
    instance = platform().updates.set_variables(path.instance_id, asker(), body.variables, check=require_seen)
    return accepted(instance, "variables will be set")
