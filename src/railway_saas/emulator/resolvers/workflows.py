"""How far a workflow is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.registry import graphql_type, query
from railway_saas.emulator.workflows import Workflows

if TYPE_CHECKING:
    from railway_saas.emulator.context import Context


@graphql_type("WorkflowId")
@dataclass(frozen=True, slots=True)
class WorkflowId:
    """What a mutation answers that began a workflow."""

    workflow_id: str | None


@graphql_type("WorkflowResult")
@dataclass(frozen=True, slots=True)
class WorkflowResult:
    """The state of a workflow: Running, Complete, Error or NotFound."""

    status: str
    error: str | None = None


@query("workflowStatus")
def workflow_status(ctx: Context, *, workflow_id: str) -> WorkflowResult:
    """How far it is; `NotFound` for one that is not there, or not there yet."""
    ctx.caller.require()
    found = ctx.world.part(Workflows).find(workflow_id)
    if found is None or ctx.faults.take(FaultKind.WORKFLOW_NOT_FOUND, ("workflowStatus",)):
        return WorkflowResult("NotFound")
    if found.project.deleted_at is None:
        ctx.project(found.project.id)  # Railway: on a new project this may answer Not Authorized at first
    return WorkflowResult(found.status, found.error)
