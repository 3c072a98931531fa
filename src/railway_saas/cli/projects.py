"""`railway-saas status`, `logs` and `delete`: what runs in a project."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from railway_saas.cli.context import (
    JsonOption,
    ProjectArgument,
    WorkspaceOption,
    client,
    environment_of,
    find_project,
    interrupted_by_user,
    output,
)
from railway_saas.cli.deploy import show_stack
from railway_saas.cli.exit_codes import ExitCode
from railway_saas.errors import RailwayInputError, RailwayNotFoundError
from railway_saas.instances import Stack, StackDeployer, StackService

if TYPE_CHECKING:
    from collections.abc import Iterable

    from railway_saas import RailwayClient
    from railway_saas.cli.output import Output
    from railway_saas.railway.models.logs import Log

EnvironmentOption = Annotated[
    str | None, typer.Option("--environment", help="Environment's name; the primary one if not given.")
]


def status(
    project: ProjectArgument,
    workspace: WorkspaceOption = None,
    environment: EnvironmentOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show the services of a project; exit status 1 when one has failed."""
    out = output(as_json=as_json)
    with client() as railway:
        stack = _stack(railway, project, workspace, environment)
    show_stack(out, stack)
    if stack.failed:
        raise typer.Exit(ExitCode.FAILED)


def logs(
    project: ProjectArgument,
    service: Annotated[str | None, typer.Argument(help="Service; needed when there are several.")] = None,
    workspace: WorkspaceOption = None,
    environment: EnvironmentOption = None,
    lines: Annotated[int, typer.Option(help="How many of the latest lines.", min=1, max=5000)] = 100,
    search: Annotated[
        str | None, typer.Option("--filter", help="Railway's filter language, e.g. @level:error.")
    ] = None,
    *,
    build: Annotated[
        bool, typer.Option("--build", help="The build's log instead of the deployment's.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is logged.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the log of a service's newest deployment."""
    out = output(as_json=as_json)
    with client() as railway:
        chosen = _service(_stack(railway, project, workspace, environment), service)
        if chosen.deployment_id is None:
            raise RailwayNotFoundError(f"{chosen.name} has no deployment yet, so there is no log")
        _print(
            out, _lines(railway, chosen.deployment_id, lines=lines, search=search, build=build, follow=follow)
        )


def delete(
    project: ProjectArgument,
    workspace: WorkspaceOption = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    after_grace: Annotated[
        bool,
        typer.Option("--after-grace", help="Delete after Railway's grace of 48 hours instead of at once."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete a project with everything in it."""
    out = output(as_json=as_json)
    with client() as railway:
        found = find_project(railway, project, workspace)
        _confirm(found.name or found.id, yes=yes)
        if after_grace:
            railway.projects.schedule_delete(found.id)
        else:
            railway.projects.delete(found.id)
    if as_json:
        out.json({"deleted": found.id, "after_grace": after_grace})
    out.line(f"{found.name}: " + ("will be deleted in 48 hours" if after_grace else "deleted"))


def _confirm(name: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise RailwayInputError(
            "deleting asks first, and there is no terminal to ask on: pass --yes", argument="--yes"
        )
    with interrupted_by_user():
        agreed = typer.confirm(f"Delete project {name} with all its services, volumes and data?", err=True)
    if not agreed:
        raise typer.Exit(ExitCode.FAILED)


def _stack(railway: RailwayClient, project: str, workspace: str | None, environment: str | None) -> Stack:
    found = find_project(railway, project, workspace)
    return StackDeployer(railway).look(environment_of(railway, found, environment))


def _service(stack: Stack, name: str | None) -> StackService:
    fitting = [service for service in stack.services if name in {None, service.name, service.service_id}]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(service.name for service in stack.services) or "none"
    if not fitting:
        raise RailwayNotFoundError(f"there is no service {name!r}; there are: {names}")
    raise RailwayInputError(f"which service? There are: {names}", argument="service")


def _lines(
    railway: RailwayClient, deployment_id: str, *, lines: int, search: str | None, build: bool, follow: bool
) -> Iterable[Log]:
    if follow:
        stream = railway.logs.stream_build if build else railway.logs.stream_deployment
        return stream(deployment_id, limit=lines, filter=search)
    query = railway.logs.build if build else railway.logs.deployment
    return query(deployment_id, limit=lines, filter=search)


def _print(out: Output, lines: Iterable[Log]) -> None:
    for line in lines:
        if out.as_json:
            out.json_line(line.model_dump(mode="json"))
        else:
            out.line(f"{line.timestamp}  {(line.severity or ''):5}  {line.message}")
