"""`railway-saas deploy`: from a document or a template code to services that run."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from railway_saas.cli.context import (
    JsonOption,
    WorkspaceOption,
    client,
    interrupted_by_user,
    output,
    workspace_of,
)
from railway_saas.cli.templates import read_template
from railway_saas.errors import RailwayInputError, TemplateError, TemplateProblem
from railway_saas.instances import Stack, StackDeployer, StackEvent
from railway_saas.templates import Template

if TYPE_CHECKING:
    from collections.abc import Generator

    from railway_saas import RailwayClient
    from railway_saas.cli.output import Output
    from railway_saas.templates import TemplateInput

_CODE = re.compile(r"[A-Za-z0-9_-]+")


def deploy(
    source: Annotated[
        str, typer.Argument(metavar="FILE-or-CODE", help="A document (JSON), or a template's code.")
    ],
    project: Annotated[str, typer.Option(help="Name of the project to make.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SERVICE.NAME=VALUE", help="Fill in an input; repeatable."),
    ] = None,
    workspace: WorkspaceOption = None,
    timeout: Annotated[float, typer.Option(help="Seconds until everything must run.", min=1)] = 900,
    *,
    wait: Annotated[bool, typer.Option(help="Return when every service runs.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Make a project and bring a template to run in it."""
    out = output(as_json=as_json)
    values = parse_settings(settings or [])
    with client() as railway:
        template, template_id = _load(railway, source)
        filled = template.fill(values | _ask(template, values, out))
        workspace_id = workspace_of(railway, workspace)
        _require_new_name(railway, project, workspace_id)
        with _interruptible(out, project), out.working(f"Deploying {source}"):
            stack = StackDeployer(railway, on_event=lambda event: _report(out, event)).deploy(
                filled,
                project_name=project,
                workspace_id=workspace_id,
                template_id=template_id,
                wait=wait,
                timeout_s=timeout,
            )
        show_stack(out, stack, requests=railway.stats.requests)


def _require_new_name(railway: RailwayClient, name: str, workspace_id: str) -> None:
    """Railway allows several projects of one name, and then no command can tell which one is meant.

    Raises:
        RailwayInputError: The name is blank or taken.
    """
    if not name.strip():
        raise RailwayInputError("--project: must not be blank", argument="project")
    taken = [found.id for found in railway.projects.list(workspace_id=workspace_id) if found.name == name]
    if taken:
        raise RailwayInputError(
            f"there is a project named {name!r} already ({', '.join(taken)}): choose another name, or delete it first",
            argument="project",
        )


@contextmanager
def _interruptible(out: Output, project: str) -> Generator[None]:
    """Say what Ctrl-C leaves behind: Railway goes on."""
    try:
        yield
    except KeyboardInterrupt:
        out.milestone(
            f"Interrupted; Railway goes on. `railway-saas status {project}` shows it, `delete` ends it."
        )
        raise


def parse_settings(settings: list[str]) -> dict[str, str]:
    """Read `SERVICE.NAME=VALUE` pairs.

    Raises:
        TemplateError: Some have another form; every one is named, without its value.
    """
    pairs = [setting.partition("=") for setting in settings]
    wrong = [
        number for number, (key, separator, _) in enumerate(pairs, start=1) if not (separator and key.strip())
    ]
    if wrong:
        raise TemplateError(
            "--set takes SERVICE.NAME=VALUE",
            problems=[
                TemplateProblem(f"--set number {number}", "has no SERVICE.NAME before a =")
                for number in wrong
            ],
        )
    return {key.strip(): value for key, _, value in pairs}


def _load(railway: RailwayClient, source: str) -> tuple[Template, str | None]:
    """The document, and Railway's id of it when it came from the marketplace."""
    path = Path(source)
    if source == "-" or path.is_file():
        return read_template(path), None
    if not _CODE.fullmatch(source):
        raise RailwayInputError(f"{source!r} is neither a file nor a template code", argument="source")
    found = railway.templates.by_code(source)
    return Template.parse(found.serialized_config or {}), found.id


def _ask(template: Template, values: dict[str, str], out: Output) -> dict[str, str]:
    """Ask for required inputs that are missing, where somebody is there to answer."""
    if out.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return {}
    missing = [
        item for item in template.inputs() if item.required and not {item.key, item.name} & values.keys()
    ]
    return {item.key: _prompt(item) for item in missing}


def _prompt(item: TemplateInput) -> str:
    hint = f" ({item.description})" if item.description else ""
    with interrupted_by_user():
        return str(typer.prompt(f"{item.key}{hint}", hide_input=item.secret, err=True))


def _report(out: Output, event: StackEvent) -> None:
    count = f"[{event.done}/{event.total}] " if event.total else ""
    out.milestone(f"{event.elapsed_s:6.1f} s  {count}{event.message}")


def show_stack(out: Output, stack: Stack, *, requests: int | None = None) -> None:
    """Print how a stack stands."""
    if out.as_json:
        document = {
            "project_id": stack.project_id,
            "environment_id": stack.environment_id,
            "running": stack.is_running,
            "addresses": stack.addresses,
            "services": [
                {
                    "name": service.name,
                    "service_id": service.service_id,
                    "deployment_id": service.deployment_id,
                    "status": service.status,
                    "hosts": service.hosts,
                }
                for service in stack.services
            ],
        }
        out.json(document | ({} if requests is None else {"requests": requests}))
        return
    out.table(
        ("SERVICE", "STATUS", "SOURCE"),
        [(service.name, service.status or "-", service.source or "-") for service in stack.services],
    )
    out.line()
    out.line(f"project {stack.project_id}")
    for address in stack.addresses:
        out.line(address)
    if requests is not None:
        out.line(f"{requests} requests to Railway")
