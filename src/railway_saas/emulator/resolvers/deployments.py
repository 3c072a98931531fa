"""Deployments and their verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors, lifecycle
from railway_saas.emulator.connections import Connection, newest_first, paginate
from railway_saas.emulator.registry import (
    Publish,
    Stop,
    constant,
    field,
    graphql_type,
    mutation,
    query,
    registry,
    subscription,
)
from railway_saas.emulator.resolvers.service_instances import redeploy_deployment
from railway_saas.emulator.world.deployments import (
    Deployment,
    DeploymentEvent,
    DeploymentInstance,
    InstanceExecution,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.projects import Environment, Service, ServiceInstance

registry.types |= {
    "Deployment": Deployment,
    "DeploymentDeploymentInstance": DeploymentInstance,
    "DeploymentEvent": DeploymentEvent,
    "DeploymentInstanceExecution": InstanceExecution,
}

constant("Deployment", diagnosis=None)

IMAGE_KEPT = {"FREE": timedelta(hours=24), "HOBBY": timedelta(hours=72), "PRO": timedelta(hours=120)}
"""How long an image is kept for a roll-back. Source: Railway's price page."""

CANCELLABLE = frozenset({"INITIALIZING", "NEEDS_APPROVAL", "WAITING", "QUEUED", "BUILDING"})
STOPPABLE = frozenset({"SUCCESS", "CRASHED"})
DEFAULT_PORT = 8080


@graphql_type("DeploymentCreator")
@dataclass(frozen=True, slots=True)
class DeploymentCreator:
    """Who asked for a deployment."""

    id: str
    name: str
    email: str
    avatar: str | None = None


@graphql_type("DeploymentSocket")
@dataclass(frozen=True, slots=True)
class DeploymentSocket:
    """A port that the process listens on."""

    port: int
    process_name: str
    updated_at: int
    ipv6: bool = False


@graphql_type("DeploymentEventPayload")
@dataclass(frozen=True, slots=True)
class EventPayload:
    """What is known about a step."""

    error: str | None
    reason: str | None
    skipped: bool | None
    duration_ms: int | None
    attempt: int | None = None
    max_attempts: int | None = None
    detail: str | None = None


# Reading ----------------------------------------------------------------------------------------------------------


@query("deployment")
def deployment(ctx: Context, *, id_: str) -> Deployment:
    """One deployment."""
    return ctx.deployment(id_)


@query("deployments")
def deployments(ctx: Context, *, input_: dict[str, Any], **page: Any) -> Connection:
    """Deployments that fit the filter, newest first."""
    status: dict[str, Any] = input_.get("status") or {}
    wanted, unwanted = status.get("in"), status.get("not_in")
    found = [
        one
        for instance in _instances(ctx, input_)
        for one in instance.deployments
        if (wanted is None or one.status in wanted) and (unwanted is None or one.status not in unwanted)
    ]
    return paginate(newest_first(found), **page)


@query("deploymentEvents")
def deployment_events(ctx: Context, *, id_: str, **page: Any) -> Connection:
    """The steps of a deployment, in order."""
    return paginate(ctx.deployment(id_).events, **page)


@query("deploymentInstanceExecutions")
def instance_executions(ctx: Context, *, input_: dict[str, Any], **page: Any) -> Connection:
    """The runs of a cron service, newest first."""
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    found = [one for made in instance.deployments for one in made.executions]
    return paginate(newest_first(found), **page)


# Verbs ------------------------------------------------------------------------------------------------------------


@mutation("deploymentRedeploy")
def deployment_redeploy(ctx: Context, *, id_: str, use_previous_image_tag: bool | None = None) -> Deployment:
    """A new deployment of the same source and settings."""
    del use_previous_image_tag  # tags never move here
    return redeploy_deployment(ctx, ctx.deployment(id_))


@mutation("deploymentRestart")
def deployment_restart(ctx: Context, *, id_: str) -> bool:
    """Start the process again; works on a stopped or crashed one, too."""
    found = ctx.deployment(id_)
    if found.status not in STOPPABLE:
        raise errors.wrong_state("restartable")
    lifecycle.restart(ctx.world, found)
    return True


@mutation("deploymentRollback")
def deployment_rollback(ctx: Context, *, id_: str) -> bool:
    """A new deployment from an old image and its variables."""
    found = ctx.deployment(id_)
    if not can_rollback(found, ctx):
        raise errors.wrong_state("rollbackable")
    lifecycle.deploy_service_instance(
        ctx.world,
        found.instance,
        reason="rollback",
        creator=ctx.user,
        settings=found.settings,
        variables=found.variables,
        commit_hash=found.commit_hash,
    )
    return True


