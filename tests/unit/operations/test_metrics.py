"""Metrics: typed series of samples at aware moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.metrics import MetricMeasurement, MetricTag
from railway_saas.railway.operations import metrics

START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 10, 2, tzinfo=UTC)


def get(**changed: Any) -> Any:
    given = {"measurements": ["CPU_USAGE"], "start_date": START, "service_id": "s1", **changed}
    return metrics.get(**given)


def http(**changed: Any) -> dict[str, Any]:
    return {"service_id": "s1", "environment_id": "e1", "start_date": START, "end_date": END, **changed}


def test_what_is_given_is_sent() -> None:
    operation = get(
        measurements=[MetricMeasurement.CPU_USAGE, "MEMORY_USAGE_GB"],
        end_date=END,
        environment_id="e1",
        group_by=[MetricTag.DEPLOYMENT_INSTANCE_ID],
        sample_rate_seconds=60,
        averaging_window_seconds=120,
        include_deleted=False,
    )
    assert operation.variables == {
        "environmentId": "e1",
        "serviceId": "s1",
        "measurements": ["CPU_USAGE", "MEMORY_USAGE_GB"],
        "groupBy": ["DEPLOYMENT_INSTANCE_ID"],
        "startDate": START,
        "endDate": END,
        "sampleRateSeconds": 60,
        "averagingWindowSeconds": 120,
        "includeDeleted": False,
    }


def test_moments_are_sent_in_utc() -> None:
    local = datetime(2026, 10, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert get(start_date=local).variables["startDate"].utcoffset() == timedelta(0)
    assert get(start_date=local).variables["startDate"] == START


def test_samples_come_with_aware_moments() -> None:
    (series,) = get().parse(
        [
            {
                "measurement": "CPU_USAGE",
                "tags": {"serviceId": "s1", "region": None},
                "values": [{"ts": 1_790_812_800, "value": 0.25}, {"ts": 1_790_812_860, "value": 0}],
            }
        ]
    )
    assert series.measurement is MetricMeasurement.CPU_USAGE
    assert series.tags.service_id == "s1"
    assert [sample.value for sample in series.values] == [0.25, 0.0]
    assert series.values[1].ts - series.values[0].ts == timedelta(minutes=1)
    assert series.values[0].ts == datetime(2026, 10, 1, tzinfo=UTC)


def test_a_moment_that_comes_as_text_is_read_too() -> None:
    values = [{"ts": "2026-10-01T00:00:00.000Z", "value": 1}]
    (series,) = get().parse([{"measurement": "CPU_USAGE", "tags": {}, "values": values}])
    assert series.values[0].ts == START


def test_a_measurement_that_is_not_known_yet_is_kept() -> None:
    (series,) = get().parse([{"measurement": "GPU_USAGE", "tags": {}, "values": []}])
    assert str(series.measurement) == "GPU_USAGE"
    assert not series.measurement.known


def test_a_measurement_that_is_not_known_yet_can_be_asked_for_on_purpose() -> None:
    assert get(measurements=[MetricMeasurement("GPU_USAGE")]).variables["measurements"] == ["GPU_USAGE"]


def test_requests_are_counted_by_status() -> None:
    operation = metrics.http_by_status(**http(step_seconds=60, method="GET", path="/"))
    assert operation.variables == {
        "serviceId": "s1",
        "environmentId": "e1",
        "startDate": START,
        "endDate": END,
        "stepSeconds": 60,
        "method": "GET",
        "path": "/",
    }
    ok, broken = operation.parse(
        [
            {"statusCode": 200, "samples": [{"ts": 1_790_812_800, "value": 12}]},
            {"statusCode": 502, "samples": []},
        ]
    )
    assert (ok.status_code, ok.samples[0].value) == (200, 12)
    assert broken.samples == ()


def test_durations_are_percentiles() -> None:
    operation = metrics.http_durations(**http(status_code=200))
    assert operation.variables["statusCode"] == 200
    found = operation.parse({"samples": [{"ts": 1_790_812_800, "p50": 1, "p90": 2.5, "p95": 3, "p99": 9}]})
    assert found.samples[0].p90 == 2.5


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (timedelta(minutes=5), 30),
        (timedelta(hours=1), 30),
        (timedelta(hours=6), 60),
        (timedelta(days=1), 240),
        (timedelta(days=7), 3600),
        (timedelta(days=30), 14_400),
    ],
)
def test_sample_rates_suit_the_window(window: timedelta, seconds: int) -> None:
    assert metrics.sample_rate_seconds(window) == seconds


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: get(service_id=None), "project_id"),
        (lambda: get(measurements=[]), "measurements"),
        (lambda: get(measurements=["CPU"]), "measurements"),
        (lambda: get(measurements="CPU_USAGE"), "measurements"),
        (lambda: get(group_by=["SERVICE"]), "group_by"),
        (lambda: get(start_date=datetime(2026, 10, 1)), "start_date"),  # noqa: DTZ001 - what is refused
        (lambda: get(start_date="2026-10-01"), "start_date"),
        (lambda: get(end_date=START), "end_date"),
        (lambda: get(end_date=datetime(2026, 10, 3)), "end_date"),  # noqa: DTZ001 - what is refused
        (lambda: get(sample_rate_seconds=0), "sample_rate_seconds"),
        (lambda: metrics.http_by_status(**http(service_id="")), "service_id"),
        (lambda: metrics.http_by_status(**http(step_seconds=-1)), "step_seconds"),
        (lambda: metrics.http_durations(**http(status_code=42)), "status_code"),
        (lambda: metrics.http_durations(**http(end_date=START)), "end_date"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument
