"""How operations are described, and answered, the same way everywhere."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from reference_server.api.problems import MEDIA_TYPE, TYPE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"
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
_MAY_ANSWER: Final = (401, 422, 429, 503)
"""What any operation may be refused with: a public one as well, where a token is sent that is not good."""

_EVENT: Final = {
    "type": "object",
    "description": "One event after the other.",
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "description": "JSON."},
        "id": {"type": "string", "description": "For `Last-Event-ID` of the next request."},
        "retry": {"type": "integer", "description": "Milliseconds to wait before the next request."},
    },
}

ANSWERS: Final[dict[str, type[BaseModel]]] = {}
"""Every model that an operation answers with, by the name it has in the document."""


@cache
def _schema_of(model: type[BaseModel], options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return BaseModel.model_json_schema.__func__(model, **dict(options))  # type: ignore[attr-defined, no-any-return]


class ApiModel(BaseModel):
    """What goes in and out. What is not known is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)

    @classmethod
    def model_json_schema(cls, **options: Any) -> dict[str, Any]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Remembered: flask-openapi asks for it with every query string, and it takes longer than a read."""
        return dict(_schema_of(cls, tuple(sorted(options.items()))))


class PageQuery(ApiModel):
    """Which page of a list."""

    cursor: str | None = Field(None, max_length=400, description="`next_cursor` of the page before.")
    limit: int = Field(50, ge=1, le=200, description="How many at most.")


class SortedPageQuery(PageQuery):
    """Which page of a list that can be read from either end."""

    sort: Literal["created_at", "-created_at"] = Field(
        "created_at", description="Oldest first, or (`-created_at`) newest first."
    )

    @property
    def newest_first(self) -> bool:
        """Whether the list is read from its end."""
        return self.sort == "-created_at"


def described(
    summary: str,
    answer: type[BaseModel] | None = None,
    *,
    status: int = 200,
    errors: tuple[int, ...] = (),
    example: Mapping[str, Any] | None = None,
    is_public: bool = False,
    media_type: str = JSON,
    streams: bool = False,
    security: list[dict[str, list[str]]] | None = None,
) -> dict[str, Any]:
    """What flask-openapi is told of an operation. `documents` adds what the view's marks say.

    Args:
        summary: What it does, in a few words.
        answer: The body of a good answer; None: it has none.
        status: Of a good answer.
        errors: Statuses of the problems it may answer with, beside those that any may.
        example: Of a good answer's body; made from the examples of the model's fields unless given.
        is_public: Whether nobody has to log in.
        media_type: Of a good answer's body.
        streams: Whether it also answers with server-sent events.
        security: What lets in; a token, or nothing where it is public, unless given.
    """
    always = _MAY_ANSWER if is_public else (*_MAY_ANSWER, 403)
    responses: dict[int, Any] = {code: problem_response(code) for code in sorted({*always, *errors})}
    responses[status] = _good(status, answer, example, media_type)
    if streams:
        responses[status].setdefault("content", {})[EVENT_STREAM] = {"schema": _EVENT}
    lets_in = security if security is not None else [] if is_public else SECURITY
    return {"summary": summary, "responses": responses, "security": lets_in}


def _good(
    status: int, answer: type[BaseModel] | None, example: Mapping[str, Any] | None, media_type: str
) -> Any:
    if answer is None:
        return {"description": HTTPStatus(status).phrase}
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{_registered(answer)}"}}
    if example is not None:
        content["example"] = example
    return {"description": HTTPStatus(status).phrase, "content": {media_type: content}}


def _registered(answer: type[BaseModel]) -> str:
    name = answer.__name__
    if ANSWERS.setdefault(name, answer) is not answer:
        raise TypeError(f"two models are called {name}: the document could not tell them apart")
    return name


def problem_response(status: int) -> dict[str, Any]:
    """How a problem of a status is described."""
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
    """The answer. Underscores in names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None:
        return Response(status=204, headers=named)
    return Response(body.model_dump_json(), status, named, content_type=JSON)


def reply_json(body: str) -> Response:
    """An answer that is JSON already."""
    return Response(body, content_type=JSON)


def user_agent() -> str | None:
    """Of the request, cut."""
    return request.user_agent.string[:255] or None
