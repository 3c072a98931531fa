"""Errors as problems of RFC 9457: one table from what is raised to what is answered."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from flask import Response, current_app, json
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from railway_saas import RailwaySaasError, errors
from reference_server.accounts import LoginRefusedError
from reference_server.api.pointers import pointer
from reference_server.security.origin import current_origin

if TYPE_CHECKING:
    from flask import Flask
    from pydantic import ValidationError

log = logging.getLogger("reference_server.api")

LOGIN_REFUSED: Final = "Address or password is wrong, or the address is not verified yet, or log-ins of it are locked for a while."
"""One sentence for all, so that nobody learns which addresses have an account."""
MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:railway-saas:problem:"


class ProblemModel(BaseModel):
    """A problem, as RFC 9457 has it."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(
        description="Stable name of the kind of problem.", examples=["urn:railway-saas:problem:not-found"]
    )
    title: str = Field(description="The kind of problem, for people.", examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="What happened, and what to do.", examples=["There is no such instance."])
    request_id: str | None = Field(
        None, description="To ask us about it.", examples=["0199c1c2-6a4e-7f61-8a77-1f0f0e2f1b11"]
    )


@dataclass
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Something that is answered with an error."""

    status: int
    kind: str
    title: str
    detail: str
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return f"{self.status} {self.kind}: {self.detail}"


_UNAVAILABLE: Final = Problem(
    503,
    "unavailable",
    "Not possible right now",
    "Please try again in a moment.",
    headers={"Retry-After": "5"},
)


def not_found(what: str) -> Problem:
    """There is none, or it is somebody else's: both look alike."""
    return Problem(404, "not-found", "Not found", f"There is no such {what}.")


def unauthenticated(detail: str = "Log in, or send a good access token or API key.") -> Problem:
    """Nobody is logged in."""
    return Problem(401, "unauthenticated", "Not logged in", detail, headers={"WWW-Authenticate": "Bearer"})


def forbidden(detail: str) -> Problem:
    """Somebody is logged in who must not do this."""
    return Problem(403, "forbidden", "Not allowed", detail)


def conflict(detail: str, *, kind: str = "conflict", **more: Any) -> Problem:
    """It does not go with what is there."""
    return Problem(409, kind, "Conflict", detail, more)


def invalid(detail: str, *errors: dict[str, str]) -> Problem:
    """The request cannot be used."""
    return Problem(422, "invalid-request", "The request cannot be used", detail, {"errors": list(errors)})


def problem_of(error: RailwaySaasError) -> Problem:  # noqa: C901, PLR0911 - a table
    """What an error of the SDK is. What a customer can do something about is told in full, the rest goes to the log."""
    match error:
        case errors.InstanceNotFoundError():
            return not_found(error.what)
        case errors.LimitExceededError():
            more = {
                "limit": error.limit,
                "plan": error.plan,
                "allowed": error.allowed,
                "used": error.used,
                "wanted": error.wanted,
                "next_plan": error.next_plan,
                "next_plan_allows": error.next_plan_allows,
            }
            return Problem(403, "limit-exceeded", "Your plan has no room", _sentence(str(error)), more)
        case errors.InstanceStateError():
            return Problem(
                409,
                "illegal-transition",
                "Not possible now",
                _sentence(str(error)),
                {"current": error.current, "allowed": list(error.allowed)},
            )
        case errors.NameTakenError():
            return conflict(str(error), kind="name-taken", argument=error.argument)
        case errors.InstanceInputError():
            return invalid(str(error), {"pointer": pointer(error.argument), "detail": str(error)})
        case errors.TemplateError():
            return invalid(
                "The template's inputs cannot be used.",
                *({"pointer": "#/inputs", "detail": str(one)} for one in error.problems),
            )
        case errors.WebhookRefusedError():
            return Problem(error.status_code, "webhook-refused", "Refused", str(error))
        case errors.NeedsAttentionError():
            possible = ", ".join(name.replace("_", " ") for name in error.allowed) or "nothing"
            return conflict(
                f"The instance needs attention: an operator has to decide what becomes of it. Possible now: {possible}.",
                kind="needs-attention",
                allowed=list(error.allowed),
            )
        case errors.NotFoundError():
            return not_found("thing")
        case errors.ConflictError():
            return conflict("It is there already.")
        case errors.RailwayError() | errors.RepositoryError():
            log.error("not done: %s", error)
            return _UNAVAILABLE
        case _:
            log.error("a fault of ours", exc_info=error)
            return Problem(500, "fault", "A fault of ours", "We have been told. Please try again later.")


