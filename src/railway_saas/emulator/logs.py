"""Log lines of deployments. Almost none are stored: a line is a function of its deployment and its moment.

While a process runs it writes a line every few seconds; which, and exactly when, follows from the deployment's id and
the line's number. So a deployment that ran for a month has a month of logs that cost nothing, and reading any part
of them gives the same lines every time.
"""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar
from zlib import crc32

from railway_saas.emulator.provided import DEFAULT_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from railway_saas.emulator.world.deployments import Deployment

L = TypeVar("L")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000_000
"""Log times are whole nanoseconds since the epoch."""

RETENTION = {"FREE": timedelta(days=7), "HOBBY": timedelta(days=7), "PRO": timedelta(days=30)}
"""How long lines are kept. Source: Railway's documentation; for Free it is not stated."""

BOOT_GAP = SECOND // 5
BUILD_GAP = 2 * SECOND
FIRST_BEAT = SECOND
HTTP_FIRST = 3 * SECOND

DATABASE_LINES = {
    "postgres": (
        "LOG:  checkpoint starting: time",
        "LOG:  checkpoint complete: wrote {n} buffers (0.{n}%)",
        "LOG:  connection received: host=fd12::{n} port=50{n}",
    ),
    "redis": (
        "1:M * {n} changes in 60 seconds. Saving...",
        "1:M * Background saving started",
        "1:M * DB saved on disk",
    ),
    "mysql": ("[Note] [Server] ready for connections", "[System] [Server] heartbeat {n}"),
    "mongo": ("Connection accepted", "WiredTiger message: checkpoint {n}"),
}
APPLICATION_LINES = (
    "GET /api/items 200 {n}ms",
    "POST /api/items 201 {n}ms",
    "GET /healthz 200 {n}ms",
    "job {n} finished",
    "cache refreshed, {n} entries",
)
PROBLEM_LINES = {"warn": "slow query took {n}0ms", "error": "request {n} failed: upstream timed out"}
HTTP_PATHS = ("/", "/api/items", "/healthz", "/assets/app.js", "/login", "/api/items/{n}")
USER_AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "curl/8.14.1", "python-httpx/0.28.1")


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, both ends included, and the order in which its lines are wanted."""

    since: int
    until: int
    newest_first: bool = False

    def holds(self, at: int) -> bool:
        """Whether a moment lies in it."""
        return self.since <= at <= self.until

    def order(self, items: list[L]) -> list[L]:
        """Items that are oldest first, in the order that is wanted."""
        return items[::-1] if self.newest_first else items

    def shortened(self, end: int) -> Window:
        """The part of it up to a moment."""
        return replace(self, until=min(self.until, end))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a process or a build."""

    at: int
    severity: str
    message: str
    deployment: Deployment
    instance_id: str | None = None
    extra: tuple[tuple[str, object], ...] = ()
    """Keys of a structured line besides `message` and `level`."""

    @property
    def attributes(self) -> dict[str, object]:
        """Railway: `level` is always there, for plain lines too."""
        return {"level": self.severity, **dict(self.extra)}


@dataclass(frozen=True, slots=True)
class HttpLine:
    """One request that the edge passed on."""

    at: int
    deployment: Deployment
    instance_id: str
    fields: dict[str, Any]
    """By the names of Railway's filter keys: method, path, httpStatus, ..."""


def nanoseconds(moment: datetime) -> int:
    """A moment as nanoseconds since the epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def format_nanoseconds(at: int) -> str:
    """Railway: log timestamps have nanoseconds."""
    moment = EPOCH + timedelta(seconds=at // SECOND)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % SECOND:09d}Z"


def process_lines(deployment: Deployment, window: Window) -> Iterator[LogLine]:
    """The lines a deployment's processes wrote."""
    notes = [
        LogLine(nanoseconds(at), severity, message, deployment, _instance_id(deployment, 0))
        for at, severity, message in deployment.notes
    ]
    noted = window.order([one for one in notes if window.holds(one.at)])
    runs = window.order(list(_runs(deployment, window.until)))
    of_runs = chain.from_iterable(_run_lines(deployment, begin, window.shortened(end)) for begin, end in runs)
    return merge((of_runs, noted), newest_first=window.newest_first)


