"""API keys: for programs, with scopes and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from reference_server.api.people import KeyScope
from reference_server.data.models import ApiKeyRow
from reference_server.security.scope import SYSTEM, scoped
from tests.support.statements import recorded

if TYPE_CHECKING:
    from flask import Flask

    from tests.server.accounts.conftest import World
    from tests.server.conftest import Person


def new_key(person: Person, *scopes: str, **body: Any) -> Any:
    answer = person.post(
        "/api/users/api-keys", json={"name": "script", "scopes": list(scopes or ["instances:read"]), **body}
    )
    assert answer.status_code == 201, answer.text
    return answer.json


def use(world: World, key: str, path: str = "/api/instances", method: str = "GET", **options: Any) -> Any:
    return world.browser.open(path, method=method, headers={"Authorization": f"Bearer {key}"}, **options)


def test_a_key_is_shown_once_and_kept_as_a_digest(world: World, ann: Person) -> None:
    made = new_key(ann)
    assert made["key"].startswith("rsk_")
    (listed,) = ann.get("/api/users/api-keys").json["items"]
    assert "key" not in listed
    assert listed["hint"] == made["key"][:8]
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        row = work.session.query(ApiKeyRow).one()
        assert made["key"] not in repr(vars(row))
    assert made["key"] not in repr(world.audit())


def test_a_key_does_what_its_scopes_say_and_no_more(world: World, ann: Person) -> None:
    key = new_key(ann, "instances:read")["key"]
    assert use(world, key).status_code == 200
    refused = use(world, key, "/api/users/profile")
    assert refused.status_code == 403
    assert "profile:read" in refused.json["detail"]


def test_a_key_makes_no_keys_and_ends_no_sessions(world: World, ann: Person) -> None:
    key = new_key(ann, *get_args(KeyScope))["key"]
    body = {"name": "more", "scopes": ["instances:read"]}
    assert use(world, key, "/api/users/api-keys", "POST", json=body).status_code == 403
    assert use(world, key, "/api/auth/logout", "POST", json={"all": True}).status_code == 403
    assert use(world, key, f"/api/users/{ann.user.id}", "DELETE").status_code == 403


def test_an_administrators_key_administers_nothing(world: World, admin: Person) -> None:
    key = new_key(admin, *get_args(KeyScope))["key"]
    assert use(world, key, "/api/users").status_code == 403


def test_a_key_is_over_when_its_time_is(world: World, ann: Person) -> None:
    key = new_key(ann, expires_in_days=2)["key"]
    world.clock.advance(2 * 86_400 - 1)
    assert use(world, key).status_code == 200
    world.clock.advance(1)
    assert use(world, key).status_code == 401


def test_a_revoked_key_is_not_good(world: World, ann: Person) -> None:
    made = new_key(ann)
    assert ann.delete(f"/api/users/api-keys/{made['id']}").status_code == 204
    assert use(world, made["key"]).status_code == 401
    assert ann.delete(f"/api/users/api-keys/{made['id']}").status_code == 404
    assert [entry.action for entry in world.audit() if entry.subject_type == "api_key"] == [
        "api_key.create",
        "api_key.revoke",
    ]


def test_somebody_elses_key_is_answered_like_none(world: World, ann: Person, bob: Person) -> None:
    made = new_key(bob)
    assert ann.delete(f"/api/users/api-keys/{made['id']}").status_code == 404
    assert use(world, made["key"]).status_code == 200
    assert ann.get("/api/users/api-keys").json["items"] == []


def test_the_last_use_is_noted_once_a_minute(world: World, ann: Person) -> None:
    key = new_key(ann)["key"]

    def writes() -> int:
        with recorded(world.platform.database.engine) as sent:
            assert use(world, key).status_code == 200
        (listed,) = ann.get("/api/users/api-keys").json["items"]
        noted.append(listed["last_used_at"])
        return sum("SET last_used_at" in one.sql and "sessions" not in one.sql for one in sent)

    noted: list[str] = []
    for _ in range(3):
        writes()
        world.clock.advance(25)
    assert noted[0] == noted[1] == noted[2]
    world.clock.advance(25)
    writes()
    assert noted[3] > noted[0]


def test_an_account_has_fifty_keys_at_most(ann: Person) -> None:
    made = [new_key(ann) for _ in range(50)]
    answer = ann.post("/api/users/api-keys", json={"name": "k", "scopes": ["instances:read"]})
    assert (answer.status_code, answer.json["type"]) == (409, "urn:railway-saas:problem:too-many-keys")
    ann.delete(f"/api/users/api-keys/{made[0]['id']}")
    new_key(ann)
    page = ann.get("/api/users/api-keys?limit=50").json
    rest = ann.get(f"/api/users/api-keys?limit=50&cursor={page['next_cursor']}").json
    assert (len(page["items"]), len(rest["items"]), rest["next_cursor"]) == (50, 1, None)


def test_an_idempotency_key_makes_one_key(ann: Person) -> None:
    body = {"name": "script", "scopes": ["instances:read"]}
    answers = [
        ann.post("/api/users/api-keys", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert len(ann.get("/api/users/api-keys").json["items"]) == 1


def test_unknown_scopes_are_refused(ann: Person) -> None:
    answer = ann.post("/api/users/api-keys", json={"name": "k", "scopes": ["everything"]})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/scopes/0")


def test_every_scope_that_a_view_asks_for_can_be_given(app: Flask) -> None:
    asked = {getattr(view, "_reference_server_key_scope", None) for view in app.view_functions.values()}
    assert asked - {None} <= set(get_args(KeyScope))
