"""The server's schema and its history, on top of the SDK's.

Migrations keep the version before them working: columns are added first, used by the next version, and removed by the one
after it, so that web processes of two versions can run side by side while a new one is rolled out.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from railway_saas.repositories.sqlalchemy import migrations as sdk_migrations

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

VERSION_TABLE: Final = "railway_saas_server_alembic_version"
APP_ROLE: Final = "railway_saas_app"
"""Of web processes: owns nothing, and sees what the policies let through."""
WORKER_ROLE: Final = "railway_saas_worker"
"""Of workers and commands: owns nothing, sees everything."""

_ADVISORY_LOCK: Final = 0x7261696C73
_one_at_a_time = threading.Lock()  # Alembic keeps what it is working on in module globals


def upgrade(engine: Engine) -> None:
    """Bring the database up to date; harmless when it is, or when several processes do it at once."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        sdk_migrations.upgrade(connection)
        with _one_at_a_time:
            command.upgrade(_config(connection), "head")
    migrate_jobs(engine)


def migrate_jobs(engine: Engine) -> None:
    """Bring the tables of the job engine up to date: they have a history of their own."""
    from reference_server.jobs import schema  # noqa: PLC0415 - it names our roles

    schema.migrate(engine)


def is_current(engine: Engine) -> bool:
    """Whether nothing is to be done."""
    return revisions(engine) == {
        "sdk": _sdk_script().get_current_head(),
        "server": _script().get_current_head(),
    } and _has_jobs(engine)


def _has_jobs(engine: Engine) -> bool:
    from reference_server.jobs import schema  # noqa: PLC0415 - as above

    with engine.connect() as connection:
        return schema.is_there(connection)


def is_behind(engine: Engine) -> bool:
    """Whether there is something to do for this version. A database that is ahead of it is not: see above."""
    there = revisions(engine)
    return (
        _is_before(_script(), there["server"])
        or _is_before(_sdk_script(), there["sdk"])
        or not _has_jobs(engine)
    )


def _is_before(script: ScriptDirectory, revision: str | None) -> bool:
    """A revision that this version does not know comes from a later one."""
    known = {one.revision for one in script.walk_revisions()}
    return revision is None or (revision in known and revision != script.get_current_head())


def revisions(engine: Engine) -> dict[str, str | None]:
    """Where the SDK's history and the server's stand."""
    with engine.connect() as connection:
        ours = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE}
        ).get_current_revision()
        return {"sdk": sdk_migrations.current(connection), "server": ours}


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


def _sdk_script() -> ScriptDirectory:
    return ScriptDirectory(str(sdk_migrations.script_location()))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