def build_lines(deployment: Deployment, window: Window) -> list[LogLine]:
    """The lines of a build. An image that is only pulled has none."""
    lines: list[LogLine] = []
    for event in deployment.events:
        texts = _BUILD_TEXTS.get(event.step)
        if texts is None:
            continue
        begin = nanoseconds(event.created_at)
        end = nanoseconds(event.completed_at) if event.completed_at else window.until
        for number, text in enumerate(texts):
            if begin + BUILD_GAP * number > end:
                break
            message = text.format(repo=deployment.settings.repo, commit=(deployment.commit_hash or "")[:7])
            lines.append(LogLine(begin + BUILD_GAP * number, "info", message, deployment))
        if event.error:
            lines.append(LogLine(end, "error", event.error, deployment))
    return window.order([one for one in lines if window.holds(one.at)])


def http_lines(deployment: Deployment, window: Window) -> Iterator[HttpLine]:
    """The requests that reached a deployment; none without a domain."""
    if not deployment.instance.service_domains:
        return
    period = _period(deployment.id, "http", 4, 20)
    for begin, end in window.order(list(_runs(deployment, window.until))):
        beat = _Beat(begin + HTTP_FIRST, period)
        for number in beat.numbers(window.shortened(end)):
            yield _http_line(deployment, beat, number)


def merge(sources: Iterable[Iterable[Any]], *, newest_first: bool = False) -> Iterator[Any]:
    """Several ordered sequences of lines as one."""
    return heapq.merge(*sources, key=lambda line: line.at, reverse=newest_first)


def kept_since(deployment: Deployment, now: datetime) -> int:
    """The oldest moment of which lines are still kept."""
    return nanoseconds(now - RETENTION[deployment.project.workspace.plan])


def last(lines: Iterator[Any], limit: int, fits: Callable[[Any], bool], *, most: int = 50_000) -> list[Any]:
    """The newest `limit` lines that fit, oldest first, out of lines that come newest first.

    At most `most` lines are looked at, so that a filter that nothing fits ends in good time.
    """
    found: list[Any] = []
    for seen, line in enumerate(lines):
        if len(found) >= limit or seen >= most:
            break
        if fits(line):
            found.append(line)
    return found[::-1]


_BUILD_TEXTS = {
    "SNAPSHOT_CODE": ("fetching {repo}", "snapshot of commit {commit} taken"),
    "BUILD_IMAGE": (
        "scheduling build on Metal builder",
        "using Railpack",
        "↳ Detected Node",
        "$ npm ci",
        "added 214 packages in 6s",
        "$ npm run build",
        "Build time: 17.41 seconds",
    ),
    "PUBLISH_IMAGE": ("exporting to image", "image push"),
}


def _runs(deployment: Deployment, until: int) -> Iterator[tuple[int, int]]:
    for begin, end in deployment.runs:
        yield nanoseconds(begin), until if end is None else nanoseconds(end)


def _run_lines(deployment: Deployment, begin: int, window: Window) -> Iterator[LogLine]:
    boot = [
        LogLine(begin + BOOT_GAP * number, "info", text, deployment, _instance_id(deployment, 0))
        for number, text in enumerate(_boot_texts(deployment))
    ]
    booted = window.order([one for one in boot if window.holds(one.at)])
    beat = _Beat(begin + FIRST_BEAT, _period(deployment.id, "log", 4, 12))
    beats = (_beat_line(deployment, beat, number) for number in beat.numbers(window))
    return chain(beats, booted) if window.newest_first else chain(booted, beats)


