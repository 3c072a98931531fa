"""Logs: what is there, in which window, through which filter, and as it flows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.emulator import Emulator, errors
from railway_saas.emulator.logfilter import compile_filter
from railway_saas.emulator.world import ServiceDomain
from tests.emulator.conftest import House

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = """query($id: String!, $limit: Int, $filter: String, $startDate: DateTime, $endDate: DateTime) {
    deploymentLogs(deploymentId: $id, limit: $limit, filter: $filter, startDate: $startDate, endDate: $endDate) {
      timestamp severity message attributes { key value }
      tags { projectId environmentId serviceId deploymentId deploymentInstanceId } } }"""
AROUND = """query($id: String!, $filter: String, $beforeLimit: Int, $beforeDate: String, $anchorDate: String,
                  $afterDate: String, $afterLimit: Int) {
    environmentLogs(environmentId: $id, filter: $filter, beforeLimit: $beforeLimit, beforeDate: $beforeDate,
      anchorDate: $anchorDate, afterDate: $afterDate, afterLimit: $afterLimit) {
      timestamp severity message tags { serviceId deploymentId snapshotId } } }"""


def lines(house: House, deployment_id: str, **window: Any) -> list[dict[str, Any]]:
    return house.run(LINES, id=deployment_id, **window)["deploymentLogs"]


def collect(house: House, document: str, **variables: Any) -> tuple[list[Any], Any]:
    """Start a subscription; its payloads' one field as they come, and what ends it."""
    seen: list[Any] = []
    stop = house.emulator.subscribe(
        {"query": document, "variables": variables},
        {"authorization": f"Bearer {house.emulator.api_token}"},
        lambda payload: seen.append(next(iter(payload["data"].values()))),
    )
    assert stop is not None
    return seen, stop


def stamps(rows: list[dict[str, Any]]) -> list[str]:
    return [row["timestamp"] for row in rows]


def test_lines_are_oldest_first_with_nanoseconds_and_know_where_they_come_from(house: House) -> None:
    service_id, environment_id, deployment_id = house.running()
    house.emulator.clock.advance(600)
    found = lines(house, deployment_id)
    assert stamps(found) == sorted(stamps(found))
    assert found[0]["message"] == "Starting Container"
    assert all(len(stamp) == len("2026-11-02T09:00:04.200000000Z") for stamp in stamps(found))
    tags = found[-1]["tags"]
    assert (tags["serviceId"], tags["environmentId"], tags["deploymentId"]) == (
        service_id,
        environment_id,
        deployment_id,
    )
    assert tags["deploymentInstanceId"] == house.deployment(deployment_id)["instances"][0]["id"]


def test_attributes_are_json_text_and_always_hold_the_level(house: House) -> None:
    _, _, deployment_id = house.running()
    house.emulator.clock.advance(3600)
    rows = [
        {one["key"]: json.loads(one["value"]) for one in row["attributes"]}
        for row in lines(house, deployment_id)
    ]
    assert all(isinstance(row["level"], str) for row in rows)
    structured = [row for row in rows if "durationMs" in row]
    assert structured
    assert all(isinstance(row["durationMs"], int) and isinstance(row["tags"], list) for row in structured)


def test_the_newest_lines_are_kept_when_there_are_more_than_asked_for(house: House) -> None:
    _, _, deployment_id = house.running()
    house.emulator.clock.advance(3600)
    everything = lines(house, deployment_id, limit=5000)
    assert len(lines(house, deployment_id)) == 100
    assert lines(house, deployment_id, limit=7) == everything[-7:]
    assert lines(house, deployment_id, limit=0) == []
    assert house.refused(LINES, id=deployment_id, limit=-1) == "Error in limit - Invalid input"


def test_a_window_cuts_exactly_and_reads_the_same_every_time(house: House) -> None:
    _, _, deployment_id = house.running()
    house.emulator.clock.advance(3600)
    everything = lines(house, deployment_id, limit=5000)
    window = {"startDate": "2026-11-02T09:10:00Z", "endDate": "2026-11-02T09:20:00Z", "limit": 5000}
    expected = [row for row in everything if "2026-11-02T09:10" <= row["timestamp"] <= "2026-11-02T09:20:00"]
    assert lines(house, deployment_id, **window) == expected
    house.emulator.clock.advance(86400)
    assert lines(house, deployment_id, **window) == expected


def test_a_stopped_process_writes_no_more(house: House) -> None:
    _, _, deployment_id = house.running()
    house.run("mutation($id: String!) { deploymentStop(id: $id) }", id=deployment_id)
    house.emulator.clock.advance(10)
    before = lines(house, deployment_id)
    house.emulator.clock.advance(600)
    assert lines(house, deployment_id) == before
    assert before[-1]["message"] == "Stopping Container"


