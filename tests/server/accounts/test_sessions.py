"""Sessions: refresh tokens that are good once, logging out, and who else is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.accounts.conftest import World
    from tests.server.conftest import Person


def test_a_refresh_token_gives_new_tokens(world: World, ann: Person) -> None:
    first = world.log_in("ann@example.com").json
    second = world.refresh(first["refresh_token"])
    assert second.status_code == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert world.is_good(second.json["access_token"])
    assert world.refresh(second.json["refresh_token"]).status_code == 200


def test_one_that_comes_again_ends_its_session_and_its_owner_is_told(world: World, ann: Person) -> None:
    first = world.log_in("ann@example.com").json
    second = world.refresh(first["refresh_token"]).json
    replayed = world.refresh(first["refresh_token"])
    assert replayed.status_code == 401
    assert not world.is_good(second["access_token"])
    assert world.refresh(second["refresh_token"]).status_code == 401
    (mail,) = world.mails("session_reused")
    assert mail["to"] == "ann@example.com"
    (entry,) = world.audit("auth.refresh_reused")
    assert entry.user_id == ann.user.id
    assert world.is_good(ann.token)  # another log-in is another family


def test_what_is_no_refresh_token_is_answered_like_one_that_is_over(world: World, ann: Person) -> None:
    old = world.log_in("ann@example.com").json["refresh_token"]
    world.clock.advance(30 * 86_400)
    answers = [world.refresh(token) for token in (old, "rsr_never-given", "x")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json["detail"] for answer in answers}) == 1


def test_a_session_lasts_ninety_days_at_most_however_often_it_is_refreshed(world: World, ann: Person) -> None:
    tokens = world.log_in("ann@example.com").json
    for _ in range(4):
        world.clock.advance(22 * 86_400)
        answer = world.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        tokens = answer.json
    world.clock.advance(2 * 86_400)
    assert world.refresh(tokens["refresh_token"]).status_code == 401


def test_logging_out_ends_the_access_token_at_once(
    world: World, ann: Person, another_browser: Callable[[Person], Person]
) -> None:
    other = another_browser(ann)
    assert ann.post("/api/auth/logout", json={}).status_code == 204
    assert not world.is_good(ann.token)
    assert world.is_good(other.token)


def test_logging_out_everywhere_ends_all(
    world: World, ann: Person, bob: Person, another_browser: Callable[[Person], Person]
) -> None:
    other = another_browser(ann)
    assert ann.post("/api/auth/logout", json={"all": True}).status_code == 204
    assert not world.is_good(other.token)
    assert world.is_good(bob.token)


def test_everybody_sees_their_own_sessions_page_by_page(
    ann: Person, bob: Person, another_browser: Callable[[Person], Person]
) -> None:
    other = another_browser(ann)
    first = ann.get("/api/auth/sessions?limit=1").json
    second = ann.get(f"/api/auth/sessions?limit=1&cursor={first['next_cursor']}").json
    assert [one["is_current"] for one in (*first["items"], *second["items"])] == [True, False]
    assert second["next_cursor"] is None
    assert first["items"][0]["address"] == "127.0.0.1"
    assert other.get("/api/auth/sessions").json["items"][1]["is_current"]


def test_a_session_can_be_ended_from_another(
    world: World, ann: Person, another_browser: Callable[[Person], Person]
) -> None:
    other = another_browser(ann)
    (session,) = (one for one in ann.get("/api/auth/sessions").json["items"] if not one["is_current"])
    assert ann.delete(f"/api/auth/sessions/{session['id']}").status_code == 204
    assert not world.is_good(other.token)
    assert ann.delete(f"/api/auth/sessions/{session['id']}").status_code == 404


def test_somebody_elses_session_is_answered_like_none(world: World, ann: Person, bob: Person) -> None:
    bobs = bob.get("/api/auth/sessions").json["items"][0]["id"]
    theirs = ann.delete(f"/api/auth/sessions/{bobs}")
    nobodys = ann.delete(f"/api/auth/sessions/{ann.user.id}")
    assert (theirs.status_code, theirs.json["detail"]) == (nobodys.status_code, nobodys.json["detail"])
    assert theirs.status_code == 404
    assert world.is_good(bob.token)


def test_a_role_that_was_taken_counts_at_the_next_request(world: World, admin: Person, ann: Person) -> None:
    from reference_server.security.scope import SYSTEM, scoped

    assert admin.get("/api/users").status_code == 200
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        work.users.save(admin.user.id, role="user")
        work.commit()
    assert admin.get("/api/users").status_code == 403
