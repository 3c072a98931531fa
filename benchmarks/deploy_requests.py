"""How many Railway requests it takes from a click to a running stack of three services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Report
from railway_saas.emulator import Emulator
from railway_saas.instances import StackDeployer
from railway_saas.templates import Template

if TYPE_CHECKING:
    from railway_saas import RailwayClient

GOAL = 12
TEMPLATES = Path(__file__).resolve().parent.parent / "examples" / "templates"
CODE = "app-with-postgres-and-redis"


def run(quick: bool) -> Report:  # noqa: ARG001 - it is quick
    """Deploy the same document by its code and from single calls."""
    report = Report(
        "3. Railway requests per deploy of a 3-service template, from click to running (emulator, its own clock)",
        ("", "requests", "emulated s"),
    )
    for name, known in (("templateDeployV2", True), ("single calls", False)):
        _add(report, name, known=known)
    report.notes.append("`batch` is several operations of one kind in one request")
    return report


def _add(report: Report, name: str, *, known: bool) -> None:
    emulator = Emulator(templates=TEMPLATES)
    with emulator.client() as railway:
        template, template_id = _catalogue(railway)
        before, asked = railway.stats.requests, dict(railway.stats.by_operation)
        clicked = emulator.clock.now()
        stack = StackDeployer(railway).deploy(
            template,
            project_name="acme",
            workspace_id=emulator.workspace_id,
            template_id=template_id if known else None,
        )
        requests = railway.stats.requests - before
        seconds = (emulator.clock.now() - clicked).total_seconds()
        by_operation = {
            operation: count - asked.get(operation, 0)
            for operation, count in railway.stats.by_operation.items()
            if count > asked.get(operation, 0)
        }
    if not stack.is_running or len(stack.services) != len(template.services):
        raise AssertionError(f"{name}: the stack does not run: {stack}")
    report.rows.append((name, str(requests), f"{seconds:.0f}"))
    report.notes.append(
        f"{name}: {', '.join(f'{count} {operation}' for operation, count in by_operation.items())}"
    )
    report.figures.append(
        {"way": name, "requests": requests, "emulated_s": seconds, "by_operation": by_operation}
    )
    report.goals.append(Goal(f"requests per deploy, {name}", f"<= {GOAL}", str(requests), requests <= GOAL))


def _catalogue(railway: RailwayClient) -> tuple[Template, str]:
    """What a platform has ready before the click: the document, filled in, and its id."""
    published = railway.templates.by_code(CODE)
    template = Template.parse(published.serialized_config)
    values = {item.key: "example" for item in template.inputs() if item.required}
    return template.fill(values), published.id
