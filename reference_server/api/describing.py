"""How operations are described, and answered, the same way everywhere."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from reference_server.api.problems import MEDIA_TYPE, TYPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
_REASONS: Final = {
    400: ("bad-request", "The request is not HTTP or not JSON."),
    401: ("unauthenticated", "Nobody is logged in, or the token is not good any more."),
    403: ("forbidden", "Whoever is logged in may not do this, or their plan has no room."),
    404: ("not-found", "There is no such thing, or it is somebody else's."),
    409: ("conflict", "It does not go with what is there."),
    412: ("precondition-failed", "It was changed meanwhile; read it again."),
    413: ("request-entity-too-large", "The body is too large."),
    415: ("unsupported-media-type", "The body must be JSON."),
    422: ("invalid-request", "The request cannot be used; `errors` says why."),
    428: ("precondition-required", "If-Match is missing."),
    429: ("too-many-requests", "Too many requests; Retry-After says when to come again."),
    503: ("unavailable", "Not possible right now; try again in a moment."),
}


class ApiModel(BaseModel):
    """What goes in and out. What is not known is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class PageQuery(ApiModel):
    """Which page of a list."""

    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(50, ge=1, le=200, description="How many at most.")


def described(
    summary: str,
    answer: type[BaseModel] | None = None,
    *,
    status: int = 200,
    errors: tuple[int, ...] = (),
    example: Mapping[str, Any] | None = None,
    is_public: bool = False,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """What flask-openapi is told of an operation.

    Args:
        summary: What it does, in a few words.
        answer: The body of a good answer; None: it has none.
        status: Of a good answer.
        errors: Statuses of the problems it may answer with, beside those that any may.
        example: Of a good answer's body.
        is_public: Whether nobody has to log in.
        media_type: Of a good answer's body.
    """
    always = {422, 429} if is_public else {401, 403, 422, 429}
    responses: dict[int, Any] = {code: _problem(code) for code in sorted(always | set(errors))}
    responses[status] = _good(status, answer, example, media_type)
    return {"summary": summary, "responses": responses, "security": [] if is_public else SECURITY}


def _good(
    status: int, answer: type[BaseModel] | None, example: Mapping[str, Any] | None, media_type: str
) -> Any:
    if answer is None:
        return {"description": HTTPStatus(status).phrase}
    content: dict[str, Any] = {
        "schema": answer.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    }
    content["schema"].pop("$defs", None)
    if example is not None:
        content["example"] = example
    return {"description": HTTPStatus(status).phrase, "content": {media_type: content}}


def _problem(status: int) -> dict[str, Any]:
    kind, detail = _REASONS[status]
    example = {
        "type": TYPE_PREFIX + kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return {
        "description": detail,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }


def reply(body: BaseModel | None, status: int = 200, **headers: str) -> Response:
    """The answer."""
    if body is None:
        return Response(status=204, headers=headers)
    return Response(body.model_dump_json(), status, headers, content_type="application/json")


def user_agent() -> str | None:
    """Of the request, cut."""
    return request.user_agent.string[:255] or None
