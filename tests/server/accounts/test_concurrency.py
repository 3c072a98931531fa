"""Two at the same moment, on PostgreSQL: exactly one has it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reference_server.accounts import SessionOverError
from reference_server.api.authentication import find_principal
from reference_server.security.scope import SYSTEM, scoped
from tests.server.conftest import PASSWORD, new_person
from tests.support.together import all_sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.accounts.conftest import World
    from tests.server.conftest import Person

pytestmark = pytest.mark.usefixtures("postgres_environment")


def statuses(calls: list[Callable[[], Any]]) -> Counter[int]:
    return Counter(answer.status_code for answer in all_sync(calls))


def test_two_follow_one_link(world: World) -> None:
    world.register("new@example.com")
    token = world.link("verify_email")
    both = [lambda: world.follow(token)] * 4
    assert statuses(both) == {200: 1, 422: 3}
    assert len(world.audit("auth.verify_email")) == 1


def test_two_links_of_one_address_are_followed_at_once(world: World) -> None:
    links = []
    for name in ("Ann", "Mallory"):
        world.register("new@example.com", name=name)
        links.append(world.link("verify_email"))
    calls = [lambda token=token: world.follow(token) for token in links]
    assert statuses(calls) == {200: 1, 422: 1}


def test_two_refresh_with_one_token(world: World, ann: Person) -> None:
    """Strict: whoever is second ends the session, for who it is cannot be told."""
    token = world.log_in("ann@example.com").json["refresh_token"]
    answers = all_sync([lambda: world.refresh(token)] * 4)
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) <= 1
    assert all(answer.status_code in {200, 401} for answer in answers)
    assert all(not world.is_good(answer.json["access_token"]) for answer in good)
    assert len(world.mails("session_reused")) == 1
    assert len(world.audit("auth.refresh_reused")) == 1


def test_one_address_is_registered_several_times_at_once(world: World) -> None:
    assert statuses([lambda: world.register("new@example.com")] * 4) == {202: 4}
    assert len(world.mails("verify_email")) == 4
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        assert len(work.users.list_page(email="new@example.com")) == 1


def test_two_reset_by_one_link(world: World, ann: Person) -> None:
    world.post("forgot-password", {"email": "ann@example.com"})
    token = world.link("reset_password")
    body = {"token": token, "password": "quite another passphrase"}
    assert statuses([lambda: world.post("reset-password", body)] * 3) == {204: 1, 422: 2}


def test_guesses_at_once_are_all_counted(world: World, ann: Person) -> None:
    """Fifteen guesses in flight: once ten are counted, the right one is refused as well."""
    wrong = [lambda: world.log_in("ann@example.com", "a wrong password")] * 8
    assert statuses(wrong) == {401: 8}
    assert statuses([lambda: world.log_in("ann@example.com", "a wrong password")] * 7) == {401: 7}
    assert world.log_in("ann@example.com", PASSWORD).status_code == 401
    assert len(world.mails("account_locked")) == 1
    assert len(world.audit("auth.login_failed")) == 16


def test_two_administrators_demote_each_other(world: World, admin: Person) -> None:
    other = new_person(world.platform, world.app, "other@example.com", role="admin")

    def demote(who: Person, whom: Person) -> Any:
        path = f"/api/users/{whom.user.id}"
        return who.put(path, json={"role": "user"}, headers={"If-Match": "*"})

    found = statuses([lambda: demote(admin, other), lambda: demote(other, admin)])
    assert found[200] == 1
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        assert work.users.count_by_role()["admin"] == 1


def test_keys_made_at_once_are_counted_one_after_the_other(world: World, ann: Person) -> None:
    body = {"name": "k", "scopes": ["instances:read"]}
    for _ in range(48):
        ann.post("/api/users/api-keys", json=body)
    assert statuses([lambda: ann.post("/api/users/api-keys", json=body)] * 5) == {201: 2, 409: 3}


def test_no_key_is_made_by_a_session_that_a_reset_has_just_ended(world: World, ann: Person) -> None:
    seen = find_principal(world.platform, f"Bearer {ann.token}")
    assert seen is not None
    world.post("forgot-password", {"email": ann.user.email})
    reset = {"token": world.link("reset_password"), "password": "another battery staple"}
    assert world.post("reset-password", reset).status_code == 204
    with pytest.raises(SessionOverError):
        world.platform.accounts.create_api_key(
            seen, name="thief", scopes=["instances:read"], lifetime=timedelta(days=1)
        )
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        assert work.api_keys.count_live(ann.user.id, now=world.platform.now()) == 0
