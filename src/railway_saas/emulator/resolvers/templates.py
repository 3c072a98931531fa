"""Templates. Reading them takes no token at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, structure
from railway_saas.emulator.connections import Connection, paginate
from railway_saas.emulator.faults import FaultKind
from railway_saas.emulator.marketplace import Marketplace, Template
from railway_saas.emulator.registry import constant, field, graphql_type, mutation, never, query, registry
from railway_saas.emulator.resolvers.projects import own_workspace
from railway_saas.emulator.template_deploy import Target, check_template, deploy_template
from railway_saas.emulator.template_documents import BAD_REQUEST
from railway_saas.emulator.template_generate import generate_config

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.accounts import Workspace
    from railway_saas.emulator.world.projects import Environment, Project, Service

registry.types["Template"] = Template

RECENT = timedelta(days=30)
QUARTER = timedelta(days=90)
LARGEST_SEARCH_PAGE = 50
SEARCH_PAGE = 20

constant(
    "Template",
    canvasConfig=None,
    communityThreadSlug=None,
    guides=None,
    isV2Template=True,
    languages=None,
    metadata={},
    similarTemplates=[],
    supportHealthMetrics=None,
    teamId=None,
    totalPayout=0.0,
)
never("templates have no guides here", "TemplateGuide")
never("templates are not compared with each other here", "SimilarTemplate")


@graphql_type("TemplateCreator")
@dataclass(frozen=True, slots=True)
class Creator:
    """Who made a template."""

    name: str
    username: str
    avatar: str | None = None
    has_public_profile: bool = False


@graphql_type("TemplateMetrics")
@dataclass(frozen=True, slots=True)
class Metrics:
    """What became of a template."""

    active_deployments: int
    deployments_last90_days: int
    template_health: float
    total_deployments: int
    earnings_last30_days: float = 0.0
    earnings_last90_days: float = 0.0
    eligible_for_support_bonus: bool = False
    support_health: float = 100.0
    total_earnings: float = 0.0


@graphql_type("TemplateSearchResult")
@dataclass(frozen=True, slots=True)
class SearchResult:
    """A template in short."""

    id: str
    code: str
    name: str
    description: str | None
    image: str | None
    creator_name: str | None
    deployment_count: int
    health_score: float | None
    is_verified: bool


@graphql_type("TemplateDeployPayload")
@dataclass(frozen=True, slots=True)
class DeployPayload:
    """Where a template goes."""

    project_id: str
    workflow_id: str | None


# Reading ----------------------------------------------------------------------------------------------------------


@query("template")
def template(
    ctx: Context,
    *,
    id_: str | None = None,
    code: str | None = None,
    owner: str | None = None,
    repo: str | None = None,
) -> Template:
    """One template by id, by code, or by the repository it is made of. Unpublished ones, too, for who has the code."""
    if not (id_ or code or (owner and repo)):
        raise errors.problem_processing()
    found = _marketplace(ctx).find(template_id=id_, code=code, repo=f"{owner}/{repo}")
    if found is None:
        raise errors.not_found("Template")
    return found


@query("templates")
def templates(
    ctx: Context, *, verified: bool | None = None, recommended: bool | None = None, **page: Any
) -> Connection:
    """What the marketplace shows; Railway recommends its own."""
    shown = [
        one
        for one in _marketplace(ctx).published()
        if verified in {None, one.is_verified} and (one.is_verified or not recommended)
    ]
    return paginate(shown, **page)


@query("templatesCount")
def templates_count(ctx: Context) -> int:
    """How many the marketplace shows."""
    return len(_marketplace(ctx).published())


@query("templateSearch")
def template_search(
    ctx: Context,
    *,
    query: str,
    category: str | None = None,
    verified: bool | None = None,
    **page: Any,
) -> Connection:
    """Those whose code, name, description or tags hold every word."""
    words = query.lower().split()
    found = [
        _search_result(one)
        for one in _marketplace(ctx).published()
        if category in {None, one.category}
        and verified in {None, one.is_verified}
        and all(word in _text(one) for word in words)
    ]
    if page.get("first") is not None:
        page["first"] = min(page["first"], LARGEST_SEARCH_PAGE)
    return paginate(found, default=SEARCH_PAGE, **page)


@query("workspaceTemplates")
def workspace_templates(ctx: Context, *, workspace_id: str, **page: Any) -> Connection:
    """The templates of a workspace, published or not, newest first."""
    workspace = ctx.workspace(workspace_id)
    own = [one for one in _marketplace(ctx) if one.workspace is workspace]
    return paginate(own[::-1], **page)


@query("templateSourceForProject")
def template_source_for_project(ctx: Context, *, project_id: str) -> Template | None:
    """The newest template that was made from a project."""
    project = ctx.project(project_id)
    made = [one for one in _marketplace(ctx) if one.source_project is project]
    return made[-1] if made else None


@query("templateMetrics")
def template_metrics(ctx: Context, *, id_: str) -> Metrics:
    """What became of a template."""
    ctx.caller.require()
    found = template(ctx, id_=id_)
    return Metrics(
        active_deployments=active_projects(found, ctx),
        deployments_last90_days=_deploys_since(found, ctx.now - QUARTER),
        template_health=health(found, ctx) or 100.0,
        total_deployments=len(found.deploys),
    )


# Changing ---------------------------------------------------------------------------------------------------------


@mutation("templateGenerate")
def template_generate(ctx: Context, *, input_: dict[str, Any]) -> Template:
    """A template made from a project; much is dropped on the way."""
    project = ctx.project(input_["project_id"])
    environment = _environment(ctx, project, input_.get("environment_id"))
    return _marketplace(ctx).add(
        project.name,
        generate_config(environment),
        workspace=project.workspace,
        creator=ctx.user,
        source_project=project,
    )


@mutation("templatePublish")
def template_publish(ctx: Context, *, id_: str, input_: dict[str, Any]) -> Template:
    """Put a template on show."""
    found = _own(ctx, id_)
    _marketplace(ctx).publish(found, input_)
    return found


@mutation("templateUnpublish")
def template_unpublish(ctx: Context, *, id_: str) -> bool:
    """Take a template off show."""
    _marketplace(ctx).unpublish(_own(ctx, id_))
    return True


@mutation("templateDelete")
def template_delete(ctx: Context, *, id_: str, input_: dict[str, Any]) -> bool:
    """Delete a template."""
    if input_.get("workspace_id"):
        ctx.workspace(input_["workspace_id"])
    _marketplace(ctx).delete(_own(ctx, id_))
    return True


@mutation("templateClone")
def template_clone(ctx: Context, *, input_: dict[str, Any]) -> Template:
    """A copy of a template, under a code of its own."""
    workspace = _workspace(ctx, input_.get("workspace_id"))
    source = template(ctx, code=input_["code"])
    return _marketplace(ctx).add(
        source.name,
        source.config,
        workspace=workspace,
        creator=ctx.user,
        description=source.description,
        category=source.category,
        tags=source.tags,
        image=source.image,
        readme=source.readme,
    )


@mutation("templateVolumeUpdate")
def template_volume_update(
    ctx: Context, *, template_id: str, service_id: str, volume_id: str, size_mb: int | None = None
) -> Template:
    """Say how big a volume of a template is going to be."""
    found = _own(ctx, template_id)
    _marketplace(ctx).set_volume_size(found, service_id, volume_id, size_mb)
    return found


# Deploying --------------------------------------------------------------------------------------------------------


@mutation("templateDeployV2")
def template_deploy(ctx: Context, *, input_: dict[str, Any]) -> DeployPayload:
    """Deploy an (edited) template into a project, or into a new one. The work goes on in a workflow."""
    user = ctx.user
    if ctx.faults.take(FaultKind.TEMPLATE_DEPLOY_REFUSED, ("templateDeployV2",)):
        raise errors.problem_processing(status=BAD_REQUEST)
    found = template(ctx, id_=input_["template_id"])
    project = ctx.project(input_["project_id"]) if input_.get("project_id") else None
    workspace = project.workspace if project else _workspace(ctx, input_.get("workspace_id"))
    there = len(project.volumes) if project else 0
    document = check_template(input_["serialized_config"], workspace.plan, volumes_there=there)
    if project is None:
        ctx.limits.check_creation("project", workspace.id)
        project = structure.create_project(ctx.world, workspace)
        lag = ctx.faults.take(FaultKind.PERMISSION_LAG, ("templateDeployV2",))
        project.unreadable_times = lag.reads if lag else 0
        environment = next(iter(project.environments.values()))
    else:
        environment = _environment(ctx, project, input_.get("environment_id"))
    target = Target(
        environment,
        stage_only=bool(input_.get("stage_only")),
        existing_root=_existing_root(ctx, environment, input_.get("existing_root_service_id")),
        creator=user,
    )
    workflow = deploy_template(ctx.world, found, document, target)
    hidden = ctx.faults.take(FaultKind.WORKFLOW_ID_NULL, ("templateDeployV2",))
    return DeployPayload(project.id, None if hidden else workflow.id)


# Fields -----------------------------------------------------------------------------------------------------------


@field("Template", "serializedConfig", "config")
def serialized_config(found: Template, _ctx: Context) -> dict[str, Any]:
    """The config as it was stored."""
    return found.config


@field("Template", "creator")
def creator(found: Template, _ctx: Context) -> Creator | None:
    """Who made it; None for Railway's own."""
    return Creator(found.creator.name, found.creator.username) if found.creator else None


