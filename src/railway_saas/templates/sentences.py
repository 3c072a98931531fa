"""The changes between two revisions in sentences for people."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from railway_saas.templates.paths import ROOT, child, entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.templates.changes import (
        FieldChange,
        ServiceChange,
        TemplateDiff,
        VariableChange,
        VolumeChange,
    )
    from railway_saas.templates.json_values import JsonValue

__all__ = ["summarize"]

_LONGEST_SHOWN = 60


def summarize(diff: TemplateDiff) -> Iterator[str]:
    """Say each change in a sentence, those that need attention first."""
    yield from (_volume(volume) for volume in diff.volumes if volume.loses_data)
    for item in diff.new_required_inputs:
        yield f"{item.key} must be filled in now."
    yield from (f"Service {name} is new." for name in diff.services_added)
    yield from (f"Service {name} is removed." for name in diff.services_removed)
    yield from (_volume(volume) for volume in diff.volumes if not volume.loses_data)
    for service in diff.services_changed:
        yield from _service(service)
    yield from (_field("The template", change, "$") for change in diff.other)


def _volume(change: VolumeChange) -> str:
    if change.old is None:
        return f"Service {change.service} gets a volume at {change.new.mount_path if change.new else None}."
    name = f"The volume at {change.old.mount_path} of {change.service}"
    if change.new is None:
        return f"{name} is removed: what is stored on it is lost."
    if change.loses_data:
        return f"{name} would shrink from {change.old.size_mb} to {change.new.size_mb} MB, which Railway cannot do."
    if change.old.mount_path != change.new.mount_path:
        return f"{name} moves to {change.new.mount_path}."
    return f"{name} changes its settings."


def _service(change: ServiceChange) -> Iterator[str]:
    owner = f"Service {change.name}"
    if change.old_name != change.name:
        yield f"Service {change.old_name} is now called {change.name}."
    if change.old_key != change.key:
        yield f"{owner} has another key, so Railway takes it for another service of the template."
    yield from (f"{owner} gets the domain {key}." for key in change.domains_added)
    yield from (f"{owner} loses the domain {key}." for key in change.domains_removed)
    base = entry(child(ROOT, "services"), change.key)
    for item in change.fields:
        place = item.path.removeprefix(base)
        if not (_TOLD_ALREADY.fullmatch(place) or (place == ".name" and change.old_name != change.name)):
            yield _field(owner, item, base)
    for variable in change.variables:
        yield from _variable(variable)


_TOLD_ALREADY = re.compile(
    r"\.networking\.(serviceDomains|customDomains)\['[^']*'\]"
    r"|\.volumeMounts\['[^']*'\](\.(mountPath|sizeMB|backupSchedules))?"
)
"""Places in a service whose changes are told as domains and volumes."""


def _variable(change: VariableChange) -> Iterator[str]:
    name = f"Variable {change.service}.{change.name}"
    if change.added or change.removed:
        yield f"{name} is {'new' if change.added else 'removed'}."
    else:
        yield from (_field(name, item, change.path) for item in change.fields)


def _field(owner: str, change: FieldChange, base: str) -> str:
    name = change.path.removeprefix(base).removeprefix(".") or "value"
    if change.added:
        return f"{owner}: {name} is set to {_shown(change.new)}."
    if change.removed:
        return f"{owner}: {name} is no longer set (it was {_shown(change.old)})."
    return f"{owner}: {name} changes from {_shown(change.old)} to {_shown(change.new)}."


def _shown(value: JsonValue) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."
