"""An environment as one document, Railway's `EnvironmentConfig`: read from the world as it stands."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from railway_saas.emulator.registry import snake_case
from railway_saas.emulator.world.projects import DEFAULT_SETTINGS

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import (
        Environment,
        Project,
        ServiceInstance,
        ServiceSettings,
        Variable,
        Variables,
    )
    from railway_saas.emulator.world.storage import VolumeInstance

SETTINGS: dict[str, tuple[str, ...]] = {
    "source": ("image", "repo", "branch", "commitSha", "rootDirectory", "upstreamUrl"),
    "build": ("builder", "buildCommand", "dockerfilePath", "watchPatterns", "nixpacksPlan"),
    "deploy": (
        "startCommand",
        "preDeployCommand",
        "healthcheckPath",
        "healthcheckTimeout",
        "numReplicas",
        "multiRegionConfig",
        "region",
        "cronSchedule",
        "restartPolicyType",
        "restartPolicyMaxRetries",
        "sleepApplication",
        "overlapSeconds",
        "drainingSeconds",
        "ipv6EgressEnabled",
        "requiredMountPath",
        "registryCredentials",
        "limitOverride",
    ),
}
"""Keys that are settings of the service instance, by section; in Python's spelling they are the settings' names."""

FURTHER = "service"
"""Section of `further_config` for keys that stand beside the sections."""


def read_config(environment: Environment, *, decrypt: bool) -> dict[str, Any]:
    """The whole document. Without `decrypt`, values of variables are opaque; sealed ones always stay away."""
    project = environment.project
    return {
        "services": {
            one.service.id: _service(one, decrypt=decrypt) for one in environment.instances.values()
        },
        "sharedVariables": _variables(environment.shared_variables, decrypt=decrypt),
        "volumes": {
            one.volume.id: {"sizeMB": one.size_mb, "region": one.region}
            for one in environment.volume_instances.values()
            if one.deleted_at is None
        },
        "buckets": _buckets(project, environment),
    }


def etag(environment: Environment) -> str:
    """Changes when the config does."""
    text = json.dumps(read_config(environment, decrypt=True), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _service(instance: ServiceInstance, *, decrypt: bool) -> dict[str, Any]:
    further = instance.settings.further_config or {}
    config: dict[str, Any] = {
        section: {**_settings(instance.settings, names), **further.get(section, {})}
        for section, names in SETTINGS.items()
    }
    config["variables"] = _variables(instance.variables, decrypt=decrypt)
    config["networking"] = _networking(instance)
    config["volumeMounts"] = {one.volume.id: _mount(one) for one in instance.volume_instances}
    if instance.settings.railway_config_file:
        config["configFile"] = instance.settings.railway_config_file
    if instance.service.group_id:
        config["groupId"] = instance.service.group_id
    return {**{key: value for key, value in config.items() if value}, **further.get(FURTHER, {})}


def _settings(settings: ServiceSettings, names: tuple[str, ...]) -> dict[str, Any]:
    """Those settings that say something other than the default."""
    found: dict[str, Any] = {}
    for name in names:
        value = getattr(settings, snake_case(name))
        if value != getattr(DEFAULT_SETTINGS, snake_case(name)):
            found[name] = list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return found


def _variables(variables: Variables, *, decrypt: bool) -> dict[str, Any]:
    return {name: _variable(one, decrypt=decrypt) for name, one in variables.items()}


def _variable(variable: Variable, *, decrypt: bool) -> dict[str, Any]:
    if variable.is_sealed:
        return {"isSealed": True}
    if decrypt:
        return {"value": variable.value}
    digest = hashlib.sha256(f"{variable.id}:{variable.value}".encode()).hexdigest()
    return {"encryptedValue": digest}


def _networking(instance: ServiceInstance) -> dict[str, Any]:
    networking: dict[str, Any] = {
        "serviceDomains": {one.domain: _port(one.target_port) for one in instance.service_domains},
        "customDomains": {one.domain: _port(one.target_port) for one in instance.custom_domains},
        "tcpProxies": {str(one.application_port): {} for one in instance.tcp_proxies},
        "privateNetworkEndpoint": instance.private_name,
    }
    return {key: value for key, value in networking.items() if value}


def _port(port: int | None) -> dict[str, int]:
    return {} if port is None else {"port": port}


def _mount(mounted: VolumeInstance) -> dict[str, Any]:
    kinds = [one.kind for one in mounted.schedules]
    return {"mountPath": mounted.mount_path, **({"backupSchedules": kinds} if kinds else {})}


def _buckets(project: Project, environment: Environment) -> dict[str, Any]:
    return {
        bucket.id: {"region": bucket.instances[environment.id].region}
        for bucket in project.buckets.values()
        if environment.id in bucket.instances
    }
