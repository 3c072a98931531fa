"""Logs: of builds, of processes, of a whole environment, and of HTTP requests; asked for and streamed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, logs
from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.logfilter import compile_filter
from railway_saas.emulator.logs import (
    HttpLine,
    LogLine,
    Window,
    attribute_json,
    format_nanoseconds,
    nanoseconds,
)
from railway_saas.emulator.registry import Publish, Stop, field, graphql_type, query, registry, subscription
from railway_saas.emulator.scalars import parse_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.deployments import Deployment

registry.types |= {"Log": LogLine, "HttpLog": HttpLine}

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 5000
POLL_S = 1.0
"""How often a stream looks for new lines, in emulated seconds."""


@graphql_type("LogAttribute")
@dataclass(frozen=True, slots=True)
class LogAttribute:
    """One attribute; the value is JSON text."""

    key: str
    value: str


@graphql_type("LogTags")
@dataclass(frozen=True, slots=True)
class LogTags:
    """Where a line comes from."""

    project_id: str
    environment_id: str
    service_id: str
    deployment_id: str
    deployment_instance_id: str | None
    snapshot_id: str | None
    plugin_id: None = None


@dataclass(frozen=True, slots=True)
class _LineRecord:
    """A process or build line, as filters see it."""

    line: LogLine

    def text(self) -> str:
        return self.line.message

    def value(self, key: str) -> object:
        deployment = self.line.deployment
        known: dict[str, Callable[[], object]] = {
            "service": lambda: deployment.service.id,
            "deployment": lambda: deployment.id,
            "snapshot": lambda: deployment.snapshot_id,
            "replica": lambda: self.line.instance_id,
        }
        return known[key]() if key in known else self.line.attributes.get(key)


@dataclass(frozen=True, slots=True)
class _HttpRecord:
    """An HTTP line, as filters see it."""

    line: HttpLine

    def text(self) -> str:
        return " ".join(str(value) for value in self.line.fields.values())

    def value(self, key: str) -> object:
        return self.line.instance_id if key == "replica" else self.line.fields.get(key)


@dataclass(frozen=True, slots=True)
class _Feed:
    """Lines from somewhere, filtered."""

    fetch: Callable[[Window], Iterator[Any]]
    fits: Callable[[Any], bool]

    def newest(self, limit: int, since: int, until: int) -> list[Any]:
        """The newest lines of a span, oldest first."""
        return logs.last(self.fetch(Window(since, until, newest_first=True)), limit, self.fits)

    def oldest(self, limit: int, since: int, until: int) -> list[Any]:
        """The oldest lines of a span, oldest first."""
        return list(islice((one for one in self.fetch(Window(since, until)) if self.fits(one)), limit))


# Asked for --------------------------------------------------------------------------------------------------------


@query("buildLogs")
def build_logs(ctx: Context, *, deployment_id: str, filter_: str | None = None, **span: Any) -> list[LogLine]:
    """The newest lines of a build, oldest first."""
    return _newest(ctx, "buildLogs", _build_feed(ctx, deployment_id, filter_), span)


@query("deploymentLogs")
def deployment_logs(
    ctx: Context, *, deployment_id: str, filter_: str | None = None, **span: Any
) -> list[LogLine]:
    """The newest lines of a deployment's processes, oldest first."""
    return _newest(ctx, "deploymentLogs", _process_feed(ctx, deployment_id, filter_), span)


@query("environmentLogs")
def environment_logs(
    ctx: Context, *, environment_id: str, filter_: str | None = None, **span: Any
) -> list[LogLine]:
    """Lines of all services of an environment around a moment."""
    return _around(ctx, "environmentLogs", _environment_feed(ctx, environment_id, filter_), span)


@query("httpLogs")
def http_logs(ctx: Context, *, deployment_id: str, filter_: str | None = None, **span: Any) -> list[HttpLine]:
    """Requests that reached a deployment, around a moment."""
    return _around(ctx, "httpLogs", _http_feed(ctx, deployment_id, filter_), span)


# Streamed ---------------------------------------------------------------------------------------------------------


