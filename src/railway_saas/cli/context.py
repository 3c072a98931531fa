"""What several commands share: options, the client, finding a project by id or name."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated

import typer

from railway_saas import RailwayClient
from railway_saas.cli.exit_codes import ExitCode
from railway_saas.cli.output import Output
from railway_saas.errors import RailwayInputError, RailwayNotFoundError

if TYPE_CHECKING:
    from collections.abc import Generator

    from railway_saas.railway.models.projects import Project

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
WorkspaceOption = Annotated[
    str | None,
    typer.Option("--workspace", envvar="RAILWAY_WORKSPACE_ID", help="Workspace id.", show_default=False),
]
ProjectArgument = Annotated[str, typer.Argument(help="Project id, or its name in the workspace.")]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_output: ContextVar[Output | None] = ContextVar("railway_saas_output", default=None)


def output(*, as_json: bool) -> Output:
    """The command's output; errors of the whole command go to the same one."""
    made = Output(as_json=as_json)
    _output.set(made)
    return made


def current_output() -> Output:
    """The output of the command that runs, or a plain one when none has begun."""
    return _output.get() or Output()


@contextmanager
def interrupted_by_user() -> Generator[None]:
    """End with 130 when somebody answers a question with Ctrl-C or Ctrl-D."""
    try:
        yield
    except typer.Abort:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def client() -> RailwayClient:
    """A client with the environment's token.

    Raises:
        ConfigurationError: There is no token in the environment.
    """
    return RailwayClient.from_environment()


def uses_project_token() -> bool:
    """Whether the token in the environment is one of a project."""
    return bool(os.environ.get("RAILWAY_TOKEN"))


def workspace_of(railway: RailwayClient, given: str | None) -> str:
    """The workspace to work in: the one given, or the only one the token reaches.

    Raises:
        RailwayInputError: There are several, or none.
    """
    if given:
        return given
    reachable = railway.workspaces.list()
    if len(reachable) == 1:
        return reachable[0].id
    names = ", ".join(f"{workspace.name} ({workspace.id})" for workspace in reachable)
    raise RailwayInputError(
        f"which workspace? Pass --workspace or set RAILWAY_WORKSPACE_ID; the token reaches: {names or 'none'}",
        argument="workspace",
    )


def find_project(railway: RailwayClient, name_or_id: str, workspace_id: str | None) -> Project:
    """A project by id, or by its name where that is unique.

    Raises:
        RailwayNotFoundError: There is none.
        RailwayInputError: Several have that name.
    """
    if _UUID.fullmatch(name_or_id):
        return railway.projects.get(name_or_id)
    workspace = workspace_of(railway, workspace_id)
    found = [
        project for project in railway.projects.list(workspace_id=workspace) if project.name == name_or_id
    ]
    if not found:
        raise RailwayNotFoundError(f"there is no project named {name_or_id!r} in workspace {workspace}")
    if len(found) > 1:
        ids = ", ".join(project.id for project in found)
        raise RailwayInputError(
            f"several projects are named {name_or_id!r}; give an id: {ids}", argument="project"
        )
    return railway.projects.get(found[0].id)


def environment_of(railway: RailwayClient, project: Project, name: str | None) -> str:
    """The id of a project's environment: the named one, else the primary, else the only one.

    Raises:
        RailwayInputError: There is none of that name, or several to choose from.
    """
    if uses_project_token():
        return railway.tokens.current_project_token().environment_id
    if name is None and project.primary_environment_id:
        return project.primary_environment_id
    fitting = [environment for environment in project.environments if name in {None, environment.name}]
    if len(fitting) == 1:
        return fitting[0].id
    names = ", ".join(environment.name or environment.id for environment in project.environments)
    raise RailwayInputError(
        f"which environment of {project.name}? Pass --environment; there are: {names}", argument="environment"
    )
