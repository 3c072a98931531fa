"""Attempts to reach another customer's rows, on every table, through a pool as web processes have it.

Everything happens in one transaction that is rolled back: two made-up owners get a row in each table, and then one of
them tries to read, change, delete and write the other's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    Uuid,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from railway_saas.repositories.sqlalchemy import Base
from reference_server.data.models import ServerBase
from reference_server.operations.doctor.findings import Finding, failed, fine, warning
from reference_server.security.scope import ScopeRole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy import Column, Connection, Engine, Table
    from sqlalchemy.types import TypeEngine

CHECK: Final = "tenancy"
FIX: Final = (
    "run `railway-saas-server migrate` with this version, and see docs/server/security.md, Row level security"
)
_FIRST: Final = "mend what `database` and `migrations` say; then this can be tried"

OPEN_TO_ALL: Final = {"templates", "template_revisions"}
"""The catalogue is everybody's to read."""
_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DEFAULTS: Final[tuple[tuple[type[TypeEngine[Any]], Any], ...]] = (
    (Integer, 1),
    (Boolean, False),
    (DateTime, _MOMENT),
    (Date, _MOMENT.date()),
    (Numeric, Decimal(1)),
    (JSON, {}),
)
"""A value that a column of a type takes. The first match wins."""


def all_tables() -> list[Table]:
    """Every table of the platform, those that are referred to first."""
    return [*ServerBase.metadata.sorted_tables, *Base.metadata.sorted_tables]


def examine_tenancy(engine: Engine) -> Iterator[Finding]:
    """One finding for each table that somebody else's rows can be reached in; one if there is none."""
    if engine.dialect.name != "postgresql":
        yield warning(
            CHECK,
            "SQLite has no row level security: the platform's own queries alone keep customers apart",
            "use PostgreSQL for anything but one laptop",
        )
        return
    try:
        with engine.connect() as connection:
            transaction = connection.begin()
            try:
                faults = list(_attempts(connection))
            finally:
                transaction.rollback()
    except (OperationalError, ProgrammingError) as error:
        yield failed(CHECK, f"could not be tried ({type(error).__name__})", _FIRST)
        return
    yield from faults
    if not faults:
        count = len(all_tables())
        yield fine(CHECK, f"nobody reads, changes, deletes or writes another's rows in any of {count} tables")


def _attempts(connection: Connection) -> Iterator[Finding]:
    _set_scope(connection, ScopeRole.SYSTEM, None)
    ann, bob = _Owner(connection), _Owner(connection)
    for owner in (ann, bob):
        for table in all_tables():
            owner.put(table)
    for scope, who in ((ScopeRole.USER, ann.user_id), (ScopeRole.NOBODY, None)):
        _set_scope(connection, scope, who)
        name = "another user" if who else "nobody"
        for table in all_tables():
            for verb, statement in _statements(table, bob):
                if verb == "read" and table.name in OPEN_TO_ALL:
                    continue
                if _reached(connection, statement):
                    yield failed(CHECK, f"{name} can {verb} {table.name} of somebody else", FIX)


def _set_scope(connection: Connection, role: ScopeRole, user_id: UUID | None) -> None:
    connection.execute(
        text("SELECT set_config('app.role', :role, true), set_config('app.user_id', :who, true)"),
        {"role": role.value, "who": str(user_id or "")},
    )


def _statements(table: Table, owner: _Owner) -> Iterator[tuple[str, Any]]:
    is_theirs = owner.is_row(table)
    yield "read", select(func.count()).select_from(table).where(is_theirs)
    column = next(iter(table.columns))
    yield "change", update(table).where(is_theirs).values({column.name: column})
    yield "delete", delete(table).where(is_theirs)
    if table.name != "audit_log":  # anybody at work appends to it; that is no secret of anybody's
        yield "write", insert(table).values(owner.new_row(table))


def _reached(connection: Connection, statement: Any) -> bool:
    """Whether a statement got at a row. What the database refuses did not."""
    attempt = connection.begin_nested()
    try:
        result = connection.execute(statement)
        return bool(result.scalar() if statement.is_select else result.rowcount)
    except DBAPIError:
        return False
    finally:
        if attempt.is_active:
            attempt.rollback()


class _Owner:
    """Somebody made up, with one row in every table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.user_id = uuid4()
        self.rows: dict[str, dict[str, Any]] = {}

    def put(self, table: Table) -> None:
        row = self.new_row(table)
        self._connection.execute(insert(table).values(row))
        self.rows[table.name] = row

    def new_row(self, table: Table) -> dict[str, Any]:
        """Values for every column that needs one; references point to this owner's rows."""
        row = {column.name: self._value(column) for column in table.columns if not column.nullable}
        if table.name == "users" and "users" not in self.rows:
            row["id"] = self.user_id
        return row

    def is_row(self, table: Table) -> Any:
        """The condition that finds this owner's row."""
        (first, *others) = table.primary_key.columns
        condition = first == self.rows[table.name][first.name]
        for column in others:
            condition = condition & (column == self.rows[table.name][column.name])
        return condition

    def _value(self, column: Column[Any]) -> Any:
        for key in column.foreign_keys:
            return self.rows[key.column.table.name][key.column.name]
        match column.name:
            case "user_id":
                return self.user_id
            case "instance_id":
                return self.rows["instances"]["id"] if "instances" in self.rows else uuid4()
            case "sequence":
                return -(self.user_id.int % 10**12) - 1
            case _:
                return self._plain_value(column)

    def _plain_value(self, column: Column[Any]) -> Any:
        kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
        if isinstance(kind, Uuid):
            return uuid4()
        if isinstance(kind, String):
            return _probe_text(column)
        return next(value for known, value in _DEFAULTS if isinstance(kind, known))


def _probe_text(column: Column[Any]) -> str:
    longest = getattr(column.type, "length", None) or 40
    return f"probe-{uuid4().hex}"[-longest:]