def test_a_crash_leaves_a_line(house: House) -> None:
    house.emulator.faults.add("out_of_memory", seconds=1)
    _, _, deployment_id = house.running(restartPolicyType="NEVER")
    last = lines(house, deployment_id)[-1]
    assert (last["severity"], last["message"]) == ("error", "Out of memory: killed process 1")


def test_lines_are_forgotten_after_the_plans_days(house: House) -> None:
    _, _, deployment_id = house.running()
    house.emulator.clock.advance(31 * 86400)
    oldest = lines(house, deployment_id, endDate="2026-11-04T09:00:00Z", limit=1)
    assert oldest[0]["timestamp"] >= "2026-11-03T09:00"
    assert lines(house, deployment_id, endDate="2026-11-03T08:00:00Z") == []


def test_a_build_has_lines_and_an_image_has_none(house: House) -> None:
    document = "query($id: String!) { buildLogs(deploymentId: $id) { message severity } }"
    _, environment_id, image = house.running()
    assert house.run(document, id=image)["buildLogs"] == []
    house.emulator.faults.add("build_fails")
    project_id = house.emulator.world.environments[environment_id].project_id
    built = house.deploy(house.service(project_id, "api", repo="acme/shop"), environment_id)
    house.emulator.clock.advance(60)
    found = house.run(document, id=built)["buildLogs"]
    assert found[0] == {"message": "fetching acme/shop", "severity": "info"}
    assert found[-1] == {"message": "Build failed", "severity": "error"}


def test_environment_logs_are_those_of_all_services_in_one_order(house: House) -> None:
    service_id, environment_id, _ = house.running()
    project_id = house.emulator.world.environments[environment_id].project_id
    other = house.service(project_id, "db", image="postgres:17")
    house.deploy(other, environment_id)
    house.emulator.clock.advance(600)
    rows = house.run(AROUND, id=environment_id)["environmentLogs"]
    assert stamps(rows) == sorted(stamps(rows))
    assert {row["tags"]["serviceId"] for row in rows} == {service_id, other}
    only = house.run(AROUND, id=environment_id, filter=f"@service:{other}")["environmentLogs"]
    assert {row["tags"]["serviceId"] for row in only} == {other}


def test_an_anchor_has_lines_before_and_after_it(house: House) -> None:
    _, environment_id, _ = house.running()
    house.emulator.clock.advance(3600)
    anchor = "2026-11-02T09:30:00.000Z"
    found = house.run(AROUND, id=environment_id, anchorDate=anchor, beforeLimit=5, afterLimit=3)[
        "environmentLogs"
    ]
    assert [row["timestamp"] < anchor for row in found] == [True] * 5 + [False] * 3
    ranged = house.run(
        AROUND,
        id=environment_id,
        beforeDate="2026-11-02T09:29:00Z",
        anchorDate=anchor,
        afterDate=anchor,
        beforeLimit=500,
        afterLimit=0,
    )["environmentLogs"]
    assert ranged
    assert all("2026-11-02T09:29:00" <= row["timestamp"] <= anchor for row in ranged)


def test_build_lines_come_into_environment_logs_only_when_their_snapshot_is_named(house: House) -> None:
    project_id, environment_id = house.project()
    deployment_id = house.deploy(house.service(project_id, repo="acme/shop"), environment_id)
    house.emulator.clock.advance(120)
    snapshot = house.run("query($id: String!) { deployment(id: $id) { snapshotId } }", id=deployment_id)
    snapshot_id = snapshot["deployment"]["snapshotId"]

    def messages(filter_: str) -> list[str]:
        rows = house.run(AROUND, id=environment_id, filter=filter_)["environmentLogs"]
        return [row["message"] for row in rows]

    assert "fetching acme/shop" not in messages("")
    assert "fetching acme/shop" in messages(f"@snapshot:{snapshot_id}")


def test_http_logs_need_a_domain_and_know_their_filter_keys(house: House) -> None:
    service_id, environment_id, deployment_id = house.running()
    document = """query($id: String!, $filter: String, $limit: Int) { httpLogs(
        deploymentId: $id, filter: $filter, beforeLimit: $limit) {
        timestamp requestId method path host httpStatus totalDuration upstreamRqDuration srcIp clientUa edgeRegion rxBytes
        txBytes responseDetails deploymentId deploymentInstanceId downstreamProto upstreamProto upstreamAddress upstreamErrors } }"""
    house.emulator.clock.advance(3600)
    assert house.run(document, id=deployment_id)["httpLogs"] == []
    instance = house.emulator.world.environments[environment_id].instances[service_id]
    now = house.emulator.clock.now()
    instance.service_domains.append(ServiceDomain("d", "web.up.railway.app", instance, now, now))
    rows = house.run(document, id=deployment_id, limit=5000)["httpLogs"]
    assert stamps(rows) == sorted(stamps(rows))
    assert {row["host"] for row in rows} == {"web.up.railway.app"}
    failed = house.run(
        document, id=deployment_id, filter="@httpStatus:>=400 AND -@httpStatus:404", limit=5000
    )["httpLogs"]
    assert {row["httpStatus"] for row in failed} == {500}


