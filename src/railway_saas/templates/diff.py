"""What a new revision of a template changes, in data and in sentences.

Services are matched by key, then by name. Every difference of two documents shows up somewhere, known field
or not, so an empty diff means equal content. Secrets written out in clear are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from railway_saas.templates.changes import (
    FieldChange,
    ServiceChange,
    TemplateDiff,
    VariableChange,
    VolumeChange,
)
from railway_saas.templates.inputs import TemplateInput, inputs_of
from railway_saas.templates.json_values import JsonObject, JsonValue, as_object, canonical_text
from railway_saas.templates.names import looks_secret, shows_password
from railway_saas.templates.paths import ROOT, child, entry
from railway_saas.templates.reading_views import services_of
from railway_saas.templates.syntax import OPEN
from railway_saas.templates.views import TemplateService, TemplateVolume

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["HIDDEN", "diff_documents"]

HIDDEN = "(hidden)"
"""Stands for a secret."""


_Pair: TypeAlias = tuple[TemplateService, TemplateService]


def diff_documents(old: JsonObject, new: JsonObject) -> TemplateDiff:
    """Compare two documents; see `Template.diff`."""
    old_services, new_services = tuple(services_of(old)), tuple(services_of(new))
    pairs = _match(old_services, new_services)
    matched = {service.key for service, _ in pairs}, {service.key for _, service in pairs}
    removed = [service for service in old_services if service.key not in matched[0]]
    added = [service for service in new_services if service.key not in matched[1]]
    changes = (_service_change(before, after) for before, after in pairs)
    return TemplateDiff(
        services_added=tuple(service.name for service in added),
        services_removed=tuple(service.name for service in removed),
        services_changed=tuple(change for change in changes if change is not None),
        volumes=tuple(_volume_changes(pairs, removed, added)),
        new_required_inputs=tuple(_new_required(pairs, new_services)),
        other=tuple(_differences(_without_services(old), _without_services(new), ROOT)),
    )


def _match(old: Iterable[TemplateService], new: Iterable[TemplateService]) -> list[_Pair]:
    """Services that are the same in both revisions: by key, then by name; in the new one's order."""
    new = tuple(new)
    old_by_key = {service.key: service for service in old}
    pairs = {
        service.key: (old_by_key.pop(service.key), service) for service in new if service.key in old_by_key
    }
    old_by_name = {service.name: service for service in reversed(old_by_key.values())}
    for service in new:
        if service.key not in pairs and service.name in old_by_name:
            pairs[service.key] = (old_by_name.pop(service.name), service)
    return [pairs[service.key] for service in new if service.key in pairs]


def _without_services(document: JsonObject) -> JsonObject:
    """The document without what is compared service by service."""
    services = document.get("services")
    if not isinstance(services, dict):
        return document
    unusable: JsonObject = {key: value for key, value in services.items() if not isinstance(value, dict)}
    rest: JsonObject = {**document, "services": unusable}
    return rest


def _service_change(old: TemplateService, new: TemplateService) -> ServiceChange | None:
    before, after = old.raw, new.raw
    variables = tuple(_variable_changes(old, new, before, after))
    fields = tuple(_differences(before, after, new.path))
    if old.key == new.key and not variables and not fields:
        return None
    hosts_before, hosts_after = _domain_keys(before), _domain_keys(after)
    return ServiceChange(
        name=new.name,
        old_name=old.name,
        key=new.key,
        old_key=old.key,
        fields=fields,
        variables=variables,
        domains_added=tuple(key for key in hosts_after if key not in hosts_before),
        domains_removed=tuple(key for key in hosts_before if key not in hosts_after),
    )


def _domain_keys(service: JsonObject) -> list[str]:
    networking = as_object(service.get("networking"))
    return [key for name in ("serviceDomains", "customDomains") for key in as_object(networking.get(name))]


def _variable_changes(
    old: TemplateService, new: TemplateService, before: JsonObject, after: JsonObject
) -> Iterator[VariableChange]:
    """Compare the variables, and take them out of `before` and `after` so that nobody compares them again."""
    path = child(new.path, "variables")
    earlier, later = as_object(before.get("variables")), as_object(after.get("variables"))
    _leave_out(before, after, "variables")
    for name in dict.fromkeys((*earlier, *later)):
        shown = _Shown(looks_secret(name) or _is_secret(old, name) or _is_secret(new, name))
        fields = tuple(shown.differences(_in(earlier, name), _in(later, name), child(path, name)))
        if fields:
            yield VariableChange(
                new.name, name, child(path, name), fields, name not in earlier, name not in later
            )


