"""What a request must be like before anything looks into it: known parameters, a bounded body, the right content type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import signature, unwrap
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any, Final, cast, get_type_hints

from flask import current_app, request
from flask.json.provider import DefaultJSONProvider
from gunicorn.http.errors import ParseException
from typing_extensions import override
from werkzeug.exceptions import BadRequest

from railway_saas.templates.filling import is_whole
from reference_server.api.problems import Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

_SHAPES: Final = "request_shapes"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a view takes."""

    takes_body: bool
    lists: frozenset[str] | None
    """Query parameters that may be given several times; None: it takes no query at all."""


def shape_of(view: Callable[..., Any]) -> Shape:
    """Read off the annotations that flask-openapi reads, too."""
    plain = unwrap(view)
    query = get_type_hints(plain).get("query") if "query" in signature(plain).parameters else None
    lists = None
    if query is not None:
        properties: dict[str, dict[str, Any]] = query.model_json_schema().get("properties", {})
        lists = frozenset(name for name, schema in properties.items() if _is_list(schema))
    return Shape(takes_body="body" in signature(plain).parameters, lists=lists)


def _is_list(schema: dict[str, Any]) -> bool:
    return "array" in {schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))}


def register(app: Flask) -> None:
    """Check every request, once it is known who asks."""
    app.extensions[_SHAPES] = {}
    app.json = StrictJson(app)
    app.before_request(_check)


def _check() -> None:
    _refuse_large(request.content_length or 0)
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.method == "OPTIONS":
        return
    shapes: dict[str, Shape] = current_app.extensions[_SHAPES]
    shape = shapes.get(request.endpoint or "")
    if shape is None:
        shape = shapes[request.endpoint or ""] = shape_of(view)
    _check_query(shape)
    if shape.takes_body:
        _check_body()


def _refuse_large(length: int) -> None:
    most = cast("int", current_app.config["MAX_BODY_BYTES"])
    if length > most:
        raise Problem(
            413, "request-entity-too-large", "The body is too large", f"At most {most} bytes are taken."
        )


def _check_query(shape: Shape) -> None:
    for name, value in (*request.args.items(multi=True), *(request.view_args or {}).items()):
        _refuse_unstorable(value, f"#/{name}")
    if not request.args:
        return
    if shape.lists is None:
        faults = [
            {"pointer": f"#/{name}", "detail": "There is no such query parameter."} for name in request.args
        ]
        raise invalid("This takes no query parameters.", *faults)
    several = [name for name, values in request.args.lists() if len(values) > 1 and name not in shape.lists]
    if several:
        faults = [{"pointer": f"#/{name}", "detail": "Give it once."} for name in several]
        raise invalid("A query parameter is given several times.", *faults)


def _check_body() -> None:
    if not request.is_json:
        raise Problem(
            415, "unsupported-media-type", "The body must be JSON", "Send Content-Type: application/json."
        )
    data = body_of_request()
    _refuse_large(len(data))
    if len(data) < (request.content_length or 0):
        raise Problem(400, "bad-request", "Not usable", "The body is shorter than Content-Length says.")
    try:
        body: object = request.get_json()  # kept by the request: it is not parsed again
        if _MAYBE_UNSTORABLE.search(data):
            _refuse_unstorable(body, "#")
    except BadRequest:
        raise Problem(400, "bad-request", "Not usable", _no_json(data)) from None
    except RecursionError:
        raise Problem(400, "bad-request", "Not usable", "The body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.", {"pointer": "#", "detail": "Must be an object."})


def body_of_request() -> bytes:
    """Everything that was sent.

    Raises:
        Problem: It was sent in chunks that are none; the server says so as it reads them.
    """
    try:
        return request.get_data()
    except (OSError, ParseException):
        raise Problem(400, "bad-request", "Not usable", "The body could not be read.") from None


def _no_json(data: bytes) -> str:
    try:
        current_app.json.loads(data)
    except JSONDecodeError as error:
        return f"The body is no valid JSON: {error.msg}, line {error.lineno}, column {error.colno}."
    except ValueError:
        return "The body is no JSON in UTF-8, or holds a number that JSON does not know."
    return "The body is no valid JSON."


class StrictJson(DefaultJSONProvider):
    """JSON as RFC 8259 has it: UTF-8 and nothing else, no NaN, no Infinity."""

    @override
    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        text = s.decode("utf-8") if isinstance(s, bytes) else s
        return super().loads(text, parse_constant=_refuse_constant, **kwargs)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


_MAYBE_UNSTORABLE: Final = re.compile(rb"\\u(0000|[dD][89a-fA-F])")
"""How JSON writes a NUL and half a character: only a body that has one of these is looked through."""


def _refuse_unstorable(value: object, pointer: str) -> None:
    """No database stores a NUL, and nobody can send half of a character."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            _refuse_unstorable(name, pointer)
            _refuse_unstorable(inner, f"{pointer}/{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(cast("list[object]", value)):
            _refuse_unstorable(inner, f"{pointer}/{place}")
    elif isinstance(value, str) and ("\0" in value or not is_whole(value)):
        detail = "Holds a NUL character or half of a character."
        raise invalid(f"{pointer}: {detail}", {"pointer": pointer, "detail": detail})
