"""Usage and charts."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from railway_saas.emulator import errors, metrics
from railway_saas.emulator.billing import period_at
from railway_saas.emulator.metrics import Durations, Selection
from railway_saas.emulator.registry import constant, graphql_type, query, registry
from railway_saas.emulator.resolvers.projects import own_workspace
from railway_saas.emulator.usage import TAG_FIELDS, Span, Tags, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.logs import HttpLine
    from railway_saas.emulator.world.accounts import Workspace
    from railway_saas.emulator.world.projects import Project

registry.types |= {"MetricTags": Tags, "HttpDurationMetricsSample": Durations}

constant("MetricTags", pluginId=None)

PROJECTS_PER_PAGE = 50
"""Railway: `projectServiceUsage` pages by project, 50 at most."""

DEFAULT_STEP_S = 60
HTTP_KEPT = timedelta(days=7)


@graphql_type("AggregatedUsage")
@dataclass(frozen=True, slots=True)
class AggregatedUsage:
    """How much of something was used."""

    measurement: str
    value: float
    tags: Tags


@graphql_type("EstimatedUsage")
@dataclass(frozen=True, slots=True)
class EstimatedUsage:
    """How much of something a project is going to have used at the end of the billing period."""

    measurement: str
    estimated_value: float
    project_id: str


@graphql_type("ProjectServiceUsagePageInfo")
@dataclass(frozen=True, slots=True)
class PageInfo:
    """Whether more projects follow."""

    end_cursor: str | None
    has_next_page: bool


@graphql_type("ProjectServiceUsagePage")
@dataclass(frozen=True, slots=True)
class Page:
    """The usage of some projects, per service."""

    usage: list[AggregatedUsage]
    page_info: PageInfo


@graphql_type("Metric", "HttpMetricsSample")
@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a chart."""

    ts: int
    value: float


@graphql_type("MetricsResult")
@dataclass(frozen=True, slots=True)
class MetricsResult:
    """One line of a chart."""

    measurement: str
    tags: Tags
    values: list[Sample]


@graphql_type("HttpMetricsByStatusResult")
@dataclass(frozen=True, slots=True)
class StatusResult:
    """The requests that were answered with one status code."""

    status_code: int
    samples: list[Sample]


@graphql_type("HttpDurationMetricsResult")
@dataclass(frozen=True, slots=True)
class DurationResult:
    """How long requests took."""

    samples: list[Durations]


@query("usage")
def usage(  # noqa: PLR0913 - the arguments of Railway's field
    ctx: Context,
    *,
    measurements: list[str],
    project_id: str | None = None,
    workspace_id: str | None = None,
    group_by: list[str] | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    include_deleted: bool | None = None,
) -> list[AggregatedUsage]:
    """What was used; without dates, in the current billing period."""
    workspace, projects = _scope(ctx, project_id, workspace_id, include_deleted=bool(include_deleted))
    begin = start_date or period_at(workspace, ctx.now).begin
    span = _span(ctx, begin, end_date)
    return _rows(projects, span, measurements, _tag_names(group_by))


@query("estimatedUsage")
def estimated_usage(
    ctx: Context,
    *,
    measurements: list[str],
    project_id: str | None = None,
    workspace_id: str | None = None,
    include_deleted: bool | None = None,
) -> list[EstimatedUsage]:
    """What will have been used at the end of the billing period, if it goes on like this."""
    workspace, projects = _scope(ctx, project_id, workspace_id, include_deleted=bool(include_deleted))
    period = period_at(workspace, ctx.now)
    elapsed_s = (ctx.now - period.begin).total_seconds()
    factor = (period.end - period.begin).total_seconds() / elapsed_s if elapsed_s else 1.0
    rows = _rows(projects, Span(period.begin, ctx.now), measurements, ["project_id"])
    return [EstimatedUsage(one.measurement, one.value * factor, one.tags.project_id or "") for one in rows]


@query("projectServiceUsage")
def project_service_usage(  # noqa: PLR0913 - the arguments of Railway's field
    ctx: Context,
    *,
    workspace_id: str,
    measurements: list[str],
    start_date: datetime,
    end_date: datetime,
    first: int | None = None,
    after: str | None = None,
    include_deleted: bool | None = None,
) -> Page:
    """What the services of a workspace used, some projects at a time."""
    workspace = ctx.workspace(workspace_id)
    if first is not None and first < 1:
        raise errors.invalid("first must be positive")
    size = min(first or PROJECTS_PER_PAGE, PROJECTS_PER_PAGE)
    ids = list(workspace.projects)
    position = _after(after, ids)
    page: list[Project] = []
    while position < len(ids) and len(page) < size:
        project = workspace.projects[ids[position]]
        if include_deleted or project.deleted_at is None:
            page.append(project)
        position += 1
    rows = _rows(page, _span(ctx, start_date, end_date), measurements, ["project_id", "service_id"])
    more = any(include_deleted or workspace.projects[one].deleted_at is None for one in ids[position:])
    return Page(rows, PageInfo(_cursor(position - 1, ids) if page else None, more))