@subscription("buildLogs")
def stream_build_logs(
    ctx: Context, publish: Publish, *, deployment_id: str, filter_: str | None = None, **span: Any
) -> Stop:
    """Lists of lines: first what is there, then what comes."""
    return _stream(ctx, publish, _build_feed(ctx, deployment_id, filter_), span)


@subscription("deploymentLogs")
def stream_deployment_logs(
    ctx: Context, publish: Publish, *, deployment_id: str, filter_: str | None = None, **span: Any
) -> Stop:
    """Lists of lines: first what is there, then what comes."""
    return _stream(ctx, publish, _process_feed(ctx, deployment_id, filter_), span)


@subscription("environmentLogs")
def stream_environment_logs(
    ctx: Context, publish: Publish, *, environment_id: str, filter_: str | None = None, **span: Any
) -> Stop:
    """Lists of lines: first what is there, then what comes."""
    return _stream(ctx, publish, _environment_feed(ctx, environment_id, filter_), span)


@subscription("httpLogs")
def stream_http_logs(
    ctx: Context, publish: Publish, *, deployment_id: str, filter_: str | None = None, **span: Any
) -> Stop:
    """Lists of requests: first what is there, then what comes."""
    return _stream(ctx, publish, _http_feed(ctx, deployment_id, filter_), span)


# Fields -----------------------------------------------------------------------------------------------------------


@field("Log", "timestamp")
def timestamp(line: LogLine, _ctx: Context) -> str:
    """With nanoseconds."""
    return format_nanoseconds(line.at)


@field("Log", "attributes")
def attributes(line: LogLine, _ctx: Context) -> list[LogAttribute]:
    """`level` and whatever a structured line holds."""
    return [LogAttribute(key, attribute_json(value)) for key, value in line.attributes.items()]


@field("Log", "tags")
def tags(line: LogLine, _ctx: Context) -> LogTags:
    """Where the line comes from."""
    of = line.deployment
    return LogTags(of.project_id, of.environment_id, of.service_id, of.id, line.instance_id, of.snapshot_id)


@field("HttpLog", "timestamp")
def http_timestamp(line: HttpLine, _ctx: Context) -> str:
    """With nanoseconds."""
    return format_nanoseconds(line.at)


@field("HttpLog", "deploymentId")
def http_deployment_id(line: HttpLine, _ctx: Context) -> str:
    """Id of the deployment that answered."""
    return line.deployment.id


@field("HttpLog", "deploymentInstanceId")
def http_instance_id(line: HttpLine, _ctx: Context) -> str:
    """Id of the container that answered."""
    return line.instance_id


def _from_fields(name: str) -> Callable[[HttpLine, Context], Any]:
    def resolve(line: HttpLine, _ctx: Context) -> Any:
        return line.fields[name]

    return resolve


def _fixed(value: str) -> Callable[[HttpLine, Context], str]:
    def resolve(_line: HttpLine, _ctx: Context) -> str:
        return value

    return resolve


for _name in (
    "clientUa",
    "edgeRegion",
    "host",
    "httpStatus",
    "method",
    "path",
    "requestId",
    "responseDetails",
    "rxBytes",
    "srcIp",
    "totalDuration",
    "txBytes",
    "upstreamRqDuration",
):
    registry.add("HttpLog", _name, _from_fields(_name))
for _name, _value in (
    ("downstreamProto", "HTTP/2.0"),
    ("upstreamAddress", "[fd12::1]:8080"),
    ("upstreamErrors", ""),
    ("upstreamProto", "HTTP/1.1"),
):
    registry.add("HttpLog", _name, _fixed(_value))


# Feeds ------------------------------------------------------------------------------------------------------------


def _build_feed(ctx: Context, deployment_id: str, filter_: str | None) -> _Feed:
    deployment = ctx.deployment(deployment_id)
    return _Feed(lambda window: iter(logs.build_lines(deployment, window)), _line_filter(filter_))


def _process_feed(ctx: Context, deployment_id: str, filter_: str | None) -> _Feed:
    deployment = ctx.deployment(deployment_id)
    return _Feed(
        lambda window: logs.process_lines(deployment, _kept(ctx, deployment, window)), _line_filter(filter_)
    )


