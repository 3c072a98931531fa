"""`railway-saas templates`: look at a template document without deploying it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from railway_saas.cli.context import JsonOption, output
from railway_saas.cli.exit_codes import ExitCode
from railway_saas.errors import TemplateError
from railway_saas.templates import Template, TemplateInput

app = typer.Typer(help="Check, explain and compare template documents.", no_args_is_help=True)

FileArgument = Annotated[
    Path, typer.Argument(help="A template document (JSON); - reads standard input.", allow_dash=True)
]


def read_template(path: Path) -> Template:
    """Read a document from a file or from standard input.

    Raises:
        TemplateError: It cannot be read, or is no template document.
    """
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{path}: cannot be read: {error.strerror}") from error
    return Template.parse(content)


@app.command()
def check(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """List every fault of a document with its path; exit status 1 when there is one."""
    out = output(as_json=as_json)
    problems = read_template(file).check()
    if as_json:
        out.json({"ok": not problems, "problems": [{"path": p.path, "message": p.message} for p in problems]})
    for problem in problems:
        out.line(str(problem))
    if not problems:
        out.line(f"{file}: no faults")
    if problems:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def inputs(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """List what must or may be filled in."""
    out = output(as_json=as_json)
    found = read_template(file).inputs()
    if as_json:
        out.json([_as_dict(item) for item in found])
        return
    rows = [
        (
            item.key,
            "required" if item.required else "optional",
            "secret" if item.secret else "",
            item.shown_default or "",
            item.description or "",
        )
        for item in found
    ]
    out.table(("INPUT", "NEEDED", "SECRET", "DEFAULT", "DESCRIPTION"), rows)


def _as_dict(item: TemplateInput) -> dict[str, object]:
    return {
        "key": item.key,
        "service": item.service,
        "name": item.name,
        "required": item.required,
        "default": item.shown_default,
        "description": item.description,
        "secret": item.secret,
    }


@app.command()
def plan(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """Show what deploying would make: services, start order, volumes, domains, cost, warnings."""
    out = output(as_json=as_json)
    made = read_template(file).plan()
    if as_json:
        out.json(made.to_dict())
        return
    for number, level in enumerate(made.start_order, start=1):
        out.line(f"{number}. {', '.join(level)}")
    out.line()
    for service in made.services:
        needs = f", after {', '.join(service.needs)}" if service.needs else ""
        out.line(f"{service.name}: {service.source}{', public' if service.public else ''}{needs}")
    for volume in made.volumes:
        out.line(f"volume of {volume.service} at {volume.mount_path}")
    for bucket in made.buckets:
        out.line(f"bucket {bucket}")
    for secret in made.generated_secrets:
        out.line(f"generated: {secret.service}.{secret.name}")
    for item in made.required_inputs:
        out.line(f"to fill in: {item.key}")
    out.line()
    cost = made.estimated_monthly_cost
    use = cost.assumptions.typical
    out.line(
        f"about ${cost.total:.2f} a month at {use.memory_gb} GB of memory and {use.vcpus} vCPU per service on average; "
        "--json lists all that is assumed"
    )
    for warning in made.warnings:
        out.line(f"warning: {warning.path}: {warning.message}", style="yellow")


@app.command()
def diff(
    old: FileArgument,
    new: Annotated[Path, typer.Argument(help="The newer document.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say what a newer document changes."""
    out = output(as_json=as_json)
    changes = read_template(old).diff(read_template(new))
    if as_json:
        out.json(changes.to_dict())
        return
    for sentence in changes.summary:
        out.line(sentence)
    if changes.is_empty:
        out.line("no change")
