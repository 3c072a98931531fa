"""Nobody wins by doing something else: all contenders give the same answers to the same requests."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from benchmarks.serving.population import Owner, People

LOOKED_AT = 3
"""Owners whose instances are compared one by one."""
_OF_ITS_OWN = frozenset({"id", "instance_id", "access_token", "refresh_token", "links"})
"""Parts of answers to writes that are never the same twice."""


class DisagreementError(AssertionError):
    """Two contenders answer differently."""


def check_agreement(contenders: Mapping[str, httpx.Client], people: People) -> int:
    """Ask all of them the same; how many answers were compared.

    Raises:
        DisagreementError: Two answers differ.
    """
    answers = {name: list(_answers(client, people)) for name, client in contenders.items()}
    (first, expected), *others = answers.items()
    for name, found in others:
        for (asked, theirs), (_, other) in zip(expected, found, strict=True):
            if other != theirs:
                raise DisagreementError(
                    f"{asked}: {first} answers {_shown(theirs)}, {name} answers {_shown(other)}"
                )
    return len(expected)


def _answers(client: httpx.Client, people: People) -> Iterator[tuple[str, object]]:
    """What was asked, and status and body of the answer."""
    for owner in people.readers[:LOOKED_AT]:
        yield from _reads(client, owner)
    yield from _refusals(client, people)
    yield from _writes(client, people)


def _reads(client: httpx.Client, owner: Owner) -> Iterator[tuple[str, object]]:
    paths = [f"/api/instances/{one}" for one in owner.instances]
    for path in (*paths, "/api/instances?limit=20", "/api/instances/status", "/api/templates"):
        answer = client.get(path, headers=_who(owner))
        yield f"GET {path}", (answer.status_code, answer.json())
        _expect(answer, HTTPStatus.OK)


def _refusals(client: httpx.Client, people: People) -> Iterator[tuple[str, object]]:
    somebody, other = people.readers[:2]
    foreign = f"/api/instances/{other.instances[0]}"
    for headers, status in ((_who(somebody), HTTPStatus.NOT_FOUND), ({}, HTTPStatus.UNAUTHORIZED)):
        answer = client.get(foreign, headers=headers)
        yield f"GET {foreign}, which may not be seen", answer.status_code
        _expect(answer, status)


def _writes(client: httpx.Client, people: People) -> Iterator[tuple[str, object]]:
    body = {"email": people.readers[0].email, "password": people.password}
    answer = client.post("/api/auth/login", json=body)
    yield "POST /api/auth/login", (answer.status_code, _without_its_own(answer.json()))
    _expect(answer, HTTPStatus.OK)
    answer = client.post("/api/auth/login", json={**body, "password": "another one"})
    yield "POST /api/auth/login, wrong password", answer.status_code
    _expect(answer, HTTPStatus.UNAUTHORIZED)
    yield from _deploys(client, people)


def _deploys(client: httpx.Client, people: People) -> Iterator[tuple[str, object]]:
    """Twice the same, then something that cannot be deployed."""
    headers = {**_who(people.deployers[0]), "Idempotency-Key": str(uuid4())}
    body = {"template_id": people.template_id, "name": f"shop-{uuid4()}", "inputs": dict(people.inputs)}
    first, second = (client.post("/api/instances", json=body, headers=headers) for _ in range(2))
    yield "POST /api/instances", (first.status_code, _without_its_own(first.json()))
    _expect(first, HTTPStatus.ACCEPTED)
    yield "POST /api/instances again", (second.status_code, second.json() == first.json())
    instance = client.get(f"/api/instances/{first.json()['instance_id']}", headers=headers).json()
    changing = {"id", "user_id", "name", "created_at", "updated_at"}
    yield "what was deployed", {name: value for name, value in instance.items() if name not in changing}
    headers["Idempotency-Key"] = str(uuid4())
    answer = client.post("/api/instances", json={**body, "name": "bad", "inputs": {}}, headers=headers)
    yield "POST /api/instances without its inputs", answer.status_code
    _expect(answer, HTTPStatus.UNPROCESSABLE_ENTITY)


def _who(owner: Owner) -> dict[str, str]:
    return {"Authorization": f"Bearer {owner.token}"}


def _without_its_own(body: dict[str, Any]) -> dict[str, Any]:
    return {name: type(value).__name__ if name in _OF_ITS_OWN else value for name, value in body.items()}


def _expect(answer: httpx.Response, status: HTTPStatus) -> None:
    if answer.status_code != status:
        raise DisagreementError(
            f"{answer.request.method} {answer.request.url}: {answer.status_code} instead of {int(status)}: {answer.text[:500]}"
        )


def _shown(answer: object) -> str:
    return json.dumps(answer, default=str)[:1_500]
