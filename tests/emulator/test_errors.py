"""Errors come in Railway's form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.emulator.engine import as_railway_quotes
from railway_saas.emulator.messages import Request, Response

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator
    from tests.emulator.conftest import House


def post(emulator: Emulator, payload: object, *, query: str = "?source=test") -> Response:
    headers = {"authorization": f"Bearer {emulator.api_token}"}
    return emulator.handle(Request.post(f"/graphql/v2{query}", payload, headers))


def test_the_recorded_refusals_are_given_again(house: House, recorded: dict[str, Any]) -> None:
    project_id, environment_id = house.project()
    service_id = house.service(project_id, "spin-probe-muvo9oh9")
    _, stop, delete, create, replicas, _ = recorded["errors"]
    asked = [
        (stop, "mutation($id: String!) { deploymentStop(id: $id) }", {"id": "unknown"}),
        (delete, "mutation($id: String!) { serviceDelete(id: $id) }", {"id": "unknown"}),
        (
            create,
            "mutation($i: ServiceCreateInput!) { serviceCreate(input: $i) { id } }",
            {"i": {"projectId": project_id, "name": "spin-probe-muvo9oh9"}},
        ),
        (
            replicas,
            """mutation($s: String!, $e: String!, $i: ServiceInstanceUpdateInput!) {
                 serviceInstanceUpdate(serviceId: $s, environmentId: $e, input: $i) }""",
            {"s": service_id, "e": environment_id, "i": {"numReplicas": 0}},
        ),
    ]
    for known, document, variables in asked:
        answer = post(house.emulator, {"query": document, "variables": variables})
        (error,) = answer.json()["errors"]
        (expected,) = known["body"]["errors"]
        assert answer.status == known["status"]
        assert {**error, "locations": 0, "traceId": 0} == {**expected, "locations": 0, "traceId": 0}
        assert error.keys() == expected.keys()
        assert error["traceId"].isdigit()
        assert list(answer.json()) == list(known["body"])
        assert answer.json()["data"] == known["body"]["data"]


@pytest.mark.parametrize(
    ("document", "message", "code"),
    [
        (
            "{ me { nam } }",
            'Cannot query field "nam" on type "User". Did you mean "name"?',
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("{ me { name ", "Syntax Error: Expected Name, found <EOF>.", "GRAPHQL_PARSE_FAILED"),
        (
            "{ project { id } }",
            'of type "String!" is required, but it was not provided.',
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ],
)
def test_a_bad_document_gets_400_and_railways_words(
    emulator: Emulator, document: str, message: str, code: str
) -> None:
    answer = post(emulator, {"query": document})
    assert answer.status == 400
    (error,) = answer.json()["errors"]
    assert message in error["message"]
    assert error["extensions"]["code"] == code
    assert "data" not in answer.json()


def test_names_are_quoted_as_railways_server_does() -> None:
    assert as_railway_quotes("Cannot query field 'x' on type 'Y'.") == 'Cannot query field "x" on type "Y".'
    assert as_railway_quotes("it doesn't matter") == "it doesn't matter"


@pytest.mark.parametrize(
    "payload",
    [
        [],
        "x",
        {},
        {"query": 3},
        {"query": "{ me { id } }", "variables": [1]},
        {"query": "query A { me { id } } query B { me { id } }"},
    ],
)
def test_a_request_that_is_none_gets_400(emulator: Emulator, payload: object) -> None:
    answer = post(emulator, payload)
    assert answer.status == 400
    assert answer.json()["errors"]


def test_a_body_that_is_not_json_gets_400(emulator: Emulator) -> None:
    assert emulator.handle(Request("POST", "/graphql/v2", body=b"{")).status == 400


def test_a_get_is_not_allowed_and_other_paths_do_not_exist(emulator: Emulator) -> None:
    assert emulator.handle(Request("GET", "/graphql/v2")).status == 405
    assert emulator.handle(Request("GET", "/")).status == 404


def test_an_operation_is_chosen_by_name(emulator: Emulator) -> None:
    payload = {"query": "query A { me { id } } query B { me { name } }", "operationName": "B"}
    assert post(emulator, payload).json()["data"]["me"] == {"name": "Ada Owner"}
    assert post(emulator, payload | {"operationName": "C"}).status == 400


def test_a_variable_of_the_wrong_type_is_refused(emulator: Emulator) -> None:
    payload = {"query": "query($id: String!) { project(id: $id) { id } }", "variables": {"id": 3}}
    answer = post(emulator, payload)
    assert answer.status == 400
    assert answer.json()["errors"][0]["message"].startswith('Variable "$id"')


def test_aliases_answer_side_by_side_and_fail_one_by_one(house: House) -> None:
    project_id, _ = house.project()
    body = house.emulator.execute(
        """query($id: String!) { here: project(id: $id) { id }
             gone: service(id: "x") { id } name: __typename }""",
        {"id": project_id},
    )
    assert body["errors"][0]["path"] == ["gone"]
    assert body["data"] is None


def test_what_is_nested_too_deep_or_too_long_is_refused(emulator: Emulator) -> None:
    deep = (
        "{ me { workspaces " + "{ projects { edges { node { workspace " * 8 + "{ id }" + "} } } }" * 8 + "} }"
    )
    answer = post(emulator, {"query": deep})
    assert answer.status == 400
    assert "nested" in answer.json()["errors"][0]["message"]
    assert post(emulator, {"query": "{ me { id " + "name " * 70_000 + "} }"}).status == 400
    assert post(emulator, {"query": "x" * (5 * 1024 * 1024)}).status == 413


def test_a_failure_of_the_emulator_itself_is_logged_and_answered_generically(
    emulator: Emulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator.world, "projects", None)
    body = emulator.execute('{ project(id: "x") { id } }')
    assert body["errors"][0]["message"] == "Problem processing request"
    assert "extensions" not in body["errors"][0]
    assert "the emulator failed" in caplog.text


def test_introspection_needs_no_token(emulator: Emulator) -> None:
    from graphql import build_client_schema, get_introspection_query

    request = Request.post("/graphql/v2?x", {"query": get_introspection_query()})
    schema = build_client_schema(json.loads(emulator.handle(request).body)["data"])
    assert "projectCreate" in schema.mutation_type.fields  # type: ignore[union-attr]


def test_fragments_interfaces_and_typename_work(house: House) -> None:
    project_id, _ = house.project()
    found = house.run(
        """query($id: String!) { project(id: $id) { __typename ...Names services { edges { node { id } } } } }
           fragment Names on Project { name ... on Node { id } }""",
        id=project_id,
    )["project"]
    assert found == {"__typename": "Project", "name": "acme", "id": project_id, "services": {"edges": []}}
