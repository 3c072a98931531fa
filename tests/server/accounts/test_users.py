"""Profiles, and accounts as administrators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.server.conftest import PASSWORD, Person, new_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.accounts.conftest import World


def put(person: Person, path: str, body: dict[str, Any]) -> Any:
    """A change of what is there now."""
    etag = person.get(path).headers["ETag"]
    return person.put(path, json=body, headers={"If-Match": etag})


def test_everybody_reads_and_changes_their_own_name(world: World, ann: Person) -> None:
    answer = put(ann, "/api/users/profile", {"name": "Ann Example"})
    assert (answer.status_code, answer.json["name"]) == (200, "Ann Example")
    assert answer.headers["ETag"] == ann.get(f"/api/users/{ann.user.id}").headers["ETag"]
    (entry,) = world.audit("user.profile")
    assert (entry.details["before"], entry.details["after"]) == ({"name": "ann"}, {"name": "Ann Example"})
    assert "on_behalf_of" not in entry.details["origin"]


def test_a_change_of_something_older_is_refused(ann: Person) -> None:
    for path in ("/api/users/profile", f"/api/users/{ann.user.id}"):
        etag = ann.get(path).headers["ETag"]
        assert put(ann, path, {"name": "Ann the Second"}).status_code == 200
        stale = ann.put(path, json={"name": "Ann the Third"}, headers={"If-Match": etag})
        assert stale.status_code == 412
        assert ann.put(path, json={"name": "Ann the Third"}).status_code == 428
        assert ann.get(path).json["name"] == "Ann the Second"
        put(ann, path, {"name": "ann"})


def test_an_answer_that_the_client_has_is_not_sent_again(ann: Person) -> None:
    etag = ann.get("/api/users/profile").headers["ETag"]
    assert ann.get("/api/users/profile", headers={"If-None-Match": etag}).status_code == 304


class TestAnotherAddress:
    def ask(self, person: Person, email: str, password: str = PASSWORD) -> Any:
        body = {"name": person.user.name, "email": email, "current_password": password}
        return put(person, "/api/users/profile", body)

    def test_holds_once_its_owner_follows_the_link(self, world: World, ann: Person) -> None:
        answer = self.ask(ann, "new@example.com")
        assert (answer.status_code, answer.json["email"]) == (200, "ann@example.com")
        token = world.link("verify_new_email", to="new@example.com")
        assert ann.post("/api/auth/verify-email", json={"token": token}).status_code == 204
        assert ann.get("/api/users/profile").json["email"] == "new@example.com"
        (mail,) = world.mails("email_changed")
        assert (mail["to"], mail["data"]["new_email"]) == ("ann@example.com", "new@example.com")
        assert world.log_in("new@example.com").status_code == 200
        assert world.log_in("ann@example.com").status_code == 401
        (entry,) = world.audit("user.email")
        assert "@" not in repr(entry.details["before"])

    def test_needs_the_password(self, world: World, ann: Person) -> None:
        assert self.ask(ann, "new@example.com", "a wrong password").status_code == 403
        answer = put(ann, "/api/users/profile", {"name": "ann", "email": "new@example.com"})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/current_password")
        assert not world.mails()

    def test_is_nothing_for_whoever_got_the_mail_by_a_typing_error(
        self, world: World, ann: Person, bob: Person
    ) -> None:
        self.ask(ann, "typo@example.com")
        token = world.link("verify_new_email")
        assert world.post("verify-email", {"token": token}).status_code == 401
        assert bob.post("/api/auth/verify-email", json={"token": token}).status_code == 401
        assert ann.post("/api/auth/verify-email", json={"token": token}).status_code == 204

    def test_is_asked_for_five_times_an_hour_whatever_strangers_ask_for(
        self, world: World, ann: Person
    ) -> None:
        for _ in range(5):
            world.post("forgot-password", {"email": "ann@example.com"})
        assert [self.ask(ann, f"new-{n}@example.com").status_code for n in range(5)] == [200] * 5
        assert len(world.mails("verify_new_email")) == 5
        refused = self.ask(ann, "new@example.com")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3600")

    def test_that_somebody_else_has_verified_meanwhile_stays_theirs(self, world: World, ann: Person) -> None:
        self.ask(ann, "new@example.com")
        token = world.link("verify_new_email")
        new_person(world.platform, world.app, "new@example.com")
        assert ann.post("/api/auth/verify-email", json={"token": token}).status_code == 422
        assert ann.get("/api/users/profile").json["email"] == "ann@example.com"

    def test_that_somebody_registered_and_never_verified_is_free(self, world: World, ann: Person) -> None:
        world.register("new@example.com")
        self.ask(ann, "new@example.com")
        token = world.link("verify_new_email")
        assert ann.post("/api/auth/verify-email", json={"token": token}).status_code == 204

    def test_is_off_when_the_password_is_changed(self, world: World, ann: Person) -> None:
        self.ask(ann, "new@example.com")
        token = world.link("verify_new_email")
        ann.post(
            "/api/auth/change-password",
            json={"current_password": PASSWORD, "password": "quite another passphrase"},
        )
        assert ann.post("/api/auth/verify-email", json={"token": token}).status_code == 422


class TestStrangers:
    def test_somebody_else_is_answered_like_nobody(self, ann: Person, bob: Person) -> None:
        for call in (ann.get, ann.delete):
            theirs, nobodys = (call(f"/api/users/{one}") for one in (bob.user.id, uuid4()))
            assert theirs.status_code == nobodys.status_code == 404
            assert theirs.json["detail"] == nobodys.json["detail"]
        answer = ann.put(f"/api/users/{bob.user.id}", json={"name": "x"}, headers={"If-Match": "*"})
        assert answer.status_code == 404
        assert bob.get("/api/users/profile").json["name"] == "bob"

    def test_nobody_gives_themselves_a_role_or_a_plan(self, ann: Person) -> None:
        for body in ({"role": "admin"}, {"plan": "pro"}):
            assert put(ann, f"/api/users/{ann.user.id}", body).status_code == 403

    def test_the_list_is_for_administrators(self, ann: Person) -> None:
        assert ann.get("/api/users").status_code == 403

    @pytest.mark.parametrize("path", ["/api/users", "/api/users/profile", "/api/users/api-keys"])
    def test_nobody_is_asked_to_log_in(self, world: World, path: str) -> None:
        assert world.browser.get(path).status_code == 401


class TestAdministrators:
    def test_list_everybody_page_by_page(self, admin: Person, ann: Person, bob: Person) -> None:
        first = admin.get("/api/users?limit=2").json
        second = admin.get(f"/api/users?limit=2&cursor={first['next_cursor']}").json
        emails = [one["email"] for one in (*first["items"], *second["items"])]
        assert emails == ["root@example.com", "ann@example.com", "bob@example.com"]
        assert "password_hash" not in first["items"][0]

    def test_filter(self, admin: Person, ann: Person, bob: Person) -> None:
        def emails(query: str) -> list[str]:
            return [one["email"] for one in admin.get(f"/api/users?{query}").json["items"]]

        assert emails("role=admin") == ["root@example.com"]
        assert emails("email=AN") == ["ann@example.com"]
        assert emails("email=%25") == []
        bob.delete(f"/api/users/{bob.user.id}")
        assert emails("closing=true") == ["bob@example.com"]
        assert emails("closing=false&role=user") == ["ann@example.com"]

    def test_a_cursor_of_another_list_is_refused(self, admin: Person, ann: Person, bob: Person) -> None:
        cursor = admin.get("/api/users?limit=1").json["next_cursor"]
        assert admin.get(f"/api/users?limit=1&role=user&cursor={cursor}").status_code == 422
        assert admin.get("/api/users?cursor=nonsense").status_code == 422

    def test_give_a_plan_and_the_log_says_for_whom(self, world: World, admin: Person, ann: Person) -> None:
        assert world.platform.manager  # the plan is what the manager counts with
        answer = put(admin, f"/api/users/{ann.user.id}", {"plan": "pro"})
        assert (answer.status_code, answer.json["plan"]) == (200, "pro")
        assert ann.get("/api/users/profile").json["plan"] == "pro"
        put(admin, f"/api/users/{ann.user.id}", {"plan": "free"})
        assert ann.get("/api/users/profile").json["plan"] == "free"
        entry = world.audit("user.plan")[0]
        assert (entry.actor, entry.user_id) == (str(admin.user.id), ann.user.id)
        assert entry.details["origin"]["on_behalf_of"] == str(ann.user.id)
        assert (entry.details["before"], entry.details["after"]) == ({"plan": "free"}, {"plan": "pro"})
        assert world.is_good(ann.token)

    def test_a_plan_that_does_not_exist_is_refused(self, admin: Person, ann: Person) -> None:
        answer = put(admin, f"/api/users/{ann.user.id}", {"plan": "gold"})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/plan")

    def test_give_a_role_which_ends_sessions_and_keys(self, world: World, admin: Person, ann: Person) -> None:
        key = ann.post("/api/users/api-keys", json={"name": "k", "scopes": ["profile:read"]}).json["key"]
        assert put(admin, f"/api/users/{ann.user.id}", {"role": "admin"}).json["role"] == "admin"
        assert not world.is_good(ann.token)
        headers = {"Authorization": f"Bearer {key}"}
        assert world.browser.get("/api/users/profile", headers=headers).status_code == 401
        ann.log_in()
        assert ann.get("/api/users").status_code == 200

    def test_the_last_one_cannot_be_demoted_or_removed(self, admin: Person, ann: Person) -> None:
        path = f"/api/users/{admin.user.id}"
        for answer in (put(admin, path, {"role": "user"}), admin.delete(path)):
            assert (answer.status_code, answer.json["type"]) == (409, "urn:railway-saas:problem:last-admin")
        put(admin, f"/api/users/{ann.user.id}", {"role": "admin"})
        assert put(admin, path, {"role": "user"}).status_code == 200
        assert admin.get("/api/users/profile").status_code == 401

    def test_an_unknown_user_is_not_found(self, admin: Person) -> None:
        assert admin.get(f"/api/users/{uuid4()}").status_code == 404
        assert admin.delete(f"/api/users/{uuid4()}").status_code == 404


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    """Row level security stands between: what a flow may not see there it does not find."""

    def test_profile_address_plan_and_role(
        self, world: World, admin: Person, ann: Person, another_browser: Callable[[Person], Person]
    ) -> None:
        assert put(ann, "/api/users/profile", {"name": "Ann Example"}).status_code == 200
        body = {"name": "Ann", "email": "new@example.com", "current_password": PASSWORD}
        assert put(ann, "/api/users/profile", body).status_code == 200
        token = world.link("verify_new_email")
        assert ann.post("/api/auth/verify-email", json={"token": token}).status_code == 204
        assert put(admin, f"/api/users/{ann.user.id}", {"plan": "pro"}).json["plan"] == "pro"
        assert ann.get("/api/users/profile").json["plan"] == "pro"
        assert put(admin, f"/api/users/{ann.user.id}", {"role": "admin"}).json["role"] == "admin"
        assert ann.get("/api/users/profile").status_code == 401

    def test_registering_keys_sessions_and_reset(self, world: World) -> None:
        world.register("new@example.com", name="New")
        world.register("new@example.com", name="New")
        tokens = world.follow(world.link("verify_email")).json
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        made = world.browser.post(
            "/api/users/api-keys", json={"name": "k", "scopes": ["profile:read"]}, headers=headers
        )
        assert made.status_code == 201
        by_key = {"Authorization": f"Bearer {made.json['key']}"}
        assert world.browser.get("/api/users/profile", headers=by_key).json["email"] == "new@example.com"
        assert world.refresh(tokens["refresh_token"]).status_code == 200
        assert world.refresh(tokens["refresh_token"]).status_code == 401
        world.post("forgot-password", {"email": "new@example.com"})
        body = {"token": world.link("reset_password"), "password": "quite another passphrase"}
        assert world.post("reset-password", body).status_code == 204
        assert world.log_in("new@example.com", "quite another passphrase").status_code == 200
        assert world.browser.get("/api/users/profile", headers=by_key).status_code == 401
        assert world.register("new@example.com").status_code == 202
        assert len(world.mails("already_registered")) == 1
