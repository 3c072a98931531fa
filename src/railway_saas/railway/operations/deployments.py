"""Operations on deployments. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.deployments import (
    Deployment,
    DeploymentEvent,
    DeploymentExecution,
    DeploymentStatus,
)
from railway_saas.railway.operations._arguments import choices
from railway_saas.railway.operations._build import given, operation, or_unset, page_operation, require_text
from railway_saas.railway.operations._checks import require_text_if_given

if TYPE_CHECKING:
    from collections.abc import Iterable

    from railway_saas._core.paging import Page


def list_page(
    *,
    project_id: str | None = None,
    environment_id: str | None = None,
    service_id: str | None = None,
    status_in: Iterable[DeploymentStatus | str] | None = None,
    status_not_in: Iterable[DeploymentStatus | str] | None = None,
    include_deleted: bool | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Operation[Page[Deployment]]:
    """One page of deployments, newest first."""
    require_text_if_given(project_id=project_id, environment_id=environment_id, service_id=service_id)
    status = {
        key: choices(argument, DeploymentStatus, values)
        for key, argument, values in (
            ("in", "status_in", status_in),
            ("notIn", "status_not_in", status_not_in),
        )
        if values is not None
    }
    body = given(
        {
            "projectId": or_unset(project_id),
            "environmentId": or_unset(environment_id),
            "serviceId": or_unset(service_id),
            "status": or_unset(status or None),
            "includeDeleted": or_unset(include_deleted),
        }
    )
    return page_operation("DeploymentList", Deployment, {"input": body}, first=first, after=after)


def get(deployment_id: str) -> Operation[Deployment]:
    """One deployment with all that Railway tells."""
    require_text(deployment_id=deployment_id)
    return operation("DeploymentGet", Deployment, {"id": deployment_id}, read_after_write=True)


def poll(deployment_id: str) -> Operation[Deployment]:
    """The state of one deployment, without `meta` and its like, after everything more urgent."""
    require_text(deployment_id=deployment_id)
    return operation(
        "DeploymentStateGet", Deployment, {"id": deployment_id}, lane=Lane.BACKGROUND, read_after_write=True
    )


def events_page(
    deployment_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[DeploymentEvent]]:
    """One page of the steps a deployment has taken."""
    require_text(deployment_id=deployment_id)
    page = page_operation(
        "DeploymentEvents", DeploymentEvent, {"id": deployment_id}, first=first, after=after
    )
    return replace(page, read_after_write=True)


def executions_page(
    *, service_id: str, environment_id: str, first: int | None = None, after: str | None = None
) -> Operation[Page[DeploymentExecution]]:
    """One page of the runs of a cron service."""
    require_text(service_id=service_id, environment_id=environment_id)
    body = {"serviceId": service_id, "environmentId": environment_id}
    return page_operation(
        "DeploymentExecutions", DeploymentExecution, {"input": body}, first=first, after=after
    )


def redeploy(deployment_id: str, *, use_previous_image_tag: bool | None = None) -> Operation[Deployment]:
    """A new deployment from the same source and settings."""
    require_text(deployment_id=deployment_id)
    variables = {"id": deployment_id, "usePreviousImageTag": or_unset(use_previous_image_tag)}
    return operation("DeploymentRedeploy", Deployment, variables)


def restart(deployment_id: str) -> Operation[bool]:
    """Start the processes anew; the deployment stays the same. Works on a stopped one too."""
    return _by_id("DeploymentRestart", deployment_id)


def rollback(deployment_id: str) -> Operation[bool]:
    """A new deployment from this one's image and variables, where `can_rollback` says so."""
    return _by_id("DeploymentRollback", deployment_id)


def stop(deployment_id: str) -> Operation[bool]:
    """End the processes. The status stays; `deployment_stopped` turns true some seconds later."""
    return _by_id("DeploymentStop", deployment_id, safe_to_repeat=True)


def cancel(deployment_id: str) -> Operation[bool]:
    """Abort a deployment that is initializing, queued or building."""
    return _by_id("DeploymentCancel", deployment_id)


def remove(deployment_id: str) -> Operation[bool]:
    """End the processes and move the deployment to the history."""
    return _by_id("DeploymentRemove", deployment_id, lane=Lane.DELETION)


def approve(deployment_id: str) -> Operation[bool]:
    """Let a deployment go on that needs approval."""
    return _by_id("DeploymentApprove", deployment_id)


def _by_id(
    name: str, deployment_id: str, *, safe_to_repeat: bool = False, lane: Lane = Lane.USER
) -> Operation[bool]:
    require_text(deployment_id=deployment_id)
    return operation(name, bool, {"id": deployment_id}, safe_to_repeat=safe_to_repeat, lane=lane)


def watch(deployment_id: str) -> Operation[Deployment]:
    """Subscription: the deployment whenever its status changes. Railway does not push a stop."""
    require_text(deployment_id=deployment_id)
    return operation("DeploymentWatch", Deployment, {"id": deployment_id})


def watch_events(deployment_id: str) -> Operation[DeploymentEvent]:
    """Subscription: each step when it begins and when it ends."""
    require_text(deployment_id=deployment_id)
    return operation("DeploymentEventWatch", DeploymentEvent, {"id": deployment_id})
