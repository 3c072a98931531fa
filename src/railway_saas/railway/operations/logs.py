"""Operations on logs. Source: Railway's GraphQL schema of 2026-08-21.

Railway gives 100 rows unless told, 5000 at most, oldest first, and sometimes one more than asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from railway_saas._core.streams import Gap, milliseconds_from, milliseconds_until, parse_nanoseconds
from railway_saas.railway.models.logs import HttpLog, Log
from railway_saas.railway.operations._arguments import moment, period
from railway_saas.railway.operations._build import UNSET, Unset, operation, or_unset, require_text
from railway_saas.railway.operations._checks import require_whole, rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas._core.operation import Operation

T = TypeVar("T")
Row = TypeVar("Row", Log, HttpLog)

MAX_ROWS: Final = 5000
DEFAULT_ROWS: Final = 100


def build(
    deployment_id: str,
    *,
    limit: int = DEFAULT_ROWS,
    filter: str | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
) -> Operation[tuple[Log, ...]]:
    """The newest lines of a deployment's build, oldest first."""
    variables = _between(deployment_id, limit, filter, start_date, end_date)
    return _newest(operation("BuildLogs", tuple[Log, ...], variables, read_after_write=True), limit)


def deployment(
    deployment_id: str,
    *,
    limit: int = DEFAULT_ROWS,
    filter: str | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
) -> Operation[tuple[Log, ...]]:
    """The newest lines of a deployment's processes, oldest first."""
    variables = _between(deployment_id, limit, filter, start_date, end_date)
    return _newest(operation("DeploymentLogs", tuple[Log, ...], variables, read_after_write=True), limit)


def _between(
    deployment_id: str,
    limit: int,
    filter: str | None,
    start_date: datetime | None,
    end_date: datetime | None,
) -> dict[str, Any]:
    require_text(deployment_id=deployment_id)
    require_whole(1, MAX_ROWS, limit=limit)
    start, end = period(start_date, end_date)
    return {
        "deploymentId": deployment_id,
        "limit": limit,
        "filter": or_unset(filter),
        "startDate": _text(start),
        "endDate": _text(end),
    }


def environment(
    environment_id: str,
    *,
    limit: int = DEFAULT_ROWS,
    filter: str | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
) -> Operation[tuple[Log, ...]]:
    """The newest lines of all services of an environment, oldest first; no build lines."""
    require_text(environment_id=environment_id)
    variables = {"environmentId": environment_id, **_range(limit, filter, start_date, end_date)}
    return _newest(operation("EnvironmentLogs", tuple[Log, ...], variables, read_after_write=True), limit)


def http(
    deployment_id: str,
    *,
    limit: int = DEFAULT_ROWS,
    filter: str | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
) -> Operation[tuple[HttpLog, ...]]:
    """The newest requests that reached a deployment, oldest first."""
    require_text(deployment_id=deployment_id)
    variables = {"deploymentId": deployment_id, **_range(limit, filter, start_date, end_date)}
    return _newest(operation("HttpLogs", tuple[HttpLog, ...], variables, read_after_write=True), limit)


def _range(
    limit: int, filter: str | None, start_date: datetime | None, end_date: datetime | None
) -> dict[str, Any]:
    """A range as Railway's CLI asks for it: from `beforeDate` to an anchor at its end."""
    require_whole(1, MAX_ROWS, limit=limit)
    start, end = period(start_date, end_date)
    return {
        "filter": or_unset(filter),
        "beforeLimit": limit,
        "beforeDate": _text(start),
        "anchorDate": _text(end),
        "afterDate": _text(end),
        "afterLimit": UNSET if end is None else 0,
    }


def environment_around(
    environment_id: str,
    *,
    anchor_date: datetime,
    before_limit: int = DEFAULT_ROWS,
    before_date: datetime | None = None,
    after_limit: int = 0,
    after_date: datetime | None = None,
    filter: str | None = None,
) -> Operation[tuple[Log, ...]]:
    """Lines of an environment before and after a moment."""
    require_text(environment_id=environment_id)
    around = _around(filter, anchor_date, before=(before_limit, before_date), after=(after_limit, after_date))
    variables = {"environmentId": environment_id, **around}
    return _newest(operation("EnvironmentLogs", tuple[Log, ...], variables), before_limit + after_limit)


def http_around(
    deployment_id: str,
    *,
    anchor_date: datetime,
    before_limit: int = DEFAULT_ROWS,
    before_date: datetime | None = None,
    after_limit: int = 0,
    after_date: datetime | None = None,
    filter: str | None = None,
) -> Operation[tuple[HttpLog, ...]]:
    """Requests before and after a moment."""
    require_text(deployment_id=deployment_id)
    around = _around(filter, anchor_date, before=(before_limit, before_date), after=(after_limit, after_date))
    variables = {"deploymentId": deployment_id, **around}
    return _newest(operation("HttpLogs", tuple[HttpLog, ...], variables), before_limit + after_limit)


def _around(
    filter: str | None,
    anchor_date: datetime,
    *,
    before: tuple[int, datetime | None],
    after: tuple[int, datetime | None],
) -> dict[str, Any]:
    """Limit and date of both sides of an anchor."""
    require_whole(0, MAX_ROWS, before_limit=before[0], after_limit=after[0])
    oldest = None if before[1] is None else moment("before_date", before[1])
    latest = None if after[1] is None else moment("after_date", after[1])
    return {
        "filter": or_unset(filter),
        "anchorDate": rfc3339(moment("anchor_date", anchor_date)),
        "beforeLimit": before[0],
        "beforeDate": _text(oldest),
        "afterLimit": after[0],
        "afterDate": _text(latest),
    }


def _text(value: datetime | None) -> str | Unset:
    return UNSET if value is None else rfc3339(value)


