"""Answers as they look when something between Railway and its client goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.emulator.faults import Fault, FaultKind
from railway_saas.emulator.messages import Response, json_response, text_response

if TYPE_CHECKING:
    from collections.abc import Callable

HTML = "text/html; charset=UTF-8"

DENIED_PAGE = """<!DOCTYPE html>
<html lang="en-US"><head><title>Access denied | backboard.railway.com used Cloudflare to restrict access</title></head>
<body><div id="cf-wrapper"><h1>Error 1020</h1><h2>Access denied</h2>
<p>What happened? This website is using a security service to protect itself from online attacks.</p></div></body></html>
"""

GATEWAY_PAGE = """<!DOCTYPE html>
<html lang="en-US"><head><title>backboard.railway.com | {status}: {reason}</title></head>
<body><div id="cf-wrapper"><h1>{reason} <span>Error code {status}</span></h1>
<p>Visit cloudflare.com for more information.</p></div></body></html>
"""

REASONS = {
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service temporarily unavailable",
    504: "Gateway time-out",
    520: "Web server is returning an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    524: "A timeout occurred",
    529: "Site is overloaded",
}


def spoil(fault: Fault, answer: Response | None) -> Response:
    """What reaches the client instead of `answer`, which is None when the operation was not carried out."""
    return _SPOILERS[fault.kind](fault, answer or json_response(200, {"data": None}))


def _drop(_fault: Fault, _answer: Response) -> Response:
    return Response(0, b"", dropped=True)


def _slow(fault: Fault, answer: Response) -> Response:
    answer.delay_s = fault.seconds
    return answer


def _gateway_error(fault: Fault, _answer: Response) -> Response:
    reason = REASONS.get(fault.status, "Error")
    return text_response(fault.status, GATEWAY_PAGE.format(status=fault.status, reason=reason), HTML)


def _denied(_fault: Fault, _answer: Response) -> Response:
    return text_response(403, DENIED_PAGE, HTML)


def _error_1010(_fault: Fault, _answer: Response) -> Response:
    return text_response(403, "error code: 1010")


def cloudflare_1015() -> Response:
    """Cloudflare's answer to more than about ten requests a second on the bare URL."""
    return text_response(429, "error code: 1015")


def rate_limited(retry_after_s: int) -> Response:
    """Railway's 429. Its real body is not known; this one is a stand-in."""
    response = json_response(429, {"errors": [{"message": "Rate limit exceeded"}]})
    response.headers["retry-after"] = str(retry_after_s)
    return response


def _unauthorized(_fault: Fault, _answer: Response) -> Response:
    error = {"message": "Unauthorized", "extensions": {"code": "UNAUTHENTICATED"}}
    return json_response(401, {"errors": [error]})


def _truncated(_fault: Fault, answer: Response) -> Response:
    answer.body = answer.body[: max(1, len(answer.body) // 2)]
    return answer


def _empty(_fault: Fault, answer: Response) -> Response:
    answer.body = b""
    return answer


def _not_json(_fault: Fault, answer: Response) -> Response:
    answer.body = b"upstream connect error or disconnect/reset before headers"
    answer.headers["content-type"] = "text/plain"
    return answer


def _null_data(_fault: Fault, _answer: Response) -> Response:
    return json_response(200, {"data": None})


def _partial_data(fault: Fault, answer: Response) -> Response:
    body = answer.json()
    body["errors"] = [{"message": fault.message, "traceId": "0"}]
    return json_response(200, body)


_SPOILERS: dict[FaultKind, Callable[[Fault, Response], Response]] = {
    FaultKind.DROP: _drop,
    FaultKind.SLOW: _slow,
    FaultKind.GATEWAY_ERROR: _gateway_error,
    FaultKind.CLOUDFLARE_DENIED: _denied,
    FaultKind.CLOUDFLARE_1010: _error_1010,
    FaultKind.CLOUDFLARE_1015: lambda _fault, _answer: cloudflare_1015(),
    FaultKind.RATE_LIMITED: lambda fault, _answer: rate_limited(fault.retry_after_s),
    FaultKind.UNAUTHORIZED: _unauthorized,
    FaultKind.TRUNCATED_JSON: _truncated,
    FaultKind.EMPTY_BODY: _empty,
    FaultKind.NOT_JSON: _not_json,
    FaultKind.NULL_DATA: _null_data,
    FaultKind.PARTIAL_DATA: _partial_data,
}
