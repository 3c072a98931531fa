"""ETag, If-Match, If-None-Match. Source: RFC 9110, sections 8.8.3 and 13."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from flask import Response, request

from reference_server.api.describing import reply
from reference_server.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

IF_MATCH: Final = "_reference_server_if_match"


def updates(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that needs If-Match: the document says so, and `require_match` holds it to that."""
    setattr(view, IF_MATCH, True)
    return view


def etag_of(body: BaseModel) -> str:
    """A strong one: of what is answered, byte for byte."""
    return _etag(body.model_dump_json().encode())


def _etag(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def reply_with_etag(body: BaseModel, status: int = 200, **headers: str) -> Response:
    """The answer with its ETag; 304 without a body where the client has it already."""
    answer = reply(body, status, **headers)
    etag = _etag(answer.get_data())
    answer.set_etag(etag)
    is_read = request.method in {"GET", "HEAD"}
    if is_read and request.if_none_match and request.if_none_match.contains_weak(etag):
        return Response(status=304, headers={"ETag": f'"{etag}"'})
    return answer


def require_match(current: BaseModel) -> None:
    """Let an update pass that was made from what is there now. Call it while the row is locked.

    Raises:
        Problem: If-Match is missing (428), or names something older (412).
    """
    if "If-Match" not in request.headers:
        raise Problem(
            428,
            "precondition-required",
            "If-Match is missing",
            "Read it first, and send its ETag as If-Match: so that no other change is overwritten.",
        )
    require_match_if_given(current)


def require_match_if_given(current: BaseModel) -> None:
    """The same, where If-Match may be left out.

    Raises:
        Problem: It names something older (412).
    """
    if "If-Match" not in request.headers:
        return
    if not request.if_match.is_strong(etag_of(current)) and not request.if_match.star_tag:
        raise Problem(
            412, "precondition-failed", "It was changed meanwhile", "Read it again, and then try again."
        )
