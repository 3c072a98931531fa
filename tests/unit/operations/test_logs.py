"""What is asked about logs, and how rows are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas._core.streams import Gap
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.logs import HttpLog, Log
from railway_saas.railway.operations import logs as ops

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 10, 5, 20, 0, tzinfo=timezone(timedelta(hours=2)))
END = datetime(2026, 10, 5, 19, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ops.build(""), "deployment_id"),
        (lambda: ops.build("d1", limit=0), "limit"),
        (lambda: ops.deployment("d1", limit=5001), "limit"),
        (lambda: ops.deployment("d1", limit=True), "limit"),
        (lambda: ops.deployment("d1", start_date=datetime(2026, 1, 1)), "start_date"),  # noqa: DTZ001 - the point
        (lambda: ops.deployment("d1", end_date="2026-01-01"), "end_date"),
        (lambda: ops.http("d1", start_date=END, end_date=START), "end_date"),
        (lambda: ops.environment("", limit=5), "environment_id"),
        (lambda: ops.environment_around("e1", anchor_date=None), "anchor_date"),
        (lambda: ops.environment_around("e1", anchor_date=END, after_limit=-1), "after_limit"),
        (lambda: ops.http_around("d1", anchor_date=END, before_limit=5001), "before_limit"),
        (lambda: ops.stream_deployment("d1", limit=5001), "limit"),
        (lambda: ops.stream_environment("e1", since=datetime(2026, 1, 1)), "since"),  # noqa: DTZ001 - the point
    ],
)
def test_wrong_arguments_are_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


def test_a_span_is_sent_in_utc() -> None:
    assert ops.deployment("d1", start_date=START, end_date=END, filter="@level:error").variables == {
        "deploymentId": "d1",
        "limit": 100,
        "filter": "@level:error",
        "startDate": "2026-10-05T18:00:00.000Z",
        "endDate": "2026-10-05T19:00:00.500Z",
    }


@pytest.mark.parametrize(("call", "owner"), [(ops.environment, "environmentId"), (ops.http, "deploymentId")])
def test_an_anchored_span_is_sent_as_railways_cli_does(call: Callable[..., Any], owner: str) -> None:
    assert call("x1", start_date=START, end_date=END, limit=7).variables == {
        owner: "x1",
        "beforeLimit": 7,
        "beforeDate": "2026-10-05T18:00:00.000Z",
        "anchorDate": "2026-10-05T19:00:00.500Z",
        "afterDate": "2026-10-05T19:00:00.500Z",
        "afterLimit": 0,
    }
    assert call("x1").variables == {owner: "x1", "beforeLimit": 100}


def test_both_sides_of_an_anchor_can_be_asked_for() -> None:
    around = ops.http_around(
        "d1", anchor_date=END, before_limit=3, after_limit=2, after_date=END + timedelta(1)
    )
    assert around.variables == {
        "deploymentId": "d1",
        "anchorDate": "2026-10-05T19:00:00.500Z",
        "beforeLimit": 3,
        "afterLimit": 2,
        "afterDate": "2026-10-06T19:00:00.500Z",
    }
    assert len(around.parse([{"timestamp": str(number)} for number in range(6)])) == 5


@pytest.mark.parametrize("call", [ops.build, ops.deployment, ops.environment, ops.http])
def test_one_row_too_many_is_dropped_from_the_front(call: Callable[..., Any]) -> None:
    read = call("x1", limit=2).parse([{"timestamp": "1"}, {"timestamp": "2"}, {"timestamp": "3"}])
    assert [row.timestamp for row in read] == ["2", "3"]


def line(**fields: Any) -> Log:
    return ops.deployment("d1").parse([{"timestamp": "2026-10-05T19:58:15.705123456Z", **fields}])[0]


def test_values_of_attributes_are_json() -> None:
    pairs = {"level": '"info"', "n": "5", "list": "[1]", "flag": "true", "plain": "hello", "nothing": "null"}
    found = line(attributes=[{"key": key, "value": value} for key, value in pairs.items()])
    assert found.attributes == {
        "level": "info",
        "n": 5,
        "list": [1],
        "flag": True,
        "plain": "hello",
        "nothing": None,
    }


@pytest.mark.parametrize("value", ["", "{", "NaN", "Infinity", "'x'"])
def test_what_is_no_json_is_taken_as_it_is(value: str) -> None:
    assert line(attributes=[{"key": "k", "value": value}]).attributes == {"k": value}


def test_the_level_is_the_lines_own_or_its_severity() -> None:
    assert line(severity="error", attributes=[{"key": "level", "value": '"warn"'}]).level == "warn"
    assert line(severity="error", attributes=None).level == "error"


def test_a_timestamp_keeps_its_nanoseconds() -> None:
    found = line(message="hello")
    assert found.timestamp == "2026-10-05T19:58:15.705123456Z"
    assert found.at == datetime(2026, 10, 5, 19, 58, 15, 705_123, tzinfo=UTC)


def test_lines_that_differ_in_anything_have_other_keys() -> None:
    same = {"message": "a", "severity": "info", "tags": {"deploymentInstanceId": "i1"}}
    keys = {
        ops.log_key(line(**same)),
        ops.log_key(line(**same)),
        ops.log_key(line(**{**same, "message": "b"})),
        ops.log_key(line(**{**same, "severity": "error"})),
        ops.log_key(line(**{**same, "tags": {"deploymentInstanceId": "i2"}})),
        ops.log_key(line(**{**same, "attributes": [{"key": "n", "value": "1"}]})),
    }
    assert len(keys) == 5


def test_requests_are_told_apart_by_their_id() -> None:
    assert ops.http_log_key(HttpLog(request_id="r1")) != ops.http_log_key(HttpLog(request_id="r2"))


SINCE = 1_700_000_000_000_000_000


@pytest.mark.parametrize(("feed", "limited"), [(ops.build_feed, "limit"), (ops.deployment_feed, "limit")])
def test_a_new_connection_asks_for_as_much_backlog_as_there_is(
    feed: Callable[..., Any], limited: str
) -> None:
    made = feed("d1", limit=10, filter="x")
    assert made.follow(None).variables == {"deploymentId": "d1", limited: 10, "filter": "x"}
    assert made.follow(SINCE).variables[limited] == ops.MAX_ROWS


@pytest.mark.parametrize("feed", [ops.environment_feed, ops.http_feed])
def test_a_new_anchored_connection_looks_back_to_the_moment(feed: Callable[..., Any]) -> None:
    made = feed("x1", limit=10, filter=None)
    assert "beforeDate" not in made.follow(None).variables
    again = made.follow(SINCE).variables
    assert (again["beforeLimit"], again["beforeDate"]) == (ops.MAX_ROWS, "2023-11-14T22:13:20.000Z")


@pytest.mark.parametrize(
    ("feed", "start", "end"),
    [
        (ops.build_feed, "startDate", "endDate"),
        (ops.deployment_feed, "startDate", "endDate"),
        (ops.environment_feed, "beforeDate", "anchorDate"),
        (ops.http_feed, "beforeDate", "anchorDate"),
    ],
)
def test_a_gap_is_asked_for_whole(feed: Callable[..., Any], start: str, end: str) -> None:
    asked = feed("x1", limit=10, filter="x").between(Gap(SINCE + 1, SINCE + 1_000_001)).variables
    assert (asked[start], asked[end]) == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.002Z")
    assert asked["filter"] == "x"
