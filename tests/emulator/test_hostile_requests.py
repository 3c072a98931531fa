"""Requests that are made to hurt are refused quickly, and harm nobody else."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from railway_saas.emulator import Emulator, Request
from railway_saas.emulator.asgi import make_app
from railway_saas.emulator.engine import KEPT_CHARACTERS, Engine
from railway_saas.emulator.messages import MAXIMUM_BODY


def post(emulator: Emulator, body: bytes) -> tuple[int, str]:
    headers = {"authorization": f"Bearer {emulator.api_token}", "content-type": "application/json"}
    answer = emulator.handle(Request("POST", "/graphql/v2", "source=test", headers, body))
    return answer.status, answer.body.decode()


def query(emulator: Emulator, text: str) -> tuple[int, str]:
    return post(emulator, json.dumps({"query": text}).encode())


@pytest.mark.parametrize("levels", [30, 60, 200])
def test_fragments_that_double_with_every_level_are_answered_at_once(levels: int) -> None:
    spreads = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    text = f"{{ ...F0 }} {spreads} fragment F{levels} on Query {{ regions {{ name }} }}"
    status, body = query(Emulator(), text)
    assert status in {200, 400}
    assert body


def test_fragments_in_a_circle_are_refused() -> None:
    status, body = query(Emulator(), "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")
    assert status == 400
    assert "GRAPHQL_VALIDATION_FAILED" in body


def test_a_wide_document_of_equal_fields_is_given_up() -> None:
    status, body = query(Emulator(), "{" + "me { id } " * 1000 + "}")
    assert status == 400
    assert "Validation aborted" in body


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"query":' + b"[" * 100_000])
def test_json_that_is_nested_without_end_is_refused(body: bytes) -> None:
    assert post(Emulator(), body)[0] == 400


def test_half_a_character_is_refused_and_spoils_no_later_answer() -> None:
    emulator = Emulator()
    variables = '{"input": {"name": "\\ud800"}}'
    text = "mutation M($input: ProjectCreateInput!) { projectCreate(input: $input) { id name } }"
    assert post(emulator, f'{{"query": {json.dumps(text)}, "variables": {variables}}}'.encode())[0] == 400
    assert query(emulator, "{ projects { edges { node { name } } } }")[0] == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    body = f'{{"query": "{{ __typename }}", "variables": {{"n": {number}}}}}'
    assert post(Emulator(), body.encode())[0] == 400


def test_half_a_character_in_a_document_is_a_syntax_error() -> None:
    text = 'mutation { projectCreate(input: {name: "\\ud83d"}) { id } }'
    status, body = query(Emulator(), text)
    assert status == 400
    assert "GRAPHQL_PARSE_FAILED" in body


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"kind": "drop", "message": "\\ud800"}'])
def test_control_requests_are_read_with_the_same_care(body: bytes) -> None:
    emulator = Emulator()
    assert emulator.handle(Request("POST", "/_emulator/faults", body=body)).status == 400
    assert emulator.handle(Request("GET", "/_emulator/faults")).json() == {"faults": []}


def test_documents_are_kept_up_to_a_size_not_only_up_to_a_number() -> None:
    engine = Engine(Emulator().world.ids)
    short = engine.prepare("{ __typename }")
    assert engine.prepare("{ __typename }") is short
    long = [f"{{ __typename }} # {n}" + "x" * (KEPT_CHARACTERS // 2) for n in range(3)]
    kept = [engine.prepare(text) for text in long]
    assert engine.prepare(long[2]) is kept[2]
    assert engine.prepare(long[0]) is not kept[0]
    assert engine.prepare("{ __typename }") is not short


def test_a_body_without_end_is_not_read_to_its_end() -> None:
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    with Emulator().serve() as server, socket.create_connection((server.host, server.port), 10) as wire:
        wire.sendall(b"POST /graphql/v2?x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r".+"):
            wire.sendall(chunk * 1000)


def test_a_body_that_is_too_long_is_refused_before_all_of_it_came() -> None:
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    with Emulator().serve() as server, socket.create_connection((server.host, server.port), 10) as wire:
        wire.sendall(b"POST /graphql/v2?x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(MAXIMUM_BODY // 65536):
            wire.sendall(chunk)
        wire.sendall(b"1\r\na\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_failure() -> None:
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = {"type": "http", "method": "POST", "path": "/graphql/v2", "query_string": b"", "headers": []}
    emulator = Emulator()
    await make_app(emulator)(scope, receive, send)
    assert emulator.requests.count == 0


def test_a_binary_frame_is_answered_with_a_code() -> None:
    with (
        Emulator().serve() as server,
        connect(server.ws_endpoint, subprotocols=[Subprotocol("graphql-transport-ws")]) as wire,
    ):
        wire.send(b"\xff\x00")
        with pytest.raises(ConnectionClosed) as caught:
            wire.recv(timeout=10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 4400
