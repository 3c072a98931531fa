"""Databases that are made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.databases import emptied, sqlite_template

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.support.databases import PostgresServer


@pytest.fixture(scope="session")
def shared_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, to copy."""
    return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def sqlite_url(shared_sqlite_file: Path, tmp_path: Path) -> str:
    """A migrated, empty SQLite database."""
    path = tmp_path / "railway_saas.db"
    path.write_bytes(shared_sqlite_file.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def shared_postgres_engine(shared_postgres: PostgresServer | None) -> Generator[Engine | None]:
    """A migrated database of this worker."""
    from railway_saas.repositories.sqlalchemy import create_database_engine, migrations

    if shared_postgres is None:
        yield None
        return
    with shared_postgres.new_database() as url:
        migrations.upgrade(url)
        engine = create_database_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, shared_postgres_engine: Engine) -> str:
    """A migrated, empty PostgreSQL database."""
    emptied(shared_postgres_engine)
    return shared_postgres_engine.url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
