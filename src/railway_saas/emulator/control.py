"""The emulator's own endpoints, under `/_emulator/`: faults, clock, state, counters, webhooks. No token needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from railway_saas.emulator.faults import add_from_json
from railway_saas.emulator.messages import Request, Response, json_response, read_json
from railway_saas.emulator.scalars import format_datetime

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.emulator.emulator import Emulator

PREFIX = "/_emulator/"


def answer(emulator: Emulator, request: Request) -> Response:
    """Answer one control request."""
    name, _, rest = request.path.removeprefix(PREFIX).strip("/").partition("/")
    handler = _HANDLERS.get((request.method, name))
    if handler is None:
        known = sorted({f"{PREFIX}{noun}" for _, noun in _HANDLERS})
        return json_response(
            404, {"error": f"no {request.method} {request.path}; there are {', '.join(known)}"}
        )
    try:
        return json_response(200, handler(emulator, rest, _body(request)))
    except ValueError as error:
        return json_response(400, {"error": str(error)})


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    body = read_json(request.body)
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - answered as 400 like other bad values
    return cast("dict[str, Any]", body)


def _faults(emulator: Emulator, _rest: str, _body: dict[str, Any]) -> object:
    return {"faults": [fault.to_json() for fault in emulator.faults]}


def _add_fault(emulator: Emulator, _rest: str, body: dict[str, Any]) -> object:
    return add_from_json(emulator.faults, body).to_json()


def _remove_faults(emulator: Emulator, rest: str, _body: dict[str, Any]) -> object:
    if not rest:
        emulator.faults.clear()
    elif not rest.isdigit() or not emulator.faults.remove(int(rest)):
        raise ValueError(f"there is no fault {rest}")
    return _faults(emulator, "", {})


def _clock(emulator: Emulator, _rest: str, _body: dict[str, Any]) -> object:
    return {"now": format_datetime(emulator.clock.now()), "speed": emulator.clock.speed}


def _advance(emulator: Emulator, _rest: str, body: dict[str, Any]) -> object:
    seconds = body.get("advance")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise ValueError('say how far in seconds: {"advance": 60}')  # noqa: TRY004 - answered as 400
    emulator.clock.advance(seconds)
    return _clock(emulator, "", {})


def _state(emulator: Emulator, _rest: str, _body: dict[str, Any]) -> object:
    return emulator.state()


def _requests(emulator: Emulator, _rest: str, _body: dict[str, Any]) -> object:
    return {"count": emulator.requests.count, "operations": dict(emulator.requests.operations)}


def _visit(emulator: Emulator, _rest: str, body: dict[str, Any]) -> object:
    return {"status": emulator.visit(str(body.get("host", "")))}


def _webhooks(emulator: Emulator, _rest: str, _body: dict[str, Any]) -> object:
    return {"webhooks": [one.to_json() for one in emulator.webhooks.sent]}


def _propagate(emulator: Emulator, _rest: str, body: dict[str, Any]) -> object:
    emulator.dns.propagate(str(body.get("domain", "")))
    return {"domain": body["domain"]}


def _fill(emulator: Emulator, _rest: str, body: dict[str, Any]) -> object:
    used_mb = body.get("usedMB")
    if not isinstance(used_mb, int | float) or isinstance(used_mb, bool):
        raise ValueError('say how full: {"volumeInstanceId": "...", "usedMB": 400}')  # noqa: TRY004 - answered as 400
    emulator.volumes.fill(str(body.get("volumeInstanceId", "")), used_mb)
    return {"volumeInstanceId": body["volumeInstanceId"], "usedMB": used_mb}


_HANDLERS: dict[tuple[str, str], Callable[[Emulator, str, dict[str, Any]], object]] = {
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _remove_faults,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
    ("GET", "state"): _state,
    ("GET", "requests"): _requests,
    ("POST", "visit"): _visit,
    ("GET", "webhooks"): _webhooks,
    ("POST", "dns"): _propagate,
    ("POST", "volumes"): _fill,
}
