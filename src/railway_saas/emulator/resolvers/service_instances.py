"""Service instances: what a service is in one environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import cron, errors, lifecycle, structure
from railway_saas.emulator.regions import is_region
from railway_saas.emulator.registry import Resolver, constant, field, graphql_type, mutation, query, registry
from railway_saas.emulator.resolvers.account import PLAN_LIMITS
from railway_saas.emulator.sources import Repositories, check_commit, read_repository
from railway_saas.emulator.world.projects import (
    DEFAULT_SETTINGS,
    Service,
    ServiceInstance,
    ServiceSettings,
    ServiceSource,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from railway_saas.emulator.context import Context
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.networking import CustomDomain, ServiceDomain

registry.types |= {"ServiceInstance": ServiceInstance, "ServiceSource": ServiceSource}

constant("ServiceInstance", isUpdatable=True, railpackInfo=None)

GIGABYTE = 1_000_000_000
MAXIMUM_FREE_RETRIES = 10
MAXIMUM_REPLICAS = {"FREE": 1, "HOBBY": 6, "PRO": 42}

SETTINGS_FIELDS = {
    "buildCommand": "build_command",
    "builder": "builder",
    "cronSchedule": "cron_schedule",
    "dockerfilePath": "dockerfile_path",
    "drainingSeconds": "draining_seconds",
    "healthcheckPath": "healthcheck_path",
    "healthcheckTimeout": "healthcheck_timeout",
    "ipv6EgressEnabled": "ipv6_egress_enabled",
    "nixpacksPlan": "nixpacks_plan",
    "numReplicas": "num_replicas",
    "overlapSeconds": "overlap_seconds",
    "preDeployCommand": "pre_deploy_command",
    "railwayConfigFile": "railway_config_file",
    "region": "region",
    "restartPolicyMaxRetries": "restart_policy_max_retries",
    "restartPolicyType": "restart_policy_type",
    "rootDirectory": "root_directory",
    "sleepApplication": "sleep_application",
    "source": "source",
    "startCommand": "start_command",
    "upstreamUrl": "upstream_url",
    "watchPatterns": "watch_patterns",
}


def from_settings(attribute: str) -> Resolver:
    """Answers with one of the instance's settings."""

    def resolve(instance: ServiceInstance, _ctx: Context) -> object:
        return getattr(instance.settings, attribute)

    return resolve


for _name, _attribute in SETTINGS_FIELDS.items():
    registry.add("ServiceInstance", _name, from_settings(_attribute))


@graphql_type("AllDomains")
@dataclass(frozen=True, slots=True)
class AllDomains:
    """The domains of one service instance."""

    service_domains: list[ServiceDomain]
    custom_domains: list[CustomDomain]


@graphql_type("ServiceInstanceAutoDeployStatus")
@dataclass(frozen=True, slots=True)
class AutoDeployStatus:
    """Whether pushes deploy."""

    enabled: bool
    can_enable: bool
    reason: str | None


@query("serviceInstance")
def service_instance(ctx: Context, *, service_id: str, environment_id: str) -> ServiceInstance:
    """One service instance."""
    return ctx.service_instance(service_id, environment_id)


@query("serviceInstanceIsUpdatable")
def is_updatable(ctx: Context, *, service_id: str, environment_id: str) -> bool:
    """Whether it can be changed; here always."""
    ctx.service_instance(service_id, environment_id)
    return True


@query("serviceInstanceLimitOverride")
def limit_override(ctx: Context, *, service_id: str, environment_id: str) -> Mapping[str, Any] | None:
    """Limits of its own, if it has any."""
    return ctx.service_instance(service_id, environment_id).settings.limit_override


@query("serviceInstanceLimits")
def limits(ctx: Context, *, service_id: str, environment_id: str) -> dict[str, Any]:
    """Limits of the plan, with its own put over them."""
    return merged_limits(ctx.service_instance(service_id, environment_id))


@query("serviceInstanceAutoDeployStatus")
def auto_deploy_status(
    ctx: Context, *, project_id: str, environment_id: str, service_id: str
) -> AutoDeployStatus:
    """Whether pushes deploy it, and if not, why."""
    ctx.project(project_id)
    instance = ctx.service_instance(service_id, environment_id)
    if not instance.settings.repo:
        return AutoDeployStatus(enabled=False, can_enable=False, reason="NO_REPO")
    if not ctx.world.settings.github_app:
        return AutoDeployStatus(enabled=False, can_enable=False, reason="NO_INSTALLATION")
    triggers = instance.service.repo_triggers
    enabled = any(one.environment is instance.environment for one in triggers)
    return AutoDeployStatus(enabled=enabled, can_enable=True, reason=None)


