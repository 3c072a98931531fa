"""What SQLAlchemy and the drivers raise, in our own words. Values are never quoted: they may be secrets."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import exc

from railway_saas.errors import ConflictError, NotFoundError, RepositoryError

_UNIQUE: Final = {"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}
_FOREIGN_KEY: Final = {"23503", "SQLITE_CONSTRAINT_FOREIGNKEY"}

_NOT_THERE: Final = {"42P01", "42703"}
"""PostgreSQL: there is no such table, or no such column. SQLite has no code for either."""
_HOW_TO_MIGRATE: Final = (
    "; the tables of railway_saas are missing, or of another version: bring them up to date with "
    "railway_saas.repositories.sqlalchemy.migrations.upgrade(engine)"
)

_TRANSIENT: Final = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "55P03",  # a lock was not to be had in time
    "57014",  # the statement took too long
    "57P01",  # the server is shutting down
    "57P02",  # it crashed
    "57P03",  # it is starting up
    "SQLITE_FULL",
}
_TRANSIENT_BEGINNINGS: Final = (
    "08",  # PostgreSQL: something about the connection
    "53",  # PostgreSQL: no disk, memory or connections left, which is no fault of the statement
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
)


def translated(error: exc.SQLAlchemyError) -> RepositoryError:
    """The error to raise instead."""
    original = getattr(error, "orig", None)
    if isinstance(original, RepositoryError):  # a column type refused a value
        return original
    if isinstance(error, exc.StatementError):
        error.hide_parameters = True  # for those who log the cause
    code = _code_of(original)
    if code in _UNIQUE:
        return ConflictError(f"a row of that key is there already ({_constraint_of(original)})")
    if code in _FOREIGN_KEY:
        return NotFoundError(f"a row that this one refers to does not exist ({_constraint_of(original)})")
    return RepositoryError(_message(error, original), transient=_is_transient(error, code))


def _code_of(original: object) -> str:
    """PostgreSQL's SQLSTATE, or the name of SQLite's error code."""
    return str(getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or "")


def _constraint_of(original: Any) -> str:
    diagnosis = getattr(original, "diag", None)
    return str(original) if diagnosis is None else str(diagnosis.constraint_name)


def _is_transient(error: exc.SQLAlchemyError, code: str) -> bool:
    if code:
        return code in _TRANSIENT or code.startswith(_TRANSIENT_BEGINNINGS)
    # No code: the pool gave up waiting, or no server answered.
    return isinstance(error, exc.TimeoutError | exc.OperationalError | exc.InterfaceError) or (
        isinstance(error, exc.DBAPIError) and error.connection_invalidated
    )


def _message(error: exc.SQLAlchemyError, original: object) -> str:
    """The database's own sentence; its details and SQLAlchemy's text would quote values."""
    diagnosis = getattr(original, "diag", None)
    sentence = getattr(diagnosis, "message_primary", None) or (
        str(original) if original is not None else _own_words(error)
    )
    hint = _HOW_TO_MIGRATE if _is_unmigrated(_code_of(original), sentence) else ""
    return f"the database failed: {type(original or error).__name__}: {sentence}{hint}"


def _is_unmigrated(code: str, sentence: str) -> bool:
    return code in _NOT_THERE or sentence.startswith(("no such table", "no such column"))


def _own_words(error: exc.SQLAlchemyError) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
