"""The API's own description, `/openapi.json`, and pages to read it, `/docs`, which ask no other host for anything.

flask-openapi reads paths and parameters off the views. What the views' marks say (who may, which headers, which problems)
is added here, so that it cannot be forgotten where an operation is written.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from inspect import getdoc, unwrap
from typing import TYPE_CHECKING, Any, Final, cast, get_type_hints

from flask import Blueprint, Response, abort, current_app, request

from reference_server.api.authentication import public
from reference_server.api.describing import ANSWERS, EVENT_STREAM, JSON, problem_response
from reference_server.api.examples import Examples
from reference_server.api.idempotency import HEADER, IDEMPOTENT, MAX_KEY, REPLAYED
from reference_server.api.preconditions import IF_MATCH
from reference_server.api.problems import ProblemModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask_openapi import OpenAPI
    from pydantic import BaseModel

pages = Blueprint("documents", __name__)

_REFERENCE: Final = "#/components/schemas/{model}"
_PLACEHOLDER: Final = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_METHODS: Final = ("get", "post", "put", "delete", "patch")
_BODY_PROBLEMS: Final = (400, 413, 415)
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets style attributes; everything else stays as strict as anywhere."""

_LINKS: Final[dict[str, dict[str, tuple[str, dict[str, str]]]]] = {
    "create_instance": {
        "instance": ("read_instance", {"instance_id": "$response.body#/instance_id"}),
        "operation": (
            "read_operation",
            {"instance_id": "$response.body#/instance_id", "number": "$response.body#/id"},
        ),
        "events": ("list_events", {"instance_id": "$response.body#/instance_id"}),
        "variables": ("list_variables", {"instance_id": "$response.body#/instance_id"}),
        "deletion": ("delete_instance", {"instance_id": "$response.body#/instance_id"}),
    },
    "publish_template": {
        "template": ("read_template", {"template_id": "$response.body#/id"}),
        "withdrawal": ("withdraw_template", {"template_id": "$response.body#/id"}),
    },
    "list_templates": {"template": ("read_template", {"template_id": "$response.body#/items/0/id"})},
    "list_instances": {"instance": ("read_instance", {"instance_id": "$response.body#/items/0/id"})},
}
"""Operation: name of the link: where it leads, with which parameters out of the answer."""


def build(app: OpenAPI) -> dict[str, Any]:
    """The document of an application whose every view is registered."""
    document = cast("dict[str, Any]", copy.deepcopy(cast("object", app.api_doc)))
    schemas = _schemas(_views(app))
    document["components"]["schemas"] = schemas
    examples = Examples(schemas)
    for (path, method), (endpoint, view) in _views(app).items():
        operation: dict[str, Any] | None = document["paths"].get(path, {}).get(method)
        if operation is not None:
            _complete(operation, path, endpoint, view, examples)
    return document


def _views(app: Flask) -> dict[tuple[str, str], tuple[str, Callable[..., Any]]]:
    return {
        (_PLACEHOLDER.sub(r"{\1}", rule.rule), method.lower()): (
            rule.endpoint,
            app.view_functions[rule.endpoint],
        )
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method.lower() in _METHODS
    }


def _schemas(views: dict[tuple[str, str], tuple[str, Callable[..., Any]]]) -> dict[str, Any]:
    """Every model that goes in or out, by name.

    Raises:
        TypeError: Two that differ have the same name.
    """
    found: dict[str, Any] = {}
    taken = [model for _, view in views.values() for model in _models_in(view)]
    given: list[type[BaseModel]] = [*ANSWERS.values(), ProblemModel]
    shapes = [(model, "validation") for model in taken] + [(model, "serialization") for model in given]
    for model, mode in shapes:
        for name, schema in _parts(model, mode):
            if found.setdefault(name, schema) != schema:
                raise TypeError(f"two different models are called {name} in the document")
    return dict(sorted(found.items()))


def _models_in(view: Callable[..., Any]) -> Iterator[type[BaseModel]]:
    hints = get_type_hints(unwrap(view))
    yield from (hints[name] for name in ("body", "query", "path") if name in hints)


def _parts(model: type[BaseModel], mode: str) -> Iterator[tuple[str, dict[str, Any]]]:
    schema = dict(model.model_json_schema(ref_template=_REFERENCE, mode=cast("Any", mode)))
    yield from schema.pop("$defs", {}).items()
    yield schema.get("title", model.__name__), schema


