"""Operations on service instances: a service in one environment. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.service_instances import (
    AutoDeployStatus,
    Builder,
    RestartPolicyType,
    ServiceInstance,
    ServiceInstanceLimits,
)
from railway_saas.railway.operations._arguments import document, then
from railway_saas.railway.operations._build import (
    UNSET,
    Unset,
    given,
    operation,
    or_unset,
    require_some,
    require_text,
)
from railway_saas.railway.operations._checks import (
    at_most_one,
    nested_page_operation,
    require_choice_if_given,
    require_text_if_given,
    require_texts_if_given,
    require_whole_if_given,
)

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation
    from railway_saas._core.paging import Page
    from railway_saas.railway.models.services import RegistryCredentials

_CRON_FIELDS = 5
_MAX_REPLICAS = 10_000
_MAX_SECONDS = 86_400


def list_page(
    environment_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[ServiceInstance]]:
    """One page of an environment's service instances, with their deployments and domains."""
    require_text(environment_id=environment_id)
    return nested_page_operation(
        "ServiceInstanceList",
        ServiceInstance,
        "serviceInstances",
        {"environmentId": environment_id},
        first=first,
        after=after,
    )


def get(*, service_id: str, environment_id: str) -> Operation[ServiceInstance]:
    """A service in one environment: settings, domains, latest and active deployments."""
    return operation(
        "ServiceInstanceGet", ServiceInstance, _place(service_id, environment_id), read_after_write=True
    )


def _place(service_id: str, environment_id: str) -> dict[str, Any]:
    require_text(service_id=service_id, environment_id=environment_id)
    return {"serviceId": service_id, "environmentId": environment_id}


def update(
    *,
    service_id: str,
    environment_id: str | None = None,
    image: str | Unset = UNSET,
    repo: str | Unset = UNSET,
    builder: Builder | str | Unset | None = UNSET,
    build_command: str | Unset | None = UNSET,
    start_command: str | Unset | None = UNSET,
    pre_deploy_command: str | Sequence[str] | Unset | None = UNSET,
    root_directory: str | Unset | None = UNSET,
    dockerfile_path: str | Unset | None = UNSET,
    watch_patterns: Sequence[str] | Unset | None = UNSET,
    railway_config_file: str | Unset | None = UNSET,
    nixpacks_plan: Mapping[str, object] | Unset | None = UNSET,
    healthcheck_path: str | Unset | None = UNSET,
    healthcheck_timeout: int | Unset | None = UNSET,
    cron_schedule: str | Unset | None = UNSET,
    region: str | Unset | None = UNSET,
    num_replicas: int | Unset | None = UNSET,
    multi_region_config: Mapping[str, object] | Unset | None = UNSET,
    restart_policy_type: RestartPolicyType | str | Unset | None = UNSET,
    restart_policy_max_retries: int | Unset | None = UNSET,
    sleep_application: bool | Unset | None = UNSET,
    draining_seconds: int | Unset | None = UNSET,
    overlap_seconds: int | Unset | None = UNSET,
    ipv6_egress_enabled: bool | Unset | None = UNSET,
    registry_credentials: RegistryCredentials | Unset | None = UNSET,
) -> Operation[bool]:
    """Change what is given; None clears a setting. Nothing is deployed by it."""
    require_text(service_id=service_id)
    require_text_if_given(environment_id=environment_id, image=image, repo=repo)
    at_most_one(image=image, repo=repo)
    require_choice_if_given(Builder, builder=builder)
    require_choice_if_given(RestartPolicyType, restart_policy_type=restart_policy_type)
    require_whole_if_given(1, _MAX_REPLICAS, num_replicas=num_replicas)
    require_whole_if_given(1, _MAX_SECONDS, healthcheck_timeout=healthcheck_timeout)
    require_whole_if_given(
        0, _MAX_SECONDS, draining_seconds=draining_seconds, overlap_seconds=overlap_seconds
    )
    require_whole_if_given(0, _MAX_REPLICAS, restart_policy_max_retries=restart_policy_max_retries)
    require_texts_if_given(watch_patterns=watch_patterns)
    _check_cron(cron_schedule)
    _check_regions(multi_region_config)
    body = given(
        {
            "source": _source(image, repo),
            "builder": _text(builder),
            "buildCommand": build_command,
            "startCommand": start_command,
            "preDeployCommand": _commands(pre_deploy_command),
            "rootDirectory": root_directory,
            "dockerfilePath": dockerfile_path,
            "watchPatterns": _listed(watch_patterns),
            "railwayConfigFile": railway_config_file,
            "nixpacksPlan": nixpacks_plan,
            "healthcheckPath": healthcheck_path,
            "healthcheckTimeout": healthcheck_timeout,
            "cronSchedule": cron_schedule,
            "region": region,
            "numReplicas": num_replicas,
            "multiRegionConfig": multi_region_config,
            "restartPolicyType": _text(restart_policy_type),
            "restartPolicyMaxRetries": restart_policy_max_retries,
            "sleepApplication": sleep_application,
            "drainingSeconds": draining_seconds,
            "overlapSeconds": overlap_seconds,
            "ipv6EgressEnabled": ipv6_egress_enabled,
            "registryCredentials": _credentials(registry_credentials),
        }
    )
    require_some("update", body)
    variables = {"serviceId": service_id, "environmentId": or_unset(environment_id), "input": body}
    return operation("ServiceInstanceUpdate", bool, variables, safe_to_repeat=True)