def _http_feed(ctx: Context, deployment_id: str, filter_: str | None) -> _Feed:
    deployment = ctx.deployment(deployment_id)
    predicate = compile_filter(filter_ or "")
    return _Feed(
        lambda window: logs.http_lines(deployment, _kept(ctx, deployment, window)),
        lambda line: predicate(_HttpRecord(line)),
    )


def _environment_feed(ctx: Context, environment_id: str, filter_: str | None) -> _Feed:
    """Railway: build lines are left out unless the filter names a snapshot."""
    environment = ctx.environment(environment_id)

    def fetch(window: Window) -> Iterator[LogLine]:
        deployments = [one for place in environment.instances.values() for one in place.deployments]
        sources: list[Iterable[LogLine]] = [
            logs.process_lines(one, _kept(ctx, one, window)) for one in deployments
        ]
        named = [one for one in deployments if one.snapshot_id and one.snapshot_id in (filter_ or "")]
        sources += [logs.build_lines(one, window) for one in named]
        return logs.merge(sources, newest_first=window.newest_first)

    return _Feed(fetch, _line_filter(filter_))


def _kept(ctx: Context, deployment: Deployment, window: Window) -> Window:
    return replace(window, since=max(window.since, logs.kept_since(deployment, ctx.world.clock.now())))


def _line_filter(text: str | None) -> Callable[[LogLine], bool]:
    predicate = compile_filter(text or "")
    return lambda line: predicate(_LineRecord(line))


# Spans ------------------------------------------------------------------------------------------------------------


def _newest(ctx: Context, operation: str, feed: _Feed, span: dict[str, Any]) -> list[Any]:
    """The newest `limit` lines between two dates."""
    start: datetime | None = span.get("start_date")
    end: datetime | None = span.get("end_date")
    now = nanoseconds(ctx.now)
    since = nanoseconds(start) if start else 0
    until = min(nanoseconds(end), now) if end else now
    return feed.newest(_checked(span.get("limit")) + _one_more(ctx, operation), since, until)


def _around(ctx: Context, operation: str, feed: _Feed, span: dict[str, Any]) -> list[Any]:
    """Up to `beforeLimit` lines before the anchor (default: now), and up to `afterLimit` (default: none) after it."""
    now = nanoseconds(ctx.now)
    anchor = min(_moment(span.get("anchor_date"), now), now)
    before_limit = _checked(span.get("before_limit", span.get("limit"))) + _one_more(ctx, operation)
    before = feed.newest(before_limit, _moment(span.get("before_date"), 0), anchor)
    after_limit = min(span.get("after_limit") or 0, MAXIMUM_LIMIT)
    after_until = min(_moment(span.get("after_date"), now), now)
    return [*before, *feed.oldest(after_limit, anchor + 1, after_until)]


def _stream(ctx: Context, publish: Publish, feed: _Feed, span: dict[str, Any]) -> Stop:
    """Publish the backlog, then look for new lines every second until stopped."""
    clock = ctx.world.clock
    ended = False
    last_seen = nanoseconds(clock.now()) - 1  # more may still be written at this very moment
    limit = _checked(span.get("limit", span.get("before_limit")))
    backlog = feed.newest(limit, _moment(span.get("before_date"), 0), last_seen)
    if backlog:
        publish(backlog)

    def look() -> None:
        nonlocal last_seen
        if ended:
            return
        now = nanoseconds(clock.now()) - 1
        new = feed.oldest(MAXIMUM_LIMIT, last_seen + 1, now)
        last_seen = now
        if new:
            publish(new)
        clock.call_later(POLL_S, look)

    def stop() -> None:
        nonlocal ended
        ended = True

    clock.call_later(POLL_S, look)
    return stop


def _checked(limit: int | None) -> int:
    if limit is not None and limit < 0:
        raise errors.invalid_field("limit")
    return min(DEFAULT_LIMIT if limit is None else limit, MAXIMUM_LIMIT)


def _one_more(ctx: Context, operation: str) -> int:
    """Railway: a query may give one row more than asked for."""
    return 1 if ctx.faults.take(FaultKind.EXTRA_LOG_ROW, (operation,)) else 0


def _moment(text: str | None, default: int) -> int:
    return nanoseconds(parse_datetime(text)) if text else default
