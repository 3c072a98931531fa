"""Reading Railway's answers: the data, or the right exception.

Railway answers most failures with HTTP 200 and a GraphQL error whose code says little
(`INTERNAL_SERVER_ERROR` covers bad tokens, missing objects and throttles), so errors are told apart by their
message. In front of it stands Cloudflare, which answers in HTML or plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from railway_saas.errors import (
    GraphQLErrorDetail,
    RailwayAuthError,
    RailwayConflictError,
    RailwayError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwayStateError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

THROTTLE_WAIT_S = 30.0
"""Railway's creation throttles ("You are creating environments too quickly") have windows of about 30 s."""

_NOT_JSON = object()

_OK = 200
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500

# GraphQL servers quote the input they refuse, and that may be a secret: what follows these is cut. The place is kept.
_ECHOED = re.compile(r"(got invalid value|cannot represent [^:]*:)\s.*", re.DOTALL)
_PLACE = re.compile(r"got invalid value .* at \"([\w.\[\]]+)\"; ", re.DOTALL)
_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?", re.ASCII)
_LONGEST_WAIT_S = 86_400.0
"""No more than a day is believed: the longest block by Cloudflare that was reported."""
_LONGEST_MESSAGE = 2_000
_LONE_SURROGATE = re.compile(
    rb"\\u(?:d[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2}\\u)d[c-f][0-9a-f]{2})",
    re.IGNORECASE,
)
"""Half of a character, as left by programs that cut texts anywhere; strict readers refuse it."""
_REFUSED_FIELD = re.compile(r"^Error in (\w+) - Invalid input")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as far as this SDK reads it. Header names are lower case."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a message means: the class to raise, whether waiting helps, whether a write may have happened."""

    error: type[RailwayError]
    transient: bool = False
    maybe_applied: bool = False


_AUTH = _Kind(RailwayAuthError)
_NOT_FOUND = _Kind(RailwayNotFoundError)
_CONFLICT = _Kind(RailwayConflictError)
_STATE = _Kind(RailwayStateError)
_INPUT = _Kind(RailwayInputError)
_THROTTLE = _Kind(RailwayRateLimitError, transient=True)
_REFUSED = _Kind(RailwayQueryError)
_PASSING = _Kind(RailwayQueryError, transient=True)
_UNCLEAR = _Kind(RailwayQueryError, transient=True, maybe_applied=True)
_UNKNOWN = _Kind(RailwayQueryError, maybe_applied=True)

# The first match wins. Messages as observed on the live API and listed in Railway's own CLI.
_BY_MESSAGE: tuple[tuple[re.Pattern[str], _Kind], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"too quickly|rate limit|too many requests", _THROTTLE),
        (r"not authorized|unauthori[sz]ed|unauthenticated|project token not found|invalid token", _AUTH),
        (r"two factor authentication required|you have been blocked", _AUTH),
        (r"failed to create service domain, please try again", _PASSING),
        (r"already exists|already taken", _CONFLICT),
        (r"\bnot found\b", _NOT_FOUND),
        (r"is not \w+able\b", _STATE),
        (r"invalid input|is not a valid|invalid project name|unrecognized_keys", _INPUT),
        (r"does not have a source that can be used", _INPUT),
        (r"problem processing request", _UNCLEAR),
    )
)
_BY_CODE = {
    "GRAPHQL_VALIDATION_FAILED": _REFUSED,
    "GRAPHQL_PARSE_FAILED": _REFUSED,
    "UNAUTHENTICATED": _AUTH,
    "BAD_USER_INPUT": _INPUT,
}


def read_data(answer: Answer, *, operation: str, is_write: bool) -> dict[str, Any]:
    """Return the `data` object of an answer without errors.

    Raises:
        RailwayError: The subclass that fits, with Railway's trace id where the answer has one.
    """
    problem = _refused_before_railway(answer, operation)
    if problem is not None:
        raise problem
    document = parsed(answer.body)
    if isinstance(document, dict):
        payload = cast("dict[str, Any]", document)
        if payload.get("errors"):
            raise graphql_error(
                payload, operation=operation, is_write=is_write, status_code=answer.status_code
            )
        if isinstance(payload.get("data"), dict) and answer.status_code == _OK:
            return cast("dict[str, Any]", payload["data"])
    raise _without_data(answer, operation, is_write=is_write, is_json=document is not _NOT_JSON)


def parsed(body: bytes) -> object:
    """A JSON value, halves of characters in it mended; a mark of its own for what is no JSON."""
    try:
        return from_json(body)
    except ValueError:
        pass
    try:
        return from_json(_LONE_SURROGATE.sub(rb"\\ufffd", body))
    except ValueError:
        return _NOT_JSON


def graphql_error(
    payload: Mapping[str, Any], *, operation: str, is_write: bool, status_code: int | None = None
) -> RailwayError:
    """Turn a GraphQL answer with `errors` into the exception that fits its first error."""
    details = tuple(_detail(entry) for entry in _as_list(payload["errors"]))
    return error_of(
        details, operation=operation, is_write=is_write, status_code=status_code, data=payload.get("data")
    )