@field("Template", "isApproved")
def is_approved(found: Template, _ctx: Context) -> bool:
    """Whether the marketplace shows it."""
    return found.status == "PUBLISHED"


@field("Template", "projects")
def projects(found: Template, _ctx: Context) -> int:
    """How often it was deployed."""
    return len(found.deploys)


@field("Template", "activeProjects")
def active_projects(found: Template, _ctx: Context) -> int:
    """How many of these projects there still are."""
    return sum(1 for _, project in found.deploys if project.deleted_at is None)


@field("Template", "recentProjects")
def recent_projects(found: Template, ctx: Context) -> int:
    """How often it was deployed in the last 30 days."""
    return _deploys_since(found, ctx.now - RECENT)


@field("Template", "health")
def health(found: Template, _ctx: Context) -> float | None:
    """Per cent of its services' newest deployments that came up well; None before the first deploy."""
    outcomes = [
        instance.latest_deployment.status
        for _, project in found.deploys
        for environment in project.environments.values()
        for instance in environment.instances.values()
        if instance.service.template_id == found.id and instance.latest_deployment
    ]
    if not outcomes:
        return None
    failed = sum(1 for status in outcomes if status in {"FAILED", "CRASHED"})
    return round(100 * (1 - failed / len(outcomes)), 1)


