"""The schema and its history, through Alembic.

```python
migrations.upgrade("postgresql://user:password@host/name")
```

The history is kept in a table of its own, so that yours is not in the way. To run both with one `alembic` command,
add `script_location() / "versions"` to your `version_locations`: the branch is labelled `railway_saas`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from railway_saas.errors import ConfigurationError
from railway_saas.repositories.sqlalchemy.engines import create_database_engine
from railway_saas.repositories.sqlalchemy.faults import translated

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import URL

__all__ = ["VERSION_TABLE", "current", "downgrade", "script_location", "upgrade"]

VERSION_TABLE: Final = "railway_saas_alembic_version"

_ADVISORY_LOCK: Final = 0x7261696C  # any number that no other program takes by chance

_one_at_a_time = threading.Lock()
"""Alembic keeps what it is working on in module globals."""


def script_location() -> Path:
    """The folder with `env.py` and `versions`."""
    return Path(__file__).parent


def upgrade(target: Engine | Connection | URL | str, revision: str = "head") -> None:
    """Bring a database up to date; harmless when it is, or when several processes do it at once.

    Args:
        target: An engine, a URL as for `create_database_engine`, or a connection, whose transaction is yours to
            commit (with an async engine: `await connection.run_sync(migrations.upgrade)`).
        revision: Up to where; everything unless named.

    Raises:
        RepositoryError: The database refused; nothing was changed.
        ConfigurationError: The URL cannot be used, or there is no such revision.
    """
    with _connected(target) as connection, _configured(connection) as config:
        command.upgrade(config, revision)


def downgrade(target: Engine | Connection | URL | str, revision: str = "base") -> None:
    """Go back to a revision; without one, drop every table of the SDK with all that is in them.

    Raises:
        RepositoryError: The database refused; nothing was changed.
        ConfigurationError: The URL cannot be used, or there is no such revision.
    """
    with _connected(target) as connection, _configured(connection) as config:
        command.downgrade(config, revision)


def current(target: Engine | Connection | URL | str) -> str | None:
    """The revision that a database is at; None: it has no tables of the SDK.

    Raises:
        RepositoryError: The database refused.
        ConfigurationError: The URL cannot be used.
    """
    with _connected(target) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


@contextmanager
def _connected(target: Engine | Connection | URL | str) -> Generator[Connection]:
    try:
        if isinstance(target, Connection):
            yield target
        elif isinstance(target, Engine):
            with target.begin() as connection:
                yield connection
        else:
            with _engine_of(target) as engine, engine.begin() as connection:
                yield connection
    except SQLAlchemyError as error:
        raise translated(error) from error
    except CommandError as error:
        raise ConfigurationError(f"migrations: {error}") from error


@contextmanager
def _engine_of(url: URL | str) -> Generator[Engine]:
    engine = create_database_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _configured(connection: Connection) -> Generator[Config]:
    if not connection.in_transaction():
        connection.begin()  # else Alembic would commit each step itself
    if connection.dialect.name == "postgresql":  # SQLite's transaction has the whole database
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _one_at_a_time:
        yield config
