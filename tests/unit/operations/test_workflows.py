"""Workflows: what their state means for somebody who waits."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayDeploymentError, RailwayInputError
from railway_saas.railway.models.workflows import WorkflowResult, WorkflowStatus
from railway_saas.railway.operations import workflows

ID = "deployTemplate/project/ce97424d-85b3-4e63-871a-b01c7b204818/a1B2c3"


def result(status: str, error: str | None = None) -> WorkflowResult:
    return workflows.status(ID).parse({"status": status, "error": error})


def test_the_status_is_asked_for_by_id_and_retried_while_permissions_spread() -> None:
    operation = workflows.status(ID)
    assert operation.variables == {"workflowId": ID}
    assert operation.read_after_write
    assert operation.lane is Lane.USER


def test_polls_let_users_go_first() -> None:
    assert workflows.poll(ID, 10).lane is Lane.BACKGROUND


@pytest.mark.parametrize(
    ("status", "complete"), [("Complete", True), ("Running", False), ("NotFound", False), ("Paused", False)]
)
def test_only_complete_ends_the_wait(status: str, complete: bool) -> None:
    assert workflows.is_complete(ID, result(status)) is complete


def test_a_failed_workflow_raises_with_railways_text() -> None:
    with pytest.raises(RailwayDeploymentError, match="no such image") as caught:
        workflows.is_complete(ID, result("Error", "no such image"))
    assert caught.value.status == "Error"
    assert ID in str(caught.value)


def test_a_failed_workflow_without_text_says_so() -> None:
    with pytest.raises(RailwayDeploymentError, match="gave no reason"):
        workflows.is_complete(ID, result("Error"))


def test_looks_come_at_growing_intervals() -> None:
    pauses = [workflows.next_poll_s(None)]
    while len(pauses) < 7:
        pauses.append(workflows.next_poll_s(pauses[-1]))
    assert pauses[:3] == [1.0, 1.5, 2.25]
    assert pauses[-1] == workflows.MAX_POLL_S


def test_statuses_are_spelled_as_railway_spells_them() -> None:
    assert [str(status) for status in WorkflowStatus] == ["Complete", "Error", "NotFound", "Running"]


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: workflows.status(""), "workflow_id"),
        (lambda: workflows.poll(ID, -1), "timeout_s"),
        (lambda: workflows.poll(ID, float("inf")), "timeout_s"),
        (lambda: workflows.poll(None, 1), "workflow_id"),  # type: ignore[arg-type]
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument
