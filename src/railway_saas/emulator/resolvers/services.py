"""Services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, structure
from railway_saas.emulator.connections import Connection, newest_first, paginate
from railway_saas.emulator.registry import constant, field, mutation, query, registry
from railway_saas.emulator.sources import read_repository
from railway_saas.emulator.world.projects import Project, RepoTrigger, Service, ServiceSettings

if TYPE_CHECKING:
    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Environment, ServiceInstance

registry.types |= {"Service": Service, "DeploymentTrigger": RepoTrigger}

constant(
    "Service",
    featureFlags=[],
    hasHiddenRegistryCredentialsFromTemplate=False,
    isRestricted=False,
    templateThreadSlug=None,
)
constant("DeploymentTrigger", baseEnvironmentOverrideId=None, validCheckSuites=0)


@query("service")
def service(ctx: Context, *, id_: str) -> Service:
    """One service."""
    return ctx.service(id_)


@mutation("serviceCreate")
def service_create(ctx: Context, *, input_: dict[str, Any]) -> Service:
    """A new service. Railway does not deploy it: that takes `serviceInstanceDeployV2`."""
    project = ctx.project(input_["project_id"])
    if bool(input_.get("template_id")) != bool(input_.get("template_service_id")):
        raise errors.invalid("templateId and templateServiceId must be given together")
    return structure.create_service(
        ctx.world,
        project,
        name=input_.get("name"),
        environments=_environments(ctx, project, input_.get("environment_id")),
        settings=_first_settings(ctx, input_),
        variables=structure.make_variables(ctx.world, input_.get("variables") or {}),
        icon=input_.get("icon"),
        template_id=input_.get("template_id"),
        template_service_id=input_.get("template_service_id"),
    )


@mutation("serviceUpdate")
def service_update(ctx: Context, *, id_: str, input_: dict[str, Any]) -> Service:
    """Change name or icon."""
    found = ctx.service(id_)
    if "name" in input_ and input_["name"] != found.name:
        structure.check_service_name(found.project, input_["name"] or "")
        found.name = input_["name"]
    found.icon = input_.get("icon", found.icon)
    _touch(ctx, found)
    return found


@mutation("serviceDelete")
def service_delete(ctx: Context, *, id_: str, environment_id: str | None = None) -> bool:
    """Delete a service in one environment, or in all that are not forks."""
    found = ctx.service(id_)
    environments = _environments(ctx, found.project, environment_id)
    if environments is None:
        environments = [one for one in found.project.environments.values() if not one.is_ephemeral]
    structure.delete_service(ctx.world, found, environments)
    return True


@mutation("serviceConnect")
def service_connect(ctx: Context, *, id_: str, input_: dict[str, Any]) -> Service:
    """Give a service a source. A repository goes by `owner/name` here: a URL with a branch is refused."""
    found = ctx.service(id_)
    image, repo = input_.get("image"), input_.get("repo")
    if bool(image) == bool(repo):
        raise errors.problem_processing()
    branch = input_.get("branch") if ctx.world.settings.github_app else None
    if repo:
        repo, url_branch = read_repository(repo)
        if url_branch:
            raise errors.problem_processing()
    for instance in instances_of(ctx, found):
        settings = structure.with_source(instance.settings, image=image, repo=repo, branch=branch)
        structure.update_settings(ctx.world, instance, settings)
        structure.connect_trigger(ctx.world, instance)
    _touch(ctx, found)
    return found


@mutation("serviceDisconnect")
def service_disconnect(ctx: Context, *, id_: str) -> Service:
    """Take the source away; what runs goes on running."""
    found = ctx.service(id_)
    for instance in instances_of(ctx, found):
        structure.update_settings(ctx.world, instance, structure.with_source(instance.settings))
    found.repo_triggers.clear()
    _touch(ctx, found)
    return found


@field("Service", "project")
def project_of(found: Service, _ctx: Context) -> Project:
    """The project."""
    return found.project


@field("Service", "repoTriggers")
def repo_triggers(found: Service, _ctx: Context, **page: Any) -> Connection:
    """Which pushes deploy it."""
    return paginate(found.repo_triggers, default=None, **page)


@field("Service", "serviceInstances")
def service_instances(found: Service, ctx: Context, **page: Any) -> Connection:
    """What it is in each environment."""
    return paginate(instances_of(ctx, found), default=None, **page)


@field("Service", "deployments")
def deployments(found: Service, ctx: Context, **page: Any) -> Connection:
    """Its deployments in all environments, newest first."""
    shown = [one for instance in instances_of(ctx, found) for one in instance.deployments]
    return paginate(newest_first(shown), **page)


@field("DeploymentTrigger", "environmentId")
def trigger_environment_id(trigger: RepoTrigger, _ctx: Context) -> str:
    """Id of the environment it deploys to."""
    return trigger.environment.id


@field("DeploymentTrigger", "projectId")
def trigger_project_id(trigger: RepoTrigger, _ctx: Context) -> str:
    """Id of the project."""
    return trigger.environment.project.id


@field("DeploymentTrigger", "serviceId")
def trigger_service_id(trigger: RepoTrigger, _ctx: Context) -> str:
    """Id of the service it deploys."""
    return trigger.service.id


def instances_of(ctx: Context, found: Service) -> list[ServiceInstance]:
    """What the service is in the environments that the caller may use."""
    environments = ctx.environments_of(found.project)
    return [one.instances[found.id] for one in environments if found.id in one.instances]


def _environments(ctx: Context, project: Project, environment_id: str | None) -> list[Environment] | None:
    """The one environment that is meant; None: all that are not forks. A project token means its own."""
    token = ctx.caller.require()
    if environment_id is None:
        return [token.environment] if token.environment else None
    found = ctx.environment(environment_id)
    if found.project is not project:
        raise errors.not_authorized()
    return [found]


def _first_settings(ctx: Context, input_: dict[str, Any]) -> ServiceSettings:
    source: dict[str, Any] = input_.get("source") or {}
    branch = input_.get("branch")
    repo = source.get("repo")
    if repo:
        repo, url_branch = read_repository(repo)
        branch = branch or url_branch
    return structure.with_source(
        ServiceSettings(registry_credentials=input_.get("registry_credentials")),
        image=source.get("image"),
        repo=repo,
        branch=branch if ctx.world.settings.github_app else None,
    )


def _touch(ctx: Context, found: Service) -> None:
    found.updated_at = ctx.now
    structure.touch(ctx.world, found.project)
