"""Requests that are made to hurt are refused quickly, and harm nobody else."""

from __future__ import annotations

import json

import pytest

from railway_saas.emulator import Emulator, Request


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


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"query":' + b"[" * 100_000])
def test_json_that_is_nested_without_end_is_refused(body: bytes) -> None:
    assert post(Emulator(), body)[0] == 400


def test_half_a_character_is_refused_and_spoils_no_later_answer() -> None:
    emulator = Emulator()
    variables = '{"input": {"name": "\\ud800"}}'
    text = "mutation M($input: ProjectCreateInput!) { projectCreate(input: $input) { id name } }"
    assert post(emulator, f'{{"query": {json.dumps(text)}, "variables": {variables}}}'.encode())[0] == 400
    assert query(emulator, "{ projects { edges { node { name } } } }")[0] == 200
