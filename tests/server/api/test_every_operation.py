"""Every operation of the document, tried with good and bad requests as everybody: schemathesis, all of its checks.

`SCHEMATHESIS_EXAMPLES` says how many requests each operation gets from each person (4 unless set), for a thorough run.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.openapi.checks import *  # noqa: F403 - loads the checks

from railway_saas.domain import new_id
from reference_server.data.models import SessionRow
from reference_server.security.scope import AUTH, scoped
from tests.server.api.conftest import Stage
from tests.server.conftest import new_person

if TYPE_CHECKING:
    from flask import Flask

    from reference_server.composition import Platform

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
STEPS = 5 if EXAMPLES < 50 else 20
CONFIG = {
    "seed": 20_260_301,
    "checks": {
        # What is well-formed may still not be meant: a cursor of another list, an unknown service, no If-Match.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "412", "413", "422", "428", "429", "503"]
        },
        "negative_data_rejection": {
            "expected-statuses": [
                "400",
                "401",
                "403",
                "404",
                "405",
                "409",
                "412",
                "413",
                "415",
                "422",
                "428",
                "429",
            ]
        },
        "missing_required_header": {"expected-statuses": ["4xx"]},
    },
}
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
NOT_TRIED = {"/metrics"}
"""Not JSON, not the API's."""


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {
        **environment,
        "RATE_LIMIT_API": "1000000 per second",
        "RATE_LIMIT_LOGIN": "1000000 per second",
        "STREAM_SECONDS": "0.000001",
    }


class People:
    """Who asks, and rows of each that nobody else may see."""

    def __init__(self, platform: Platform, app: Flask) -> None:
        self.platform = platform
        self.stage = Stage(platform)
        self.persons = {
            "user": new_person(platform, app, "ann@example.com"),
            "other": new_person(platform, app, "bob@example.com"),
            "admin": new_person(platform, app, "root@example.com", role="admin"),
        }
        self.templates = [self.stage.publish()]
        self.markers = {"user": "marker-of-ann", "other": "marker-of-bob"}
        self.instances = {name: self._plant(name) for name in self.markers}

    def _plant(self, name: str) -> list[str]:
        """An instance that runs and one that waits, with the marker wherever an owner can write."""
        person, marker = self.persons[name], self.markers[name]
        self.stage.give_plan(person)
        inputs = {"ADMIN_EMAIL": f"{marker}@example.com", "Web.API_TOKEN": marker}
        runs, waits = (
            self.stage.deploy(person, self.templates[0], f"{marker}-{number}", inputs=inputs)
            for number in range(2)
        )
        self.stage.settle(runs)
        person.put(
            f"/api/instances/{runs}/variables",
            {"variables": {"Web": {"PLAIN": marker}}},
            headers={"If-Match": "*"},
        )
        person.post(f"/api/instances/{runs}/domains", {"domain": f"{marker}.example.com"})
        person.put("/api/users/profile", {"name": marker}, headers={"If-Match": "*"})
        return [runs, waits]

    def headers(self, name: str) -> dict[str, str]:
        """A session that is good whatever the requests before have done."""
        if name == "nobody":
            return {}
        person, now = self.persons[name], self.platform.now()
        row = SessionRow(
            id=new_id(now),
            user_id=person.user.id,
            user_agent=None,
            address=None,
            created_at=now,
            expires_at=now.replace(year=now.year + 1),
            last_used_at=now,
            revoked_at=None,
            revoke_reason=None,
        )
        session_id = row.id
        with scoped(AUTH), self.platform.database.unit_of_work() as work:
            work.sessions.add(row)
            work.commit()
        return {"Authorization": f"Bearer {self.platform.access_tokens.issue(person.user.id, session_id)}"}

    def aim(self, case: Any, choice: random.Random) -> None:
        """Most paths at what is there: one's own, and somebody else's."""
        known = {
            "instance_id": [one for ids in self.instances.values() for one in ids],
            "template_id": self.templates,
            "number": [1],
            "domain": [f"{marker}.example.com" for marker in self.markers.values()],
        }
        for name, values in known.items():
            if name in (case.path_parameters or {}) and choice.random() < 0.8:
                case.path_parameters[name] = choice.choice(values)

    def hunt(self, name: str, text: str) -> None:
        for owner, marker in self.markers.items():
            if name not in {owner, "admin"}:
                assert marker not in text, f"{name} sees what is {owner}'s: {text[:500]}"


@pytest.fixture
def people(platform: Platform, app: Flask) -> People:
    return People(platform, app)


@pytest.mark.parametrize("name", ["nobody", "user", "other", "admin"])
def test_every_operation_answers_as_it_says_and_shows_nothing_of_anybody_else(
    people: People, app: Flask, name: str
) -> None:
    schema = schemathesis.openapi.from_wsgi(
        "/openapi.json", app, config=schemathesis.Config.from_dict(CONFIG)
    )
    choice, faults = random.Random(7), []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in NOT_TRIED:
            continue
        try:
            _try(operation, people, name, choice)
        except BaseExceptionGroup as fault:  # all operations are tried before any is told
            faults.append(f"{operation.label}: {fault}")
    assert not faults, "\n\n".join(faults)


def _try(operation: Any, people: People, name: str, choice: random.Random) -> None:
    headers = people.headers(name)

    @SETTINGS
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        people.aim(case, choice)
        answer = case.call_and_validate(
            headers=headers if _is_good(people, headers) else people.headers(name)
        )
        people.hunt(name, answer.text)

    ask()


def _is_good(people: People, headers: dict[str, str]) -> bool:
    from reference_server.api.authentication import find_principal

    authorization = headers.get("Authorization")
    return authorization is None or find_principal(people.platform, authorization) is not None


def test_what_one_operation_gives_another_one_takes(people: People, app: Flask) -> None:
    """Stateful: answers lead to requests by the links of the document."""
    schema = schemathesis.openapi.from_wsgi(
        "/openapi.json", app, config=schemathesis.Config.from_dict(CONFIG)
    )

    class Walk(schema.as_state_machine()):  # type: ignore[misc]
        headers: dict[str, str]

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            self.headers = people.headers("user")
            return {"headers": self.headers}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, headers=self.headers, recorder=self.recorder)
            people.hunt("user", response.text)

    Walk.run(settings=settings(SETTINGS, stateful_step_count=STEPS))


def test_the_markers_are_where_they_can_be_found(people: People) -> None:
    """The hunt above would find nothing where nothing was planted."""
    ann, (runs, _) = people.persons["user"], people.instances["user"]
    shown = [
        ann.get(path).text
        for path in (
            "/api/instances",
            "/api/instances/status",
            f"/api/instances/{runs}/variables",
            f"/api/instances/{runs}/domains",
        )
    ]
    assert all("marker-of-ann" in text for text in shown)
