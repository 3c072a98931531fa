"""The commands, put together."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from railway_saas._version import __version__
from railway_saas.cli import deploy, emulator, projects, schema, templates, whoami
from railway_saas.cli.context import current_output
from railway_saas.cli.exit_codes import ExitCode, exit_code_of
from railway_saas.cli.output import Output
from railway_saas.errors import RailwaySaasError

app = typer.Typer(
    name="railway-saas",
    help="Deploy templates to Railway and look after what runs there.",
    epilog=(
        "RAILWAY_API_TOKEN holds an account or workspace token, RAILWAY_TOKEN a project token (it wins), "
        "RAILWAY_ENDPOINT another address, RAILWAY_WORKSPACE_ID the workspace. Exit status: 0 done, 1 the outcome "
        "is bad, 2 wrong input, 3 no right, 4 not found, 5 Railway cannot be reached, 6 rate limit, 130 interrupted."
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(templates.app, name="templates")
app.add_typer(schema.app, name="schema")
app.command("deploy")(deploy.deploy)
app.command("status")(projects.status)
app.command("logs")(projects.logs)
app.command("delete")(projects.delete)
app.command("whoami")(whoami.whoami)
app.command("emulator")(emulator.emulator)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"railway-saas {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Deploy templates to Railway and look after what runs there."""


def run(arguments: list[str] | None = None) -> int:
    """Carry out a command line and return its exit status."""
    try:
        app(args=arguments, prog_name="railway-saas")
    except RailwaySaasError as error:
        current_output().error(error)
        return exit_code_of(error)
    except SystemExit as ended:  # typer ends so: 0, 2 for usage, 130 for Ctrl-C, or what a command said
        if ended.code == ExitCode.USAGE and "--json" in (sys.argv[1:] if arguments is None else arguments):
            Output(as_json=True).json({"error": _USAGE_ERROR})
        return ended.code if isinstance(ended.code, int) else ExitCode.FAILED
    return ExitCode.OK


_USAGE_ERROR = {"type": "UsageError", "message": "the command line cannot be used; standard error says why"}
"""typer itself tells people what is wrong; scripts that asked for JSON get some."""
