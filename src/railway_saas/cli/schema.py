"""`railway-saas schema`: does this SDK still fit Railway's API?"""

from __future__ import annotations

from dataclasses import asdict

import typer

from railway_saas._core import documents
from railway_saas.cli.context import JsonOption, client, output
from railway_saas.cli.exit_codes import ExitCode
from railway_saas.railway.operations._build import DOCUMENTS

app = typer.Typer(help="Compare this SDK with a live endpoint.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Compare this SDK with a live endpoint."""


@app.command()
def check(*, as_json: JsonOption = False) -> None:
    """Validate every GraphQL document of this SDK against the endpoint's schema; exit status 1 on drift."""
    from railway_saas.cli.drift import find_drift, live_schema

    out = output(as_json=as_json)
    with client() as railway, out.working("Reading the endpoint's schema"):
        found = list(find_drift(live_schema(railway)))
    checked = len(documents.names(DOCUMENTS))
    if as_json:
        out.json({"ok": not found, "documents": checked, "drift": [asdict(drift) for drift in found]})
    for drift in found:
        out.line(f"{drift.kind}: {drift.document}: {drift.message}")
    if not found:
        out.line(f"all {checked} documents fit the endpoint's schema")
    if found:
        raise typer.Exit(ExitCode.FAILED)
