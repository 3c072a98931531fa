"""Custom domains of an instance."""

from __future__ import annotations

from flask import Response
from pydantic import Field

from reference_server.api.authentication import needs, platform
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.idempotency import idempotent
from reference_server.api.instances.blueprint import (
    InstancePath,
    accepted,
    accepting,
    actor,
    api,
    owner,
)
from reference_server.api.instances.models import DomainModel, domain_model


class DomainPath(InstancePath):
    """Which domain of which instance."""

    domain: str = Field(max_length=255, description="Its host name.")


class DomainBody(ApiModel):
    """A domain to attach."""

    domain: str = Field(
        min_length=1, max_length=255, description="A host name of yours.", examples=["app.example.com"]
    )
    service: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="The service that is to answer; the one that answers to the public unless given.",
        examples=["App"],
    )
    target_port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="The port it leads to; Railway finds it out unless given.",
        examples=[3000],
    )


class DomainsModel(ApiModel):
    """All custom domains of an instance."""

    items: list[DomainModel]


@api.get("/<uuid:instance_id>/domains", **described("List custom domains", DomainsModel, errors=(404,)))
@needs("instances:read")
def list_domains(path: InstancePath) -> Response:
    """Custom domains with the DNS records to set, oldest first. A plan allows few, so they come all at once."""
    found = platform().manager.domains(path.instance_id, user_id=owner())
    return reply(DomainsModel(items=[domain_model(one) for one in found]))


@api.post(
    "/<uuid:instance_id>/domains",
    **described("Attach a custom domain", DomainModel, status=202, errors=(404, 409)),
)
@needs("instances:write")
@idempotent
def attach_domain(path: InstancePath, body: DomainBody) -> Response:
    """Have a service answer at a domain of yours; its DNS records are listed once Railway has told them."""
    domain = platform().manager.attach_domain(
        path.instance_id,
        body.domain,
        service=body.service,
        target_port=body.target_port,
        user_id=owner(),
        actor=actor(),
    )
    return reply(domain_model(domain), 202, Location=f"/api/instances/{path.instance_id}/domains")


@api.delete("/<uuid:instance_id>/domains/<string:domain>", **accepting("Remove a custom domain"))
@needs("instances:write")
def remove_domain(path: DomainPath) -> Response:
    """Take a domain away from an instance; somebody can use it again once Railway has removed it."""
    instance = platform().manager.remove_domain(path.instance_id, path.domain, user_id=owner(), actor=actor())
    return accepted(instance, f"{path.domain} will be removed")
