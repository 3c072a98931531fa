"""The commands, put together."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

import railway_saas
from railway_saas import RailwaySaasError
from reference_server.cli import admin, audit, backup, database, deploy, doctor, jobs, serve, worker
from reference_server.cli.context import own_process
from reference_server.operations.migrating import why_unusable

app = typer.Typer(
    name="railway-saas-server",
    help="Run the platform, and look after it.",
    epilog="Settings come from the environment; see docs/server/configuration.md.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"railway-saas-server {railway_saas.__version__}")
        raise typer.Exit


@app.callback()
def _group(
    *,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Run the platform, and look after it."""


app.command("serve")(serve.serve)
app.command("deploy")(deploy.deploy)
app.command("smoke")(deploy.smoke)
app.command("migrate")(database.migrate)
app.command("seed")(database.seed)
app.command("worker")(worker.worker)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(admin.app, name="admin")
app.add_typer(audit.app, name="audit")
app.add_typer(jobs.app, name="jobs")


def run(arguments: list[str] | None = None, *, is_own_process: bool = False) -> int:
    """Carry out a command line.

    Args:
        arguments: Those of the process unless given.
        is_own_process: Whether nothing else runs in this process, so that the command may set up its log.

    Returns:
        The exit status: 0 done, 1 it failed, 2 wrong input, 130 interrupted.
    """
    own_process.set(is_own_process)
    try:
        app(args=arguments, prog_name="railway-saas-server")
    except RailwaySaasError as error:
        return _failed(str(error))
    except SQLAlchemyError as error:
        reason = why_unusable(error)
        if reason is None:
            raise
        return _failed(reason)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _failed(why: str) -> int:
    sys.stderr.write(f"railway-saas-server: {why}\n")
    return 1
