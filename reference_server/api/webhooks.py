"""Webhooks that come in."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request
from flask_openapi import APIBlueprint, RequestBody, Tag
from pydantic import Field

from railway_saas.instances.intake import MAX_BYTES, WebhookOutcome
from railway_saas.railway.webhooks import SECRET_HEADER
from reference_server.api.authentication import platform, public
from reference_server.api.bounds import body_of_request
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.problems import Problem
from reference_server.security.rate_limits import unlimited
from reference_server.security.scope import SYSTEM, scoped

api = APIBlueprint(
    "webhooks",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="webhooks", description="What Railway tells")],
)


SECURITY_SCHEME: Final[dict[str, Any]] = {
    "type": "apiKey",
    "in": "header",
    "name": SECRET_HEADER,
    "description": "One of the secrets of `RAILWAY_WEBHOOK_SECRETS`, as Railway's notification rule sends it.",
}


_EVENT: Final = RequestBody.model_validate(
    {
        "description": f"Railway's event, {MAX_BYTES} bytes at most.",
        "content": {"application/json": {"schema": {"type": "object"}}},
        "required": True,
    }
)


class WebhookModel(ApiModel):
    """What was done with an event."""

    outcome: WebhookOutcome = Field(examples=["woke"])


@api.post(
    "/railway/webhook",
    **described(
        "Take a webhook of Railway",
        WebhookModel,
        is_public=True,
        errors=(400, 413),
        security=[{"webhook": []}],
    ),
    request_body=_EVENT,
)
@public
@unlimited
def receive_railway_webhook() -> Response:
    """Have the instance looked at that an event is about. The secret stands in a header.

    An event is a hint, never a fact: it changes nothing but when the instance is looked at. Repeats, types that are not
    known and projects that are not ours are taken and answered, too.
    """
    if (request.content_length or 0) > MAX_BYTES:
        raise Problem(
            413, "request-entity-too-large", "The body is too large", f"At most {MAX_BYTES} bytes are taken."
        )
    with scoped(SYSTEM):
        receipt = platform().intake.receive(dict(request.headers), body_of_request())
    return reply(WebhookModel(outcome=receipt.outcome))