@mutation("deploymentStop")
def deployment_stop(ctx: Context, *, id_: str) -> bool:
    """Let the process exit; the status stays. Stopping again is no error."""
    found = ctx.deployment(id_)
    if found.status not in STOPPABLE:
        raise errors.wrong_state("stoppable")
    lifecycle.stop(ctx.world, found)
    return True


@mutation("deploymentCancel")
def deployment_cancel(ctx: Context, *, id_: str) -> bool:
    """Abort one that is still on its way."""
    found = ctx.deployment(id_)
    if found.status not in CANCELLABLE:
        raise errors.wrong_state("cancellable")
    lifecycle.cancel(ctx.world, found)
    return True


@mutation("deploymentRemove")
def deployment_remove(ctx: Context, *, id_: str) -> bool:
    """Stop and move to history."""
    lifecycle.remove(ctx.world, ctx.deployment(id_))
    return True


@mutation("deploymentApprove")
def deployment_approve(ctx: Context, *, id_: str) -> bool:
    """Let one go on that needed an approval."""
    found = ctx.deployment(id_)
    if found.status != "NEEDS_APPROVAL":
        raise errors.wrong_state("approvable")
    lifecycle.approve(ctx.world, found)
    return True


@mutation("deploymentInstanceExecutionCreate")
def instance_execution_create(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Run a cron service now."""
    instance = ctx.world.instances.get(input_["service_instance_id"])
    if instance is None or not ctx.caller.may_use_environment(instance.environment):
        raise errors.not_authorized()
    latest = instance.latest_deployment
    if latest is None or latest.status != "SUCCESS" or not latest.settings.cron_schedule:
        raise errors.problem_processing()
    lifecycle.run_now(ctx.world, latest)
    return True


# Watching ---------------------------------------------------------------------------------------------------------


@subscription("deployment")
def watch_deployment(ctx: Context, publish: Publish, *, id_: str) -> Stop:
    """Railway: pushes when the status changes, and only then; a stop is not pushed."""
    return ctx.world.listen("deployment", ctx.deployment(id_).id, publish)


@subscription("deploymentEvents")
def watch_events(ctx: Context, publish: Publish, *, id_: str) -> Stop:
    """Steps so far, then each step as it begins and ends."""
    found = ctx.deployment(id_)
    for event in found.events:
        publish(event)
    return ctx.world.listen("deployment-event", found.id, publish)


@subscription("deploymentInstanceExecutions")
def watch_executions(ctx: Context, publish: Publish, *, input_: dict[str, Any]) -> Stop:
    """Runs of a cron service, as they begin and end."""
    return ctx.world.listen("execution", ctx.deployment(input_["deployment_id"]).id, publish)


# Fields -----------------------------------------------------------------------------------------------------------


@field("Deployment", "environment")
def environment_of(found: Deployment, _ctx: Context) -> Environment:
    """Where it was deployed."""
    return found.environment


@field("Deployment", "service")
def service_of(found: Deployment, _ctx: Context) -> Service:
    """What was deployed."""
    return found.service


@field("Deployment", "canRedeploy")
def can_redeploy(found: Deployment, _ctx: Context) -> bool:
    """Whether `deploymentRedeploy` takes it."""
    return lifecycle.redeployable(found)


@field("Deployment", "canRollback")
def can_rollback(found: Deployment, ctx: Context) -> bool:
    """Whether it once ran, is not what runs now, and its image is still kept."""
    if found.succeeded_at is None or found.status in {"SUCCESS", "SLEEPING"} or found.instance.deleted_at:
        return False
    kept = IMAGE_KEPT[found.project.workspace.plan]
    return found.removed_at is None or ctx.now - found.removed_at <= kept


@field("Deployment", "creator")
def creator(found: Deployment, _ctx: Context) -> DeploymentCreator | None:
    """Who asked for it."""
    user = found.creator
    return DeploymentCreator(user.id, user.name, user.email) if user else None


@field("Deployment", "meta")
def meta(found: Deployment, _ctx: Context) -> dict[str, Any]:
    """What it was made from."""
    return deployment_meta(found)


@field("Deployment", "sockets")
def sockets(found: Deployment, _ctx: Context) -> list[DeploymentSocket]:
    """The port of a running process that is meant to be reached."""
    if not found.is_running or not found.instance.service_domains:
        return []
    port = found.variables.get("PORT")
    number = int(port.value) if port and port.value.isdigit() else DEFAULT_PORT
    return [DeploymentSocket(number, found.service.name, int(found.runs[-1][0].timestamp()))]


@field("Deployment", "staticUrl", "url")
def static_url(found: Deployment, _ctx: Context) -> str | None:
    """Host name of the newest service domain."""
    domains = found.instance.service_domains
    return domains[-1].domain if domains else None


@field("Deployment", "suggestAddServiceDomain")
def suggest_add_service_domain(found: Deployment, _ctx: Context) -> bool:
    """Whether it runs and nobody can reach it."""
    return found.status == "SUCCESS" and not found.instance.service_domains


@field("DeploymentEvent", "payload")
def event_payload(event: DeploymentEvent, _ctx: Context) -> EventPayload:
    """How a step went."""
    took = event.completed_at - event.created_at if event.completed_at else None
    milliseconds = round(took.total_seconds() * 1000) if took is not None else None
    return EventPayload(event.error, event.reason, event.skipped, milliseconds)


@field("DeploymentInstanceExecution", "deploymentId")
def execution_deployment_id(execution: InstanceExecution, _ctx: Context) -> str:
    """Id of the deployment."""
    return execution.deployment.id


@field("DeploymentInstanceExecution", "deploymentMeta")
def execution_meta(execution: InstanceExecution, _ctx: Context) -> dict[str, Any]:
    """What the deployment was made from."""
    return deployment_meta(execution.deployment)


def deployment_meta(found: Deployment) -> dict[str, Any]:
    """`Deployment.meta`, in the keys seen on the live platform."""
    settings = found.settings
    source: dict[str, Any] = {"image": settings.image}
    if settings.repo:
        source = {
            "repo": settings.repo,
            "branch": settings.branch or "main",
            "commitHash": found.commit_hash,
            "commitMessage": found.commit_message or "Update",
            "commitAuthor": settings.repo.partition("/")[0],
            "rootDirectory": settings.root_directory,
        }
    mounts = [volume.mount_path for volume in found.instance.volume_instances]
    return {
        **source,
        "reason": found.reason,
        "runtime": "V2",
        "logsV2": True,
        "volumeMounts": mounts,
        "serviceManifest": service_manifest(found),
    }


def service_manifest(found: Deployment) -> dict[str, Any]:
    """`meta.serviceManifest`: the settings as they were."""
    settings = found.settings
    commands = settings.pre_deploy_command
    return {
        "build": {
            "builder": settings.builder,
            "buildCommand": settings.build_command,
            "buildEnvironment": "V3",
            "dockerfilePath": settings.dockerfile_path,
            "nixpacksPlan": settings.nixpacks_plan,
            "watchPatterns": list(settings.watch_patterns),
        },
        "deploy": {
            "startCommand": settings.start_command,
            "preDeployCommand": list(commands) if commands else None,
            "healthcheckPath": settings.healthcheck_path,
            "healthcheckTimeout": settings.healthcheck_timeout,
            "numReplicas": settings.replicas,
            "multiRegionConfig": settings.multi_region_config,
            "region": settings.region,
            "restartPolicyType": settings.restart_policy_type,
            "restartPolicyMaxRetries": settings.restart_policy_max_retries,
            "sleepApplication": settings.sleep_application,
            "cronSchedule": settings.cron_schedule,
            "drainingSeconds": settings.draining_seconds,
            "overlapSeconds": settings.overlap_seconds,
            "requiredMountPath": settings.required_mount_path,
            "limitOverride": settings.limit_override,
            "ipv6EgressEnabled": settings.ipv6_egress_enabled,
            "runtime": "V2",
        },
    }


def _instances(ctx: Context, input_: dict[str, Any]) -> Iterable[ServiceInstance]:
    """The service instances that a filter leaves; it has to name at least one thing."""
    environment_id, service_id = input_.get("environment_id"), input_.get("service_id")
    project_id = input_.get("project_id")
    if environment_id:
        environments = [ctx.environment(environment_id)]
    elif service_id:
        environments = ctx.environments_of(ctx.service(service_id).project)
    elif project_id:
        environments = ctx.environments_of(ctx.project(project_id))
    else:
        raise errors.not_authorized()
    living = [one for place in environments for one in place.instances.values()]
    deleted = list(_deleted_instances(input_, environments))
    found = [*living, *deleted]
    return [
        one for one in found if service_id in {None, one.service.id} and project_id in {None, one.project.id}
    ]


def _deleted_instances(input_: dict[str, Any], environments: list[Environment]) -> Iterable[ServiceInstance]:
    if not input_.get("include_deleted"):
        return ()
    projects = {place.project.id: place.project for place in environments}.values()
    return [
        one for project in projects for one in project.deleted_instances if one.environment in environments
    ]
