"""Which hours are read when, what pages say, and what it costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.domain import prices
from railway_saas.domain.prices import RAILWAY_PRICES
from railway_saas.domain.usage import UsageMetric, UsageTotal
from railway_saas.errors import ConfigurationError
from railway_saas.instances.metering import (
    HISTORY,
    HOUR,
    Marks,
    UsageWindow,
    amounts_of,
    ceil_hour,
    corrections,
    floor_hour,
    joined,
    lost_hours,
    metrics_of,
    price_periods,
    statement_of,
    windows_due,
)
from railway_saas.railway.models.usage import AggregatedUsage
from tests.support.instance_rows import instance

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PATIENCE: dict[str, timedelta] = {"settle": timedelta(minutes=10), "reread": timedelta(hours=2)}


def due(first: datetime, final: datetime, now: datetime) -> list[tuple[int, bool, bool]]:
    windows = windows_due(Marks(first=first, final=final), now, **PATIENCE)
    return [((window.start - NOON) // HOUR, window.is_first, window.is_final) for window in windows]


def test_an_hour_is_read_when_it_has_settled_and_not_before() -> None:
    settled = NOON + timedelta(hours=1, minutes=10)
    assert due(NOON, NOON, settled - timedelta(seconds=1)) == []
    assert due(NOON, NOON, settled) == [(0, True, False)]


def test_an_hour_is_read_again_when_late_usage_is_in() -> None:
    assert due(NOON + HOUR, NOON, NOON + timedelta(hours=3) - timedelta(seconds=1)) == [(1, True, False)]
    assert due(NOON + HOUR, NOON, NOON + timedelta(hours=3)) == [(0, False, True), (1, True, False)]


def test_after_a_pause_old_hours_are_read_once_only() -> None:
    assert due(NOON, NOON, NOON + timedelta(hours=5, minutes=15)) == [
        (0, True, True),
        (1, True, True),
        (2, True, True),
        (3, True, False),
        (4, True, False),
    ]


def test_a_pause_longer_than_railway_remembers_loses_hours_and_says_so() -> None:
    now = NOON + HISTORY + timedelta(hours=4, minutes=30)
    marks = Marks(first=NOON, final=NOON)
    windows = windows_due(marks, now, **PATIENCE)
    assert windows[0].start == NOON + 5 * HOUR
    assert lost_hours(marks, now) == 5
    assert lost_hours(Marks(first=NOON + HISTORY, final=NOON), now) == 0


def test_nothing_is_read_while_the_clock_is_behind() -> None:
    assert due(NOON + 10 * HOUR, NOON + 9 * HOUR, NOON) == []


@given(
    final=st.integers(-200, 50),
    ahead=st.integers(0, 20),
    minutes=st.integers(-1_000, 20_000),
)
def test_windows_lie_side_by_side_are_complete_and_move_the_marks_to_the_end(
    final: int, ahead: int, minutes: int
) -> None:
    now = NOON + timedelta(minutes=minutes)
    marks = Marks(first=NOON + (final + ahead) * HOUR, final=NOON + final * HOUR)
    windows = windows_due(marks, now, **PATIENCE)
    starts = [window.start for window in windows]
    assert starts == sorted(set(starts))
    for window in windows:
        assert window.end + PATIENCE["settle"] <= now
        assert window.is_first or window.is_final
        assert not marks.has_passed(window)
        marks = marks.passed(window)
        assert marks.has_passed(window)
        assert marks.final <= marks.first
    assert windows_due(marks, now, **PATIENCE) == ()
    assert marks.first >= floor_hour(now - PATIENCE["settle"])
    assert marks.final >= floor_hour(now - PATIENCE["reread"])


def test_hours_are_those_of_utc() -> None:
    india = datetime(2026, 11, 2, 17, 40, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert floor_hour(india) == NOON
    assert ceil_hour(india) == NOON + HOUR
    assert ceil_hour(NOON) == NOON


def item(project: str | None, service: str | None, value: str, measure: str = "CPU_USAGE") -> AggregatedUsage:
    tags = {"projectId": project, "serviceId": service}
    return AggregatedUsage.model_validate({"measurement": measure, "value": Decimal(value), "tags": tags})


def values(metrics: list[UsageMetric]) -> dict[tuple[Any, str], Decimal]:
    return {(metric.instance_id, metric.metric_type): metric.value for metric in metrics}


def test_services_of_an_instance_are_added_up_and_other_projects_left_out() -> None:
    acme = instance("acme", project_id="p1")
    page = amounts_of(
        [
            item("p1", "web", "0.1"),
            item("p1", "db", "0.2"),
            item("p1", None, "3", "DISK_USAGE_GB"),
            item("p2", "web", "9"),
        ]
    )
    metrics = metrics_of(page, {"p1": acme}, NOON)
    assert values(metrics) == {
        (acme.id, "CPU_USAGE"): Decimal("0.3"),
        (acme.id, "DISK_USAGE_GB"): Decimal(3),
    }
    assert {(metric.unit, metric.recorded_at) for metric in metrics} == {
        ("vCPU-minutes", NOON),
        ("GB-minutes", NOON),
    }


def test_what_cannot_be_billed_is_left_out() -> None:
    strange = [item("p1", "web", "-1"), item(None, "web", "1"), item("p1", "web", "1", "SOMETHING_NEW")]
    assert amounts_of(strange) == {}


def test_a_project_that_is_cut_in_two_by_a_page_is_whole_and_a_page_that_comes_twice_counts_once() -> None:
    first, second = amounts_of([item("p1", "web", "1")]), amounts_of([item("p1", "db", "2")])
    both = joined(second, joined(first, {}))
    assert both == amounts_of([item("p1", "web", "1"), item("p1", "db", "2")])
    assert joined(second, both) == both


def test_an_hour_read_again_writes_what_changed_and_takes_back_what_is_gone() -> None:
    acme = instance("acme", project_id="p1")

    def total(measure: str, value: str) -> UsageTotal:
        return UsageTotal(instance_id=acme.id, metric_type=measure, value=Decimal(value), unit="vCPU-minutes")

    now = metrics_of(
        amounts_of([item("p1", "web", "0.10000000004"), item("p1", "web", "2", "NETWORK_TX_GB")]),
        {"p1": acme},
        NOON,
    )
    same, more, gone = total("CPU_USAGE", "0.1"), total("NETWORK_TX_GB", "1"), total("DISK_USAGE_GB", "7")
    written = values(corrections(now, [same, more, gone, total("BACKUP_USAGE_GB", "0")], NOON))
    assert written == {
        (acme.id, "NETWORK_TX_GB"): Decimal(2),
        (acme.id, "DISK_USAGE_GB"): Decimal(0),
    }
    assert corrections(now, [], NOON) == now


# What it costs ------------------------------------------------------------------------------------------------------


def cpu(name: str, value: int) -> UsageTotal:
    return UsageTotal(
        instance_id=instance(name).id, metric_type="CPU_USAGE", value=Decimal(value), unit="vCPU-minutes"
    )


@pytest.fixture
def dearer_from_november(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    later = replace(RAILWAY_PRICES, effective_from=date(2026, 11, 3), vcpu_month=Decimal(40))
    monkeypatch.setattr(prices, "PRICE_TABLES", (RAILWAY_PRICES, later))


def test_a_time_is_cut_where_prices_change(dearer_from_november: None) -> None:
    change = datetime(2026, 11, 3, tzinfo=UTC)
    before, after = price_periods(NOON, NOON + timedelta(days=2))
    assert (before.start, before.end, after.start, after.end) == (
        NOON,
        change,
        change,
        NOON + timedelta(days=2),
    )
    assert (before.prices.vcpu_month, after.prices.vcpu_month) == (Decimal(20), Decimal(40))
    assert len(price_periods(change, change + HOUR)) == 1


def test_hours_before_a_price_change_cost_what_they_did(dearer_from_november: None) -> None:
    before, after = price_periods(NOON, NOON + timedelta(days=2))
    statement = statement_of(
        [(before, [cpu("acme", 43_200)]), (after, [cpu("acme", 43_200), cpu("beta", 21_600)])]
    )
    assert statement.cost_usd == Decimal(80)
    assert statement.amounts == {"CPU_USAGE": Decimal(108_000)}
    assert statement.of(instance("acme").id).cost_usd == Decimal(60)
    assert statement.of(instance("beta").id).cost_usd == Decimal(20)
    assert statement.of(instance("nobody").id).amounts == {}
    assert (statement.start, statement.end) == (NOON, NOON + timedelta(days=2))


@pytest.mark.parametrize(
    ("start", "end"), [(NOON, NOON), (NOON, NOON - HOUR), (NOON.replace(tzinfo=None), NOON)]
)
def test_a_time_that_is_none_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(ConfigurationError):
        price_periods(start, end)


def test_a_window_ends_where_the_next_begins() -> None:
    assert UsageWindow(NOON, is_first=True, is_final=False).end == NOON + HOUR