def _check_cron(schedule: str | Unset | None) -> None:
    """Railway: a crontab line of five fields, UTC, at least five minutes between two runs."""
    if isinstance(schedule, str) and len(schedule.split()) != _CRON_FIELDS:
        raise RailwayInputError(
            f"cron_schedule={schedule!r}: must have five fields (minute hour day month weekday), or be None",
            argument="cron_schedule",
        )


def _check_regions(regions: Mapping[str, object] | Unset | None) -> None:
    """Railway: `{"<region>": {"numReplicas": n}}`; null takes a region out."""
    if regions is None or isinstance(regions, Unset):
        return
    for region, settings in document("multi_region_config", regions).items():
        if settings is not None and not _has_replicas(settings):
            raise RailwayInputError(
                f"multi_region_config[{region!r}]: must be {{'numReplicas': n}} with n from 1, or None",
                argument="multi_region_config",
            )


def _has_replicas(settings: object) -> bool:
    count = (
        cast("Mapping[str, object]", settings).get("numReplicas") if isinstance(settings, Mapping) else None
    )
    return isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= _MAX_REPLICAS


def _source(image: str | Unset, repo: str | Unset) -> dict[str, str] | Unset:
    if not isinstance(image, Unset):
        return {"image": image}
    return UNSET if isinstance(repo, Unset) else {"repo": repo}


def _text(value: str | Unset | None) -> str | Unset | None:
    """An enum's member as the text it stands for."""
    return str(value) if isinstance(value, str) else value


def _commands(value: str | Sequence[str] | Unset | None) -> list[str] | Unset | None:
    """Railway takes a list of commands, and gives a text or a list back."""
    if isinstance(value, str):
        return [value]
    require_texts_if_given(pre_deploy_command=value)
    return _listed(value)


def _listed(value: Sequence[str] | Unset | None) -> list[str] | Unset | None:
    return value if value is None or isinstance(value, Unset) else list(value)


def _credentials(value: RegistryCredentials | Unset | None) -> dict[str, Any] | Unset | None:
    return value if value is None or isinstance(value, Unset) else asdict(value)


def deploy(*, service_id: str, environment_id: str, commit_sha: str | None = None) -> Operation[str]:
    """Deploy the source as it is set, or one commit of its repository; the result is the deployment's id."""
    place = _place(service_id, environment_id)
    require_text_if_given(commit_sha=commit_sha)
    return operation("ServiceInstanceDeploy", str, {**place, "commitSha": or_unset(commit_sha)})


def deploy_latest_commit(*, service_id: str, environment_id: str) -> Operation[bool]:
    """Deploy the newest commit of the connected branch."""
    return operation("ServiceInstanceDeployLatestCommit", bool, _place(service_id, environment_id))


def redeploy(*, service_id: str, environment_id: str) -> Operation[bool]:
    """Run the latest deployment anew."""
    return operation("ServiceInstanceRedeploy", bool, _place(service_id, environment_id))


def limits(*, service_id: str, environment_id: str) -> Operation[ServiceInstanceLimits]:
    """What a container may use: the override, or else what the plan allows."""
    return then(
        _limits("ServiceInstanceLimits", service_id, environment_id),
        lambda raw: ServiceInstanceLimits(raw or {}),
    )


def limit_override(*, service_id: str, environment_id: str) -> Operation[ServiceInstanceLimits | None]:
    """The limits set for this service; None where none are."""
    return then(
        _limits("ServiceInstanceLimitOverride", service_id, environment_id),
        lambda raw: ServiceInstanceLimits(raw) if raw else None,
    )


def _limits(name: str, service_id: str, environment_id: str) -> Operation[dict[str, JsonValue] | None]:
    place = _place(service_id, environment_id)
    return operation(name, dict[str, JsonValue] | None, place, read_after_write=True)


def limits_update(
    *,
    service_id: str,
    environment_id: str,
    vcpus: float | Unset | None = UNSET,
    memory_gb: float | Unset | None = UNSET,
) -> Operation[bool]:
    """Limit CPU and memory; None goes back to the plan's."""
    place = _place(service_id, environment_id)
    _require_positive(vcpus=vcpus, memory_gb=memory_gb)
    changes = given({"vCPUs": vcpus, "memoryGB": memory_gb})
    require_some("update", changes)
    return operation(
        "ServiceInstanceLimitsUpdate", bool, {"input": {**place, **changes}}, safe_to_repeat=True
    )


def _require_positive(**values: float | Unset | None) -> None:
    for argument, value in values.items():
        if value is None or isinstance(value, Unset):
            continue
        if isinstance(value, bool) or not 0 < value < float("inf"):
            raise RailwayInputError(
                f"{argument}={value!r}: must be a number above 0, or None", argument=argument
            )


def is_updatable(*, service_id: str, environment_id: str) -> Operation[bool]:
    """Whether the repository that the service was copied from has news."""
    return operation("ServiceInstanceIsUpdatable", bool, _place(service_id, environment_id))


def auto_deploy_status(
    *, project_id: str, service_id: str, environment_id: str
) -> Operation[AutoDeployStatus]:
    """Whether pushes deploy the service, and whether that can be switched on."""
    require_text(project_id=project_id)
    variables = {"projectId": project_id, **_place(service_id, environment_id)}
    return operation("ServiceInstanceAutoDeployStatus", AutoDeployStatus, variables)