def test_a_stream_brings_the_backlog_first_and_then_every_line_once(house: House) -> None:
    _, _, deployment_id = house.running()
    house.emulator.clock.advance(300)
    document = """subscription($id: String!) { deploymentLogs(deploymentId: $id, limit: 10) { timestamp message } }"""
    seen, stop = collect(house, document, id=deployment_id)
    assert len(seen[0]) == 10
    house.emulator.clock.advance(600)
    stop()
    house.emulator.clock.advance(600)
    flat = [row["timestamp"] for batch in seen for row in batch]
    everything = stamps(lines(house, deployment_id, limit=5000))
    end = everything.index(flat[-1])
    assert flat == everything[end - len(flat) + 1 : end + 1]
    assert flat[-1] < "2026-11-02T09:15:16"


def test_streams_of_builds_environments_and_requests_flow_too(house: House) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id, repo="acme/shop")
    deployment_id = house.deploy(service_id, environment_id)
    instance = house.emulator.world.environments[environment_id].instances[service_id]
    now = house.emulator.clock.now()
    instance.service_domains.append(ServiceDomain("d", "shop.up.railway.app", instance, now, now))
    build, _ = collect(
        house, "subscription($id: String!) { buildLogs(deploymentId: $id) { message } }", id=deployment_id
    )
    everything, _ = collect(
        house,
        "subscription($id: String!) { environmentLogs(environmentId: $id) { message } }",
        id=environment_id,
    )
    requests, _ = collect(
        house, "subscription($id: String!) { httpLogs(deploymentId: $id) { path } }", id=deployment_id
    )
    events, _ = collect(
        house,
        "subscription($id: String!) { deploymentEvents(id: $id) { step completedAt } }",
        id=deployment_id,
    )
    house.emulator.clock.advance(300)
    assert build[0] == [{"message": "fetching acme/shop"}]
    assert everything[0][0] == {"message": "Starting Container"}
    assert requests
    assert [event["step"] for event in events if event["completedAt"] is None] == [
        "SNAPSHOT_CODE",
        "BUILD_IMAGE",
        "PUBLISH_IMAGE",
        "CREATE_CONTAINER",
        "CONFIGURE_NETWORK",
    ]


# The filter language ----------------------------------------------------------------------------------------------


class Row:
    """A record to filter."""

    def __init__(self, message: str, **values: object) -> None:
        self.message, self.values = message, values

    def text(self) -> str:
        return self.message

    def value(self, key: str) -> object:
        return self.values.get(key)


ROW = Row(
    "Upstream timed out (again)", level="error", n=7, rate=0.5, ok=True, tags=["web", "eu"], replica="r-1"
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "upstream",
        '"timed out"',
        '"out (again)"',
        "upstream timed",
        "upstream AND timed",
        "nothing OR timed",
        "nothing OR nowhere OR timed",
        "-nothing",
        '-"not there" AND timed',
        "(nothing OR upstream) AND timed",
        "@level:error",
        "@level:ERROR",
        '@level:"error"',
        "@n:7",
        "@n:>5",
        "@n:>=7",
        "@n:<8",
        "@n:<=7",
        "@n:5..10",
        "@rate:<0.75",
        "@ok:true",
        "@tags[1]:eu",
        "replica:r-1",
        "-@level:info AND -(@n:<3 OR @n:>9)",
    ],
)
def test_a_filter_fits(text: str) -> None:
    assert compile_filter(text)(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        '"out timed"',
        "upstream AND nothing",
        "-upstream",
        "@level:warn",
        "@missing:x",
        "@n:>7",
        "@n:8..10",
        "@ok:>0",
        "@level:>3",
        "@tags[5]:eu",
        "@level[0]:e",
        "replica:r-2",
        "(upstream OR timed) AND nothing",
    ],
)
def test_a_filter_does_not_fit(text: str) -> None:
    assert not compile_filter(text)(ROW)


@pytest.mark.parametrize("text", ["(", ")", "a AND", "OR b", "(a", '"open', "a OR", "@level:"])
def test_a_filter_that_makes_no_sense_is_refused(text: str) -> None:
    if text in {"OR b", '"open', "@level:"}:  # read as plain words
        assert compile_filter(text) is not None
    else:
        with pytest.raises(errors.Refusal, match="Invalid filter"):
            compile_filter(text)


def everything(emulator: Emulator) -> Iterator[str]:
    house = House(emulator)
    _, _, deployment_id = house.running()
    emulator.clock.advance(600)
    yield from (json.dumps(row) for row in lines(house, deployment_id))


def test_the_same_seed_writes_the_same_lines() -> None:
    assert list(everything(Emulator(seed=3))) == list(everything(Emulator(seed=3)))
    assert list(everything(Emulator(seed=3))) != list(everything(Emulator(seed=4)))
