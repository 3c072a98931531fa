"""Volumes of a document: what they are called, and the patch that puts them where they belong. Pure.

Railway sizes a volume when it comes into an environment, and `volumeCreate` knows no size: a volume that it mounts itself
has the plan's, and can only grow. So a volume is made without an environment, and the patch that mounts it brings it
there, with its size and its backup schedules. Source: Railway's CLI, which adds members to a database cluster so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas.instances.settings import DEFAULT_MOUNT_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from railway_saas.templates import JsonObject, Template, TemplateService

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Mount:
    """One volume of a document."""

    key: str
    """Template key of its service."""
    service: str
    """Name of its service."""
    path: str
    size_mb: int | None = None
    """None: what Railway's plan says."""
    schedules: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """What tells it from the others of the document."""
        return place_of(self.key, self.path)

    @property
    def stem(self) -> str:
        """What Railway calls a volume that it makes for the service."""
        return f"{_NOT_IN_NAMES.sub('-', self.service.lower()).strip('-') or 'service'}-volume"


def place_of(key: str, path: str) -> str:
    """A volume's place in a document: service key and mount path."""
    return f"{key}:{path}"


def mounts_of(template: Template) -> Iterator[Mount]:
    """Every volume of a document."""
    for service in template.services:
        yield from service_mounts(service)


def service_mounts(service: TemplateService) -> Iterator[Mount]:
    """The volumes of one service."""
    for volume in service.volumes:
        path = volume.mount_path or DEFAULT_MOUNT_PATH
        yield Mount(service.key, service.name, path, volume.size_mb, volume.backup_schedules)


def first_names(template: Template) -> dict[str, str]:
    """Names for the volumes of a fresh project, by place: those that Railway itself would give, each once."""
    names: dict[str, str] = {}
    for mount in mounts_of(template):
        same = sum(name.startswith(mount.stem) for name in names.values())
        names[mount.place] = f"{mount.stem}-{same + 1}" if same else mount.stem
    return names


def later_name(mount: Mount, volume_id: str) -> str:
    """A name that no volume of the project has, whatever was made and deleted there before."""
    return f"{mount.stem}-{volume_id[:8]}"


def mounted(mounts: Iterable[Mount], volume_ids: Mapping[str, str]) -> dict[str, JsonObject]:
    """What a patch says below `services.<id>.volumeMounts`, by service key.

    Args:
        mounts: Volumes of the document.
        volume_ids: Their ids, by place; those without one are left out.
    """
    found: dict[str, JsonObject] = {}
    for mount in mounts:
        if volume_id := volume_ids.get(mount.place):
            found.setdefault(mount.key, {})[volume_id] = mount_entry(mount)
    return found


def mount_entry(mount: Mount) -> JsonObject:
    """Where a volume is mounted, and when it is backed up by itself."""
    entry: JsonObject = {"mountPath": mount.path}
    return {**entry, "backupSchedules": list(mount.schedules)} if mount.schedules else entry


def placed(
    mounts: Iterable[Mount], volume_ids: Mapping[str, str], sizes: Mapping[str, int | None]
) -> JsonObject:
    """What a patch says below `volumes`.

    Args:
        mounts: Volumes of the document.
        volume_ids: Their ids, by place; those without one are left out.
        sizes: Of volumes that are in the environment already: they only grow.
    """
    entries: JsonObject = {}
    for mount in mounts:
        volume_id = volume_ids.get(mount.place)
        if volume_id is None:
            continue
        size: JsonObject = {} if mount.size_mb is None else {"sizeMB": mount.size_mb}
        if volume_id not in sizes:
            entries[volume_id] = {"isCreated": True, **size}
        elif mount.size_mb and mount.size_mb > (sizes[volume_id] or mount.size_mb):
            entries[volume_id] = size
    return entries
