"""What can be wrong within one service."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from railway_saas.errors import TemplateProblem
from railway_saas.templates.checks.networking import check_networking
from railway_saas.templates.checks.rules import (
    Rule,
    absolute_path,
    check_fields,
    check_object,
    flag,
    list_of,
    number,
    object_of,
    one_of,
    text,
    text_or_texts,
    whole_number,
)
from railway_saas.templates.checks.variables import check_variables
from railway_saas.templates.checks.volumes import check_volume_mounts
from railway_saas.templates.cron import fault_of_cron
from railway_saas.templates.json_values import as_object, as_text
from railway_saas.templates.paths import ROOT, child, entry
from railway_saas.templates.reading_views import services_of
from railway_saas.templates.rendering import SHARED
from railway_saas.templates.sources import ImageReference, RepositoryReference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.templates.checks.rules import Problems
    from railway_saas.templates.json_values import JsonObject, JsonValue
    from railway_saas.templates.views import TemplateService

__all__ = ["check_service"]

_LONGEST_SHOWN = 80


def check_service(key: str, value: JsonValue) -> Problems:
    """Yield every fault of one service."""
    path = entry(child(ROOT, "services"), key)
    if not isinstance(value, dict):
        yield TemplateProblem(path, "must be an object with name, source, deploy, variables, ...")
        return
    yield from _check_keys(value, path)
    yield from _check_name(value.get("name"), path)
    yield from _check_source(value.get("source"), child(path, "source"))
    yield from check_fields(value, path, _PLAIN_FIELDS)
    yield from check_object(value.get("variables"), child(path, "variables"), check_variables)
    yield from check_object(value.get("networking"), child(path, "networking"), check_networking)
    yield from check_object(value.get("volumeMounts"), child(path, "volumeMounts"), check_volume_mounts)
    yield from _check_replicas(next(services_of({"services": {key: value}})))


def _check_cron(value: JsonValue, path: str) -> Problems:
    yield from text(value, path)
    if (line := as_text(value)) is not None and (fault := fault_of_cron(line)) is not None:
        yield TemplateProblem(path, fault.removeprefix("cron: "))


def _check_regions(value: JsonValue, path: str) -> Problems:
    for region, settings in as_object(value).items():
        if settings is not None:
            yield from object_of({"numReplicas": whole_number(1)})(settings, entry(path, region))
    yield from object_of({})(value, path)


_POLICIES = ("ALWAYS", "NEVER", "ON_FAILURE")
_BUILDERS = ("DOCKERFILE", "HEROKU", "NIXPACKS", "PAKETO", "RAILPACK")
_DEPLOY: Mapping[str, Rule] = {
    "startCommand": text,
    "preDeployCommand": text_or_texts,
    "healthcheckPath": absolute_path,
    "healthcheckTimeout": whole_number(1),
    "numReplicas": whole_number(1),
    "multiRegionConfig": _check_regions,
    "cronSchedule": _check_cron,
    "restartPolicyType": one_of(*_POLICIES),
    "restartPolicyMaxRetries": whole_number(0),
    "sleepApplication": flag,
    "overlapSeconds": whole_number(0),
    "drainingSeconds": whole_number(0),
    "ipv6EgressEnabled": flag,
    "requiredMountPath": absolute_path,
    "registryCredentials": object_of({"username": text, "password": text}),
    "limitOverride": object_of(
        {"containers": object_of({"cpu": number, "memoryBytes": number, "diskBytes": whole_number(0)})}
    ),
}
_BUILD: Mapping[str, Rule] = {
    "builder": one_of(*_BUILDERS),
    "buildCommand": text,
    "dockerfilePath": text,
    "watchPatterns": list_of(text),
    "nixpacksConfigPath": text,
    "nixpacksPlan": object_of({}),
    "nixpacksVersion": text,
    "railpackVersion": text,
    "buildEnvironment": text,
}
_PLAIN_FIELDS: Mapping[str, Rule] = {
    "icon": text,
    "build": object_of(_BUILD),
    "deploy": object_of(_DEPLOY),
    "configFile": text,
    "groupId": text,
    "parentServiceId": text,
    "isCreated": flag,
    "isDeleted": flag,
    "clusterRole": one_of("root", "replica", "internal", "edge"),
    "clusterWiring": object_of({}),
}
_KNOWN_KEYS = frozenset({"name", "source", "variables", "networking", "volumeMounts", *_PLAIN_FIELDS})


def _check_keys(service: JsonObject, path: str) -> Problems:
    for key in service:
        if key not in _KNOWN_KEYS:
            yield TemplateProblem(
                child(path, key), f"Railway refuses this key (unrecognized_keys){_better_place(key)}"
            )


def _better_place(key: str) -> str:
    for owner, rules in (("deploy", _DEPLOY), ("build", _BUILD)):
        if key in rules:
            return f"; it belongs into {owner}.{key}"
    close = get_close_matches(key, _KNOWN_KEYS, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(_KNOWN_KEYS))}"


def _check_name(name: JsonValue, path: str) -> Problems:
    at = child(path, "name")
    if name is None:
        yield TemplateProblem(at, "is missing; every service needs a name")
    elif not isinstance(name, str):
        yield from text(name, at)
    elif not name.strip():
        yield TemplateProblem(at, "is empty; every service needs a name")
    elif name != name.strip() or not name.isprintable() or "}}" in name:
        yield TemplateProblem(at, "has outer blanks, control characters or '}}', so no reference can name it")
    elif name == SHARED:
        yield TemplateProblem(at, "is reserved: ${{shared.NAME}} means the environment's shared variables")


def _check_source(value: JsonValue, path: str) -> Problems:
    if value is not None and not isinstance(value, dict):
        yield from object_of({})(value, path)
        return
    source = as_object(value)
    yield from check_fields(source, path, _SOURCE)
    given = [key for key in ("image", "repo") if source.get(key) not in (None, "")]
    if len(given) != 1:
        yield TemplateProblem(
            path,
            "has both an image and a repo; keep one"
            if given
            else "is missing; give {'image': ...} or {'repo': ...}",
        )


def _check_image(value: JsonValue, path: str) -> Problems:
    yield from text(value, path)
    if isinstance(value, str) and value and ImageReference.find(value) is None:
        yield TemplateProblem(
            path,
            f"{value[:_LONGEST_SHOWN]!r} is not an image like 'nginx:1.27' or 'ghcr.io/owner/name@sha256:...'",
        )


def _check_repo(value: JsonValue, path: str) -> Problems:
    yield from text(value, path)
    if isinstance(value, str) and value and RepositoryReference.find(value) is None:
        yield TemplateProblem(
            path,
            f"{value[:_LONGEST_SHOWN]!r} is not a GitHub repository like 'owner/name' or "
            "'https://github.com/owner/name/tree/branch'",
        )


_SOURCE: Mapping[str, Rule] = {
    "image": _check_image,
    "repo": _check_repo,
    "branch": text,
    "rootDirectory": text,
    "commitSha": text,
    "upstreamUrl": text,
    "checkSuites": flag,
    "autoUpdates": object_of({"type": text}),
}


def _check_replicas(service: TemplateService) -> Problems:
    if service.replicas == 1:
        return
    path = child(child(service.path, "deploy"), "numReplicas")
    if service.volumes:
        yield TemplateProblem(path, f"is {service.replicas}; a service with a volume runs as one replica")
    if service.cron_schedule is not None:
        yield TemplateProblem(path, f"is {service.replicas}; a service with cronSchedule runs as one replica")
