"""Work that goes on after the request that asked for it: template deploys, backups, restores.

A client gets an id and asks `workflowStatus` about it. Railway: `Complete` of a template deploy means that the
resources are there and the deployments queued, not that anything runs yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas.emulator.errors import Refusal
from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.registry import part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from railway_saas.emulator.world.projects import Project
    from railway_saas.emulator.world.world import World

TAIL = 6

Step = tuple[float, "Callable[[], object]"]
"""Seconds after the step before, and what is done then."""


@dataclass(slots=True, eq=False)
class Workflow:
    """One piece of work. `status` is one of Railway's `WorkflowStatus`: Running, Complete, Error, NotFound."""

    id: str
    project: Project
    status: str = "Running"
    error: str | None = None


@part
class Workflows:
    """All work that was ever begun."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._workflows: dict[str, Workflow] = {}

    def find(self, workflow_id: str) -> Workflow | None:
        """One workflow."""
        return self._workflows.get(workflow_id)

    def start(self, kind: str, project: Project, steps: Sequence[Step]) -> Workflow:
        """Begin a workflow whose steps run on the clock; a step that raises ends it with `Error`.

        The fault `workflow_error` lets one fail after its first step: what that made stays.
        """
        tail = self._world.ids.text(TAIL, stream="workflow")
        workflow = Workflow(f"{kind}/project/{project.id}/{tail}", project)
        self._workflows[workflow.id] = workflow
        fault = self._world.faults.take(FaultKind.WORKFLOW_ERROR, (kind,))
        self._next(workflow, steps, fault.message if fault else None)
        return workflow

    def _next(self, workflow: Workflow, steps: Sequence[Step], failure: str | None) -> None:
        if not steps:
            workflow.status = "Complete"
            return
        (delay_s, action), *rest = steps

        def run() -> None:
            if self._carry_out(workflow, action) and failure is not None:
                _fail(workflow, failure)
            if workflow.status == "Running":
                self._next(workflow, rest, None)

        self._world.clock.call_later(delay_s, run)

    def _carry_out(self, workflow: Workflow, action: Callable[[], object]) -> bool:
        """Do one step; False when the project is gone meanwhile."""
        if workflow.project.deleted_at is not None:
            _fail(workflow, "Project not found")
            return False
        try:
            action()
        except Refusal as refusal:
            _fail(workflow, refusal.message)
            return False
        return True


def _fail(workflow: Workflow, error: str) -> None:
    workflow.status = "Error"
    workflow.error = error
