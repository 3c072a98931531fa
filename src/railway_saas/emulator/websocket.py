"""The server side of `graphql-transport-ws`, without sockets: text frames in, text frames out.

Railway: `connection_init` is acknowledged whatever the token; a refusal comes at `subscribe`, as a `next` frame whose
payload holds `errors`, followed by `complete`; not as an `error` frame. The token belongs into the headers of the
upgrade request; a project token in the `connection_init` payload gives "Problem processing request".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from railway_saas.emulator import errors
from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.messages import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from railway_saas.emulator.emulator import Emulator
    from railway_saas.emulator.registry import Stop

SUBPROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT_S = 10.0

INVALID_MESSAGE = 4400
UNAUTHORIZED = 4401
SUBPROTOCOL_NOT_ACCEPTABLE = 4406
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_INITS = 4429

AUTH_HEADERS = ("authorization", "project-access-token")

Frame = dict[str, Any]


class Session:
    """One connection.

    Args:
        emulator: Who answers.
        headers: Of the upgrade request, lower case.
        send: Sends a text frame. May be called from any thread.
        close: Closes the connection with a code and a reason.
        drop: Cuts the connection without a word.
    """

    def __init__(
        self,
        emulator: Emulator,
        headers: Mapping[str, str],
        *,
        send: Callable[[str], None],
        close: Callable[[int, str], None],
        drop: Callable[[], None],
    ) -> None:
        self._emulator = emulator
        self._headers = headers
        self._send = send
        self._close = close
        self._drop = drop
        self._subscriptions: dict[str, Stop | None] = {}
        self._init_payload: dict[str, Any] = {}
        self.acknowledged = False

    def receive(self, text: str | bytes) -> None:
        """Take one frame from the client; a binary one breaks the protocol."""
        frame = _read(text)
        handlers = {
            "connection_init": self._init,
            "ping": self._ping,
            "pong": self._pong,
            "subscribe": self._subscribe,
            "complete": self._complete,
        }
        handler = handlers.get(str(frame.get("type"))) if frame else None
        if frame is None or handler is None:
            self._close(INVALID_MESSAGE, "Invalid message received")
            return
        handler(frame)

    def end(self) -> None:
        """The connection is gone: end all subscriptions."""
        for stop in self._subscriptions.values():
            if stop is not None:
                stop()
        self._subscriptions.clear()

    def _init(self, frame: Frame) -> None:
        if self.acknowledged:
            self._close(TOO_MANY_INITS, "Too many initialisation requests")
            return
        payload = frame.get("payload")
        self._init_payload = cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}
        self.acknowledged = True
        self._post({"type": "connection_ack"})

    def _ping(self, frame: Frame) -> None:
        self._post({"type": "pong", **({"payload": frame["payload"]} if "payload" in frame else {})})

    def _pong(self, _frame: Frame) -> None:
        """Nothing to do: the client is alive."""

    def _subscribe(self, frame: Frame) -> None:
        subscription_id, payload = frame.get("id"), frame.get("payload")
        if not isinstance(subscription_id, str) or not _is_call(payload):
            self._close(INVALID_MESSAGE, "Invalid message received")
        elif not self.acknowledged:
            self._close(UNAUTHORIZED, "Unauthorized")
        elif subscription_id in self._subscriptions:
            self._close(SUBSCRIBER_EXISTS, f"Subscriber for {subscription_id} already exists")
        elif self._token_is_misplaced():
            self._next(subscription_id, {"errors": [{"message": errors.PROBLEM_PROCESSING}]})
            self._post({"id": subscription_id, "type": "complete"})
        else:
            self._start(subscription_id, cast("dict[str, Any]", payload))

    def _start(self, subscription_id: str, payload: dict[str, Any]) -> None:
        self._subscriptions[subscription_id] = None
        stop = self._emulator.subscribe(
            payload, self._headers, lambda answer: self._next(subscription_id, answer)
        )
        if stop is None:
            self._subscriptions.pop(subscription_id, None)
            self._post({"id": subscription_id, "type": "complete"})
        else:
            self._subscriptions[subscription_id] = stop

    def _complete(self, frame: Frame) -> None:
        stop = self._subscriptions.pop(str(frame.get("id")), None)
        if stop is not None:
            stop()

    def _next(self, subscription_id: str, payload: dict[str, Any]) -> None:
        operations = tuple(cast("dict[str, Any]", payload.get("data") or {}))
        if self._emulator.faults.take(FaultKind.STREAM_DROP, operations) is not None:
            self._drop()
            return
        self._post({"id": subscription_id, "type": "next", "payload": payload})

    def _post(self, frame: Frame) -> None:
        self._send(json.dumps(frame, separators=(",", ":"), ensure_ascii=False))

    def _token_is_misplaced(self) -> bool:
        if any(self._headers.get(name) for name in AUTH_HEADERS):
            return False
        return any(name.lower() == "project-access-token" for name in self._init_payload)


def _is_call(payload: object) -> bool:
    return isinstance(payload, dict) and isinstance(cast("Frame", payload).get("variables") or {}, dict)


def _read(text: str | bytes) -> Frame | None:
    if isinstance(text, bytes):
        return None
    try:
        frame = read_json(text)
    except ValueError:
        return None
    return cast("Frame", frame) if isinstance(frame, dict) else None
