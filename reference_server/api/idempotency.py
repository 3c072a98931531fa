"""`Idempotency-Key`: the same key with the same request gives the same answer, and does nothing a second time.

Source: the draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07). As there, an
answer is kept whether it is good or a refusal. What is not valid (422) is not, so that the key serves for the request that is
mended; nor what was not begun (not logged in), and what failed for reasons of ours (5xx).
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response, current_app, g, request

from railway_saas import RailwaySaasError
from reference_server.api.authentication import platform, principal
from reference_server.api.problems import Problem, conflict, invalid, problem_of, respond
from reference_server.data.idempotency import KEPT, KnownRequest, Reservation

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
"""Marks an answer that was given before. Source: Stripe's API reference, "Idempotent requests"."""
IDEMPOTENT: Final = "_reference_server_idempotent"
MAX_KEY: Final = 255
ABANDONED: Final = timedelta(seconds=60)
"""A request that is at work for longer than this has died with its process: no request may take half as long."""
_NOT_VALID: Final = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_KEPT_HEADERS: Final = ("Content-Type", "Location", "ETag")


def idempotent(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that creates something: it honours `Idempotency-Key`. Goes below the marks that say who may."""

    @wraps(view)
    def keyed(**arguments: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return current_app.make_response(view(**arguments))
        return _once(_checked(key), lambda: current_app.make_response(view(**arguments)))

    setattr(keyed, IDEMPOTENT, True)
    return keyed


def derived_key() -> str | None:
    """For the SDK: the same for the same `Idempotency-Key` of the same user; None where there is none.

    With it a repeat after a crash finds what the first request made, though its answer was never kept.
    """
    held: Reservation | None = g.get("idempotency")
    if held is None:
        return None
    return "http:" + hashlib.sha256(f"{held.user_id}\0{held.key}".encode()).hexdigest()


def _checked(key: str) -> str:
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable() and key.strip() == key):
        detail = f"Must have 1 to {MAX_KEY} printable ASCII characters, e.g. a new UUID."
        raise invalid(f"{HEADER}: {detail}", {"pointer": f"#/{HEADER}", "detail": detail})
    return key


def _once(key: str, view: Callable[[], Response]) -> Response:
    held = Reservation(user_id=principal().user.id, key=key, begun_at=platform().now())
    digest = _digest()
    known = _reserve(held, digest)
    if known is not None:
        return _again(held, known, digest)
    g.idempotency = held
    try:
        answer = _answer_of(view)
    except BaseException:
        _release(held)
        raise
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status_code in _NOT_VALID:
        _release(held)
    else:
        _keep(held, answer)
    return answer


def _digest() -> str:
    """Of everything that makes it this request and no other."""
    parts = (request.method.encode(), request.full_path.encode(), request.get_data())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _answer_of(view: Callable[[], Response]) -> Response:
    """A refusal is an answer, too."""
    try:
        return view()
    except Problem as problem:
        return respond(problem)
    except RailwaySaasError as error:
        return respond(problem_of(error))


def _reserve(held: Reservation, digest: str) -> KnownRequest | None:
    with platform().database.unit_of_work() as work:
        known = work.idempotent_requests.reserve(
            held,
            request_digest=digest,
            expires_at=held.begun_at + KEPT,
            abandoned_before=held.begun_at - ABANDONED,
        )
        if known is None:
            work.commit()
    return known


def _again(held: Reservation, known: KnownRequest, digest: str) -> Response:
    if known.request_digest != digest:
        detail = "Was used for another request; take a new one."
        raise invalid(f"{HEADER}: {detail}", {"pointer": f"#/{HEADER}", "detail": detail})
    if known.status is None or known.answer is None:
        free_at = known.begun_at + ABANDONED
        wait_s = min(5, max(1, int((free_at - held.begun_at).total_seconds())))
        problem = conflict("The first request under this key is still at work.", kind="still-at-work")
        problem.headers["Retry-After"] = str(wait_s)
        raise problem
    opened = json.loads(platform().answers.open(known.answer, context=_place(held.user_id, held.key)))
    answer = Response(opened["body"], known.status, opened["headers"])
    answer.headers[REPLAYED] = "true"
    return answer


def _keep(held: Reservation, answer: Response) -> None:
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    text = json.dumps({"headers": headers, "body": answer.get_data(as_text=True)})
    sealed = platform().answers.seal(text, context=_place(held.user_id, held.key))
    with platform().database.unit_of_work() as work:
        work.idempotent_requests.complete(held, status=answer.status_code, answer=sealed)
        work.commit()


def _release(held: Reservation) -> None:
    with platform().database.unit_of_work() as work:
        work.idempotent_requests.release(held)
        work.commit()


def _place(user_id: UUID, key: str) -> str:
    return f"{user_id}\0{key}"
