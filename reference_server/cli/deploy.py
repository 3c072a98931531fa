"""`deploy`: the platform itself onto Railway. `smoke`: a look at it from outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from railway_saas import RailwayClient
from railway_saas.config import DEFAULT_ENDPOINT
from railway_saas.errors import ConfigurationError
from reference_server.operations.self_deploy import (
    Deployed,
    SelfDeployment,
    Source,
    read_environment_file,
    unknown_settings,
)
from reference_server.operations.smoke import smoke_test
from reference_server.settings import Settings


def deploy(
    image: Annotated[str | None, typer.Option(help="Image to run, e.g. ghcr.io/acme/platform:1.4.0.")] = None,
    repo: Annotated[
        str | None, typer.Option(help="Repository that Railway builds, owner/name, instead.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="Its branch.")] = None,
    project: Annotated[str, typer.Option(help="The platform's project.")] = "platform",
    environment_file: Annotated[
        Path | None,
        typer.Option(
            help="Settings as NAME=value lines: deploy/environment.template.", exists=True, dir_okay=False
        ),
    ] = None,
    *,
    timeout: Annotated[float, typer.Option(help="Seconds until everything must run.", min=1)] = 900,
) -> None:
    """Bring the platform onto Railway, or a new version of it. Harmless to repeat: later runs change what differs.

    The token of RAILWAY_API_TOKEN does it, in the workspace RAILWAY_WORKSPACE_ID; the platform gets both, unless the
    environment file names others for it.
    """
    token, workspace = _required("RAILWAY_API_TOKEN"), _required("RAILWAY_WORKSPACE_ID")
    values = settings_for_it(
        "" if environment_file is None else environment_file.read_text(encoding="utf-8"),
        {"RAILWAY_API_TOKEN": token, "RAILWAY_WORKSPACE_ID": workspace},
    )
    with RailwayClient(
        token, endpoint=os.environ.get("RAILWAY_ENDPOINT", "").strip() or DEFAULT_ENDPOINT
    ) as client:
        deployment = SelfDeployment(client, workspace_id=workspace, project_name=project, say=typer.echo)
        deployed = deployment.run(Source(image, repo, branch), values, timeout_s=timeout)
    typer.echo(summary(deployed, project))


def _required(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{name}: set it; the token makes and changes the platform's project")
    return value


def settings_for_it(text: str, defaults: dict[str, str]) -> dict[str, str]:
    """What the platform is to be told, checked as far as it can be from here.

    Raises:
        ConfigurationError: A setting is unknown or cannot be used.
    """
    values = {**defaults, **read_environment_file(text)}
    unknown = unknown_settings(values)
    if unknown:
        raise ConfigurationError(f"unknown settings: {', '.join(unknown)}; see docs/server/configuration.md")
    literal = {name: value for name, value in values.items() if "${{" not in value}
    # What only Railway knows is stood in for: some settings are refused on SQLite.
    Settings.from_environment(
        {"DATABASE_URL": "postgresql://postgres/platform", **literal, "APP_ENV": "development"}
    )
    return values


def summary(deployed: Deployed, project: str) -> str:
    """What was done, and what comes next."""
    if not deployed.is_new:
        done = "changed" if deployed.changed else "up to date; nothing was changed"
        return f"\nThe platform is {done}: {deployed.url or 'it has no domain'}"
    inside = f"railway ssh --project {deployed.project_id} --service Web --"
    return "\n".join(
        (
            "",
            f"The platform runs in project {project!r} ({deployed.project_id}): {deployed.url or 'it has no domain'}",
            "",
            "Next:",
            f"  1. Look at it from outside:        railway-saas-server smoke {deployed.url or 'URL'}",
            f"  2. Make the first administrator:   {inside} railway-saas-server admin create you@example.com",
            f"  3. Fill the catalogue:             {inside} railway-saas-server seed",
            f"  4. Check everything from inside:   {inside} railway-saas-server doctor",
            "  5. Keep a copy of ENCRYPTION_KEYS: without it customers' variables cannot be read any more.",
            "  6. Monitoring and alerts:          docs/server/operate.md",
        )
    )


def smoke(
    url: Annotated[str, typer.Argument(help="Where the platform is reached.")],
    wait: Annotated[float, typer.Option(help="Seconds to wait until it is ready.", min=0)] = 60,
) -> None:
    """Look at a platform from outside: it lives, is ready, describes itself, and lets nobody in without a log-in.

    With METRICS_TOKEN set, metrics are looked at, too.
    """
    findings = smoke_test(url.rstrip("/"), wait_s=wait, metrics_token=os.environ.get("METRICS_TOKEN") or None)
    for finding in findings:
        typer.echo(
            f"{'ok    ' if finding.is_good else 'FAILED'} {finding.what}{'' if finding.is_good else ': ' + finding.why}"
        )
    if not all(finding.is_good for finding in findings):
        raise typer.Exit(1)
