"""`migrate` and `seed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reference_server.cache import CATALOGUE
from reference_server.catalogue import publish_folder
from reference_server.cli.context import platform_for, settings
from reference_server.operations import migrating


def migrate() -> None:
    """Bring the database up to date. Harmless when it is. Needs the address of the database, and no other secret."""
    migrating.migrate(settings(for_schema_only=True))
    typer.echo("The database is up to date.")


def seed(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder of template documents (JSON); ours unless given.", exists=True, file_okay=False
        ),
    ] = None,
) -> None:
    """Offer the templates of a folder. Those that are offered already stay, with a new revision where they changed."""
    with platform_for("seed") as platform:
        for name, outcome in publish_folder(platform.manager, folder):
            typer.echo(f"{name}: {outcome}")
        platform.cache.renew(CATALOGUE)
