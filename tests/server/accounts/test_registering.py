"""From nobody to somebody: register, follow the link, be logged in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reference_server.security.scope import AUTH, SYSTEM, scoped
from tests.server.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.server.accounts.conftest import World
    from tests.server.conftest import Person


def test_who_follows_the_link_of_the_mail_is_logged_in(world: World) -> None:
    answer = world.register("New@Example.com", name="New Person")
    assert answer.status_code == 202
    (mail,) = world.mails()
    assert (mail["to"], mail["template"]) == ("new@example.com", "verify_email")
    assert mail["data"]["name"] == "New Person"
    assert mail["data"]["link"].startswith("http://127.0.0.1:8000/verify-email?token=rsl_")

    tokens = world.follow(world.link("verify_email"))
    assert tokens.status_code == 200
    assert world.is_good(tokens.json["access_token"])
    profile = world.browser.get(
        "/api/users/profile", headers={"Authorization": f"Bearer {tokens.json['access_token']}"}
    ).json
    assert (profile["email"], profile["name"], profile["role"], profile["plan"]) == (
        "new@example.com",
        "New Person",
        "user",
        "free",
    )
    assert world.log_in("new@example.com").status_code == 200
    assert [entry.action for entry in world.audit()] == ["auth.register", "auth.verify_email", "auth.login"]


def test_before_the_link_is_followed_nobody_can_log_in(world: World) -> None:
    world.register("new@example.com")
    assert world.log_in("new@example.com").status_code == 401


def test_a_link_is_good_once(world: World) -> None:
    world.register("new@example.com")
    token = world.link("verify_email")
    assert world.follow(token).status_code == 200
    assert world.follow(token).status_code == 422


def test_a_link_is_good_for_a_day(world: World) -> None:
    world.register("new@example.com")
    world.clock.advance(24 * 3600)
    answer = world.follow(world.link("verify_email"))
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/token"


def test_the_password_shows_which_registration_is_meant_whoevers_link_is_followed(world: World) -> None:
    world.register("new@example.com", password="the first passphrase", name="Ann")
    world.register("new@example.com", password="the second passphrase", name="Mallory")
    assert len(world.mails("verify_email")) == 2
    mallorys = world.link("verify_email")
    assert world.follow(mallorys, "the first passphrase").status_code == 200
    assert world.log_in("new@example.com", "the first passphrase").status_code == 200
    assert world.log_in("new@example.com", "the second passphrase").status_code == 401


def test_a_stranger_cannot_use_up_somebodys_links(world: World) -> None:
    for number in range(7):
        world.register("new@example.com", password=f"mallorys passphrase {number}", name="Mallory")
    assert world.register("new@example.com", name="Ann").status_code == 202
    assert len(world.mails("verify_email")) == 5
    assert world.follow(world.link("verify_email")).status_code == 200
    assert world.log_in("new@example.com").status_code == 200


def test_ones_own_link_is_good_though_a_stranger_registered_the_address_ten_times_since(world: World) -> None:
    world.register("new@example.com")
    own = world.link("verify_email")
    for number in range(12):
        world.register("new@example.com", password=f"a stranger's passphrase {number}")
    assert world.follow(own).status_code == 200


def test_a_strangers_registration_does_not_keep_an_administrator_from_being_made(world: World) -> None:
    world.register("root@example.com", password="a stranger's passphrase")
    strangers = world.link("verify_email")
    with scoped(SYSTEM):
        world.platform.accounts.create_admin("Root@example.com", PASSWORD, name="Root")
    assert world.follow(strangers, "a stranger's passphrase").status_code == 422
    assert world.log_in("root@example.com", PASSWORD).status_code == 200


def test_without_the_password_of_a_registration_a_link_opens_nothing_and_stays_good(world: World) -> None:
    world.register("new@example.com")
    token = world.link("verify_email")
    for body in ({"token": token}, {"token": token, "password": "mallorys passphrase"}):
        answer = world.post("verify-email", body)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/password")
    assert world.follow(token).status_code == 200


def test_once_an_address_is_verified_its_other_links_are_not_good_any_more(world: World) -> None:
    world.register("new@example.com", password="a stranger's wish", name="Mallory")
    stale = world.link("verify_email")
    world.register("new@example.com", name="Ann")
    world.follow(world.link("verify_email"))
    assert world.follow(stale).status_code == 422


def test_the_database_keeps_neither_the_secret_of_a_link_nor_the_hash_of_a_link_that_was_used(
    world: World,
) -> None:
    from reference_server.data.models import OneTimeTokenRow
    from reference_server.security.tokens import digest

    world.register("new@example.com")
    token = world.link("verify_email")
    world.follow(token)
    with scoped(AUTH), world.platform.database.unit_of_work() as work:
        row = work.session.get(OneTimeTokenRow, digest(token))
        assert row is not None
        assert row.payload == {}


def test_an_address_with_an_account_gets_another_mail(world: World, ann: Person) -> None:
    assert world.register("ann@example.com", name="Mallory").status_code == 202
    (mail,) = world.mails()
    assert (mail["to"], mail["template"]) == ("ann@example.com", "already_registered")
    assert mail["data"]["name"] == "ann"  # not what a stranger wrote
    assert world.log_in("ann@example.com").status_code == 200


def test_a_stranger_cannot_fill_a_mailbox(world: World, ann: Person) -> None:
    for _ in range(8):
        assert world.register("new@example.com").status_code == 202
        assert world.register("ann@example.com").status_code == 202
        assert world.post("forgot-password", {"email": "ann@example.com"}).status_code == 202
    assert len(world.mails("verify_email")) == 5
    assert len(world.mails("already_registered")) == 1
    assert len(world.mails("reset_password")) == 5
    world.clock.advance(3601)
    world.register("new@example.com")
    world.register("ann@example.com")
    assert len(world.mails("verify_email")) == 6
    assert len(world.mails("already_registered")) == 2


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("password", "too short", "at least 10 characters"),
        ("password", "é" * 37, "72 bytes"),
        ("password", "with a \0 in it", "NUL"),
        ("password", "Password123!", "most common"),
        ("email", "nobody", "valid email"),
        ("email", "İ" * 64 + "@" + "a" * 60 + "." + "b" * 60 + "." + "c" * 60 + ".com", ""),
        ("name", " ", "blank"),
        ("name", "Ann\r\nBcc: everybody@example.com", "line breaks"),
        ("name", "\ud800", ""),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_not_quoted(
    world: World, field: str, value: str, message: str
) -> None:
    body = {"email": "new@example.com", "password": "correct horse battery", "name": "Ann", field: value}
    answer = world.post("register", body)
    assert answer.status_code == 422
    (fault,) = answer.json["errors"]
    assert fault["pointer"] == f"#/{field}"
    assert message in fault["detail"]
    assert field != "password" or value not in answer.text
    assert not world.mails()


def test_72_bytes_are_enough(world: World) -> None:
    password = "äöüéèàñ" * 5 + "ß"
    world.register("new@example.com", password=password)
    world.follow(world.link("verify_email"), password)
    assert world.log_in("new@example.com", password).status_code == 200
    assert world.log_in("new@example.com", password + "x").status_code == 401


def test_a_password_must_not_be_what_everybody_knows(world: World) -> None:
    answer = world.register("annabel.lee@example.com", password="annabel.lee1", name="Somebody")
    assert answer.status_code == 422
    assert "your address or your name" in answer.json["errors"][0]["detail"]


def test_registrations_that_nobody_follows_are_forgotten_after_a_week(world: World, ann: Person) -> None:
    def forgotten() -> int:
        """As the job that cleans up does it."""
        with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
            gone = work.users.delete_unverified(before=world.clock.now() - timedelta(days=7), limit=10)
            work.commit()
        return gone

    world.register("stale@example.com")
    world.register("again@example.com")
    world.clock.advance(6 * 86_400)
    assert forgotten() == 0
    world.register("again@example.com")
    world.clock.advance(2 * 86_400)
    assert forgotten() == 1
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        assert work.users.find_by_email("stale@example.com") is None
        assert work.users.find_by_email("again@example.com") is not None
        assert work.users.find(ann.user.id) is not None
