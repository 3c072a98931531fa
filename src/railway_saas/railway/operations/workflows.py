"""Operations on workflows, and how to wait for one. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import Final

from railway_saas._core.operation import Lane, Operation
from railway_saas.errors import RailwayDeploymentError, RailwayTimeoutError
from railway_saas.railway.models.workflows import WorkflowResult, WorkflowStatus
from railway_saas.railway.operations._build import operation, require_range, require_text

FIRST_POLL_S: Final = 1.0
"""Seconds between the first looks: what Railway's CLI waits between all of them."""

MAX_POLL_S: Final = 8.0
"""Seconds between looks at most: workflows that run for minutes need no look every second."""

_GROWTH = 1.5
_MAX_TIMEOUT_S = 24 * 3600.0


def status(workflow_id: str, *, lane: Lane = Lane.USER) -> Operation[WorkflowResult]:
    """How far a workflow is.

    Permissions of a new project spread with a delay: this read is retried on "Not Authorized".
    """
    require_text(workflow_id=workflow_id)
    variables = {"workflowId": workflow_id}
    return operation("WorkflowStatus", WorkflowResult, variables, read_after_write=True, lane=lane)


def poll(workflow_id: str, timeout_s: float) -> Operation[WorkflowResult]:
    """The read that waiting repeats.

    Raises:
        RailwayInputError: The id or the time cannot be used.
    """
    require_range(0, _MAX_TIMEOUT_S, timeout_s=timeout_s)
    return status(workflow_id, lane=Lane.BACKGROUND)


def is_complete(workflow_id: str, result: WorkflowResult) -> bool:
    """Whether waiting is over. `NotFound` is lag right after the call, and an unknown status may become a known one.

    Raises:
        RailwayDeploymentError: The workflow failed; Railway's text is in the message.
    """
    if result.status is WorkflowStatus.ERROR:
        raise RailwayDeploymentError(
            f"workflow {workflow_id} failed: {result.error or 'Railway gave no reason'}",
            operation="workflowStatus",
            status=str(result.status),
        )
    return result.status is WorkflowStatus.COMPLETE


def next_poll_s(previous_s: float | None) -> float:
    """Seconds until the next look, growing from `FIRST_POLL_S` to `MAX_POLL_S`."""
    return FIRST_POLL_S if previous_s is None else min(MAX_POLL_S, previous_s * _GROWTH)


def not_in_time(workflow_id: str, timeout_s: float, last_seen: str) -> RailwayTimeoutError:
    """The exception for a workflow that did not end in time."""
    return RailwayTimeoutError(
        f"workflow {workflow_id} was not complete after {timeout_s:g} s (last seen: {last_seen}); "
        "it goes on, so wait again or look at what it makes",
        operation="workflowStatus",
        transient=True,
    )
