"""The settings of a service instance as an environment config spells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.environment_config import FURTHER, SETTINGS
from railway_saas.emulator.registry import snake_case
from railway_saas.emulator.resolvers.service_instances import changed_settings
from railway_saas.emulator.sources import read_repository

if TYPE_CHECKING:
    from railway_saas.emulator.world.projects import ServiceInstance, ServiceSettings

BUILDERS = ("HEROKU", "NIXPACKS", "PAKETO", "RAILPACK")
DOCKERFILE = "DOCKERFILE"
"""Only config documents know this builder; `ServiceInstance.builder` has no such value."""

RESTART_POLICIES = ("ALWAYS", "NEVER", "ON_FAILURE")

_BESIDE = ("parentServiceId", "clusterRole", "clusterWiring")
_DEFAULT_BUILDER = "RAILPACK"


def changed(instance: ServiceInstance, config: Mapping[str, Any]) -> ServiceSettings:
    """The settings of an instance after a patch of its part of the config: null sets back, absent keys stay.

    Raises:
        Refusal: Error in <field> - Invalid input.
    """
    changes: dict[str, Any] = {}
    further = {name: dict(values) for name, values in (instance.settings.further_config or {}).items()}
    for section, names in SETTINGS.items():
        if section not in config:
            continue
        patch: Mapping[str, Any] | None = config[section]
        if patch is None:
            changes |= {snake_case(name): None for name in names}
            further.pop(section, None)
            continue
        for name, value in patch.items():
            if name in names:
                changes[snake_case(name)] = value
            else:
                _set(further, section, name, value)
    for name in _BESIDE:
        if name in config:
            _set(further, FURTHER, name, config[name])
    if "configFile" in config:
        changes["railway_config_file"] = config["configFile"]
    _read_source(changes)
    _read_builder(changes, further)
    _read_deploy(instance, changes)
    settings = changed_settings(instance, changes)
    return replace(settings, further_config={k: v for k, v in further.items() if v} or None)


def _set(further: dict[str, dict[str, Any]], section: str, name: str, value: object) -> None:
    values = further.setdefault(section, {})
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def _read_source(changes: dict[str, Any]) -> None:
    """An image takes the repository's place, and the other way round."""
    if changes.get("repo"):
        repo, branch = read_repository(changes["repo"])
        changes |= {"repo": repo, "image": None}
        if branch and "branch" not in changes:
            changes["branch"] = branch
    elif changes.get("image"):
        changes["repo"] = None


def _read_builder(changes: dict[str, Any], further: dict[str, dict[str, Any]]) -> None:
    if "builder" not in changes:
        return
    builder = changes["builder"]
    _set(further, "build", "builder", DOCKERFILE if builder == DOCKERFILE else None)
    if builder == DOCKERFILE:
        changes["builder"] = _DEFAULT_BUILDER
    elif builder is not None and builder not in BUILDERS:
        raise errors.invalid_field("builder")


def _read_deploy(instance: ServiceInstance, changes: dict[str, Any]) -> None:
    command = changes.get("pre_deploy_command")
    if isinstance(command, str):
        changes["pre_deploy_command"] = [command]
    elif command and not all(isinstance(one, str) for one in command):
        raise errors.invalid_field("preDeployCommand")
    if changes.get("restart_policy_type") not in {None, *RESTART_POLICIES}:
        raise errors.invalid_field("restartPolicyType")
    for name in ("multi_region_config", "limit_override"):
        if changes.get(name):
            changes[name] = merge(getattr(instance.settings, name) or {}, changes[name])


def merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A deep merge in which null deletes a key."""
    merged = dict(base)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            merged[key] = value
    return merged


def merge_patches(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Two patches as one: a null stays, because it has yet to delete something."""
    merged = dict(base)
    for key, value in patch.items():
        known = merged.get(key)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            merged[key] = merge_patches(known, value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            merged[key] = value
    return merged
