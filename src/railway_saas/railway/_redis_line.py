"""What one process asks and tells a rate budget in Redis, and what it remembers of it. Does no I/O."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from railway_saas._core.pacing import (
    HOUR_S,
    LANE_SHARES,
    LATE_SHARE,
    SLOT_ENDS,
    SLOTS,
    TICK_S,
    USED_SHARE,
    RateBudget,
    RateHeaders,
    rate_of,
)
from railway_saas.railway._pacers import LOOK_AGAIN_S

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from railway_saas._core.operation import Lane
    from railway_saas.config import RateLimit
    from railway_saas.railway._clock import AsyncClock, Clock

_GRACE_S = 0.25
"""How long after its time a waiter still holds its place: then its process is taken for dead."""

_CLOCK_TICK_S = 1e-6
"""What the clock of Redis can tell apart: a shorter wait would only be asked for again."""

_NEWS_S = 5.0
"""How long an answer's count of remaining requests is worth telling; later it would count requests twice."""

_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 30.0

_LONGEST_PAUSE_S = 86_400.0

Wants = Literal["request", "leave", "nothing"]

_CONSTANTS = {
    "slots": SLOTS,
    "slot_ends": SLOT_ENDS,
    "used_share": USED_SHARE,
    "late_share": LATE_SHARE,
    "tick_s": TICK_S,
    "clock_tick_s": _CLOCK_TICK_S,
    "look_again_s": LOOK_AGAIN_S,
    "grace_s": _GRACE_S,
}