def error_of(
    details: tuple[GraphQLErrorDetail, ...],
    *,
    operation: str,
    is_write: bool,
    status_code: int | None,
    data: object = None,
) -> RailwayError:
    """The exception that fits the first of several GraphQL errors."""
    first = details[0]
    kind = _kind_of(first, status_code)
    common: dict[str, Any] = {
        "operation": operation,
        "trace_id": next((detail.trace_id for detail in details if detail.trace_id), None),
        "status_code": status_code,
        "transient": kind.transient,
        "maybe_applied": kind.maybe_applied and is_write,
        "errors": details,
        "partial_data": data if isinstance(data, dict) else None,
    }
    if kind is _THROTTLE:
        common["retry_after_s"] = THROTTLE_WAIT_S
    if kind is _INPUT and (refused := _REFUSED_FIELD.match(first.message)):
        common["argument"] = refused[1]
    return kind.error(first.message + _advice(kind, first), **common)


def _kind_of(detail: GraphQLErrorDetail, status_code: int | None) -> _Kind:
    by_code = _BY_CODE.get(detail.code or "")
    if by_code is _REFUSED:  # Railway never ran it, whatever the text says
        return _REFUSED
    for pattern, kind in _BY_MESSAGE:
        if pattern.search(detail.message):
            return kind
    if status_code == _UNAUTHORIZED:
        return _AUTH
    if by_code is None and status_code is not None and status_code >= _SERVER_ERROR:
        return _UNCLEAR
    return by_code or _UNKNOWN


def _advice(kind: _Kind, detail: GraphQLErrorDetail) -> str:
    if kind is _AUTH:
        return ". Check the token, its kind and its workspace; Railway answers the same for objects that do not exist"
    if detail.code == "GRAPHQL_VALIDATION_FAILED":
        return ". Railway's schema has changed: `railway-saas schema check` shows where"
    return ""


def _detail(entry: object) -> GraphQLErrorDetail:
    fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {"message": str(entry)}
    extensions = fields.get("extensions")
    code = cast("dict[str, Any]", extensions).get("code") if isinstance(extensions, dict) else None
    trace_id = fields.get("traceId")
    return GraphQLErrorDetail(
        message=_without_echo(str(fields.get("message") or "no message")),
        code=code if isinstance(code, str) else None,
        path=tuple(step for step in _as_list(fields.get("path")) if isinstance(step, (str, int))),
        trace_id=str(trace_id) if trace_id is not None else None,
    )


def _without_echo(message: str) -> str:
    message = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"
    place = _PLACE.search(message)
    return _ECHOED.sub(rf"\1{f' at {place[1]}' if place else ''} (not shown)", message)


def _as_list(value: object) -> list[Any]:
    if isinstance(value, list):
        return list(cast("Iterable[Any]", value))
    return [] if value is None else [value]


def _refused_before_railway(answer: Answer, operation: str) -> RailwayError | None:
    """Answers that mean the request was turned away, whatever their body looks like."""
    start = answer.body[:200].lstrip()
    by_cloudflare = start.startswith(b"error code: 1015")
    if answer.status_code == _TOO_MANY_REQUESTS or by_cloudflare:
        return RailwayRateLimitError(
            "rate limit exceeded" + (" (Cloudflare 1015)" if by_cloudflare else ""),
            operation=operation,
            status_code=answer.status_code,
            transient=True,
            retry_after_s=retry_after_s(answer.headers),
        )
    if answer.status_code == _FORBIDDEN and not start.startswith(b"{"):
        return RailwayResponseError(
            f"HTTP 403 from Cloudflare ({_looks_like(answer)}): this address or User-Agent is refused; "
            "the request did not reach Railway",
            operation=operation,
            status_code=answer.status_code,
        )
    return None


def _without_data(answer: Answer, operation: str, *, is_write: bool, is_json: bool) -> RailwayError:
    status = answer.status_code
    if status == _UNAUTHORIZED:
        return RailwayAuthError("HTTP 401: the token was refused", operation=operation, status_code=status)
    what = "neither data nor errors" if is_json else f"{_looks_like(answer)} instead of JSON"
    return RailwayResponseError(
        f"HTTP {status} with {what}",
        operation=operation,
        status_code=status,
        # An answer cut short passes; one of another shape will come again.
        transient=status >= _SERVER_ERROR or (status == _OK and not is_json),
        maybe_applied=is_write and (status >= _SERVER_ERROR or status == _OK),
    )


def _looks_like(answer: Answer) -> str:
    """Describe a body without showing it: it may be long, and may quote what was sent."""
    body = answer.body.lstrip()
    if not body:
        return "an empty body"
    if body.startswith(b"<"):
        return "an HTML page"
    if body.startswith(b"error code:"):
        return body[:20].decode("ascii", "replace").strip()
    if body.startswith((b"{", b"[")):
        return "JSON that was cut short"
    return "plain text"


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The `Retry-After` header in seconds; a date is read against `now` (or the answer's own `Date`)."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if _SECONDS.fullmatch(value):
        return min(float(value), _LONGEST_WAIT_S)
    try:
        reference = now or parsedate_to_datetime(headers["date"])
        seconds = (parsedate_to_datetime(value) - reference).total_seconds()
        return min(max(0.0, seconds), _LONGEST_WAIT_S)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