def _complete(
    operation: dict[str, Any], path: str, endpoint: str, view: Callable[..., Any], examples: Examples
) -> None:
    operation["operationId"] = endpoint.rpartition(".")[2]
    operation["description"] = getdoc(unwrap(view)) or operation["summary"]
    operation.setdefault("security", [])
    responses = operation["responses"]
    missing = [404] if "{" in path else []
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    for parameter in parameters:
        _without_null(parameter)
    if "requestBody" in operation:
        missing.extend(_BODY_PROBLEMS)
    scope = getattr(view, "_reference_server_key_scope", None)
    if scope is not None and operation.get("security"):
        operation["security"] = [{"bearer": [scope]}]
    if getattr(view, IDEMPOTENT, False):
        missing.append(409)
        parameters.append(_IDEMPOTENCY_KEY)
        _add_header(responses, REPLAYED, "`true` where the answer was given before.")
    if getattr(view, IF_MATCH, False):
        missing.extend((412, 428))
        parameters.append(_IF_MATCH)
        _add_header(responses, "ETag", "For If-Match of the next change.")
    for status in missing:
        responses.setdefault(str(status), problem_response(status))
    _add_links(operation["operationId"], responses)
    for response in responses.values():
        _add_example(response.get("content", {}), examples)
    _add_example(operation.get("requestBody", {}).get("content", {}), examples)


def _without_null(parameter: dict[str, Any]) -> None:
    """A query string has no null: a parameter is there or not."""
    schema = parameter["schema"]
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        parameter["schema"] = {**choices[0], **schema}
    if parameter["schema"].get("default", 0) is None:
        del parameter["schema"]["default"]


_IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A key of yours, e.g. a new UUID. Sent again with the same request within a day, it gives the same answer "
    "and nothing is done a second time; with another request it is refused (422); while the first is at work: 409. A "
    "request that is not valid (422) leaves it free.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
_IF_MATCH: Final[dict[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of what the change was made from. Missing: 428; changed meanwhile: 412.",
    "schema": {"type": "string", "pattern": '^("[!#-~]*"|\\*)$', "examples": ['"3b1e0c9f5d7a8b2c4e6f0a1d"']},
}


def _add_header(responses: dict[str, Any], name: str, description: str) -> None:
    for status, response in responses.items():
        if status.startswith("2"):
            headers = response.setdefault("headers", {})
            headers[name] = {"description": description, "schema": {"type": "string"}}


def _add_links(operation_id: str, responses: dict[str, Any]) -> None:
    for name, (target, parameters) in _LINKS.get(operation_id, {}).items():
        good = next(response for status, response in responses.items() if status.startswith("2"))
        good.setdefault("links", {})[name] = {"operationId": target, "parameters": parameters}


def _add_example(content: dict[str, Any], examples: Examples) -> None:
    for media_type, described in content.items():
        if media_type == EVENT_STREAM:
            described.setdefault("example", {"event": "end", "data": '{"reason": "time"}'})
        elif "example" not in described and media_type.endswith("json"):
            described["example"] = examples.of(described["schema"])


@pages.get("/openapi.json")
@public
def openapi_document() -> Response:
    """The document, made once per process."""
    text: str | None = current_app.extensions.get("openapi_text")
    if text is None:
        text = current_app.extensions["openapi_text"] = json.dumps(build(cast("OpenAPI", current_app)))
    answer = Response(text, content_type=JSON)
    answer.set_etag(hashlib.sha256(text.encode()).hexdigest()[:24])
    return cast("Response", answer.make_conditional(request))


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START: Final = """window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
  });
});
"""
_ASSETS: Final = {
    "swagger-ui.css": ("swagger/css/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("swagger/js/swagger-ui-bundle.js", "text/javascript"),
}


@pages.get("/docs")
@public
def docs_page() -> Response:
    """Swagger UI, from the installed package."""
    return _page(_PAGE.encode(), "text/html; charset=utf-8")


@pages.get("/docs/<string:name>")
@public
def docs_asset(name: str) -> Response:
    """Its parts."""
    if name == "start.js":
        return _page(_START.encode(), "text/javascript")
    if name not in _ASSETS:
        abort(404)
    where, media_type = _ASSETS[name]
    answer = _page(_asset(where), media_type)
    answer.cache_control.max_age = 86_400
    return answer


@cache
def _asset(where: str) -> bytes:
    return files("flask_openapi_swagger").joinpath("templates").joinpath(where).read_bytes()


def _page(content: bytes, media_type: str) -> Response:
    return Response(content, content_type=media_type, headers={"Content-Security-Policy": _CSP})