class Question(NamedTuple):
    """What a process asks of Redis, and what it tells along with it."""

    lane: Lane
    wants: Wants
    text: str
    sent: int
    headers: RateHeaders
    pause_until: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the script says."""

    wait_s: float
    waiting: bool
    quota: int
    window_s: float
    total: int
    epoch: str


def read_answer(reply: str | bytes) -> Answer:
    """Read what the script returned."""
    said = cast("dict[str, Any]", json.loads(reply))
    return Answer(
        wait_s=float(said["wait_s"]),
        waiting=bool(said["waiting"]),
        quota=int(said["quota"]),
        window_s=float(said["window_s"]),
        total=int(said["total"]),
        epoch=str(said["epoch"]),
    )


class Outage:
    """Whether Redis may be asked. Not thread-safe: callers hold a lock."""

    def __init__(self) -> None:
        self._failures = 0
        self._next_try = 0.0

    @property
    def over(self) -> bool:
        """Whether Redis answered the last time."""
        return self._failures == 0

    def may_ask(self, now: float) -> bool:
        """True when Redis answers, and now and then for one caller when it does not."""
        if self.over:
            return True
        if now < self._next_try:
            return False
        self._next_try = now + self._pause_s
        return True

    def failed(self, now: float) -> bool:
        """Note a failure; True if it is the first."""
        self._failures += 1
        self._next_try = now + self._pause_s
        return self._failures == 1

    def ended(self) -> bool:
        """Note an answer; True if there was an outage."""
        was_down, self._failures = not self.over, 0
        return was_down

    @property
    def _pause_s(self) -> float:
        return min(_LAST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10))


class Line:
    """One process's line to Redis: what to ask, what to tell, and what was heard. Does no I/O.

    Beside it runs the process's own `budget`, with its part of the limit. It counts what this process sent, so
    that it can go on alone without exceeding the quota, and can tell a Redis that came back without its data.
    """

    def __init__(
        self,
        limit: RateLimit,
        budget: RateBudget,
        lock: threading.Lock,
        clock: Clock | AsyncClock,
        server_time: Callable[[], float] | None,
    ) -> None:
        self._settings = _settings(limit)
        self._budget = budget
        self._lock = lock
        self._clock = clock
        self._server_time = server_time
        self._name = secrets.token_hex(8)
        self._outage = Outage()
        self._waiting: set[Lane] = set()
        self._sent_alone = 0
        self._headers, self._headers_at = RateHeaders(), 0.0
        self._pause_until = 0.0
        self._heard: Answer | None = None
        self._heard_at = 0.0

    # To tell

    def observe(self, headers: RateHeaders) -> None:
        """Keep an answer's headers for the next question."""
        with self._lock:
            known = self._headers
            self._headers = RateHeaders(
                quota=headers.quota or known.quota,
                window_s=headers.window_s if headers.quota else known.window_s,
                remaining=headers.remaining,
            )
            self._headers_at = self._clock.monotonic()

    def pause(self, seconds: float) -> None:
        """Keep a pause until Redis knows of it."""
        with self._lock:
            until = self._clock.monotonic() + min(seconds, _LONGEST_PAUSE_S)
            self._pause_until = max(self._pause_until, until)

    def sent_alone(self) -> None:
        """Count a request that left without Redis."""
        with self._lock:
            self._sent_alone += 1

    def stops_waiting(self, lane: Lane) -> bool:
        """Whether Redis must be told that a lane's head no longer waits."""
        with self._lock:
            if lane not in self._waiting:
                return False
            self._waiting.discard(lane)
            return self._outage.over

    # To ask

    def may_ask(self) -> bool:
        """Whether Redis answers, or it is time to try again."""
        with self._lock:
            return self._outage.may_ask(self._clock.monotonic())

    def question(self, lane: Lane, wants: Wants) -> Question:
        """Ask for a request, or only tell; `answered`, `failed` or `undelivered` must follow."""
        with self._lock:
            now = self._clock.monotonic()
            sent, self._sent_alone = self._sent_alone, 0
            message = {
                **self._settings,
                **self._seen(now),
                "wants": wants,
                "lane": int(lane),
                "share": LANE_SHARES[lane],
                "who": f"{int(lane)}:{self._name}:{os.getpid()}",
                "sent": sent,
                "pause_s": max(0.0, self._pause_until - now),
            }
            if self._server_time is not None:
                message["now"] = self._server_time()
            return Question(lane, wants, json.dumps(message), sent, self._headers, self._pause_until)

    def answered(self, question: Question, answer: Answer) -> bool:
        """Take note of an answer; True when it ends an outage."""
        lane = question.lane
        with self._lock:
            self._delivered(question)
            self._restore(question, answer)
            if question.wants == "request" and answer.wait_s == 0:
                self._budget.count(self._clock.monotonic(), 1)
            (self._waiting.add if answer.waiting else self._waiting.discard)(lane)
            self._heard, self._heard_at = answer, self._clock.monotonic()
            return self._outage.ended()

    def undelivered(self, question: Question) -> None:
        """Keep what was told for the next question."""
        with self._lock:
            self._sent_alone += question.sent

    def failed(self, question: Question) -> bool:
        """The same when Redis did not answer; True if that is new."""
        self.undelivered(question)
        with self._lock:
            return self._outage.failed(self._clock.monotonic())

    def last_heard(self) -> RateHeaders:
        """What all processes together had left, as far as this one knows."""
        with self._lock:
            heard = self._heard
            if heard is None or self._clock.monotonic() - self._heard_at > heard.window_s:
                return RateHeaders()
            return RateHeaders(heard.quota, heard.window_s, max(0, heard.quota - heard.total))

    def _seen(self, now: float) -> dict[str, float]:
        """The headers as the script reads them."""
        seen: dict[str, float] = {}
        if self._headers.quota:
            seen["seen_quota"] = self._headers.quota
            seen["seen_window_s"] = self._headers.window_s or HOUR_S
            seen["seen_per_second"] = rate_of(self._headers.quota)
        if self._headers.remaining is not None and now - self._headers_at <= _NEWS_S:
            seen["seen_remaining"] = self._headers.remaining
        return seen

    def _delivered(self, question: Question) -> None:
        if self._headers is question.headers:
            self._headers = RateHeaders()
        if self._pause_until == question.pause_until:
            self._pause_until = 0.0

    def _restore(self, question: Question, answer: Answer) -> None:
        """A Redis that has forgotten the window hears again what this process used of it."""
        if self._heard is not None and self._heard.epoch != answer.epoch:
            used = self._budget.used(self._clock.monotonic())
            self._sent_alone = max(self._sent_alone, used - question.sent)


def _settings(limit: RateLimit) -> dict[str, Any]:
    whole = RateBudget(limit)
    return {
        **_CONSTANTS,
        "quota": whole.quota,
        "learns_quota": limit.per_hour is None,
        "window_s": HOUR_S,
        "per_second": whole.per_second,
        "learns_rate": limit.per_hour is None and limit.per_second is None,
    }
