"""`jobs`: what background work ran, waits and failed; `jobs retry`: once more."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_core import to_jsonable_python

from reference_server.cli.context import platform_for
from reference_server.jobs.port import JobState
from reference_server.jobs.retrying import NoSuchRunError, NotFailedError, retry_run

if TYPE_CHECKING:
    from reference_server.jobs.port import JobRun

app = typer.Typer(help="Background work.", invoke_without_command=True)


@app.callback()
def jobs(
    context: typer.Context,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that were given up.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait.")] = False,
    running: Annotated[bool, typer.Option("--running", help="Only those at work.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest first.")] = 50,
) -> None:
    """Show what ran, runs, waits and failed, the newest first."""
    if context.invoked_subcommand is not None:
        return
    chosen = [
        state
        for state, is_chosen in (
            (JobState.FAILED, failed),
            (JobState.WAITING, waiting),
            (JobState.RUNNING, running),
        )
        if is_chosen
    ]
    if len(chosen) > 1:
        raise typer.BadParameter("choose one of --failed, --waiting and --running")
    with platform_for("jobs") as platform:
        found = platform.jobs.list_page(state=chosen[0] if chosen else None, limit=limit)
        depth = platform.jobs.depth()
    for run in found.items:
        typer.echo(json.dumps(to_jsonable_python(asdict(run))) if as_json else _line(run))
    if not as_json:
        typer.echo(
            f"{depth.waiting} waiting (the oldest for {depth.oldest_waiting_s:.0f} s), "
            f"{depth.running} running, {depth.failed} failed"
        )


@app.command("retry")
def retry(run_id: Annotated[str, typer.Argument(help="Id of a run that failed.")]) -> None:
    """Queue a run anew that failed. A worker does it."""
    with platform_for("jobs retry") as platform:
        try:
            run = retry_run(platform, run_id, actor="operator:command")
        except (NoSuchRunError, NotFailedError) as error:
            raise typer.BadParameter(str(error)) from None
    typer.echo(f"{run.job} {run.subject or run.id} will be tried again.")


def _line(run: JobRun) -> str:
    when = f"{run.created_at:%Y-%m-%d %H:%M:%S}"
    return f"{when}  {run.state:<8} {run.job:<20} {run.subject or '-':<36}  {run.id}  {run.outcome or ''}".rstrip()
