"""What a request must be like before anything looks into it."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from gunicorn.http.errors import InvalidChunkSize

if TYPE_CHECKING:
    from tests.server.conftest import Person


def kind(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.json["type"].rpartition(":")[2]


def post(person: Person, data: bytes, content_type: str = "application/json", **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {person.token}", "Content-Type": content_type, **headers}
    return person.browser.post("/api/instances", data=data, headers=sent)


def test_a_body_that_is_too_large_is_not_read(ann: Person) -> None:
    assert kind(post(ann, b" " * 1_048_577)) == (413, "request-entity-too-large")


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1_048_576, (400, "bad-request")), (1_048_577, (413, "request-entity-too-large"))],
)
def test_a_body_in_chunks_is_bounded_as_well(ann: Person, length: int, expected: tuple[int, str]) -> None:
    answer = ann.browser.post(
        "/api/instances",
        input_stream=BytesIO(b" " * length),
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        headers={"Authorization": f"Bearer {ann.token}", "Content-Type": "application/json"},
    )
    assert kind(answer) == expected


class Broken(BytesIO):
    """What gunicorn gives a client that sends chunks which are none."""

    def read(self, *_: Any) -> bytes:
        raise InvalidChunkSize(b"-1")

    readinto = readline = read1 = read


@pytest.mark.parametrize("path", ["/api/instances", "/api/railway/webhook"])
def test_a_body_in_chunks_that_are_none_is_refused(ann: Person, path: str) -> None:
    answer = ann.browser.post(
        path,
        input_stream=Broken(),
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        headers={"Authorization": f"Bearer {ann.token}", "Content-Type": "application/json"},
    )
    assert kind(answer) == (400, "bad-request")


def test_a_body_that_was_cut_is_not_carried_out(ann: Person) -> None:
    answer = ann.browser.post(
        "/api/auth/logout",
        input_stream=BytesIO(b"{}"),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "200"},
        headers={"Authorization": f"Bearer {ann.token}", "Content-Type": "application/json"},
    )
    assert kind(answer) == (400, "bad-request")
    assert ann.get("/api/users/profile").status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_must_say_that_it_is_json(ann: Person, content_type: str) -> None:
    assert kind(post(ann, b"{}", content_type)) == (415, "unsupported-media-type")


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": 1e', b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_is_refused(ann: Person, data: bytes) -> None:
    assert kind(post(ann, data)) == (400, "bad-request")


@pytest.mark.parametrize(
    "data",
    [
        b'{"email": "a@example.com", "password": "\xed\xa0\x80aaaaaaaaaaa"}',  # half a character, as no UTF-8 has it
        json.dumps({"email": "a@example.com", "password": "a\0aaaaaaaaaaa"}).encode("utf-16"),
        json.dumps({"email": "a@example.com", "password": "\0aaaaaaaaaaaa"}, ensure_ascii=False).encode(
            "utf-16-le"
        ),
        b'{"email": NaN, "password": Infinity}',
    ],
)
@pytest.mark.parametrize("path", ["login", "register", "refresh", "verify-email", "reset-password"])
def test_json_is_utf_8_and_knows_no_nan(ann: Person, path: str, data: bytes) -> None:
    answer = ann.browser.post(f"/api/auth/{path}", data=data, content_type="application/json")
    assert kind(answer) == (400, "bad-request")


def test_it_is_said_where_a_body_stops_being_json(ann: Person) -> None:
    answer = post(ann, b'{"name": "x",\n "inputs": }')
    assert "line 2, column 12" in answer.json["detail"]


@pytest.mark.parametrize(
    "data", [b"[]", b"1", b"null", b'"{}"', json.dumps(json.dumps({"name": "x"})).encode()]
)
def test_a_body_must_be_an_object(ann: Person, data: bytes) -> None:
    assert kind(post(ann, data)) == (422, "invalid-request")


@pytest.mark.parametrize("name", ["\x00", "a\x00b", "\ud800", "x" * 65, "", " ", "\u202e", 1, None, ["x"]])
def test_odd_values_are_refused_and_not_stored(ann: Person, name: Any) -> None:
    body = {"template_id": str(uuid4()), "name": name}
    assert post(ann, json.dumps(body).encode()).status_code in {404, 422}


def test_text_that_no_database_stores_is_refused_wherever_it_stands(ann: Person, admin: Person) -> None:
    nul, half = "a\x00b", "a\ud800b"
    for text in (nul, half):
        body = {"name": "x", "document": {}, "setup_config": {"a": [{"b": text}]}}
        answers = [
            admin.post("/api/templates", body),
            admin.post("/api/templates", {**body, "setup_config": {text: 1}}),
            admin.post("/api/templates", {"name": "x", "document": {"services": text}}),
            admin.post("/api/railway/services", {"project_id": "x", "name": "x", "image": text}),
        ]
        assert [kind(one) for one in answers] == [(422, "invalid-request")] * 4
        assert answers[0].json["errors"][0]["pointer"] == "#/setup_config/a/0/b"
    for path in ("/api/templates?category=%00", f"/api/instances/{uuid4()}/domains/%00"):
        answer = ann.get(path) if "?" in path else ann.delete(path)
        assert kind(answer) == (422, "invalid-request"), path
    good = admin.post("/api/templates", {"name": "\U0001f600 \\u0000", "document": {}})
    assert "NUL" not in good.text


@pytest.mark.parametrize("inner", ["1", '"\\u0000"'])
@pytest.mark.parametrize("depth", [50, 150, 250, 500, 900, 2000])
def test_what_is_nested_deeply_is_refused_and_no_fault_of_ours(admin: Person, depth: int, inner: str) -> None:
    for part in ("setup_config", "document"):
        nested = '{"a":' * depth + inner + "}" * depth
        data = '{"name": "x", "document": {"services": {}}, "' + part + '": ' + nested + "}"
        headers = {"Authorization": f"Bearer {admin.token}"}
        answer = admin.browser.post(
            "/api/templates", data=data, content_type="application/json", headers=headers
        )
        assert answer.status_code < 500, (part, depth, answer.text)


def test_query_parameters_that_are_not_known_or_come_twice_are_refused(ann: Person) -> None:
    for path in (
        "/api/instances?limt=5",
        "/api/instances?limit=5&limit=6",
        "/api/instances/status?x=1",
        "/api/instances?limit=0",
        "/api/instances?limit=201",
        "/api/instances?limit=x",
        "/api/instances?status=nonsense",
        "/api/instances?template_id=nonsense",
    ):
        assert kind(ann.get(path)) == (422, "invalid-request"), path


def test_methods_are_told_without_logging_in_and_others_refused(ann: Person) -> None:
    told = ann.browser.options("/api/instances")
    assert (told.status_code, told.data) == (200, b"")
    assert {"GET", "POST", "HEAD", "OPTIONS"} == {one.strip() for one in told.headers["Allow"].split(",")}
    assert "Access-Control-Allow-Origin" not in told.headers
    refused = ann.browser.patch("/api/instances", headers={"Authorization": f"Bearer {ann.token}"})
    assert kind(refused) == (405, "method-not-allowed")
    assert "GET" in refused.headers["Allow"]


def test_a_head_is_a_get_without_its_body(ann: Person) -> None:
    headers = {"Authorization": f"Bearer {ann.token}"}
    head, get = ann.browser.head("/api/instances", headers=headers), ann.get("/api/instances")
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (
        200,
        b"",
        get.headers["Content-Length"],
    )


def test_request_ids_go_in_and_out(ann: Person) -> None:
    given = ann.get("/api/instances", headers={"X-Request-ID": "abc-1"})
    assert given.headers["X-Request-ID"] == "abc-1"
    harmful = ann.get("/api/instances/nonsense", headers={"X-Request-ID": "a b<script>"})
    assert harmful.headers["X-Request-ID"] != "a b<script>"
    assert ann.get("/api/instances?x=1", headers={"X-Request-ID": "abc-2"}).json["request_id"] == "abc-2"


def test_a_path_that_is_none_is_a_problem_too(ann: Person) -> None:
    for path in ("/api/nothing", "/api/instances/not-an-id", "/api/instances/"):
        assert kind(ann.get(path)) == (404, "not-found"), path
