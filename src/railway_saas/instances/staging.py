"""Changes that wait in an environment: whose they are, and what of them a commit may take along. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.templates import JsonObject, JsonValue

Outline: TypeAlias = "dict[str, Outline]"
"""What a patch touches, without any value."""

DEPTH: Final = 4
"""`services`, the service's id, `variables`, the variable's name: what is below is Railway's to show or to hide."""


def outline_of(patch: Mapping[str, JsonValue], depth: int = DEPTH) -> Outline:
    """What a patch touches; never a value, so that it may be kept."""
    return {
        name: outline_of(part, depth - 1) if depth > 1 and isinstance(part, dict) else {}
        for name, part in patch.items()
    }


def is_within(part: Outline, whole: Outline) -> bool:
    """Whether one outline touches nothing that the other does not."""
    return all(name in whole and is_within(inner, whole[name]) for name, inner in part.items())


def restored_change(patch: Mapping[str, JsonValue], service_id: str) -> JsonObject:
    """What a restore has staged for a service, and nothing else that waits; empty where there is none.

    Railway: a restore stages another volume for the mount of its service. An entry of the new volume goes with it.
    """
    mounts = _object(_object(_object(patch.get("services")).get(service_id)).get("volumeMounts"))
    if not mounts:
        return {}
    known = _object(patch.get("volumes"))
    volumes: JsonObject = {
        volume_id: known[volume_id] for volume_id, mount in mounts.items() if mount and volume_id in known
    }
    change: JsonObject = {"services": {service_id: {"volumeMounts": mounts}}}
    return {**change, "volumes": volumes} if volumes else change


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
