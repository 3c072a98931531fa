"""`doctor`: is everything as it should be?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from reference_server.cli.context import settings
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.operations.doctor import Finding, Grade, examine
from reference_server.security.scope import SYSTEM, scoped

_SIGNS = {Grade.OK: "ok     ", Grade.WARNING: "WARNING", Grade.FAILED: "FAILED "}


def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON lines.")] = False
) -> None:
    """Look at settings, database, tenancy, Redis, Railway, webhooks, clock and mail; ends with 1 when something failed."""
    platform = build_platform(settings(), ConnectionRole.APP, needs_railway=False)
    worst = Grade.OK
    try:
        with scoped(SYSTEM):
            for finding in examine(platform):
                worst = Grade.FAILED if Grade.FAILED in {worst, finding.grade} else finding.grade
                typer.echo(json.dumps(asdict(finding)) if as_json else _told(finding))
    finally:
        platform.close()
    if worst is Grade.FAILED:
        raise typer.Exit(1)


def _told(finding: Finding) -> str:
    fix = f"\n         -> {finding.fix}" if finding.fix else ""
    return f"{_SIGNS[finding.grade]}  {finding.check}: {finding.detail}{fix}"
