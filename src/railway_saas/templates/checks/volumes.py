"""What can be wrong with a service's volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import TemplateProblem
from railway_saas.templates.checks.rules import (
    absolute_path,
    check_fields,
    check_object,
    list_of,
    one_of,
    whole_number,
)
from railway_saas.templates.paths import child, entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.templates.checks.rules import Problems, Rule
    from railway_saas.templates.json_values import JsonObject

__all__ = ["check_volume_mounts"]

_VOLUME: Mapping[str, Rule] = {
    "mountPath": absolute_path,
    "sizeMB": whole_number(1),
    "backupSchedules": list_of(one_of("DAILY", "WEEKLY", "MONTHLY")),
}


def check_volume_mounts(mounts: JsonObject, path: str) -> Problems:
    """Yield every fault of one service's `volumeMounts`."""
    for key, value in mounts.items():
        yield from check_object(value, entry(path, key), _check_volume)
    if sum(value is not None for value in mounts.values()) > 1:
        yield TemplateProblem(path, f"has {len(mounts)} entries; Railway allows one volume per service")


def _check_volume(volume: JsonObject, path: str) -> Problems:
    yield from check_fields(volume, path, _VOLUME)
    if volume.get("mountPath") in (None, ""):
        yield TemplateProblem(child(path, "mountPath"), "is missing; say where the volume is mounted")