def _newest(rows: Operation[tuple[T, ...]], limit: int) -> Operation[tuple[T, ...]]:
    """Keep the last rows only: Railway may give one more than asked for. Source: Railway CLI."""
    read = rows.parse

    def parse(value: Any) -> tuple[T, ...]:
        found = read(value)
        return found[max(0, len(found) - limit) :]

    return replace(rows, parse=parse)


def stream_build(
    deployment_id: str, *, limit: int = DEFAULT_ROWS, filter: str | None = None
) -> Operation[tuple[Log, ...]]:
    """Subscription: the newest lines of a build, then those that come, list by list."""
    return operation("BuildLogStream", tuple[Log, ...], _stream(deployment_id, limit, filter))


def stream_deployment(
    deployment_id: str, *, limit: int = DEFAULT_ROWS, filter: str | None = None
) -> Operation[tuple[Log, ...]]:
    """Subscription: the newest lines of a deployment's processes, then those that come, list by list."""
    return operation("DeploymentLogStream", tuple[Log, ...], _stream(deployment_id, limit, filter))


def _stream(deployment_id: str, limit: int, filter: str | None) -> dict[str, Any]:
    require_text(deployment_id=deployment_id)
    require_whole(0, MAX_ROWS, limit=limit)
    return {"deploymentId": deployment_id, "limit": limit, "filter": or_unset(filter)}


def stream_environment(
    environment_id: str,
    *,
    limit: int = DEFAULT_ROWS,
    filter: str | None = None,
    since: datetime | None = None,
) -> Operation[tuple[Log, ...]]:
    """Subscription: the newest lines of an environment, then those that come, list by list."""
    require_text(environment_id=environment_id)
    variables = {"environmentId": environment_id, **_anchored_stream(limit, filter, since)}
    return operation("EnvironmentLogStream", tuple[Log, ...], variables)


def stream_http(
    deployment_id: str,
    *,
    limit: int = DEFAULT_ROWS,
    filter: str | None = None,
    since: datetime | None = None,
) -> Operation[tuple[HttpLog, ...]]:
    """Subscription: the newest requests to a deployment, then those that come, list by list."""
    require_text(deployment_id=deployment_id)
    variables = {"deploymentId": deployment_id, **_anchored_stream(limit, filter, since)}
    return operation("HttpLogStream", tuple[HttpLog, ...], variables)


def _anchored_stream(limit: int, filter: str | None, since: datetime | None) -> dict[str, Any]:
    require_whole(0, MAX_ROWS, limit=limit)
    start = None if since is None else moment("since", since)
    return {"filter": or_unset(filter), "beforeLimit": limit, "beforeDate": _text(start)}


@dataclass(frozen=True, slots=True)
class Feed(Generic[Row]):
    """One stream of rows: how to follow it, how to ask for a stretch of it, and how to tell its rows apart."""

    follow: Callable[[int | None], Operation[tuple[Row, ...]]]
    """The subscription, looking back to a moment in nanoseconds since 1970, or None the first time."""
    between: Callable[[Gap], Operation[tuple[Row, ...]]]
    key: Callable[[Row], Hashable]

    @staticmethod
    def at(row: Row) -> int | None:
        """When a row was written, in nanoseconds since 1970."""
        return parse_nanoseconds(row.timestamp)


def build_feed(deployment_id: str, *, limit: int, filter: str | None) -> Feed[Log]:
    """The lines of a build."""
    return Feed(
        follow=lambda since: stream_build(deployment_id, limit=_backlog(limit, since), filter=filter),
        between=lambda gap: build(deployment_id, filter=filter, limit=MAX_ROWS, **_dates(gap)),
        key=log_key,
    )


def deployment_feed(deployment_id: str, *, limit: int, filter: str | None) -> Feed[Log]:
    """The lines of a deployment's processes."""
    return Feed(
        follow=lambda since: stream_deployment(deployment_id, limit=_backlog(limit, since), filter=filter),
        between=lambda gap: deployment(deployment_id, filter=filter, limit=MAX_ROWS, **_dates(gap)),
        key=log_key,
    )


def environment_feed(environment_id: str, *, limit: int, filter: str | None) -> Feed[Log]:
    """The lines of an environment."""
    return Feed(
        follow=lambda since: stream_environment(
            environment_id, limit=_backlog(limit, since), filter=filter, since=_since(since)
        ),
        between=lambda gap: environment(environment_id, filter=filter, limit=MAX_ROWS, **_dates(gap)),
        key=log_key,
    )


def http_feed(deployment_id: str, *, limit: int, filter: str | None) -> Feed[HttpLog]:
    """The requests to a deployment."""
    return Feed(
        follow=lambda since: stream_http(
            deployment_id, limit=_backlog(limit, since), filter=filter, since=_since(since)
        ),
        between=lambda gap: http(deployment_id, filter=filter, limit=MAX_ROWS, **_dates(gap)),
        key=http_log_key,
    )


def _backlog(limit: int, since: int | None) -> int:
    return limit if since is None else MAX_ROWS


def _since(nanoseconds: int | None) -> datetime | None:
    return None if nanoseconds is None else milliseconds_from(nanoseconds)


def _dates(gap: Gap) -> dict[str, Any]:
    return {"start_date": milliseconds_from(gap.start), "end_date": milliseconds_until(gap.end + 1)}


def log_key(row: Log) -> Hashable:
    """What makes two lines equal."""
    instance = row.tags.deployment_instance_id if row.tags else None
    return (row.timestamp, row.severity, row.message, instance, repr(sorted(row.attributes.items())))


def http_log_key(row: HttpLog) -> Hashable:
    """What makes two requests equal."""
    return (row.timestamp, row.request_id, row.method, row.path, row.http_status)
