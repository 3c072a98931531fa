"""A Railway that knows usage only: pages in any order, some twice, some late, some that fail."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.railway import ok

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal


@dataclass(frozen=True)
class Used:
    """What one service used of one measure in one hour, and from when on Railway tells it."""

    project: str
    service: str
    measure: str
    hour: datetime
    value: Decimal
    told_from: datetime


@dataclass
class UsageWorld:
    """Answers `projectServiceUsage` as of `now()`."""

    now: Callable[[], datetime]
    projects: list[str]
    used: list[Used]
    seed: int = 0
    repeats: float = 0.0
    """How likely the page after one is the same one again."""
    fails_at: set[int] = field(default_factory=set)
    """Numbers of requests, from 1, that get no answer."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    on_request: Callable[[int], None] = lambda _: None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._orders: dict[datetime, list[str]] = {}
        self._luck = random.Random(self.seed)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            variables = json.loads(request.content)["variables"]
            self.requests.append(variables)
            number = len(self.requests)
            repeat = self._luck.random() < self.repeats
        self.on_request(number)
        if number in self.fails_at:
            raise httpx.ConnectError("gone", request=request)
        return ok(projectServiceUsage=self._page(variables, repeat=repeat))

    def _order(self, start: datetime) -> list[str]:
        """The order in which the projects of an hour come."""
        if start not in self._orders:
            order = self._orders[start] = sorted(self.projects)
            random.Random(f"{self.seed}{start}").shuffle(order)
        return self._orders[start]

    def _page(self, variables: dict[str, Any], *, repeat: bool) -> dict[str, Any]:
        start = datetime.fromisoformat(variables["startDate"])
        _, _, place = (variables.get("after") or "first@0").partition("@")
        order = self._order(start)
        begin = int(place)
        end = begin + variables["first"]
        shown = order[begin:end]
        items = [
            {
                "measurement": one.measure,
                "value": float(one.value),
                "tags": {"projectId": one.project, "serviceId": one.service},
            }
            for one in self.used
            if one.project in shown and one.hour == start and one.told_from <= self.now()
        ]
        self._luck.shuffle(items)
        following = begin if repeat else end
        cursor = f"{len(self.requests)}@{following}"
        return {"usage": items, "pageInfo": {"hasNextPage": following < len(order), "endCursor": cursor}}
