"""The tables of the job engine (DBOS): in schema `dbos` on PostgreSQL, beside the others on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, func, inspect, select, text

from reference_server.migrations import APP_ROLE, WORKER_ROLE

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SCHEMA: Final = "dbos"
_ADVISORY_LOCK: Final = 0x7261696C74
"""Grants of two processes at once would get in each other's way."""
SERIALIZATION: Final = "portable_json"
"""JSON. DBOS would also read pickles, which run code: see the policy below."""

_APP_GRANTS: Final = (
    "GRANT SELECT, INSERT ON {schema}.workflow_status TO {role}",
    # An insert that finds its id taken touches `creator_xid`; a run that has begun gives its deduplication id back.
    "GRANT UPDATE (creator_xid, deduplication_id) ON {schema}.workflow_status TO {role}",
    "GRANT SELECT, INSERT ON {schema}.workflow_input TO {role}",
    "GRANT SELECT ON {schema}.workflow_output TO {role}",
)
"""What web processes need to queue a run and to list runs."""

_POLICIES: Final = (
    ("worker", WORKER_ROLE, "ALL", "USING (true) WITH CHECK (true)"),
    ("app_reads", APP_ROLE, "SELECT", "USING (true)"),
    ("app_frees", APP_ROLE, "UPDATE", "USING (true)"),
    # The column says how a worker reads the input: a web process must not be able to make it read a pickle.
    ("app_queues", APP_ROLE, "INSERT", f"WITH CHECK (serialization = '{SERIALIZATION}')"),
)


def workflow_status(dialect: str) -> Table:
    """The few columns of DBOS's table of runs that we touch ourselves: see docs/adr/0016."""
    return Table(
        "workflow_status",
        MetaData(),
        Column("workflow_uuid", Text, primary_key=True),
        Column("status", Text),
        Column("queue_name", Text),
        Column("deduplication_id", Text),
        Column("executor_id", Text),
        Column("owner_xid", Text),
        Column("created_at", BigInteger),
        Column("started_at_epoch_ms", BigInteger),
        schema=SCHEMA if dialect == "postgresql" else None,
    )


def migrate(engine: Engine) -> None:
    """Make the engine's tables, or bring them up to date, as their owner, and grant what each role needs; harmless when all is well."""
    from dbos import DBOS  # noqa: PLC0415 - takes its time, and only a migration needs it here

    DBOS.migrate(engine.url.render_as_string(hide_password=False), schema=SCHEMA)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            _grant(connection)


def is_there(connection: Connection) -> bool:
    """Whether the tables were made."""
    schema = SCHEMA if connection.dialect.name == "postgresql" else None
    return inspect(connection).has_table("workflow_status", schema=schema)


def _grant(connection: Connection) -> None:
    for role in (APP_ROLE, WORKER_ROLE):
        connection.execute(text(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}"))
    connection.execute(
        text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {WORKER_ROLE}")
    )
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {WORKER_ROLE}"))
    for statement in _APP_GRANTS:
        connection.execute(text(statement.format(schema=SCHEMA, role=APP_ROLE)))
    connection.execute(text(f"ALTER TABLE {SCHEMA}.workflow_status ENABLE ROW LEVEL SECURITY"))
    for name, role, verb, rule in _POLICIES:
        connection.execute(text(f"DROP POLICY IF EXISTS {name} ON {SCHEMA}.workflow_status"))
        connection.execute(
            text(f"CREATE POLICY {name} ON {SCHEMA}.workflow_status FOR {verb} TO {role} {rule}")
        )
