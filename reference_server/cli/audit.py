"""`audit verify` and `audit list`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from reference_server.cli.context import platform_for
from reference_server.security import audit

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The audit log."""


@app.command("verify")
def verify(
    noted: Annotated[
        list[str] | None,
        typer.Option(help="A link that was noted elsewhere, as `number:hash`; may be repeated."),
    ] = None,
) -> None:
    """Walk along the chain; ends with 1 when something was altered, removed or put in between."""
    expected = dict(_noted(one) for one in noted or [])
    with platform_for("audit verify") as platform:
        audit.seal(platform.database)
        report = audit.verify(platform.database, now=platform.now(), expected=expected)
    for fault in report.faults:
        typer.echo(f"FAULT {fault}", err=True)
    typer.echo(f"{report.entries} entries, newest link {report.newest}:{report.hash}")
    if report.faults:
        raise typer.Exit(1)
    typer.echo("The chain is whole. Note the newest link elsewhere, and hand it to --noted the next time.")


@app.command("list")
def list_entries(
    subject: Annotated[
        str | None, typer.Option(help="Only entries about this: its id, or as it is printed, `instance:...`.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 50,
    after: Annotated[str | None, typer.Option(help="Go on after this entry's id.")] = None,
) -> None:
    """Print entries as JSON lines, the oldest first."""
    with platform_for("audit list") as platform, platform.database.unit_of_work() as work:
        page = work.audit.list_page(subject_id=_id_of(subject), after=after, limit=limit)
        for entry in page.items:
            typer.echo(
                json.dumps(
                    {
                        "id": str(entry.id),
                        "at": entry.at.isoformat(),
                        "actor": entry.actor,
                        "action": entry.action,
                        "subject": f"{entry.subject_type}:{entry.subject_id}",
                        "user_id": entry.user_id and str(entry.user_id),
                        "details": dict(entry.details),
                    }
                )
            )


def _id_of(subject: str | None) -> str | None:
    return None if subject is None else subject.rpartition(":")[2]


def _noted(text: str) -> tuple[int, str]:
    number, _, link = text.partition(":")
    if not number.isdigit() or len(link) != len(audit.FIRST_LINK):
        raise typer.BadParameter(f"{text!r}: must be `number:hash`, as `audit verify` prints it")
    return int(number), link
