"""Making a template from a project.

Railway drops on the way: literal values of variables, `isOptional`, `deploy.sleepApplication`, `source.branch` and
`build`. It keeps values with `${{...}}`, mounts, domains and health checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.environment_config import read_config
from railway_saas.emulator.template_documents import HAS_DOMAIN

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import Environment, ServiceInstance, Variable

_DROPPED_FROM_SOURCE = ("branch", "commitSha", "checkSuites", "autoUpdates", "upstreamUrl")
_DROPPED_FROM_DEPLOY = (
    "sleepApplication",
    "registryCredentials",
    "limitOverride",
    "multiRegionConfig",
    "region",
)


def generate_config(environment: Environment) -> dict[str, Any]:
    """The `serializedConfig` of an environment's services and buckets.

    Raises:
        Refusal: A service has no source, or one from a repository without a trigger.
    """
    configs = read_config(environment, decrypt=True)["services"]
    services = {
        instance.service.id: _service(instance, configs[instance.service.id])
        for instance in environment.instances.values()
    }
    buckets = {
        bucket.id: {"name": bucket.name}
        for bucket in environment.project.buckets.values()
        if environment.id in bucket.instances
    }
    return {"services": services, **({"buckets": buckets} if buckets else {})}


def _service(instance: ServiceInstance, config: dict[str, Any]) -> dict[str, Any]:
    _check_source(instance)
    networking: dict[str, dict[str, dict[str, int]]] = config.get("networking") or {}
    generated: dict[str, Any] = {
        "name": instance.service.name,
        "icon": instance.service.icon,
        "source": _without(config.get("source", {}), _DROPPED_FROM_SOURCE),
        "deploy": _without(config.get("deploy", {}), _DROPPED_FROM_DEPLOY),
        "variables": {name: _variable(one) for name, one in instance.variables.items()},
        "volumeMounts": config.get("volumeMounts", {}),
    }
    kept = {
        "serviceDomains": {
            _placeholder(port): port for port in networking.get("serviceDomains", {}).values()
        },
        "tcpProxies": networking.get("tcpProxies", {}),
    }
    if any(kept.values()):
        generated["networking"] = {name: entries for name, entries in kept.items() if entries}
    return generated


def _check_source(instance: ServiceInstance) -> None:
    triggers = [one for one in instance.service.repo_triggers if one.environment is instance.environment]
    if not instance.settings.image and not triggers:
        raise errors.invalid(
            f"Service {instance.service.name} does not have a source that can be used to generate a template"
        )


def _variable(variable: Variable) -> dict[str, str]:
    if variable.is_sealed or "${{" not in variable.value:
        return {}
    return {"defaultValue": variable.value}


def _placeholder(port: dict[str, int]) -> str:
    return f"{HAS_DOMAIN}:{port['port']}" if port else HAS_DOMAIN


def _without(section: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name not in names}
