"""The way of a webhook from an event to its receiver.

A delivery becomes due on the emulator's clock and is then sent by whoever calls `flush`: a test does that itself, a
server has a thread for it. Nothing is ever sent while a request is being handled.

Railway signs nothing and says nothing about retries. Here a delivery that fails is tried again after 10 and after 60
seconds; faults lose, delay (and so reorder) and duplicate deliveries.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.registry import part
from railway_saas.emulator.scalars import format_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from railway_saas.emulator.world.world import World

DELIVERY_S = (0.2, 0.6)
DUPLICATE_AFTER_S = 1.0
RETRY_AFTER_S = (10.0, 60.0)
KEPT = 1_000
NOT_REACHED = 0
"""Status of a delivery whose receiver did not answer at all."""
STOP_TIMEOUT_S = 5.0
FIRST_FAILURE = 400

CHAT_KEYS = {"discord.com": "content", "discordapp.com": "content", "hooks.slack.com": "text"}
"""Railway: these receivers get a text in their own form instead."""


class Sender(Protocol):
    """POSTs a body; the HTTP status, or `NOT_REACHED`."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send."""
        ...


@dataclass(frozen=True, slots=True)
class SentWebhook:
    """One try to deliver a webhook."""

    url: str
    payload: Any
    status: int
    at: datetime
    attempt: int
    headers: Mapping[str, str] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Without the headers: they are secret."""
        return {
            "url": self.url,
            "payload": self.payload,
            "status": self.status,
            "at": format_datetime(self.at),
            "attempt": self.attempt,
        }


@dataclass(slots=True)
class Delivery:
    """Something on its way to a receiver."""

    url: str
    payload: Mapping[str, Any]
    headers: Mapping[str, str] = field(repr=False)
    on_done: Callable[[bool], None]
    """Told whether the receiver took it."""
    attempt: int = 1


@part
class Webhooks:
    """Deliveries that wait, and those that were made.

    Attributes:
        sender: How bodies are POSTed; tests may put their own function here.
        sent: The latest deliveries, oldest first.
    """

    def __init__(self, world: World) -> None:
        self.sender: Sender = _post
        self.sent: deque[SentWebhook] = deque(maxlen=KEPT)
        self.on_due: Callable[[], None] | None = None
        """Called when a delivery became due, so that a waiting thread sends it."""
        self._world = world
        self._due: deque[Delivery] = deque()

    def __len__(self) -> int:
        """How many deliveries are due and not yet sent."""
        return len(self._due)

    def enqueue(self, delivery: Delivery, *, names: tuple[str, ...] = ()) -> None:
        """Send something to a receiver soon; `names` are those that faults go by."""
        faults = self._world.faults
        if faults.take(FaultKind.WEBHOOK_LOST, names):
            return
        delay_s = self._world.ids.between(*DELIVERY_S, stream="webhook")
        delayed = faults.take(FaultKind.WEBHOOK_DELAYED, names)
        self._later(delivery, delay_s + (delayed.seconds if delayed else 0.0))
        if faults.take(FaultKind.WEBHOOK_DUPLICATED, names):
            copy = Delivery(delivery.url, delivery.payload, delivery.headers, delivery.on_done)
            self._later(copy, delay_s + DUPLICATE_AFTER_S)

    def flush(self) -> int:
        """Send what is due; how many deliveries were tried. Call it without holding the clock's lock."""
        tried = 0
        while (delivery := self._take()) is not None:
            status = self.send(delivery.url, delivery.headers, encode(delivery))
            self._done(delivery, status)
            tried += 1
        return tried

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST a body now; the HTTP status, or `NOT_REACHED`."""
        return self.sender(url, {"content-type": "application/json", **headers}, body)

    def _take(self) -> Delivery | None:
        with self._world.clock.lock:
            return self._due.popleft() if self._due else None

    def _done(self, delivery: Delivery, status: int) -> None:
        with self._world.clock.lock:
            now = self._world.clock.now()
            self.sent.append(
                SentWebhook(delivery.url, delivery.payload, status, now, delivery.attempt, delivery.headers)
            )
            taken = NOT_REACHED < status < FIRST_FAILURE
            if taken or delivery.attempt > len(RETRY_AFTER_S):
                delivery.on_done(taken)
                return
            delay_s = RETRY_AFTER_S[delivery.attempt - 1]
            delivery.attempt += 1
            self._later(delivery, delay_s)

    def _later(self, delivery: Delivery, delay_s: float) -> None:
        def due() -> None:
            self._due.append(delivery)
            if self.on_due is not None:
                self.on_due()

        self._world.clock.call_later(delay_s, due)


class Postman:
    """Sends what is due from a thread of its own."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="railway-emulator-webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._webhooks.on_due = self._wake.set
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._ended = True
        self._webhooks.on_due = None
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while not self._ended:
            self._wake.clear()
            self._webhooks.flush()
            self._wake.wait()


def encode(delivery: Delivery) -> bytes:
    """The body of a delivery."""
    key = CHAT_KEYS.get((urlsplit(delivery.url).hostname or "").lower())
    body = delivery.payload if key is None else {key: _sentence(delivery.payload)}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _sentence(payload: Mapping[str, Any]) -> str:
    resource = payload.get("resource", {})
    names = [resource[one]["name"] for one in ("project", "environment", "service") if one in resource]
    return f"{payload.get('type')}: {' / '.join(names)}"


def _post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    from railway_saas.emulator.transport import post  # noqa: PLC0415 - keeps httpx optional here

    return post(url, headers, body)
