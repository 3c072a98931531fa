"""The API describes itself: whole, valid, and readable without any other host."""

from __future__ import annotations

import re
from inspect import unwrap
from typing import TYPE_CHECKING, Any, get_type_hints

import jsonschema
import pytest
from openapi_spec_validator import validate

if TYPE_CHECKING:
    from flask import Flask

METHODS = {"get", "post", "put", "delete", "patch"}
DESIGNED = """
POST /api/auth/login
POST /api/auth/register
POST /api/auth/refresh
POST /api/auth/logout
POST /api/auth/verify-email
POST /api/auth/forgot-password
POST /api/auth/reset-password
GET PUT /api/users/profile
GET PUT DELETE /api/users/{}
GET /api/users
GET POST /api/templates
GET PUT DELETE /api/templates/{}
POST /api/templates/deploy
GET POST /api/instances
GET PUT DELETE /api/instances/{}
GET /api/instances/status
GET /api/instances/{}/logs
POST /api/instances/{}/restart
POST /api/instances/{}/stop
POST /api/instances/{}/start
POST /api/instances/{}/redeploy
GET PUT /api/instances/{}/variables
GET POST /api/instances/{}/domains
GET /api/instances/{}/deployments
GET /api/instances/{}/metrics
GET /api/railway/projects
GET POST /api/railway/services
GET /api/railway/deployments
POST /api/railway/webhook
GET /healthz
GET /readyz
GET /metrics
"""


@pytest.fixture
def document(app: Flask) -> Any:
    answer = app.test_client().get("/openapi.json")
    assert answer.status_code == 200
    return answer.json


def operations(document: Any) -> list[tuple[str, Any]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_path_that_was_designed_is_there(document: Any) -> None:
    there = {re.sub(r"\{[^}]+\}", "{}", name) for name, _ in operations(document)}
    wanted = {
        f"{method} {line.split()[-1]}"
        for line in DESIGNED.strip().splitlines()
        for method in line.split()[:-1]
    }
    assert wanted - there == set()


def test_every_route_of_the_api_is_described(document: Any, app: Flask) -> None:
    described = {name for name, _ in operations(document)}
    routes = {
        f"{method} " + re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    assert routes - described == set()


def test_every_operation_has_a_name_a_summary_errors_an_example_and_says_who_may(document: Any) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert "security" in operation, name
        statuses = operation["responses"]
        assert any(status.startswith("2") for status in statuses), name
        assert {"422", "429", "503"} <= set(statuses) or not name.split()[1].startswith("/api/"), name
        if operation["security"]:
            assert "401" in statuses, name
        for status, answer in statuses.items():
            for media_type, content in answer.get("content", {}).items():
                assert "example" in content or "/json" not in media_type, (name, status)
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_example_is_what_it_is_an_example_of(document: Any) -> None:
    for name, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for media_type, content in body.get("content", {}).items():
                if media_type.endswith("json"):
                    schema = {**content["schema"], "components": document["components"]}
                    try:
                        jsonschema.Draft202012Validator(schema).validate(content["example"])
                    except jsonschema.ValidationError as fault:
                        pytest.fail(f"{name}: {fault.message} at {fault.json_path}")


def test_every_example_of_a_body_is_taken(document: Any, app: Flask) -> None:
    from reference_server.api.documents import _views

    for (path, method), (_, view) in _views(app).items():
        body = get_type_hints(unwrap(view)).get("body")
        if body is not None and path.startswith("/api/"):
            example = document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]
            body.model_validate(example)


def test_marks_of_views_are_described(document: Any) -> None:
    update = document["paths"]["/api/instances/{instance_id}"]["put"]
    assert {"412", "428", "404", "413", "415", "400"} <= set(update["responses"])
    assert [one["name"] for one in update["parameters"] if one["in"] == "header"] == ["If-Match"]
    create = document["paths"]["/api/instances"]["post"]
    assert create["security"] == [{"bearer": ["instances:write"]}]
    assert [one["name"] for one in create["parameters"]] == ["Idempotency-Key"]
    assert create["responses"]["202"]["links"]


def test_the_docs_ask_no_other_host(app: Flask) -> None:
    browser = app.test_client()
    page = browser.get("/docs")
    assert page.status_code == 200
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert wanted
    for address in wanted:
        assert address.startswith("/"), address
        answer = browser.get(address)
        assert answer.status_code == 200, address
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "<script>" not in page.text
    assert browser.get("/docs/../settings.py").status_code == 404
    assert "unsafe-inline" not in browser.get("/openapi.json").headers.get("Content-Security-Policy", "")


def test_the_document_is_sent_once(app: Flask) -> None:
    browser = app.test_client()
    etag = browser.get("/openapi.json").headers["ETag"]
    assert browser.get("/openapi.json", headers={"If-None-Match": etag}).status_code == 304