@mutation("serviceInstanceUpdate")
def service_instance_update(
    ctx: Context, *, service_id: str, input_: dict[str, Any], environment_id: str | None = None
) -> bool:
    """Change settings in one environment, or in all that are not forks. Deploys nothing."""
    service = ctx.service(service_id)
    for instance in _targets(ctx, service, environment_id):
        settings = changed_settings(instance, input_)
        structure.update_settings(ctx.world, instance, settings)
        if input_.get("source"):
            structure.connect_trigger(ctx.world, instance)
    return True


@mutation("serviceInstanceLimitsUpdate")
def limits_update(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Set limits of its own: vCPUs and GB of memory; null goes back to the plan's."""
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    plan = PLAN_LIMITS[instance.project.workspace.plan]["containers"]
    containers = dict((instance.settings.limit_override or {}).get("containers", {}))
    for name, key, factor in (("v_cpus", "cpu", 1), ("memory_gb", "memoryBytes", GIGABYTE)):
        if name not in input_:
            continue
        containers.pop(key, None)
        if input_[name] is not None:
            if not 0 < input_[name] * factor <= plan[key]:
                raise errors.invalid_field("vCPUs" if name == "v_cpus" else "memoryGB")
            containers[key] = int(input_[name] * factor) if factor > 1 else input_[name]
    override = {"containers": containers} if containers else None
    structure.update_settings(ctx.world, instance, replace(instance.settings, limit_override=override))
    return True


@mutation("serviceInstanceDeployV2")
def deploy_v2(ctx: Context, *, service_id: str, environment_id: str, commit_sha: str | None = None) -> str:
    """Deploy; the id of the new deployment."""
    return _deploy(ctx, service_id, environment_id, commit_sha=commit_sha, latest=False).id


@mutation("serviceInstanceDeploy")
def deploy(
    ctx: Context,
    *,
    service_id: str,
    environment_id: str,
    commit_sha: str | None = None,
    latest_commit: bool | None = None,
) -> bool:
    """Deploy; the older form, which alone can take the newest commit."""
    _deploy(ctx, service_id, environment_id, commit_sha=commit_sha, latest=bool(latest_commit))
    return True


@mutation("serviceInstanceRedeploy")
def redeploy(ctx: Context, *, service_id: str, environment_id: str) -> bool:
    """Run the latest deployment once more."""
    latest = ctx.service_instance(service_id, environment_id).latest_deployment
    if latest is None:
        raise errors.not_found("Deployment")
    redeploy_deployment(ctx, latest)
    return True


@mutation("environmentTriggersDeploy")
def triggers_deploy(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Do what a push would do: deploy the newest commit."""
    ctx.project(input_["project_id"])
    _deploy(ctx, input_["service_id"], input_["environment_id"], commit_sha=None, latest=True)
    return True


@field("ServiceInstance", "service")
def service_of(instance: ServiceInstance, _ctx: Context) -> Service:
    """The service."""
    return instance.service


@field("ServiceInstance", "activeDeployments")
def active_deployments(instance: ServiceInstance, _ctx: Context) -> list[Deployment]:
    """All that are deployed and not replaced."""
    return lifecycle.active_deployments(instance)


@field("ServiceInstance", "domains")
def domains(instance: ServiceInstance, _ctx: Context) -> AllDomains:
    """Its domains."""
    return AllDomains(instance.service_domains, instance.custom_domains)


@field("ServiceInstance", "nextCronRunAt")
def next_cron_run_at(instance: ServiceInstance, ctx: Context) -> datetime | None:
    """When its crontab line is due next, once it is deployed."""
    latest = instance.latest_deployment
    if latest is None or latest.status != "SUCCESS" or not latest.settings.cron_schedule:
        return None
    return cron.parse(latest.settings.cron_schedule).next_after(ctx.now)


def redeploy_deployment(ctx: Context, deployment: Deployment) -> Deployment:
    """A new deployment of the same source and settings, with today's variables.

    Raises:
        Refusal: It is still on its way.
    """
    if not lifecycle.redeployable(deployment):
        raise errors.wrong_state("redeployable")
    return lifecycle.deploy_service_instance(
        ctx.world,
        deployment.instance,
        reason="redeploy",
        creator=ctx.user,
        settings=deployment.settings,
        commit_hash=deployment.commit_hash,
    )


def merged_limits(instance: ServiceInstance) -> dict[str, Any]:
    """Limits of the plan, with the instance's own put over them."""
    plan = PLAN_LIMITS[instance.project.workspace.plan]["containers"]
    own = (instance.settings.limit_override or {}).get("containers", {})
    return {"containers": {**plan, **own}}


def changed_settings(instance: ServiceInstance, changes: Mapping[str, Any]) -> ServiceSettings:
    """Settings after an update: absent keys stay, null goes back to the default.

    Raises:
        Refusal: Error in <field> - Invalid input.
    """
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "source":
            values |= _source(value)
        else:
            values[name] = getattr(DEFAULT_SETTINGS, name) if value is None else _frozen(value)
    settings = replace(instance.settings, **values)
    _check(instance, settings, changes)
    return settings


def _source(source: Mapping[str, Any] | None) -> dict[str, Any]:
    repo, branch = read_repository(source["repo"]) if source and source.get("repo") else (None, None)
    return {"image": (source or {}).get("image"), "repo": repo, "branch": branch, "commit_sha": None}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _replicas_fit(instance: ServiceInstance, settings: ServiceSettings) -> bool:
    """Railway: at least one; a volume or a cron schedule allows no more than one."""
    most = MAXIMUM_REPLICAS[instance.project.workspace.plan]
    if instance.volume_instances or settings.cron_schedule:
        most = 1
    own = settings.num_replicas
    return (own is None or own >= 1) and 1 <= settings.replicas <= most


def _retries_fit(instance: ServiceInstance, settings: ServiceSettings) -> bool:
    """Railway: the free plan allows no more than ten."""
    most = (
        MAXIMUM_FREE_RETRIES
        if instance.project.workspace.plan == "FREE"
        else settings.restart_policy_max_retries
    )
    return 0 <= settings.restart_policy_max_retries <= most


def _regions_fit(_instance: ServiceInstance, settings: ServiceSettings) -> bool:
    return all(is_region(name) for name in settings.multi_region_config or ())


_CHECKS: dict[str, tuple[str, Callable[[ServiceInstance, ServiceSettings], bool]]] = {
    "num_replicas": ("numReplicas", _replicas_fit),
    "multi_region_config": (
        "multiRegionConfig",
        lambda i, s: _regions_fit(i, s) and _replicas_fit(i, s),
    ),
    "region": ("region", lambda _, s: s.region is None or is_region(s.region)),
    "cron_schedule": (
        "cronSchedule",
        lambda _, s: not s.cron_schedule or cron.is_acceptable(s.cron_schedule),
    ),
    "healthcheck_timeout": ("healthcheckTimeout", lambda _, s: (s.healthcheck_timeout or 1) > 0),
    "draining_seconds": ("drainingSeconds", lambda _, s: (s.draining_seconds or 0) >= 0),
    "overlap_seconds": ("overlapSeconds", lambda _, s: (s.overlap_seconds or 0) >= 0),
    "restart_policy_max_retries": ("restartPolicyMaxRetries", _retries_fit),
    "restart_policy_type": (
        "restartPolicyType",
        lambda i, s: s.restart_policy_type != "ALWAYS" or i.project.workspace.plan != "FREE",
    ),
    "registry_credentials": (
        "registryCredentials",
        lambda i, s: not s.registry_credentials or i.project.workspace.plan == "PRO",
    ),
}


def _check(instance: ServiceInstance, settings: ServiceSettings, changes: Mapping[str, Any]) -> None:
    for name in changes:
        shown, holds = _CHECKS.get(name, ("", None))
        if holds is not None and not holds(instance, settings):
            raise errors.invalid_field(shown)


def _targets(ctx: Context, service: Service, environment_id: str | None) -> list[ServiceInstance]:
    if environment_id is not None:
        return [ctx.service_instance(service.id, environment_id)]
    lasting = [one for one in ctx.environments_of(service.project) if not one.is_ephemeral]
    return [one.instances[service.id] for one in lasting if service.id in one.instances]


def _deploy(
    ctx: Context, service_id: str, environment_id: str, *, commit_sha: str | None, latest: bool
) -> Deployment:
    instance = ctx.service_instance(service_id, environment_id)
    settings = instance.settings
    if settings.source is None:
        raise errors.problem_processing()
    if settings.repo:
        commit = check_commit(commit_sha) if commit_sha else None if latest else settings.commit_sha
        commit = commit or ctx.world.part(Repositories).head(settings.repo, settings.branch)
        structure.update_settings(ctx.world, instance, replace(settings, commit_sha=commit))
    elif commit_sha:
        raise errors.not_found("Commit")
    return lifecycle.deploy_service_instance(ctx.world, instance, creator=ctx.user)
