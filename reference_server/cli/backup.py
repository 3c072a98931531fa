"""`backup` and `restore`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from reference_server.cli.context import settings
from reference_server.clock import utc_now
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.operations.backup import BackupReport, read_backup, write_backup
from reference_server.operations.migrating import require_migrated


def backup(
    target: Annotated[Path, typer.Argument(help="File to write; must not exist.", dir_okay=False)],
) -> None:
    """Write an encrypted backup of the platform's database. The platform may run meanwhile."""
    configured = settings()
    if target.exists():
        raise typer.BadParameter(f"{target} exists; name another file")
    if not os.access(target.absolute().parent, os.W_OK):
        raise typer.BadParameter(f"{target.absolute().parent} is no folder that can be written to")
    unfinished = target.with_name(target.name + ".unfinished")
    engine = open_engine(configured, ConnectionRole.BACKUP, threads=1)
    try:
        require_migrated(engine)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            report = write_backup(engine, configured.encryption_keys, file, now=utc_now())
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    finally:
        engine.dispose()
        unfinished.unlink(missing_ok=True)
    _tell(report, f"{target} holds")


def restore(
    source: Annotated[Path, typer.Argument(help="A file that `backup` wrote.", exists=True, dir_okay=False)],
) -> None:
    """Put a backup into the database of DATABASE_URL, which must be migrated and empty. All of it, or nothing."""
    configured = settings()
    engine = open_engine(configured, ConnectionRole.BACKUP, threads=1)
    try:
        require_migrated(engine)
        with source.open("rb") as file:
            report = read_backup(engine, configured.encryption_keys, file)
    finally:
        engine.dispose()
    _tell(report, "Restored")
    typer.echo(
        "Next: `railway-saas-server audit verify`, then `railway-saas-server doctor`, then start the platform."
    )


def _tell(report: BackupReport, what: str) -> None:
    typer.echo(f"{what} {report.total} rows of {report.created_at.isoformat(timespec='seconds')}:")
    for name, count in sorted(report.rows.items()):
        typer.echo(f"  {name}: {count}")
