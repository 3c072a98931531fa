"""What an instance used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from flask import Response
from pydantic import AwareDatetime, Field

from railway_saas.domain import Instance
from railway_saas.domain.usage import UNITS, cost_usd
from railway_saas.errors import RepositoryError
from railway_saas.instances.metering import floor_hour, price_periods, statement_of
from railway_saas.repositories.paging import usage_cursor
from reference_server.api.authentication import needs, platform
from reference_server.api.describing import ApiModel, described, reply
from reference_server.api.instances.blueprint import InstancePath, api, owner
from reference_server.api.instances.models import MOMENT, Amount
from reference_server.api.paging import Cursors
from reference_server.api.problems import invalid
from reference_server.cache import RUNNING_USAGE

DEFAULT_DAYS: Final = 1
MOST_DAYS: Final = 92
RUNNING_TTL_S: Final = 60


class MetricsQuery(ApiModel):
    """Of when, and which page."""

    start: AwareDatetime | None = Field(
        None, description="From this hour on, with its time zone; a day before `end` unless given."
    )
    end: AwareDatetime | None = Field(
        None, description="Up to, but not including, this hour; the next full hour unless given."
    )
    metric_type: str | None = Field(None, max_length=100, description="Only this measure, e.g. `CPU_USAGE`.")
    cursor: str | None = Field(None, max_length=400, description="`next_cursor` of the page before.")
    limit: int = Field(500, ge=1, le=1_000, description="How many hours and measures at most.")
    running: bool = Field(
        default=False,
        description="Whether to ask Railway as well what was used since the last full hour; kept for a minute.",
    )


class HourModel(ApiModel):
    """What was used of one measure in one hour."""

    recorded_at: datetime = Field(description="When the hour began.", examples=[MOMENT])
    metric_type: str = Field(examples=["CPU_USAGE"])
    value: Amount = Field(examples=["1.5"])
    unit: str = Field(examples=["vCPU-minutes"])


class TotalModel(ApiModel):
    """What was used of one measure in all."""

    metric_type: str = Field(examples=["CPU_USAGE"])
    value: Amount = Field(examples=["36"])
    unit: str = Field(examples=["vCPU-minutes"])


class RunningModel(ApiModel):
    """What was used since the last full hour. It is not in the totals: it may still grow, or be corrected."""

    start: datetime = Field(examples=[MOMENT])
    end: datetime = Field(description="When Railway was asked.", examples=[MOMENT])
    totals: list[TotalModel]
    cost_usd: Amount = Field(examples=["0.0002"])


class MetricsModel(ApiModel):
    """What an instance used, by hour and in all."""

    start: datetime = Field(examples=[MOMENT])
    end: datetime = Field(examples=[MOMENT])
    items: list[HourModel] = Field(description="By time, then measure.")
    next_cursor: str | None = Field(None, examples=[None])
    totals: list[TotalModel] = Field(description="Of the whole time, whatever the page.")
    cost_usd: Amount = Field(
        description="What Railway charges for the totals, in US dollars, not rounded.", examples=["0.017"]
    )
    running: RunningModel | None = Field(None, description="The hour that is not over, if `running` asked.")


@api.get("/<uuid:instance_id>/metrics", **described("Read usage", MetricsModel, errors=(404,)))
@needs("instances:read")
def read_metrics(path: InstancePath, query: MetricsQuery) -> Response:
    """What an instance used by hour, and in all, with what Railway charges for it."""
    start, end = _times(query)
    cursors = Cursors("metrics", path.instance_id, start, end, query.metric_type, check=_checked_cursor)
    after = cursors.read(query.cursor)
    instance = platform().manager.get(path.instance_id, user_id=owner())
    with platform().database.stale_unit_of_work() as work:
        page = work.usage.list_page(
            path.instance_id,
            metric_type=query.metric_type,
            start=start,
            end=end,
            after=after,
            limit=query.limit,
        )
        parts = [
            (period, work.usage.totals([path.instance_id], start=period.start, end=period.end))
            for period in price_periods(start, end)
        ]
    statement = statement_of(parts)
    return reply(
        MetricsModel(
            start=start,
            end=end,
            items=[
                HourModel(
                    recorded_at=one.recorded_at,
                    metric_type=one.metric_type,
                    value=one.value,
                    unit=one.unit,
                )
                for one in page.items
            ],
            next_cursor=cursors.wrap(page.next_cursor),
            totals=_totals(statement.amounts, query.metric_type),
            cost_usd=statement.cost_usd,
            running=_running(instance, query.metric_type) if query.running else None,
        )
    )


def _totals(amounts: Mapping[str, Decimal], wanted: str | None) -> list[TotalModel]:
    return [
        TotalModel(metric_type=measure, value=amount, unit=UNITS.get(measure, "units"))
        for measure, amount in sorted(amounts.items())
        if wanted in {None, measure}
    ]


def _running(instance: Instance, wanted: str | None) -> RunningModel:
    """Asked of Railway once a minute, however many look."""
    made = platform().cache.get_or_make(
        RUNNING_USAGE, str(instance.id), lambda: _asked(instance).model_dump_json(), ttl_s=RUNNING_TTL_S
    )
    found = RunningModel.model_validate_json(made)
    return found.model_copy(
        update={"totals": [one for one in found.totals if wanted in {None, one.metric_type}]}
    )


def _asked(instance: Instance) -> RunningModel:
    now = platform().now().astimezone(UTC)
    start = floor_hour(now)
    project_id = instance.observed.project_id
    used: dict[str, Decimal] = {}
    if project_id is not None and now > start:
        for one in platform().railway.usage.get(project_id=project_id, start_date=start, end_date=now):
            used[str(one.measurement)] = used.get(str(one.measurement), Decimal()) + one.value
    (period, *_) = price_periods(start, start + timedelta(hours=1))
    return RunningModel(
        start=start, end=now, totals=_totals(used, None), cost_usd=cost_usd(used, period.prices)
    )


def _times(query: MetricsQuery) -> tuple[datetime, datetime]:
    try:
        return _resolved(query)
    except OverflowError:
        raise invalid(
            "start, end: out of range.", {"pointer": "#/start", "detail": "Out of range."}
        ) from None


def _resolved(query: MetricsQuery) -> tuple[datetime, datetime]:
    end = query.end or _next_hour(platform().now())
    start = query.start or end - timedelta(days=DEFAULT_DAYS)
    if not timedelta() < end - start <= timedelta(days=MOST_DAYS):
        detail = f"Must be before end, by {MOST_DAYS} days at most."
        raise invalid(f"start: {detail}", {"pointer": "#/start", "detail": detail})
    return start.astimezone(UTC), end.astimezone(UTC)


def _next_hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _checked_cursor(after: str) -> str:
    try:
        usage_cursor(after)
    except RepositoryError:
        raise ValueError("not a place in the usage") from None
    return after
