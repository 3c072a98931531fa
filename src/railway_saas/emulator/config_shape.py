"""The shape of environment configs and template configs, held strictly.

Railway refuses a key it does not know and names it (`unrecognized_keys`); the wording is that of zod, the validator
behind it. Any value may be null: in a patch that deletes the key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from railway_saas.emulator import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of one JSON type."""

    name: str
    types: tuple[type, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """An object whose keys are free, and whose values all have one shape."""

    shape: Shape


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items all have one shape."""

    shape: Shape


Shape: TypeAlias = "Leaf | Each | ListOf | Mapping[str, Shape]"

TEXT = Leaf("string", (str,))
NUMBER = Leaf("number", (int, float))
INTEGER = Leaf("integer", (int,))
BOOLEAN = Leaf("boolean", (bool,))
OBJECT = Leaf("object", (dict,))
TEXTS = ListOf(TEXT)
TEXT_OR_LIST = Leaf("array", (str, list))

PORT: Shape = {"port": INTEGER}

VARIABLE: Shape = {
    "value": TEXT,
    "defaultValue": TEXT,
    "description": TEXT,
    "isOptional": BOOLEAN,
    "isSealed": BOOLEAN,
    "generator": TEXT,
    "encryptedValue": TEXT,
}

SERVICE: dict[str, Shape] = {
    "source": {
        "image": TEXT,
        "repo": TEXT,
        "branch": TEXT,
        "commitSha": TEXT,
        "rootDirectory": TEXT,
        "upstreamUrl": TEXT,
        "checkSuites": BOOLEAN,
        "autoUpdates": {"type": TEXT, "schedule": ListOf(OBJECT)},
    },
    "build": {
        "builder": TEXT,
        "buildCommand": TEXT,
        "dockerfilePath": TEXT,
        "watchPatterns": TEXTS,
        "buildEnvironment": TEXT,
        "nixpacksConfigPath": TEXT,
        "nixpacksPlan": OBJECT,
        "nixpacksVersion": TEXT,
        "railpackVersion": TEXT,
    },
    "deploy": {
        "startCommand": TEXT,
        "preDeployCommand": TEXT_OR_LIST,
        "healthcheckPath": TEXT,
        "healthcheckTimeout": INTEGER,
        "numReplicas": INTEGER,
        "multiRegionConfig": Each({"numReplicas": INTEGER}),
        "region": TEXT,
        "cronSchedule": TEXT,
        "restartPolicyType": TEXT,
        "restartPolicyMaxRetries": INTEGER,
        "sleepApplication": BOOLEAN,
        "overlapSeconds": INTEGER,
        "drainingSeconds": INTEGER,
        "ipv6EgressEnabled": BOOLEAN,
        "requiredMountPath": TEXT,
        "registryCredentials": {"username": TEXT, "password": TEXT},
        "limitOverride": {"containers": {"cpu": NUMBER, "memoryBytes": NUMBER, "diskBytes": NUMBER}},
        "runtime": TEXT,
        "useLegacyStacker": BOOLEAN,
    },
    "variables": Each(VARIABLE),
    "networking": {
        "serviceDomains": Each(PORT),
        "customDomains": Each(PORT),
        "tcpProxies": Each(OBJECT),
        "privateNetworkEndpoint": TEXT,
    },
    "configFile": TEXT,
    "isCreated": BOOLEAN,
    "isDeleted": BOOLEAN,
    "groupId": TEXT,
    "parentServiceId": TEXT,
    "clusterRole": TEXT,
    "clusterWiring": OBJECT,
}

VOLUME: Shape = {
    "sizeMB": INTEGER,
    "region": TEXT,
    "alerts": OBJECT,
    "isCreated": BOOLEAN,
    "isDeleted": BOOLEAN,
    "allowOnlineResize": BOOLEAN,
}

ENVIRONMENT_CONFIG: Shape = {
    "services": Each({**SERVICE, "volumeMounts": Each({"mountPath": TEXT, "backupSchedules": TEXTS})}),
    "sharedVariables": Each(VARIABLE),
    "volumes": Each(VOLUME),
    "buckets": Each({"region": TEXT, "isCreated": BOOLEAN, "isDeleted": BOOLEAN}),
    "privateNetworkDisabled": BOOLEAN,
}

TEMPLATE_CONFIG: Shape = {
    "services": Each(
        {
            **SERVICE,
            "name": TEXT,
            "icon": TEXT,
            "volumeMounts": Each({"mountPath": TEXT, "sizeMB": INTEGER, "backupSchedules": TEXTS}),
        }
    ),
    "sharedVariables": Each(VARIABLE),
    "buckets": Each({"name": TEXT, "region": TEXT}),
}


def check_shape(document: object, shape: Shape, *, status: int = 200) -> None:
    """Refuse a document that does not have the shape.

    Raises:
        Refusal: Its message is the list of issues as JSON, each with `code`, `path` and `message`.
    """
    issues = list(_issues(document, shape, ()))
    if issues:
        message = json.dumps(issues, separators=(",", ":"))
        raise errors.Refusal(message, code=errors.BAD_USER_INPUT, status=status)


def _issues(value: object, shape: Shape, path: Path) -> Iterator[dict[str, Any]]:
    if value is None:
        return
    if isinstance(shape, Leaf):
        if not _is_of(value, shape):
            yield _wrong_type(value, shape.name, path)
    elif isinstance(shape, ListOf):
        yield from _list_issues(value, shape.shape, path)
    elif isinstance(value, dict):
        yield from _object_issues(cast("dict[str, Any]", value), shape, path)
    else:
        yield _wrong_type(value, "object", path)


def _object_issues(
    entries: dict[str, Any], shape: Each | Mapping[str, Shape], path: Path
) -> Iterator[dict[str, Any]]:
    if isinstance(shape, Each):
        shape = dict.fromkeys(entries, shape.shape)
    unknown = [key for key in entries if key not in shape]
    if unknown:
        yield _unrecognized(unknown, path)
    for key, entry in entries.items():
        if key in shape:
            yield from _issues(entry, shape[key], (*path, key))


def _list_issues(value: object, shape: Shape, path: Path) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list):
        yield _wrong_type(value, "array", path)
        return
    for place, item in enumerate(cast("list[object]", value)):
        yield from _issues(item, shape, (*path, str(place)))


def _is_of(value: object, leaf: Leaf) -> bool:
    if isinstance(value, bool):
        return bool in leaf.types
    return isinstance(value, leaf.types)


def _unrecognized(keys: list[str], path: Path) -> dict[str, Any]:
    named = ", ".join(f"'{key}'" for key in keys)
    message = f"Unrecognized key(s) in object: {named}"
    return {"code": "unrecognized_keys", "keys": keys, "path": list(path), "message": message}


def _wrong_type(value: object, expected: str, path: Path) -> dict[str, Any]:
    received = _JSON_TYPES.get(type(value), "object")
    if expected == INTEGER.name:  # zod says which of the two is wrong, the type or the fraction
        expected, received = ("integer", "float") if isinstance(value, float) else ("number", received)
    message = f"Expected {expected}, received {received}"
    return {
        "code": "invalid_type",
        "expected": expected,
        "received": received,
        "path": list(path),
        "message": message,
    }


_JSON_TYPES: dict[type, str] = {str: "string", int: "number", float: "number", bool: "boolean", list: "array"}
