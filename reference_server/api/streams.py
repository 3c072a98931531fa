"""Server-sent events. Source: HTML Living Standard, section 9.2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from flask import Response, request

from reference_server.api.authentication import find_principal, platform, principal
from reference_server.api.describing import EVENT_STREAM, JSON
from reference_server.api.problems import Problem
from reference_server.security.scope import Scope, scoped
from reference_server.streaming import LONG_ANSWERS, Ended, Message, StreamsFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from reference_server.composition import Platform
    from reference_server.data.accounts import Principal

RETRY_MS: Final = 2_000
"""How long a browser waits before it connects again."""
_FULL_RETRY_S: Final = 10


def wants_stream() -> bool:
    """Whether the client would rather have server-sent events than JSON."""
    accepted = request.accept_mimetypes
    return accepted[EVENT_STREAM] > accepted[JSON]


def last_event_id() -> str | None:
    """Where the client was cut off: what a browser sends by itself."""
    return request.headers.get("Last-Event-ID") or None


def stream(batches: Iterator[Iterable[Message]]) -> Response:
    """Answer with what comes, until the time is up, the session ends, or the process stops.

    Raises:
        Problem: There are as many streams as may be (503).
    """
    if request.method == "HEAD":  # nothing will be read: no place is taken
        return Response(content_type=EVENT_STREAM)
    streams = platform().streams
    try:
        give_back = streams.take(principal().user.id)
    except StreamsFullError:
        raise Problem(
            503,
            "too-many-streams",
            "Too many open streams",
            "Close one, or ask again later; what is streamed can also be read as JSON.",
            headers={"Retry-After": str(_FULL_RETRY_S)},
        ) from None
    pieces = streams.run(batches, may_go_on=_recheck(platform(), principal()))
    answer = Response(_written(pieces, give_back), content_type=EVENT_STREAM)
    # nginx and others keep an answer back until it is complete unless told not to.
    answer.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    if (connection := request.environ.get("gunicorn.socket")) is not None:
        LONG_ANSWERS.add(connection)
    answer.call_on_close(give_back)  # also where nothing was ever read from the generator
    return answer


def in_scope_of(who: Principal, look: Callable[[], Iterable[Message]]) -> Callable[[], Iterable[Message]]:
    """Look with the rights of whoever asked: a stream goes on after the request's own scope is left."""
    scope = Scope.of_user(who.user.id, is_admin=who.user.is_admin)

    def scoped_look() -> Iterable[Message]:
        with scoped(scope):
            return look()

    return scoped_look


def _recheck(of: Platform, who: Principal) -> Callable[[], bool]:
    """Whether the token that the stream began with is still good, and its user still has the same rights."""
    authorization = request.headers.get("Authorization", "")

    def may_go_on() -> bool:
        now = find_principal(of, authorization)
        return now is not None and (now.user.id, now.user.role, now.scopes) == (
            who.user.id,
            who.user.role,
            who.scopes,
        )

    return may_go_on


def _written(pieces: Generator[Message | Ended | None], give_back: Callable[[], None]) -> Generator[bytes]:
    try:
        yield f"retry: {RETRY_MS}\n\n".encode()
        for piece in pieces:
            yield _frame(piece)
    finally:
        pieces.close()
        give_back()


def _frame(piece: Message | Ended | None) -> bytes:
    if piece is None:
        return b": still here\n\n"
    if isinstance(piece, Ended):
        return f"event: end\ndata: {json.dumps({'reason': piece.reason})}\n\n".encode()
    # One line each: JSON has no line breaks of its own, and ids are ours.
    place = f"id: {piece.id}\n" if piece.id is not None else ""
    return f"{place}event: {piece.event}\ndata: {json.dumps(piece.data)}\n\n".encode()