def _leave_out(before: JsonObject, after: JsonObject, key: str) -> None:
    """Drop an object that is compared entry by entry, but keep what says that it is there, empty or null."""
    both = all(isinstance(side.get(key), dict) for side in (before, after))
    for side in (before, after):
        if both or as_object(side.get(key)):
            del side[key]


def _is_secret(service: TemplateService, name: str) -> bool:
    variable = service.variable(name)
    return variable is not None and variable.is_secret


class _Missing:
    """What stands where one side has nothing."""


_MISSING = _Missing()
_Side: TypeAlias = "JsonValue | _Missing"


def _in(owner: Mapping[str, JsonValue], key: str) -> _Side:
    return owner.get(key, _MISSING)


@dataclass(frozen=True, slots=True)
class _Shown:
    """Compares two values and decides what may be shown of them."""

    secret: bool = False

    def differences(self, old: _Side, new: _Side, path: str) -> Iterator[FieldChange]:
        if isinstance(old, dict) and isinstance(new, dict):
            for key in dict.fromkeys((*old, *new)):
                yield from self._inside(key).differences(_in(old, key), _in(new, key), _path(path, key))
        elif not _same(old, new):
            yield FieldChange(
                path,
                self.shown(old),
                self.shown(new),
                added=isinstance(old, _Missing),
                removed=isinstance(new, _Missing),
            )

    def _inside(self, key: str) -> _Shown:
        return _Shown(key not in _NEVER_SECRET and (self.secret or looks_secret(key)))

    def shown(self, value: _Side) -> JsonValue:
        if isinstance(value, _Missing):
            return None
        if isinstance(value, dict):
            return {key: self._inside(key).shown(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.shown(item) for item in value]
        if isinstance(value, str) and value and OPEN not in value and self.secret:
            return HIDDEN
        return HIDDEN if isinstance(value, str) and shows_password(value) else value


_NEVER_SECRET = frozenset({"description", "generator", "icon", "isOptional", "isSealed"})
"""Fields of a secret variable that say something about it and do not hold it."""


def _differences(old: JsonValue, new: JsonValue, path: str) -> Iterator[FieldChange]:
    yield from _Shown().differences(old, new, path)


def _same(old: _Side, new: _Side) -> bool:
    if isinstance(old, _Missing) or isinstance(new, _Missing):
        return old is new
    return canonical_text(old) == canonical_text(new)


_FREE_KEYS = ("buckets", "customDomains", "serviceDomains", "services", "tcpProxies", "volumeMounts")


def _path(path: str, key: str) -> str:
    return entry(path, key) if path.endswith(tuple(f".{name}" for name in _FREE_KEYS)) else child(path, key)


def _volume_changes(
    pairs: Iterable[_Pair], removed: Iterable[TemplateService], added: Iterable[TemplateService]
) -> Iterator[VolumeChange]:
    for service in removed:
        yield from (VolumeChange(service.name, volume, None) for volume in service.volumes)
    for old, new in pairs:
        yield from _volumes_of_pair(old, new)
    for service in added:
        yield from (VolumeChange(service.name, None, volume) for volume in service.volumes)


def _volumes_of_pair(old: TemplateService, new: TemplateService) -> Iterator[VolumeChange]:
    """Match by key, then by mount path: a volume's key is often that of its service, which may be new."""
    left = list(old.volumes)
    for volume in new.volumes:
        before = _take(left, volume)
        if before != volume:
            yield VolumeChange(new.name, before, volume)
    yield from (VolumeChange(new.name, volume, None) for volume in left)


def _take(volumes: list[TemplateVolume], wanted: TemplateVolume) -> TemplateVolume | None:
    same_key = [volume for volume in volumes if volume.key == wanted.key]
    same_path = [volume for volume in volumes if volume.mount_path == wanted.mount_path]
    for volume in (*same_key, *same_path):
        volumes.remove(volume)
        return volume
    return None


def _new_required(pairs: Iterable[_Pair], services: Iterable[TemplateService]) -> Iterator[TemplateInput]:
    required_before = {
        (new.name, item.name) for old, new in pairs for item in inputs_of((old,)) if item.required
    }
    for item in inputs_of(services):
        if item.required and (item.service, item.name) not in required_before:
            yield item