def _marketplace(ctx: Context) -> Marketplace:
    return ctx.world.part(Marketplace)


def _own(ctx: Context, template_id: str) -> Template:
    """A template of a workspace that the caller may use."""
    ctx.caller.require()
    found = template(ctx, id_=template_id)
    if found.workspace is None:
        raise errors.not_authorized()
    ctx.workspace(found.workspace.id)
    return found


def _workspace(ctx: Context, workspace_id: str | None) -> Workspace:
    return ctx.workspace(workspace_id) if workspace_id else own_workspace(ctx)


def _environment(ctx: Context, project: Project, environment_id: str | None) -> Environment:
    """The environment that is meant: the one named, or the caller's first."""
    if environment_id is None:
        shown = ctx.environments_of(project)
        if not shown:
            raise errors.not_authorized()
        return shown[0]
    found = ctx.environment(environment_id)
    if found.project is not project:
        raise errors.not_authorized()
    return found


def _existing_root(ctx: Context, environment: Environment, service_id: str | None) -> Service | None:
    return ctx.service_instance(service_id, environment.id).service if service_id else None


def _deploys_since(found: Template, moment: datetime) -> int:
    return sum(1 for at, _ in found.deploys if at >= moment)


def _text(found: Template) -> str:
    parts = (found.code, found.name, found.description or "", found.category or "", *(found.tags or ()))
    return " ".join(parts).lower()


def _search_result(found: Template) -> SearchResult:
    return SearchResult(
        id=found.id,
        code=found.code,
        name=found.name,
        description=found.description,
        image=found.image,
        creator_name=found.creator.name if found.creator else None,
        deployment_count=len(found.deploys),
        health_score=None,
        is_verified=found.is_verified,
    )
