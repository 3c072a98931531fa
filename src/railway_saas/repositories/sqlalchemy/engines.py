"""Engines that are set up as the repositories need them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import AsyncAdaptedQueuePool, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import create_async_engine

from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.pool import ConnectionPoolEntry

_POSTGRESQL: Final = {"postgres", "postgresql", "postgresql+psycopg"}
_SQLITE: Final = {"sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"}

_BUSY_TIMEOUT_S: Final = 10.0
"""How long SQLite waits for its one writer."""


def create_database_engine(url: str | URL, **options: Any) -> Engine:
    """An engine for `SqlDatabase`.

    On SQLite every transaction begins with `BEGIN IMMEDIATE`, so that what it read is still true when it writes, in
    other processes too; the journal is a WAL, foreign keys are checked, and a taken lock is waited for.

    Args:
        url: `postgresql://...` (or `postgres://...`; the driver is psycopg 3), `sqlite:///file` or `sqlite://` (memory).
        options: For SQLAlchemy's `create_engine`.

    Raises:
        ConfigurationError: The URL cannot be read, or names another database; or its driver is not installed.
    """
    checked = _checked(url)
    try:
        engine = create_engine(checked, **_settings(checked, QueuePool, options))
    except ModuleNotFoundError as error:
        raise _no_driver(error) from error
    if engine.dialect.name == "sqlite":
        _set_sqlite_up(engine)
    return engine


def create_async_database_engine(url: str | URL, **options: Any) -> AsyncEngine:
    """The same for `AsyncSqlDatabase`, through psycopg 3 and aiosqlite.

    Raises:
        ConfigurationError: The URL cannot be read, or names another database; or its driver is not installed.
    """
    checked = _checked(url)
    if checked.get_backend_name() == "sqlite":
        checked = checked.set(drivername="sqlite+aiosqlite")
    try:
        engine = create_async_engine(checked, **_settings(checked, AsyncAdaptedQueuePool, options))
    except ModuleNotFoundError as error:
        raise _no_driver(error) from error
    if engine.dialect.name == "sqlite":
        _set_sqlite_up(engine.sync_engine)
    return engine


def _checked(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not quoted, nor chained: it may hold a password.
        raise ConfigurationError(
            "the database URL cannot be read; it must be like 'postgresql://user:password@host/name' or 'sqlite:///file'"
        ) from None
    if parsed.drivername in _POSTGRESQL:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in _SQLITE:
        return parsed.set(drivername="sqlite")
    raise ConfigurationError(
        f"the database URL begins with {parsed.drivername!r}: must be 'postgresql' or 'sqlite'"
    )


def _settings(
    url: URL, pool: type[QueuePool | AsyncAdaptedQueuePool], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Ours, and the caller's over them."""
    settings = _postgresql() if url.get_backend_name() == "postgresql" else _sqlite(url)
    connect_args = {**settings["connect_args"], **options.get("connect_args", {})}
    # Errors are logged with their causes: values of parameters may be secrets.
    return {"hide_parameters": True, "poolclass": pool, **settings, **options, "connect_args": connect_args}


def _postgresql() -> dict[str, Any]:
    return {"pool_pre_ping": True, "isolation_level": "READ COMMITTED", "connect_args": {}}


def _sqlite(url: URL) -> dict[str, Any]:
    connect_args = {"timeout": _BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False}
    if url.database in {None, "", ":memory:"}:
        # Each connection would have a database of its own, so that there must be one only, which is never closed.
        return {"connect_args": connect_args, "pool_size": 1, "max_overflow": 0}
    return {"connect_args": connect_args}


def _set_sqlite_up(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin_immediately)


def _prepare_connection(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    try:
        cursor = connection.cursor()
        _write_ahead(cursor)
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
    except BaseException:
        connection.close()  # the pool does not, and it may hold a lock
        raise


def _write_ahead(cursor: DBAPICursor) -> None:
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        # Another process writes at the first use of the file, most likely to set the same: SQLite does not wait then.
        # The mode is the file's, so that this connection finds it set, or a later one sets it.


def _begin_immediately(connection: Connection) -> None:
    # The driver is in autocommit mode (`isolation_level` None), so that it begins nothing itself. Taking the write
    # lock at once, a transaction waits for others here, and never fails for having read before another wrote.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _no_driver(error: ModuleNotFoundError) -> ConfigurationError:
    return ConfigurationError(
        f"the database's driver is not installed ({error.name}): pip install 'railway-saas[sqlalchemy]' for SQLite, "
        "'railway-saas[postgres]' for PostgreSQL"
    )
