"""Nobody learns which addresses have an account: not by the answer, not by its headers, not by what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reference_server.security.scope import SYSTEM, scoped
from tests.server.accounts.conftest import everything_sent
from tests.server.conftest import PASSWORD, Person, new_person

if TYPE_CHECKING:
    from tests.server.accounts.conftest import World

_OF_THIS_ANSWER_ONLY = {"X-Request-ID", "Date", "RateLimit-Remaining", "RateLimit-Reset"}


def whole(answer: Any) -> tuple[int, Any, dict[str, str]]:
    """Everything of an answer but what differs between any two."""
    body = {name: value for name, value in answer.json.items() if name != "request_id"}
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_THIS_ANSWER_ONLY}
    return answer.status_code, body, headers


@pytest.fixture
def people(world: World) -> dict[str, str]:
    """An address of every kind."""
    new_person(world.platform, world.app, "known@example.com")
    world.register("unverified@example.com")
    closing = new_person(world.platform, world.app, "closing@example.com")
    assert closing.delete(f"/api/users/{closing.user.id}").status_code == 204
    new_person(world.platform, world.app, "locked@example.com")
    for email in ("locked@example.com", "vacant@example.com"):
        for _ in range(10):
            world.log_in(email, "a wrong password")
    kinds = ("unknown", "known", "unverified", "closing", "locked", "vacant")
    return {kind: f"{kind}@example.com" for kind in kinds}


def test_registering_answers_everybody_alike(world: World, people: dict[str, str]) -> None:
    answers = {kind: whole(world.register(email)) for kind, email in people.items()}
    assert len({repr(answer) for answer in answers.values()}) == 1, answers
    assert answers["unknown"][0] == 202


def test_forgetting_the_password_answers_everybody_alike(world: World, people: dict[str, str]) -> None:
    answers = {kind: whole(world.post("forgot-password", {"email": email})) for kind, email in people.items()}
    assert len({repr(answer) for answer in answers.values()}) == 1, answers
    assert answers["unknown"][0] == 202


def test_every_refused_log_in_is_answered_alike(world: World, people: dict[str, str]) -> None:
    answers = {kind: whole(world.log_in(email, "a wrong password")) for kind, email in people.items()}
    right = {
        kind: whole(world.log_in(people[kind], PASSWORD)) for kind in ("unverified", "closing", "locked")
    }
    assert len({repr(answer) for answer in (*answers.values(), *right.values())}) == 1
    assert answers["unknown"][0] == 401


def test_every_path_of_a_log_in_asks_bcrypt_once(
    world: World, people: dict[str, str], bcrypts: list[str]
) -> None:
    for email in people.values():
        for password in ("a wrong password", PASSWORD, "x" * 100):
            bcrypts.clear()
            world.log_in(email, password)
            assert bcrypts == ["checkpw"], (email, password)


def test_every_path_of_registering_asks_bcrypt_once(
    world: World, people: dict[str, str], bcrypts: list[str]
) -> None:
    for email in people.values():
        bcrypts.clear()
        world.register(email)
        assert bcrypts == ["hashpw"], email


def test_where_the_password_is_right_but_refused_it_is_not_hashed_anew(
    world: World, people: dict[str, str], bcrypts: list[str]
) -> None:
    """It would take twice as long, and so tell that the password is right."""
    from reference_server.security.passwords import Passwords

    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        found = work.users.find_by_email(people["locked"])
        assert found is not None
        work.users.save(found[0].id, password_hash=Passwords(5).hash(PASSWORD))
        work.commit()
    bcrypts.clear()
    assert world.log_in(people["locked"]).status_code == 401
    assert bcrypts == ["checkpw"]


def test_the_database_is_asked_as_much_whoever_is_meant(world: World, people: dict[str, str]) -> None:
    """bcrypt drowns the rest, but resetting has no bcrypt: statements are counted, those that are taken back included."""

    def cost(path: str, **body: str) -> int:
        with everything_sent(world.platform) as sent:
            world.post(path, body)
        return len(sent)

    for path, more in (
        ("register", {"password": PASSWORD, "name": "Ann"}),
        ("forgot-password", {}),
        ("login", {"password": "a wrong password"}),
    ):
        first = {kind: cost(path, email=email, **more) for kind, email in people.items()}
        assert len(set(first.values())) == 1, (path, first)
    for _ in range(7):  # until nobody gets mails any more
        again = {kind: cost("forgot-password", email=email) for kind, email in people.items()}
        assert len(set(again.values())) == 1, again


@pytest.mark.usefixtures("postgres_environment")
def test_requests_for_one_address_wait_for_each_other_whether_it_has_an_account_or_not(world: World) -> None:
    """Several at once would tell otherwise: only a row that is there can be held."""
    new_person(world.platform, world.app, "known@example.com")
    held: dict[str, list[str]] = {}
    for email in ("known@example.com", "unknown@example.com"):
        with everything_sent(world.platform) as sent:
            world.post("forgot-password", {"email": email})
        asked = [sql for sql in sent if "users" in sql or "advisory" in sql]
        held[email] = [("advisory" if "pg_advisory_xact_lock" in sql else "users") for sql in asked]
    assert held["known@example.com"][0] == held["unknown@example.com"][0] == "advisory"


def test_registering_again_and_again_costs_as_much_whoever_is_meant(
    world: World, people: dict[str, str]
) -> None:
    world.register(people["unknown"])
    world.register(people["vacant"])
    for _ in range(7):
        costs = {}
        for kind, email in people.items():
            with everything_sent(world.platform) as sent:
                world.register(email)
            costs[kind] = len(sent)
        assert len(set(costs.values())) == 1, costs


def test_the_failure_that_locks_costs_as_much_for_an_address_that_nobody_has(
    world: World, ann: Person
) -> None:
    costs = []
    for email in ("ann@example.com", "nobody@example.com"):
        for _ in range(9):
            world.log_in(email, "a wrong password")
        with everything_sent(world.platform) as sent:
            world.log_in(email, "a wrong password")
        costs.append(len(sent))
    assert costs[0] == costs[1]


def test_asking_for_somebody_elses_address_is_answered_like_any_other(
    world: World, ann: Person, bob: Person
) -> None:
    answers = []
    for email in ("bob@example.com", "nobody@example.com"):
        profile = ann.get("/api/users/profile")
        answer = ann.put(
            "/api/users/profile",
            json={"name": "ann", "email": email, "current_password": PASSWORD},
            headers={"If-Match": profile.headers["ETag"]},
        )
        body = {name: value for name, value in answer.json.items() if name != "updated_at"}
        answers.append((answer.status_code, body, sorted(answer.headers.keys())))
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert world.mails("already_registered")[0]["to"] == "bob@example.com"
    assert world.mails("verify_new_email")[0]["to"] == "nobody@example.com"