def _sentence(text: str) -> str:
    """What the SDK says, as a sentence."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def respond(problem: Problem) -> Response:
    """The answer."""
    origin = current_origin()
    body = {
        "type": TYPE_PREFIX + problem.kind,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
        **({"request_id": origin.request_id} if origin else {}),
    }
    return Response(json.dumps(body), problem.status, problem.headers, content_type=MEDIA_TYPE)


def on_invalid_request(error: ValidationError) -> Response:
    """What pydantic found wrong with a request; values are not quoted, they may be passwords."""
    faults = [
        {"pointer": pointer(*entry["loc"]), "detail": _without_prefix(str(entry["msg"]))}
        for entry in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return respond(
        invalid("; ".join(f"{one['pointer'][2:] or 'body'}: {one['detail']}" for one in faults), *faults)
    )


def _without_prefix(message: str) -> str:
    """What our own validators say, without what pydantic puts before it."""
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def register(app: Flask) -> None:
    """Answer every error with a problem."""
    app.register_error_handler(Problem, respond)
    app.register_error_handler(LoginRefusedError, lambda _: respond(unauthenticated(LOGIN_REFUSED)))
    app.register_error_handler(RailwaySaasError, lambda error: respond(problem_of(error)))
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(SQLAlchemyError, _on_database_error)
    app.register_error_handler(Exception, _on_fault)


_IN_OUR_WORDS: Final = {
    400: ("bad-request", "Not usable", "The request cannot be read."),
    404: ("not-found", "Not found", "There is nothing at this address; /openapi.json says what there is."),
    405: ("method-not-allowed", "Method not allowed", "This address does not take this method."),
    408: ("request-timeout", "Too slow", "The request did not come in time."),
    411: ("length-required", "The length is missing", "Send Content-Length."),
    413: ("request-entity-too-large", "The body is too large", "Send less."),
    414: ("request-uri-too-long", "The address is too long", "Send less."),
    415: ("unsupported-media-type", "The body must be JSON", "Send Content-Type: application/json."),
    431: ("request-header-fields-too-large", "The headers are too large", "Send less."),
}
"""What the framework refuses: its own sentences are written for browsers."""


def _in_our_words(status: int, error: HTTPException) -> Problem:
    phrase = HTTPStatus(status).phrase
    other = (phrase.lower().replace(" ", "-"), phrase, "The request cannot be answered so.")
    kind, title, detail = _IN_OUR_WORDS.get(status, other)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        taken = sorted(set(error.valid_methods) - {"HEAD", "OPTIONS"})
        detail = f"This address takes {' and '.join(taken) or 'OPTIONS'}."
    if isinstance(error, RequestEntityTooLarge):
        detail = f"At most {current_app.config['MAX_BODY_BYTES']} bytes are taken."
    return Problem(status, kind, title, detail)


def _on_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return cast("Response", error.get_response())  # a redirect
    answer = respond(_in_our_words(status, error))
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers[name] = value
    return answer


def _on_database_error(error: SQLAlchemyError) -> Response:
    """Of what asks the database without the SDK's repositories, which have words of their own for it."""
    is_away = isinstance(error, OperationalError | InterfaceError | PoolTimeoutError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if not is_away:
        return _on_fault(error)
    log.error(
        "not done: the database does not answer, or not in time: %s",
        type(error.orig or error).__name__ if isinstance(error, DBAPIError) else type(error).__name__,
    )
    return respond(_UNAVAILABLE)


def _on_fault(error: Exception) -> Response:
    log.error("a fault of ours", exc_info=error)
    return respond(Problem(500, "fault", "A fault of ours", "We have been told. Please try again later."))
