"""Requests and responses as every front (sockets, in process) passes them to the emulator."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

MAXIMUM_BODY = 4 * 1024 * 1024
"""Bytes that a request may have."""

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def post(cls, url: str, payload: object, headers: Mapping[str, str] | None = None) -> Request:
        """A POST of a JSON document."""
        parts = urlsplit(url)
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        return cls("POST", parts.path, parts.query, lowered, json.dumps(payload).encode())


@dataclass(slots=True)
class Response:
    """One HTTP response, or a connection that breaks instead."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])
    dropped: bool = False
    """The connection is closed without an answer."""
    delay_s: float = 0.0
    """Real seconds that pass before the answer is sent."""

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def read_json(text: str | bytes) -> object:
    """What a client sent.

    Raises:
        ValueError: It is not JSON, it is nested without end, or it holds what no later answer could repeat: half a
            character, a number that is none.
    """
    try:
        value: object = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None
    return value


def json_response(status: int, payload: object) -> Response:
    """A response with a JSON body."""
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(status, body, {"content-type": JSON_TYPE})


def text_response(status: int, text: str, content_type: str = "text/plain; charset=UTF-8") -> Response:
    """A response with a text body."""
    return Response(status, text.encode(), {"content-type": content_type})
