"""Deploy real templates to a local Railway, over real sockets, and clean up again: `make demo`.

Documents of Railway's own marketplace are deployed by code with `templateDeployV2`; each document is then
deployed once more as if nobody had published it, built from single calls, and the outcome must be the same.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from railway_saas._core.redaction import mask
from railway_saas.emulator import Emulator
from railway_saas.instances import Stack, StackDeployer, StackEvent
from railway_saas.instances.stack import counted
from railway_saas.templates import Template, looks_secret

if TYPE_CHECKING:
    from railway_saas import RailwayClient

HERE = Path(__file__).resolve().parent
OWN_TEMPLATES = HERE / "templates"
REFERENCE_DATA = Path(os.environ.get("RAILWAY_SAAS_REFERENCE_DATA", HERE.parent.parent / "shared"))
SPEED = 20
"""How many times faster than real time the local Railway runs."""

EXAMPLE_VALUES = {
    "EMAIL": "owner@example.com",
    "TOKEN": "demo-token-0123456789abcdef",
    "DOMAIN": "demo.example.com",
}


def documents() -> list[Path]:
    """Our own documents always, and genuine ones where that folder is present."""
    genuine = sorted((REFERENCE_DATA / "railway" / "examples").glob("template-*.json"))
    return [*sorted(OWN_TEMPLATES.glob("*.json")), *genuine]


def code_of(path: Path) -> str:
    """The code under which the local marketplace serves a document."""
    return path.stem.removeprefix("template-")


def example_value(name: str) -> str:
    """Something plausible for a required input."""
    return next((value for word, value in EXAMPLE_VALUES.items() if word in name), f"demo-{name.lower()}")


def fill_in(template: Template) -> Template:
    """Give every required input a value, as a customer would in a form."""
    missing = [item for item in template.inputs() if item.required]
    for item in missing:
        print(f"  fills in     {item.key}")
    return template.fill({item.key: example_value(item.name) for item in missing})


def show_event(event: StackEvent) -> None:
    """One line per step."""
    count = f"{event.done}/{event.total}" if event.step == "status" else "   "
    print(f"  {event.elapsed_s:5.0f} s  {count}  {event.message}")


def shape(stack: Stack) -> list[tuple[str, str | None, int]]:
    """What must be equal however a document was deployed."""
    return [(service.name, service.source, len(service.hosts)) for service in stack.services]


def show_outcome(railway: RailwayClient, stack: Stack) -> None:
    """Addresses, last log lines, variables with secrets masked."""
    for address in stack.addresses:
        print(f"  address      {address}")
    for service in stack.services:
        show_service(railway, stack, service.name, service.service_id, service.deployment_id)


def show_service(
    railway: RailwayClient, stack: Stack, name: str, service_id: str, deployment_id: str | None
) -> None:
    """The end of one service's log, and some of its variables."""
    variables = railway.variables.rendered(
        project_id=stack.project_id, environment_id=stack.environment_id, service_id=service_id
    )
    shown = [key for key in sorted(variables) if not key.startswith("RAILWAY_")][:6]
    print(f"  {name}")
    for key in shown:
        print(f"    {key}={shown_value(key, variables[key])}")
    if deployment_id is not None:
        for line in railway.logs.deployment(deployment_id, limit=2):
            print(f"    | {line.message}")


def shown_value(name: str, value: str) -> str:
    """A value for the screen: secrets masked, passwords inside addresses too."""
    return mask(value) if looks_secret(name) else re.sub(r"://([^:/@]*):[^@]+@", r"://\1:••••@", value)


def deploy_known(railway: RailwayClient, path: Path, workspace_id: str) -> Stack:
    """Take a document from the marketplace by its code and let Railway deploy it."""
    published = railway.templates.by_code(code_of(path))
    template = Template.parse(published.serialized_config)
    plan = template.plan()
    print(
        f"\n{path.stem}: {counted(len(plan.services), 'service')}, about ${plan.estimated_monthly_cost.total:.2f} a month"
    )
    print(f"  start order  {' -> '.join(', '.join(level) for level in plan.start_order)}")
    for warning in plan.warnings:
        print(f"  note         {warning.message}")
    filled = fill_in(template)
    before = railway.stats.requests
    stack = StackDeployer(railway, on_event=show_event).deploy(
        filled, project_name=code_of(path), workspace_id=workspace_id, template_id=published.id
    )
    print(f"  requests     {railway.stats.requests - before} from click to running")
    show_outcome(railway, stack)
    return stack


def deploy_unknown(railway: RailwayClient, path: Path, workspace_id: str) -> Stack:
    """Deploy the same document as if Railway did not know it."""
    template = Template.parse(path.read_bytes())
    values = {item.key: example_value(item.name) for item in template.inputs() if item.required}
    before = railway.stats.requests
    stack = StackDeployer(railway).deploy(
        template.fill(values), project_name=f"{code_of(path)}-single", workspace_id=workspace_id
    )
    print(f"  the same from single calls: {railway.stats.requests - before} requests")
    return stack


def play(railway: RailwayClient, workspace_id: str, paths: list[Path]) -> None:
    """Deploy every document both ways, compare, delete."""
    for path in paths:
        known = deploy_known(railway, path, workspace_id)
        unknown = deploy_unknown(railway, path, workspace_id)
        if shape(known) != shape(unknown):
            sys.exit(f"demo: {path.stem}: the two ways differ: {shape(known)} and {shape(unknown)}")
        for stack in (known, unknown):
            railway.projects.delete(stack.project_id)
        print("  deleted      both projects")
    left = [project.name for project in railway.projects.list(workspace_id=workspace_id)]
    if left:
        sys.exit(f"demo: projects are left: {left}")


def main() -> None:
    """Start the local Railway with a marketplace of the documents, and play."""
    started = time.monotonic()
    paths = documents()
    with tempfile.TemporaryDirectory() as marketplace:
        for path in paths:
            shutil.copy(path, marketplace)
        emulator = Emulator(seed=7, speed=SPEED, templates=Path(marketplace))
        with emulator.serve() as server:
            print(f"a local Railway at {server.endpoint}, {SPEED} times faster than real time")
            with server.client() as railway:
                play(railway, emulator.workspace_id, paths)
                print(f"\n{railway.stats.requests} requests in {time.monotonic() - started:.0f} s")
    print("demo: ok")


if __name__ == "__main__":
    main()
