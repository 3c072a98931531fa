"""`serve`: the whole platform on this machine, until it is told to stop."""

from __future__ import annotations

import logging
import os
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reference_server.observability.logs import configure_logging
from reference_server.operations.supervisor import Program, Supervisor
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reference_server.operations.laptop import Laptop

log = logging.getLogger("reference_server.serve")

_READY_S: Final = 120.0
_ASK_S: Final = 2.0


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of HOST.")] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port to listen on, instead of PORT; 0: any free one.", min=0, max=65_535),
    ] = None,
) -> None:
    """Run the web processes and a worker on this machine. Without RAILWAY_API_TOKEN a Railway is emulated.

    In development the database is migrated, the catalogue filled and an administrator made where these are missing.
    Ctrl-C stops everything; when one process ends, so do all.
    """
    from reference_server.operations.laptop import laptop  # noqa: PLC0415 - other commands start faster without it

    given = dict(os.environ)
    given.update({name: str(value) for name, value in (("HOST", host), ("PORT", port)) if value is not None})
    configure_logging(Settings.from_environment(given), service="serve")
    with laptop(given) as prepared:
        _warn(prepared)
        supervisor = Supervisor(prepared.environment, grace_s=prepared.settings.graceful_timeout_s)
        supervisor.handle_signals()
        try:
            for program in programs(prepared.settings):
                supervisor.start(program)
            if supervisor.wait_until(lambda: _is_ready(prepared.url), timeout_s=_READY_S):
                _tell(prepared)
            status = supervisor.wait()
        finally:
            supervisor.stop()
    log.info("everything has ended")
    raise typer.Exit(status)


def programs(settings: Settings) -> Iterator[Program]:
    """What runs: web processes, and a worker unless they work themselves."""
    yield Program(
        "web",
        ("-m", "gunicorn", "-c", "python:reference_server.gunicorn_conf", "reference_server.wsgi:create()"),
    )
    if not settings.works_in_process:
        yield Program("worker", ("-m", "reference_server", "worker"))


def _warn(prepared: Laptop) -> None:
    if prepared.railway_endpoint is not None:
        log.warning(
            "RAILWAY_API_TOKEN is not set: Railway is emulated at %s. Nothing runs for real, and everything is forgotten when "
            "this ends",
            prepared.railway_endpoint,
        )
    if prepared.has_stale_instances:
        log.warning(
            "the database of DATABASE_URL knows instances of an earlier run: the emulated Railway has never heard of them, "
            "so that they will wait for an operator. Use a new database, or leave DATABASE_URL unset"
        )


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=_ASK_S) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, OSError):
        return False


def _tell(prepared: Laptop) -> None:
    """Where to look, and who to log in as. To the terminal, not to the log: it holds a password."""
    settings = prepared.settings
    railway = (
        f"emulated at {prepared.railway_endpoint}" if prepared.railway_endpoint else settings.railway_endpoint
    )
    database = (
        f"made for this run, and deleted with it; for other commands: DATABASE_URL={settings.url_of_database}"
        if prepared.has_own_database
        else "that of DATABASE_URL or DATA_DIR"
    )
    lines = [
        "",
        "The platform is up.",
        "",
        f"  API         {prepared.url}   (documentation: {prepared.url}/docs)",
    ]
    if prepared.admin_password is not None:
        lines += [
            f"  Log in as   {prepared.admin}",
            f"  Password    {prepared.admin_password}   (shown this once)",
        ]
    lines += [f"  Railway     {railway}", f"  Database    {database}"]
    if settings.mail_url is None:
        lines.append(f"  Mails       {settings.data_dir.resolve() / 'mailbox'}")
    lines += [f"  Metrics     {prepared.url}/metrics", "", "Ctrl-C stops everything.", ""]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
