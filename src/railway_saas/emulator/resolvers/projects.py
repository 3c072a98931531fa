"""Projects and their members."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, structure
from railway_saas.emulator.connections import Connection, newest_first, paginate
from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.registry import constant, field, mutation, query, registry
from railway_saas.emulator.resolvers.account import PLAN_LIMITS, PLAN_TYPES, MemberView, member_view
from railway_saas.emulator.sources import read_repository
from railway_saas.emulator.world.accounts import Member, TokenKind, Workspace
from railway_saas.emulator.world.projects import Environment, Project, ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Service

registry.types["Project"] = Project

GRACE = timedelta(hours=48)
"""Railway: a scheduled deletion can be taken back for 48 hours."""

constant("Project", expiredAt=None, featureFlags=[], isTempProject=False, team=None, teamId=None)

ORDERS: dict[str, tuple[Callable[[Project], Any], bool]] = {
    "CREATED_AT_DESC": (lambda project: project.created_at, True),
    "UPDATED_AT_DESC": (lambda project: project.updated_at, True),
    "NAME_ASC": (lambda project: project.name.lower(), False),
}


@query("project")
def project(ctx: Context, *, id_: str) -> Project:
    """One project."""
    return ctx.project(id_)


@query("projects")
def projects(
    ctx: Context,
    *,
    workspace_id: str | None = None,
    user_id: str | None = None,
    include_deleted: bool | None = None,
    order_by: str | None = None,
    **page: Any,
) -> Connection:
    """The projects of a workspace; without one, of the caller's own."""
    if user_id is not None and user_id != ctx.caller.user().id:
        raise errors.not_authorized()
    workspace = ctx.workspace(workspace_id) if workspace_id else own_workspace(ctx)
    shown = [one for one in workspace.projects.values() if include_deleted or one.deleted_at is None]
    key, descending = ORDERS[order_by or "UPDATED_AT_DESC"]
    ordered = sorted(shown, key=key)
    return paginate(ordered[::-1] if descending else ordered, **page)


@query("projectsByIds")
def projects_by_ids(ctx: Context, *, ids: list[str]) -> list[Project]:
    """Several projects at once; ids without access are skipped in silence."""
    ctx.caller.require()
    found = (ctx.world.projects.get(one) for one in ids)
    return [one for one in found if one and one.deleted_at is None and ctx.caller.may_use_project(one)]


@query("projectMembers")
def project_members(ctx: Context, *, project_id: str) -> list[MemberView]:
    """Everybody who may use the project."""
    return members(ctx.project(project_id), ctx)


@mutation("projectCreate")
def project_create(ctx: Context, *, input_: dict[str, Any]) -> Project:
    """A new project."""
    workspace_id = input_.get("workspace_id")
    workspace = ctx.workspace(workspace_id) if workspace_id else own_workspace(ctx)
    ctx.limits.check_creation("project", workspace.id)
    made = structure.create_project(
        ctx.world,
        workspace,
        name=input_.get("name"),
        description=input_.get("description"),
        environment_name=input_.get("default_environment_name"),
        is_public=bool(input_.get("is_public")),
        pr_deploys=bool(input_.get("pr_deploys")),
    )
    lag = ctx.faults.take(FaultKind.PERMISSION_LAG, ("projectCreate",))
    made.unreadable_times = lag.reads if lag else 0
    if input_.get("repo"):
        _add_repository(ctx, made, input_["repo"])
    return made


@mutation("projectUpdate")
def project_update(ctx: Context, *, id_: str, input_: dict[str, Any]) -> Project:
    """Change a project's own properties."""
    found = ctx.project(id_, manage=True)
    if "name" in input_:
        structure.check_project_name(input_["name"] or "")
    if input_.get("base_environment_id") and input_["base_environment_id"] not in found.environments:
        raise errors.not_authorized()
    for name, value in input_.items():
        setattr(found, name, value if name in {"name", "description", "base_environment_id"} else bool(value))
    structure.touch(ctx.world, found)
    return found


@mutation("projectDelete")
def project_delete(ctx: Context, *, id_: str) -> bool:
    """Delete at once."""
    structure.delete_project(ctx.world, ctx.project(id_, manage=True))
    return True


@mutation("projectScheduleDelete")
def project_schedule_delete(ctx: Context, *, id_: str) -> bool:
    """Delete after 48 hours, unless that is taken back."""
    found = ctx.project(id_, manage=True)
    due = found.scheduled_deletion = ctx.now + GRACE

    def delete() -> None:
        if found.scheduled_deletion == due and found.deleted_at is None:
            structure.delete_project(ctx.world, found)

    ctx.world.clock.call_at(due, delete)
    return True


@mutation("projectScheduleDeleteCancel")
def project_schedule_delete_cancel(ctx: Context, *, id_: str) -> bool:
    """Take a scheduled deletion back."""
    ctx.project(id_, manage=True).scheduled_deletion = None
    return True


