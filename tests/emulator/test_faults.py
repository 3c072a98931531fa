"""Everything that can go wrong, on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from railway_saas.emulator import Emulator, FaultKind
from railway_saas.emulator.messages import Request, Response

if TYPE_CHECKING:
    from tests.emulator.conftest import House

CREATE = 'mutation CreateIt { projectCreate(input: {name: "acme"}) { id name } }'


def create(emulator: Emulator) -> Response:
    headers = {"authorization": f"Bearer {emulator.api_token}"}
    return emulator.handle(Request.post("/graphql/v2?source=test", {"query": CREATE}, headers))


def projects(emulator: Emulator) -> int:
    return emulator.state()["projects"]


@pytest.mark.parametrize("status", [502, 503, 504, 520, 521, 522, 524, 529])
@pytest.mark.parametrize("applied", [False, True])
def test_a_gateway_answers_in_html_before_or_after_the_write(
    emulator: Emulator, status: int, applied: bool
) -> None:
    emulator.faults.add("gateway_error", "projectCreate", status=status, applied=applied)
    answer = create(emulator)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")
    assert projects(emulator) == applied
    assert create(emulator).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("cloudflare_1010", 403, b"error code: 1010"),
        ("cloudflare_1015", 429, b"error code: 1015"),
        ("null_data", 200, b'{"data":null}'),
        ("empty_body", 200, b""),
    ],
)
def test_short_answers_from_in_between(emulator: Emulator, kind: str, status: int, body: bytes) -> None:
    emulator.faults.add(kind)
    answer = create(emulator)
    assert (answer.status, answer.body) == (status, body)


def test_cloudflare_denies_with_a_page(emulator: Emulator) -> None:
    emulator.faults.add("cloudflare_denied")
    answer = create(emulator)
    assert answer.status == 403
    assert b"used Cloudflare to restrict access" in answer.body
    assert projects(emulator) == 0


def test_429_names_its_seconds(emulator: Emulator) -> None:
    emulator.faults.add("rate_limited", retry_after_s=17)
    answer = create(emulator)
    assert (answer.status, answer.headers["retry-after"]) == (429, "17")
    assert projects(emulator) == 0


@pytest.mark.parametrize("kind", ["rate_limited", "cloudflare_1015"])
def test_what_is_over_a_limit_is_never_carried_out(emulator: Emulator, kind: str) -> None:
    with pytest.raises(ValueError, match=f"a {kind} is never applied"):
        emulator.faults.add(kind, applied=True)
    emulator.faults.add(kind, applied=False)
    assert create(emulator).status == 429
    assert projects(emulator) == 0


def test_a_stale_token_gives_401(emulator: Emulator) -> None:
    emulator.faults.add("unauthorized")
    assert create(emulator).status == 401


def test_truncated_json_comes_after_the_write(emulator: Emulator) -> None:
    emulator.faults.add("truncated_json")
    answer = create(emulator)
    assert answer.status == 200
    with pytest.raises(ValueError, match=r".+"):
        answer.json()
    assert projects(emulator) == 1


def test_something_that_is_not_json_at_all(emulator: Emulator) -> None:
    emulator.faults.add("not_json")
    answer = create(emulator)
    assert answer.headers["content-type"] == "text/plain"
    with pytest.raises(ValueError, match=r".+"):
        answer.json()


def test_partial_data_comes_beside_an_error(emulator: Emulator) -> None:
    emulator.faults.add("partial_data", message="half of it")
    body = create(emulator).json()
    assert body["data"]["projectCreate"]["name"] == "acme"
    assert body["errors"][0]["message"] == "half of it"


@pytest.mark.parametrize(
    ("kind", "options", "message", "has_code"),
    [
        ("problem_processing", {}, "Problem processing request", False),
        ("not_authorized", {}, "Not Authorized", True),
        ("too_quickly", {}, "too quickly", True),
        ("graphql_error", {"message": "Out of luck", "code": "BAD_USER_INPUT"}, "Out of luck", True),
    ],
)
def test_one_field_answers_with_a_graphql_error(
    emulator: Emulator, kind: str, options: dict[str, Any], message: str, has_code: bool
) -> None:
    emulator.faults.add(kind, "projectCreate", **options)
    answer = create(emulator)
    (error,) = answer.json()["errors"]
    assert answer.status == 200
    assert message in error["message"]
    assert ("extensions" in error) is has_code
    assert projects(emulator) == 0


@pytest.mark.parametrize("applied", [False, True])
def test_in_process_a_dropped_connection_is_httpx_own_error(emulator: Emulator, applied: bool) -> None:
    emulator.faults.add(FaultKind.DROP, "CreateIt", applied=applied)
    headers = {"authorization": f"Bearer {emulator.api_token}"}
    with httpx.Client(transport=emulator.transport(), headers=headers) as http:
        with pytest.raises(httpx.RemoteProtocolError, match="Server disconnected"):
            http.post(emulator.endpoint, json={"query": CREATE})
        assert projects(emulator) == applied
        assert http.post(emulator.endpoint, json={"query": CREATE}).status_code == 200


def test_in_process_a_slow_answer_costs_emulated_time_or_times_out(emulator: Emulator) -> None:
    emulator.faults.add("slow", seconds=20, times=2)
    begun = emulator.clock.now()
    with httpx.Client(transport=emulator.transport(), timeout=30) as patient:
        assert patient.post(emulator.endpoint, json={"query": "{ __typename }"}).status_code == 200
    assert (emulator.clock.now() - begun).total_seconds() == 20
    headers = {"authorization": f"Bearer {emulator.api_token}"}
    hasty = httpx.Client(transport=emulator.transport(), timeout=5, headers=headers)
    with hasty, pytest.raises(httpx.ReadTimeout):
        hasty.post(emulator.endpoint, json={"query": CREATE})
    assert (emulator.clock.now() - begun).total_seconds() == 25
    assert projects(emulator) == 1


async def test_the_async_transport_drops_and_times_out_alike(emulator: Emulator) -> None:
    emulator.faults.add("drop")
    emulator.faults.add("slow", seconds=20)
    async with httpx.AsyncClient(transport=emulator.async_transport(), timeout=5) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post(emulator.endpoint, json={"query": "{ __typename }"})
        with pytest.raises(httpx.ReadTimeout):
            await http.post(emulator.endpoint, json={"query": "{ __typename }"})


def test_rights_to_a_new_project_spread_with_a_delay(house: House) -> None:
    house.emulator.faults.add("permission_lag", reads=2)
    project_id, environment_id = house.project()
    read = "query($id: String!) { project(id: $id) { id } }"
    assert house.refused(read, id=project_id) == "Not Authorized"
    house.service(project_id)  # writes are not touched
    assert (
        house.refused("query($id: String!) { environment(id: $id) { id } }", id=environment_id)
        == "Not Authorized"
    )
    assert house.run(read, id=project_id)["project"]["id"] == project_id
    second, _ = house.project("second")
    assert house.run(read, id=second)


def test_a_log_query_may_give_one_row_more_than_asked_for(house: House) -> None:
    _, _, deployment_id = house.running()
    house.emulator.clock.advance(600)
    house.emulator.faults.add("extra_log_row", "deploymentLogs")
    document = "query($id: String!) { deploymentLogs(deploymentId: $id, limit: 5) { timestamp } }"
    counts = [len(house.run(document, id=deployment_id)["deploymentLogs"]) for _ in range(2)]
    assert counts == [6, 5]


def test_a_fault_strikes_as_often_and_as_late_as_it_says(emulator: Emulator) -> None:
    emulator.faults.add("gateway_error", after=1, times=2)
    assert [create(emulator).status for _ in range(5)] == [200, 502, 502, 200, 200]


def test_a_fault_without_end_stays_until_removed(emulator: Emulator) -> None:
    fault = emulator.faults.add("gateway_error", times=None)
    assert {create(emulator).status for _ in range(20)} == {502}
    assert emulator.faults.remove(fault.id)
    assert create(emulator).status == 200
    assert not emulator.faults.remove(fault.id)


def test_a_fault_of_some_probability_strikes_the_same_calls_for_the_same_seed() -> None:
    def play() -> list[int]:
        emulator = Emulator(seed=5)
        emulator.faults.add("gateway_error", times=None, probability=0.3)
        return [create(emulator).status for _ in range(40)]

    first = play()
    assert first == play()
    assert 4 < first.count(502) < 22


def test_a_fault_touches_only_the_operation_it_names(emulator: Emulator) -> None:
    emulator.faults.add("gateway_error", "deployment")
    assert create(emulator).status == 200
    assert len(emulator.faults) == 1
    emulator.faults.clear()
    assert list(emulator.faults) == []


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        ("nonsense", {}, "there is no fault 'nonsense'; there are drop"),
        ("drop", {"probability": 2}, "probability is 0 to 1"),
        ("drop", {"colour": "red"}, "no option colour"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    emulator: Emulator, kind: str, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        emulator.faults.add(kind, **options)
