"""Operations on environments and their configuration. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.environments import Environment, EnvironmentConfig, EnvironmentPatch
from railway_saas.railway.models.services import DeploymentTrigger
from railway_saas.railway.operations._arguments import document
from railway_saas.railway.operations._build import given, operation, or_unset, page_operation, require_text
from railway_saas.railway.operations._checks import nested_page_operation, require_text_if_given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas._core.paging import Page


def list_page(
    project_id: str, *, is_ephemeral: bool | None = None, first: int | None = None, after: str | None = None
) -> Operation[Page[Environment]]:
    """One page of a project's environments."""
    require_text(project_id=project_id)
    variables = {"projectId": project_id, "isEphemeral": or_unset(is_ephemeral)}
    return page_operation("EnvironmentList", Environment, variables, first=first, after=after)


def get(environment_id: str) -> Operation[Environment]:
    """One environment with its service and volume instances."""
    require_text(environment_id=environment_id)
    return operation("EnvironmentGet", Environment, {"id": environment_id}, read_after_write=True)


def create(
    project_id: str,
    *,
    name: str,
    source_environment_id: str | None = None,
    ephemeral: bool | None = None,
    skip_initial_deploys: bool | None = None,
    stage_initial_changes: bool | None = None,
    apply_changes_in_background: bool | None = None,
) -> Operation[Environment]:
    """A new environment, empty or a copy. Railway allows one per 30 seconds."""
    require_text(project_id=project_id, name=name)
    require_text_if_given(source_environment_id=source_environment_id)
    body = given(
        {
            "projectId": project_id,
            "name": name,
            "sourceEnvironmentId": or_unset(source_environment_id),
            "ephemeral": or_unset(ephemeral),
            "skipInitialDeploys": or_unset(skip_initial_deploys),
            "stageInitialChanges": or_unset(stage_initial_changes),
            "applyChangesInBackground": or_unset(apply_changes_in_background),
        }
    )
    return operation("EnvironmentCreate", Environment, {"input": body})


def rename(environment_id: str, *, name: str) -> Operation[Environment]:
    """Give an environment another name."""
    require_text(environment_id=environment_id, name=name)
    variables = {"id": environment_id, "input": {"name": name}}
    return operation("EnvironmentRename", Environment, variables, safe_to_repeat=True)


def delete(environment_id: str) -> Operation[bool]:
    """Delete an environment with everything in it."""
    require_text(environment_id=environment_id)
    return operation("EnvironmentDelete", bool, {"id": environment_id}, lane=Lane.DELETION)


def triggers_deploy(*, project_id: str, environment_id: str, service_id: str) -> Operation[bool]:
    """Deploy what a service's triggers (repository and branch) point to."""
    require_text(project_id=project_id, environment_id=environment_id, service_id=service_id)
    body = {"projectId": project_id, "environmentId": environment_id, "serviceId": service_id}
    return operation("EnvironmentTriggersDeploy", bool, {"input": body})


def deployment_triggers_page(
    environment_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[DeploymentTrigger]]:
    """One page of an environment's deployment triggers."""
    require_text(environment_id=environment_id)
    return nested_page_operation(
        "EnvironmentDeploymentTriggers",
        DeploymentTrigger,
        "deploymentTriggers",
        {"id": environment_id},
        first=first,
        after=after,
    )


def config(environment_id: str, *, decrypt: bool = False) -> Operation[EnvironmentConfig]:
    """An environment's whole configuration and its etag; variables' values only with `decrypt`."""
    require_text(environment_id=environment_id)
    variables = {"id": environment_id, "decrypt": decrypt}
    return operation("EnvironmentConfig", EnvironmentConfig, variables, read_after_write=True)


def staged_changes(environment_id: str, *, decrypt: bool = False) -> Operation[EnvironmentPatch]:
    """The patch that waits to be committed; an empty one where nothing waits."""
    require_text(environment_id=environment_id)
    variables = {"environmentId": environment_id, "decrypt": decrypt}
    return operation("EnvironmentStagedChanges", EnvironmentPatch, variables, read_after_write=True)


def stage_changes(
    environment_id: str, config: Mapping[str, object], *, merge: bool | None = None
) -> Operation[EnvironmentPatch]:
    """Put a patch in waiting: in place of the one that waits (an empty one discards that), or merged into it."""
    require_text(environment_id=environment_id)
    variables = {
        "environmentId": environment_id,
        "input": {} if config == {} and not merge else document("config", config),
        "merge": or_unset(merge),
    }
    return operation("EnvironmentStageChanges", EnvironmentPatch, variables, safe_to_repeat=True)


def commit_staged(
    environment_id: str, *, message: str | None = None, skip_deploys: bool | None = None
) -> Operation[str]:
    """Apply everything that waits, whoever staged it."""
    require_text(environment_id=environment_id)
    variables = {
        "environmentId": environment_id,
        "commitMessage": or_unset(message),
        "skipDeploys": or_unset(skip_deploys),
    }
    return operation("EnvironmentPatchCommitStaged", str, variables)


def commit_patch(
    environment_id: str, patch: Mapping[str, object], *, message: str | None = None
) -> Operation[str]:
    """Apply a patch now: it is merged deeply, and null deletes a key."""
    require_text(environment_id=environment_id)
    variables = {
        "environmentId": environment_id,
        "patch": document("patch", patch),
        "commitMessage": or_unset(message),
    }
    return operation("EnvironmentPatchCommit", str, variables)


def patches_page(
    environment_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[EnvironmentPatch]]:
    """One page of an environment's patches, without what they change."""
    require_text(environment_id=environment_id)
    variables = {"environmentId": environment_id}
    return page_operation("EnvironmentPatches", EnvironmentPatch, variables, first=first, after=after)


def patch(patch_id: str, *, decrypt: bool = False) -> Operation[EnvironmentPatch]:
    """One patch with what it changes; variables' values only with `decrypt`."""
    require_text(patch_id=patch_id)
    return operation("EnvironmentPatchGet", EnvironmentPatch, {"id": patch_id, "decrypt": decrypt})


def watch_staged_changes(environment_id: str) -> Operation[EnvironmentPatch]:
    """Subscription: the staged patch at every change."""
    require_text(environment_id=environment_id)
    return operation("EnvironmentStagedPatchWatch", EnvironmentPatch, {"environmentId": environment_id})
