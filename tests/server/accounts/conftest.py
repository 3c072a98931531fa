"""What tests of accounts look at: mails, the audit log, the clock, what the database and bcrypt are asked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from reference_server.security.scope import SYSTEM, scoped
from tests.server.conftest import PASSWORD, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from flask import Flask
    from flask.testing import FlaskClient

    from railway_saas.domain import AuditEntry
    from railway_saas.emulator import Emulator
    from reference_server.composition import Platform


class World:
    """A platform, seen from everywhere."""

    def __init__(self, platform: Platform, app: Flask, emulator: Emulator) -> None:
        self.platform = platform
        self.app = app
        self.clock = emulator.clock

    @property
    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        return self.browser.post(f"/api/auth/{path}", json=body, headers=headers)

    def mails(self, template: str | None = None) -> list[dict[str, Any]]:
        with scoped(SYSTEM), self.platform.database.unit_of_work() as work:
            found = [dict(one.payload) for one in work.outbox.list_page(topic="mail", limit=500).items]
        return [mail for mail in found if template in {None, mail["template"]}]

    def link(self, template: str, to: str | None = None) -> str:
        """The token of the newest mail."""
        mails = [mail for mail in self.mails(template) if to in {None, mail["to"]}]
        return str(mails[-1]["data"]["link"].partition("?token=")[2])

    def audit(self, action: str | None = None) -> list[AuditEntry]:
        with scoped(SYSTEM), self.platform.database.unit_of_work() as work:
            found = work.audit.list_page(limit=500).items
        return [entry for entry in found if action in {None, entry.action}]

    def register(self, email: str, *, password: str = PASSWORD, name: str = "Somebody") -> Any:
        return self.post("register", {"email": email, "password": password, "name": name})

    def follow(self, token: str, password: str = PASSWORD) -> Any:
        """The link of a registration."""
        return self.post("verify-email", {"token": token, "password": password})

    def log_in(self, email: str, password: str = PASSWORD) -> Any:
        return self.post("login", {"email": email, "password": password})

    def refresh(self, token: str) -> Any:
        return self.post("refresh", {"refresh_token": token})

    def is_good(self, access_token: str) -> bool:
        answer = self.browser.get("/api/auth/sessions", headers={"Authorization": f"Bearer {access_token}"})
        return bool(answer.status_code == 200)


@contextmanager
def everything_sent(platform: Platform) -> Generator[list[str]]:
    """Statements that a database is sent meanwhile, with those that begin, keep and take back parts of a transaction."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        sent.append(sql)

    event.listen(platform.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(platform.database.engine, "before_cursor_execute", note)


@pytest.fixture
def world(platform: Platform, app: Flask, emulator: Emulator) -> World:
    return World(platform, app, emulator)


@pytest.fixture
def another_browser(app: Flask) -> Callable[[Person], Person]:
    """Somebody's second log-in."""
    return lambda person: Person(person.user, app.test_client()).log_in()


@pytest.fixture
def bcrypts(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of bcrypt's functions ran, in their order."""
    import bcrypt

    calls: list[str] = []

    def counting(name: str) -> Any:
        original = getattr(bcrypt, name)

        def run(*args: Any) -> Any:
            calls.append(name)
            return original(*args)

        return run

    for name in ("hashpw", "checkpw"):
        monkeypatch.setattr(bcrypt, name, counting(name))
    return calls
