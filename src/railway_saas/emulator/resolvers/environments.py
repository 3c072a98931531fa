"""Environments. Their config, variables and volumes are in modules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, structure
from railway_saas.emulator.connections import Connection, paginate
from railway_saas.emulator.ordering import deploy_in_order
from railway_saas.emulator.registry import constant, field, mutation, never, query, registry
from railway_saas.emulator.resolvers.projects import deployments_in
from railway_saas.emulator.world.projects import Environment

if TYPE_CHECKING:
    from railway_saas.emulator.context import Context

registry.types["Environment"] = Environment

never("pull-request environments are not emulated", "EnvironmentMeta")
constant("Environment", canvasGroupRefs={}, meta=None)


@query("environment")
def environment(ctx: Context, *, id_: str, project_id: str | None = None) -> Environment:
    """One environment."""
    found = ctx.environment(id_)
    if project_id is not None and found.project.id != project_id:
        raise errors.not_authorized()
    return found


@query("environments")
def environments(
    ctx: Context, *, project_id: str, is_ephemeral: bool | None = None, **page: Any
) -> Connection:
    """The environments of a project, oldest first."""
    shown = ctx.environments_of(ctx.project(project_id))
    return paginate([one for one in shown if is_ephemeral in {None, one.is_ephemeral}], **page)


@mutation("environmentCreate")
def environment_create(ctx: Context, *, input_: dict[str, Any]) -> Environment:
    """A new environment, empty or copied from another. Railway allows one per 30 seconds."""
    project = ctx.project(input_["project_id"], manage=True)
    source_id = input_.get("source_environment_id")
    source = project.environments.get(source_id) if source_id else None
    if source_id and source is None:
        raise errors.not_authorized()
    structure.check_environment_name(project, input_["name"])
    ctx.limits.check_creation("environment", project.workspace.id)
    made = structure.add_environment(
        ctx.world, project, input_["name"], is_ephemeral=bool(input_.get("ephemeral")), source=source
    )
    if source is not None:
        copied = structure.copy_environment(ctx.world, source, made)
        if not (input_.get("skip_initial_deploys") or input_.get("stage_initial_changes")):
            deploy_in_order(ctx.world, copied, creator=ctx.user)
    return made


@mutation("environmentRename")
def environment_rename(ctx: Context, *, id_: str, input_: dict[str, Any]) -> Environment:
    """Give an environment another name."""
    found = _managed(ctx, id_)
    if input_["name"] != found.name:
        structure.check_environment_name(found.project, input_["name"])
    found.name = input_["name"]
    found.updated_at = ctx.now
    return found


@mutation("environmentDelete")
def environment_delete(ctx: Context, *, id_: str) -> bool:
    """Delete an environment with everything in it."""
    structure.delete_environment(ctx.world, _managed(ctx, id_))
    return True


@field("Environment", "canAccess")
def can_access(found: Environment, ctx: Context) -> bool:
    """Whether the caller may use it."""
    return ctx.caller.may_use_environment(found)


@field("Environment", "serviceInstances")
def service_instances(found: Environment, _ctx: Context, **page: Any) -> Connection:
    """What each service is here."""
    return paginate(list(found.instances.values()), default=None, **page)


@field("Environment", "deployments")
def deployments(found: Environment, _ctx: Context, **page: Any) -> Connection:
    """All deployments here, newest first."""
    return paginate(deployments_in(found), **page)


@field("Environment", "deploymentTriggers")
def deployment_triggers(found: Environment, _ctx: Context, **page: Any) -> Connection:
    """Which pushes deploy what."""
    triggers = [one for i in found.instances.values() for one in i.service.repo_triggers]
    return paginate([one for one in triggers if one.environment is found], **page)


def _managed(ctx: Context, environment_id: str) -> Environment:
    found = ctx.environment(environment_id)
    ctx.project(found.project.id, manage=True)
    return found
