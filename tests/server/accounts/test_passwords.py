"""Passwords: forgotten, reset, changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bcrypt
import pytest

from reference_server.security.passwords import Passwords, unfit, unfit_for
from tests.server.conftest import PASSWORD, Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.accounts.conftest import World

OTHER = "quite another passphrase"


def reset(world: World, password: str = OTHER) -> int:
    answer = world.post("reset-password", {"token": world.link("reset_password"), "password": password})
    return int(answer.status_code)


def test_who_forgot_the_password_gets_a_link_to_another_one(world: World, ann: Person) -> None:
    assert world.post("forgot-password", {"email": "Ann@example.com"}).status_code == 202
    (mail,) = world.mails("reset_password")
    assert mail["to"] == "ann@example.com"
    assert reset(world) == 204
    assert world.log_in("ann@example.com", OTHER).status_code == 200
    assert world.log_in("ann@example.com", PASSWORD).status_code == 401
    assert world.mails("password_changed")[0]["to"] == "ann@example.com"
    assert world.audit("auth.password_reset")[0].details["sessions_ended"] == 1


def test_a_reset_ends_every_session_and_every_key(world: World, ann: Person) -> None:
    key = ann.post("/api/users/api-keys", json={"name": "k", "scopes": ["profile:read"]}).json["key"]
    world.post("forgot-password", {"email": "ann@example.com"})
    reset(world)
    assert not world.is_good(ann.token)
    answer = world.browser.get("/api/users/profile", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401


def test_a_link_is_good_once_for_an_hour_and_for_its_purpose_only(world: World, ann: Person) -> None:
    world.post("forgot-password", {"email": "ann@example.com"})
    assert world.post("verify-email", {"token": world.link("reset_password")}).status_code == 422
    assert reset(world) == 204
    assert reset(world) == 422
    world.post("forgot-password", {"email": "ann@example.com"})
    world.clock.advance(3600)
    assert reset(world) == 422
    world.register("new@example.com")
    answer = world.post("reset-password", {"token": world.link("verify_email"), "password": OTHER})
    assert answer.status_code == 422


def test_a_link_that_went_to_the_address_that_was_is_good_for_nothing(world: World, ann: Person) -> None:
    """Whoever reads the old mailbox must not get in by what they asked for before."""
    world.post("forgot-password", {"email": "ann@example.com"})
    seen = ann.get("/api/users/profile").headers["ETag"]
    body = {"name": "Ann", "email": "new@example.com", "current_password": PASSWORD}
    assert (
        ann.browser.put(
            "/api/users/profile",
            json=body,
            headers={"Authorization": f"Bearer {ann.token}", "If-Match": seen},
        ).status_code
        == 200
    )
    token = world.link("verify_new_email")
    assert ann.post("/api/auth/verify-email", json={"token": token}).status_code == 204
    assert reset(world) == 422
    assert world.log_in("new@example.com", PASSWORD).status_code == 200


@pytest.mark.parametrize("rounds", [4, 5, 7])
@pytest.mark.parametrize("password", [PASSWORD, "a wrong password"])
def test_a_hash_of_a_lower_cost_takes_as_long_as_none(
    monkeypatch: pytest.MonkeyPatch, rounds: int, password: str
) -> None:
    hashed, now = Passwords(rounds).hash(PASSWORD), Passwords(7)
    spent: list[int] = []
    hashpw, checkpw = bcrypt.hashpw, bcrypt.checkpw

    def hash_noted(plain: bytes, salt: bytes) -> bytes:
        spent.append(2 ** int(salt.split(b"$")[2]))
        return hashpw(plain, salt)

    def check_noted(plain: bytes, known: bytes) -> bool:
        spent.append(2 ** int(known.split(b"$")[2]))
        return checkpw(plain, known)

    monkeypatch.setattr(bcrypt, "hashpw", hash_noted)
    monkeypatch.setattr(bcrypt, "checkpw", check_noted)
    assert now.verify(password, hashed) is (password == PASSWORD)
    with_hash = sum(spent)
    spent.clear()
    assert not now.verify(password, None)
    assert with_hash == sum(spent) == 2**7


def test_using_one_link_ends_the_others(world: World, ann: Person) -> None:
    world.post("forgot-password", {"email": "ann@example.com"})
    earlier = world.link("reset_password")
    world.post("forgot-password", {"email": "ann@example.com"})
    assert reset(world) == 204
    assert world.post("reset-password", {"token": earlier, "password": OTHER}).status_code == 422


def test_a_password_that_breaks_a_rule_leaves_the_link_good(world: World, ann: Person) -> None:
    world.post("forgot-password", {"email": "ann@example.com"})
    assert reset(world, "ann@example.com") == 422
    assert reset(world) == 204


def test_changing_the_password_ends_the_other_sessions_and_spares_keys(
    world: World, ann: Person, another_browser: Callable[[Person], Person]
) -> None:
    other = another_browser(ann)
    key = ann.post("/api/users/api-keys", json={"name": "k", "scopes": ["profile:read"]}).json["key"]
    body = {"current_password": PASSWORD, "password": OTHER}
    assert ann.post("/api/auth/change-password", json=body).status_code == 204
    assert world.is_good(ann.token)
    assert not world.is_good(other.token)
    headers = {"Authorization": f"Bearer {key}"}
    assert world.browser.get("/api/users/profile", headers=headers).status_code == 200
    assert world.log_in("ann@example.com", OTHER).status_code == 200
    assert len(world.mails("password_changed")) == 1

    body = {"current_password": OTHER, "password": PASSWORD, "revoke_api_keys": True}
    assert ann.post("/api/auth/change-password", json=body).status_code == 204
    assert world.browser.get("/api/users/profile", headers=headers).status_code == 401


def test_a_stolen_session_does_not_guess_the_password(world: World, ann: Person) -> None:
    wrong = {"current_password": "a wrong password", "password": OTHER}
    for _ in range(10):
        answer = ann.post("/api/auth/change-password", json=wrong)
        assert answer.status_code == 403
        assert answer.json["type"].endswith(":wrong-password")
    right = {"current_password": PASSWORD, "password": OTHER}
    assert ann.post("/api/auth/change-password", json=right).status_code == 403
    assert world.log_in("ann@example.com").status_code == 401
    assert len(world.mails("account_locked")) == 1


def test_the_new_password_must_not_be_ones_own_address(ann: Person) -> None:
    body = {"current_password": PASSWORD, "password": "ann@example.com"}
    answer = ann.post("/api/auth/change-password", json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/password")


@pytest.mark.parametrize(
    "password",
    [
        "password12",
        "Password2024!",
        "passwordpassword",
        "qwertyuiop",
        "1234567890",
        "0987654321",
        "20240131133",
        "aaaaaaaaaaaa",
        "abababababab",
        "abcdefghijkl",
        "letmein!!!!!",
        "iloveyou1234",
        "sunshine....",
        "administrator",
        "correcthorsebatterystaple",
        "qazwsxedcrfv",
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    assert unfit(password)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "four words in a row",
        "Tr0ub4dor&3xyz",
        "9f8e7d6c5b4a",
        "ünïcödé-påss",
        "sunshine over kraków",
    ],
)
def test_what_is_not_is_taken(password: str) -> None:
    assert unfit(password) is None


@pytest.mark.parametrize(
    "password", ["annabel lee", "Annabel.Lee99", "eel lebanna 1", "annabel@lee.example", "annabellee1999"]
)
def test_nobody_is_their_own_password(password: str) -> None:
    assert unfit_for(password, email="annabel@lee.example", name="Annabel Lee")


def test_a_short_name_may_be_part_of_a_password() -> None:
    assert unfit_for("an unlikely one", email="a@b.example", name="An") is None