@mutation("projectScheduleDeleteForce")
def project_schedule_delete_force(ctx: Context, *, id_: str) -> bool:
    """Do not wait for the 48 hours."""
    structure.delete_project(ctx.world, ctx.project(id_, manage=True))
    return True


@mutation("projectTransfer")
def project_transfer(ctx: Context, *, project_id: str, input_: dict[str, Any]) -> bool:
    """Move a project to another workspace."""
    found = ctx.project(project_id, manage=True)
    target = ctx.workspace(input_["workspace_id"])
    del found.workspace.projects[found.id]
    found.workspace = target
    target.projects[found.id] = found
    structure.touch(ctx.world, found)
    return True


@mutation("projectMemberAdd")
def project_member_add(ctx: Context, *, input_: dict[str, Any]) -> MemberView:
    """Let a user use this project."""
    found = ctx.project(input_["project_id"], manage=True)
    user = ctx.world.users.get(input_["user_id"])
    if user is None:
        raise errors.not_found("User")
    found.members = [one for one in found.members if one.user is not user]
    member = Member(user, input_["role"])
    found.members.append(member)
    return member_view(member)


@mutation("projectMemberUpdate")
def project_member_update(ctx: Context, *, input_: dict[str, Any]) -> MemberView:
    """Give a member of the project another role."""
    member = _member(ctx, input_)
    member.role = input_["role"]
    return member_view(member)


@mutation("projectMemberRemove")
def project_member_remove(ctx: Context, *, input_: dict[str, Any]) -> list[MemberView]:
    """Take the right to use this project away."""
    member = _member(ctx, input_)
    found = ctx.project(input_["project_id"], manage=True)
    found.members.remove(member)
    return members(found, ctx)


@field("Project", "baseEnvironment")
def base_environment(found: Project, _ctx: Context) -> Environment | None:
    """The environment that pull-request environments are copied from."""
    return found.environments.get(found.base_environment_id or "")


@field("Project", "environments")
def environments(
    found: Project, ctx: Context, *, is_ephemeral: bool | None = None, sort: str | None = None, **page: Any
) -> Connection:
    """Its environments, oldest first."""
    shown = [one for one in ctx.environments_of(found) if is_ephemeral in {None, one.is_ephemeral}]
    return paginate(shown[::-1] if sort == "DESC" else shown, default=None, **page)


@field("Project", "services")
def services(found: Project, ctx: Context, **page: Any) -> Connection:
    """Its services, oldest first."""
    return paginate(visible_services(ctx, found), default=None, **page)


@field("Project", "deployments")
def deployments(found: Project, ctx: Context, **page: Any) -> Connection:
    """All deployments, newest first."""
    shown = [one for environment in ctx.environments_of(found) for one in deployments_in(environment)]
    return paginate(newest_first(shown), **page)


@field("Project", "members")
def members(found: Project, _ctx: Context) -> list[MemberView]:
    """Those of the workspace, and those of this project."""
    return [member_view(one) for one in (*found.workspace.members, *found.members)]


@field("Project", "workspace")
def project_workspace(found: Project, ctx: Context) -> Workspace | None:
    """The workspace, for those who may see it."""
    return found.workspace if ctx.caller.may_use_workspace(found.workspace) else None


@field("Project", "subscriptionType")
def subscription_type(found: Project, _ctx: Context) -> str:
    """The plan, in the spelling of `SubscriptionPlanType`."""
    return PLAN_TYPES[found.workspace.plan]


@field("Project", "subscriptionPlanLimit")
def subscription_plan_limit(found: Project, _ctx: Context) -> dict[str, Any]:
    """What the plan allows."""
    return PLAN_LIMITS[found.workspace.plan]


def own_workspace(ctx: Context) -> Workspace:
    """The caller's own workspace: the token's, or the user's first."""
    token = ctx.caller.require()
    workspaces = ctx.caller.workspaces()
    if token.kind is TokenKind.PROJECT or not workspaces:
        raise errors.not_authorized()
    return workspaces[0]


def visible_services(ctx: Context, found: Project) -> list[Service]:
    """The services of a project; a project token sees those of its environment."""
    token = ctx.caller.token
    if token is None or token.environment is None:
        return list(found.services.values())
    return [one for one in found.services.values() if one.id in token.environment.instances]


def deployments_in(environment: Environment) -> list[Deployment]:
    """All deployments in an environment, newest first."""
    shown = [one for instance in environment.instances.values() for one in instance.deployments]
    return newest_first(shown)


def _add_repository(ctx: Context, made: Project, repo: dict[str, Any]) -> None:
    name, _ = read_repository(repo["full_repo_name"])
    settings = ServiceSettings(repo=name, branch=repo["branch"])
    service = structure.create_service(ctx.world, made, name=name.rpartition("/")[2], settings=settings)
    structure.deploy_all(ctx.world, [one.instances[service.id] for one in made.environments.values()])


def _member(ctx: Context, input_: dict[str, Any]) -> Member:
    found = ctx.project(input_["project_id"], manage=True)
    for member in found.members:
        if member.user.id == input_["user_id"]:
            return member
    raise errors.not_found("ProjectMember")