@query("metrics")
def read_metrics(  # noqa: PLR0913 - the arguments of Railway's field
    ctx: Context,
    *,
    measurements: list[str],
    start_date: datetime,
    end_date: datetime | None = None,
    project_id: str | None = None,
    workspace_id: str | None = None,
    environment_id: str | None = None,
    service_id: str | None = None,
    volume_id: str | None = None,
    volume_instance_external_id: str | None = None,
    group_by: list[str] | None = None,
    sample_rate_seconds: int | None = None,
    averaging_window_seconds: int | None = None,
    include_deleted: bool | None = None,
) -> list[MetricsResult]:
    """Charts of what was used."""
    del volume_instance_external_id, averaging_window_seconds  # volumes go by id; samples are even enough
    if environment_id is not None:
        project_id = project_id or ctx.environment(environment_id).project.id
    elif service_id is not None:
        project_id = project_id or ctx.service(service_id).project.id
    _, projects = _scope(ctx, project_id, workspace_id, include_deleted=bool(include_deleted))
    span = _span(ctx, max(start_date, ctx.now - metrics.KEPT), end_date)
    found = metrics.series(
        projects,
        span,
        measurements,
        selection=Selection(environment_id, service_id, volume_id),
        tags=_tag_names(group_by),
        step=metrics.sample_rate(span, sample_rate_seconds),
    )
    return [
        MetricsResult(name, tags, [Sample(ts, value) for ts, value in sorted(values.items())])
        for (name, tags), values in found.items()
    ]


@query("httpMetricsGroupedByStatus")
def http_metrics_by_status(  # noqa: PLR0913 - the arguments of Railway's field
    ctx: Context,
    *,
    environment_id: str,
    service_id: str,
    start_date: datetime,
    end_date: datetime,
    step_seconds: int | None = None,
    method: str | None = None,
    path: str | None = None,
) -> list[StatusResult]:
    """Requests per step, by status code."""
    instance = ctx.service_instance(service_id, environment_id)
    span = _span(ctx, max(start_date, ctx.now - HTTP_KEPT), end_date)
    counted = metrics.requests_by_status(instance, span, _step(step_seconds), fits=_http_filter(method, path))
    return [
        StatusResult(status, [Sample(ts, count) for ts, count in counts.items()])
        for status, counts in counted.items()
    ]


@query("httpDurationMetrics")
def http_durations(  # noqa: PLR0913 - the arguments of Railway's field
    ctx: Context,
    *,
    environment_id: str,
    service_id: str,
    start_date: datetime,
    end_date: datetime,
    step_seconds: int | None = None,
    method: str | None = None,
    path: str | None = None,
    status_code: int | None = None,
) -> DurationResult:
    """How long requests took, per step."""
    instance = ctx.service_instance(service_id, environment_id)
    span = _span(ctx, max(start_date, ctx.now - HTTP_KEPT), end_date)
    fits = _http_filter(method, path, status_code)
    return DurationResult(metrics.durations(instance, span, _step(step_seconds), fits=fits))


def _rows(
    projects: Iterable[Project], span: Span, measurements: Collection[str], tags: Collection[str]
) -> list[AggregatedUsage]:
    amounts = measure(projects, span, list(dict.fromkeys(measurements)), tags)
    return [AggregatedUsage(name, value, whose) for (name, whose), value in amounts.items()]


def _scope(
    ctx: Context, project_id: str | None, workspace_id: str | None, *, include_deleted: bool
) -> tuple[Workspace, list[Project]]:
    """Whose usage is meant: a project's, a workspace's, or the caller's own workspace's."""
    if project_id is not None:
        project = _project(ctx, project_id, include_deleted=include_deleted)
        return project.workspace, [project]
    workspace = ctx.workspace(workspace_id) if workspace_id else own_workspace(ctx)
    shown = [one for one in workspace.projects.values() if include_deleted or one.deleted_at is None]
    return workspace, shown


def _project(ctx: Context, project_id: str, *, include_deleted: bool) -> Project:
    found = ctx.world.projects.get(project_id)
    if include_deleted and found is not None and found.deleted_at is not None:
        ctx.workspace(found.workspace.id)
        return found
    return ctx.project(project_id)


def _span(ctx: Context, begin: datetime, end: datetime | None) -> Span:
    """A window that ends now at the latest.

    Raises:
        Refusal: It ends before it begins.
    """
    if end is not None and end < begin:
        raise errors.invalid("endDate must not be before startDate")
    return Span(begin, max(begin, min(end or ctx.now, ctx.now)))


def _tag_names(group_by: list[str] | None) -> list[str]:
    return [TAG_FIELDS[tag] for tag in group_by or () if tag in TAG_FIELDS]


def _step(seconds: int | None) -> int:
    if seconds is not None and seconds < 1:
        raise errors.invalid_field("stepSeconds")
    return seconds or DEFAULT_STEP_S


def _http_filter(
    method: str | None, path: str | None, status_code: int | None = None
) -> Callable[[HttpLine], bool]:
    wanted = {"method": method, "path": path, "httpStatus": status_code}
    given = {name: value for name, value in wanted.items() if value is not None}
    return lambda line: all(line.fields[name] == value for name, value in given.items())


def _cursor(position: int, ids: list[str]) -> str:
    return base64.b64encode(f"{position}:{ids[position]}".encode()).decode()


def _after(cursor: str | None, ids: list[str]) -> int:
    """Where the page after a cursor begins, also when projects before it are gone."""
    if cursor is None:
        return 0
    try:
        text, _, project_id = base64.b64decode(cursor, validate=True).decode().partition(":")
        position = int(text)
    except (binascii.Error, ValueError) as error:
        raise errors.invalid("Invalid cursor") from error
    if position < len(ids) and ids[position] == project_id:
        return position + 1
    return ids.index(project_id) + 1 if project_id in ids else min(position, len(ids))