def _boot_texts(deployment: Deployment) -> tuple[str, ...]:
    command = deployment.settings.start_command
    ready = (
        f"listening on 0.0.0.0:{_port(deployment)}" if _texts(deployment) is APPLICATION_LINES else "ready"
    )
    return ("Starting Container", *([f"> {command}"] if command else []), ready)


def _port(deployment: Deployment) -> str:
    """Railway gives a `PORT` to services that have none of their own."""
    variable = deployment.variables.get("PORT")
    return variable.value if variable is not None and variable.value.isdecimal() else DEFAULT_PORT


def _period(deployment_id: str, what: str, low_s: int, high_s: int) -> int:
    spread = crc32(f"{deployment_id}:{what}".encode()) % ((high_s - low_s) * 1000)
    return low_s * SECOND + spread * 1_000_000


@dataclass(frozen=True, slots=True)
class _Beat:
    """Something that happens again and again, each time up to half a period late."""

    first: int
    period: int

    def at(self, number: int) -> int:
        """When it happens for the n-th time; later numbers are always later."""
        late = crc32(f"{self.first}:{number}".encode()) % (self.period // 2)
        return self.first + number * self.period + late

    def numbers(self, window: Window) -> range:
        """Which times fall into a window."""
        if window.until < self.first:
            return range(0)
        low = max(0, (window.since - self.first) // self.period)
        high = (window.until - self.first) // self.period
        low += self.at(low) < window.since
        high -= self.at(high) > window.until
        return range(high, low - 1, -1) if window.newest_first else range(low, high + 1)


def _beat_line(deployment: Deployment, beat: _Beat, number: int) -> LogLine:
    dice = crc32(f"{deployment.id}:{number}".encode())
    severity = "error" if dice % 53 == 0 else "warn" if dice % 29 == 0 else "info"
    texts = _texts(deployment)
    text = PROBLEM_LINES.get(severity) or texts[dice % len(texts)]
    structured = dice % 2 == 0 and texts is APPLICATION_LINES
    extra = (("durationMs", dice % 900), ("requestId", f"{dice:08x}"), ("tags", ["web", str(dice % 7)]))
    return LogLine(
        beat.at(number),
        severity,
        text.format(n=dice % 97),
        deployment,
        _instance_id(deployment, number),
        extra if structured else (),
    )


def _texts(deployment: Deployment) -> tuple[str, ...]:
    image = (deployment.settings.image or "").rpartition("/")[2].partition(":")[0]
    return next((texts for name, texts in DATABASE_LINES.items() if name in image), APPLICATION_LINES)


def _http_line(deployment: Deployment, beat: _Beat, number: int) -> HttpLine:
    dice = crc32(f"{deployment.id}:http:{number}".encode())
    failed = dice % 41 == 0
    status = 500 if failed else 404 if dice % 17 == 0 else 200
    duration = 2 + dice % 180
    domains = deployment.instance.service_domains
    fields: dict[str, Any] = {
        "requestId": f"{dice:08x}{number:014d}",
        "method": "POST" if dice % 5 == 0 else "GET",
        "path": HTTP_PATHS[dice % len(HTTP_PATHS)].format(n=dice % 97),
        "host": domains[dice % len(domains)].domain,
        "httpStatus": status,
        "totalDuration": duration,
        "upstreamRqDuration": max(1, duration - 2),
        "responseTime": duration,
        "srcIp": f"203.0.113.{dice % 254 + 1}",
        "clientUa": USER_AGENTS[dice % len(USER_AGENTS)],
        "edgeRegion": "us-west2",
        "rxBytes": 200 + dice % 800,
        "txBytes": 500 + dice % 9000,
        "responseDetails": "Upstream error" if failed else "",
    }
    instance_id = _instance_id(deployment, number) or ""
    return HttpLine(beat.at(number), deployment, instance_id, fields)


def _instance_id(deployment: Deployment, number: int) -> str | None:
    instances = deployment.instances
    return instances[number % len(instances)].id if instances else None


def attribute_json(value: object) -> str:
    """Railway: attribute values are JSON-encoded text; a string comes with its quotes."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
