"""Workflows: work that Railway goes on with after it has answered."""

from __future__ import annotations

from railway_saas.railway.models.base import OpenStrEnum, RailwayModel


class WorkflowStatus(OpenStrEnum):
    """How far a workflow is."""

    COMPLETE = "Complete"
    """What it makes exists. Deployments are queued then, not necessarily running."""
    ERROR = "Error"
    NOT_FOUND = "NotFound"
    """Right after the call that started it: not known everywhere yet."""
    RUNNING = "Running"


class WorkflowResult(RailwayModel):
    """The state of a workflow."""

    status: WorkflowStatus
    error: str | None = None


class WorkflowId(RailwayModel):
    """What to follow with `client.workflows`."""

    workflow_id: str | None = None
    """None when there is nothing to follow: look at the objects themselves."""
