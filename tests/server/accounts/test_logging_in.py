"""Logging in, and being locked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference_server.data.accounts import email_digest
from reference_server.security.scope import AUTH, SYSTEM, scoped
from tests.server.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.server.accounts.conftest import World
    from tests.server.conftest import Person


def failing(world: World, email: str, times: int) -> None:
    for _ in range(times):
        assert world.log_in(email, "a wrong password").status_code == 401


def test_address_and_password_give_tokens(world: World, ann: Person) -> None:
    answer = world.log_in("ANN@example.com")
    assert answer.status_code == 200
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    assert answer.headers["Cache-Control"] == "no-store"
    assert world.is_good(answer.json["access_token"])


def test_a_refusal_does_not_say_what_was_wrong(world: World, ann: Person) -> None:
    said = {
        world.log_in(address, password).json["detail"]
        for address, password in (("ann@example.com", "a wrong password"), ("nobody@example.com", PASSWORD))
    }
    assert said == {
        "Address or password is wrong, or the address is not verified yet, or log-ins of it are locked for a while."
    }


def test_a_password_that_is_too_long_is_wrong_not_invalid(world: World, ann: Person) -> None:
    assert world.log_in("ann@example.com", "x" * 500).status_code == 401


def test_a_nul_is_refused_like_in_any_other_body_whoever_is_meant(world: World, ann: Person) -> None:
    for address in ("ann@example.com", "nobody@example.com"):
        assert world.log_in(address, "a \0 in it").status_code == 422


def test_ten_failures_lock_the_address_even_for_the_right_password(world: World, ann: Person) -> None:
    failing(world, "ann@example.com", 9)
    assert world.log_in("ann@example.com").status_code == 200  # and begins anew
    failing(world, "ann@example.com", 10)
    assert world.log_in("ann@example.com").status_code == 401
    world.clock.advance(15 * 60)
    assert world.log_in("ann@example.com").status_code == 200


def test_the_owner_is_told_once_per_lock(world: World, ann: Person) -> None:
    failing(world, "ann@example.com", 15)
    (mail,) = world.mails("account_locked")
    assert mail["to"] == "ann@example.com"
    world.clock.advance(15 * 60)
    failing(world, "ann@example.com", 15)
    assert len(world.mails("account_locked")) == 2


def test_resetting_the_password_ends_a_lock(world: World, ann: Person) -> None:
    failing(world, "ann@example.com", 10)
    world.post("forgot-password", {"email": "ann@example.com"})
    world.post(
        "reset-password", {"token": world.link("reset_password"), "password": "quite another passphrase"}
    )
    assert world.log_in("ann@example.com", "quite another passphrase").status_code == 200


def test_addresses_without_an_account_are_locked_as_well_and_nobody_is_told(world: World) -> None:
    failing(world, "nobody@example.com", 10)
    with scoped(AUTH), world.platform.database.unit_of_work() as work:
        failures = work.login_failures.find(email_digest("nobody@example.com"))
    assert failures is not None
    assert failures.is_locked(world.clock.now())
    assert not world.mails()


def test_a_failure_is_audited_without_the_address(world: World, ann: Person) -> None:
    failing(world, "ann@example.com", 1)
    failing(world, "nobody@example.com", 1)
    entries = world.audit("auth.login_failed")
    assert [entry.subject_id for entry in entries] == [
        email_digest("ann@example.com"),
        email_digest("nobody@example.com"),
    ]
    assert all("@example.com" not in repr(entry) for entry in entries)


def test_a_hash_of_another_cost_is_renewed_at_log_in(world: World, ann: Person) -> None:
    from reference_server.security.passwords import Passwords
    from tests.server.conftest import PASSWORD

    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        work.users.save(ann.user.id, password_hash=Passwords(5).hash(PASSWORD))
        work.commit()
    assert world.log_in("ann@example.com").status_code == 200
    with scoped(SYSTEM), world.platform.database.unit_of_work() as work:
        found = work.users.find_with_hash(ann.user.id)
    assert found is not None
    assert not world.platform.passwords.needs_rehash(found[1])
    assert world.log_in("ann@example.com").status_code == 200


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    def test_failures_lock_there_too(self, world: World, ann: Person) -> None:
        failing(world, "ann@example.com", 10)
        assert world.log_in("ann@example.com").status_code == 401
        world.clock.advance(15 * 60)
        assert world.log_in("ann@example.com").status_code == 200
        assert len(world.mails("account_locked")) == 1
