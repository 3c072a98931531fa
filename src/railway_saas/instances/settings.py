"""What a service of a template needs when it is built from single calls instead of `templateDeployV2`.

Railway knows three ways to say how a service runs: arguments of `serviceCreate`, fields of
`serviceInstanceUpdate`, and a patch of the environment's configuration for the rest. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from railway_saas.templates.expressions import evaluate_functions, evaluate_generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.domain.instances import ServiceLimits
    from railway_saas.templates import JsonObject, JsonValue, Template, TemplateService, TemplateVariable
    from railway_saas.templates.expressions import RandomSource

BYTES_PER_GB = 1_000_000_000
"""Railway counts memory in powers of ten: 2 GB are 2000000000 in its own documents."""

DEFAULT_BUCKET_REGION = "sjc"
"""Railway asks for a region; this is the one of its own documentation's examples."""

DEFAULT_MOUNT_PATH = "/data"
"""Where a volume goes whose document does not say."""

_DEPLOY_FIELDS = frozenset(
    {
        "cronSchedule",
        "drainingSeconds",
        "healthcheckPath",
        "healthcheckTimeout",
        "ipv6EgressEnabled",
        "multiRegionConfig",
        "numReplicas",
        "overlapSeconds",
        "region",
        "restartPolicyMaxRetries",
        "restartPolicyType",
        "sleepApplication",
        "startCommand",
    }
)
_BUILD_FIELDS = frozenset({"buildCommand", "dockerfilePath", "nixpacksPlan", "watchPatterns"})
_UPDATE_BUILDERS = frozenset({"HEROKU", "NIXPACKS", "PAKETO", "RAILPACK"})
"""`serviceInstanceUpdate` has no DOCKERFILE, which configuration documents know."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Everything to tell Railway about one service."""

    service: TemplateService
    variables: dict[str, str] = field(repr=False)
    """Plain variables, functions evaluated, references left to Railway."""
    update: JsonObject
    """The input of `serviceInstanceUpdate`."""
    patch: JsonObject = field(repr=False)
    """What only a configuration patch can say, below `services.<id>`."""


def settings_of(service: TemplateService, random: RandomSource) -> ServiceSettings:
    """Sort a service's part of the document by the call that carries it."""
    raw = service.raw
    deploy, build = _object(raw.get("deploy")), _object(raw.get("build"))
    variables = {
        variable.name: text
        for variable in service.variables
        if not variable.sealed and (text := _text(variable, random)) is not None
    }
    return ServiceSettings(
        service=service,
        variables=variables,
        update=_update(service, deploy, build),
        patch=_patch(service, deploy, build, random),
    )


def _text(variable: TemplateVariable, random: RandomSource) -> str | None:
    """A variable's text; None leaves it out, as Railway does with optional ones that have no value."""
    if not variable.text and variable.generator:
        return evaluate_generator(variable.generator, random)
    if variable.text or variable.value is not None:
        return evaluate_functions(variable.text, random)
    return None


def _update(service: TemplateService, deploy: JsonObject, build: JsonObject) -> JsonObject:
    update: JsonObject = {
        key: value for key, value in deploy.items() if key in _DEPLOY_FIELDS and value is not None
    }
    update |= {key: value for key, value in build.items() if key in _BUILD_FIELDS and value is not None}
    if build.get("builder") in _UPDATE_BUILDERS:
        update["builder"] = build["builder"]
    if commands := deploy.get("preDeployCommand"):
        update["preDeployCommand"] = commands if isinstance(commands, list) else [commands]
    if service.source.root_directory:
        update["rootDirectory"] = service.source.root_directory
    return update


def _patch(
    service: TemplateService, deploy: JsonObject, build: JsonObject, random: RandomSource
) -> JsonObject:
    patch: JsonObject = {}
    handled = _DEPLOY_FIELDS | {"preDeployCommand"}
    rest: JsonObject = {
        key: value for key, value in deploy.items() if key not in handled and value is not None
    }
    if rest:
        patch["deploy"] = rest
    build_rest: JsonObject = {
        key: value for key, value in build.items() if key not in _BUILD_FIELDS and value is not None
    }
    if build_rest.get("builder") in _UPDATE_BUILDERS:
        del build_rest["builder"]
    if build_rest:
        patch["build"] = build_rest
    sealed: JsonObject = {
        variable.name: {"value": _text(variable, random), "isSealed": True}
        for variable in service.variables
        if variable.sealed and (variable.text or variable.generator)
    }
    if sealed:
        patch["variables"] = sealed
    networking: JsonObject = {}
    if service.tcp_proxies:
        networking["tcpProxies"] = {str(port): {} for port in service.tcp_proxies}
    if service.custom_domains:
        networking["customDomains"] = {
            domain.host: {"port": domain.target_port} if domain.target_port else {}
            for domain in service.custom_domains
            if domain.host
        }
    if networking:
        patch["networking"] = networking
    return patch


def limit_override(limits: ServiceLimits) -> JsonObject:
    """Limits as the `deploy` part of a document holds them; nothing where there are none."""
    containers: JsonObject = {}
    if limits.vcpus is not None:
        containers["cpu"] = float(limits.vcpus)
    if limits.memory_gb is not None:
        containers["memoryBytes"] = int(limits.memory_gb * BYTES_PER_GB)
    return {"limitOverride": {"containers": containers}} if containers else {}


def volume_keys(template: Template) -> Iterator[tuple[str, str]]:
    """Service key and mount path of every volume."""
    for service in template.services:
        for volume in service.volumes:
            yield service.key, volume.mount_path or DEFAULT_MOUNT_PATH


def bucket_keys(template: Template) -> Iterator[str]:
    """The key of every bucket."""
    yield from (bucket.key for bucket in template.buckets)


def domain_keys(template: Template) -> Iterator[tuple[str, int]]:
    """Service key and number of every generated domain."""
    for service in template.services:
        yield from ((service.key, number) for number, _ in enumerate(service.service_domains, start=1))


def bucket_region(template: Template, key: str) -> str | None:
    """The region a bucket of the template asks for."""
    entry = _object(_object(template.serialize().get("buckets")).get(key))
    region = entry.get("region")
    return region if isinstance(region, str) else None


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
