"""What changes at Railway when an instance goes from one template revision to another. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from railway_saas.instances.mounts import later_name, mount_entry, mounted, mounts_of, placed, service_mounts
from railway_saas.instances.settings import limit_override, settings_of
from railway_saas.templates.inputs import inputs_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from railway_saas.domain.instances import ServiceLimits
    from railway_saas.instances.mounts import Mount
    from railway_saas.instances.settings import ServiceSettings
    from railway_saas.instances.view import RailwayView, VolumeView
    from railway_saas.templates import JsonObject, JsonValue, RandomSource, Template, TemplateService

_COMPARED = ("source", "build", "deploy")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradePlan:
    """A patch of the environment's configuration, and what a patch cannot do."""

    patch: JsonObject = field(repr=False)
    """For `environmentStageChanges`; may hold values of variables."""
    affected: tuple[str, ...] = ()
    """Template keys of services that need a new deployment."""
    added: tuple[str, ...] = ()
    """Keys of services that are to be created first."""
    volumes: tuple[tuple[str, str], ...] = ()
    """Service key and mount path of volumes to be made first; the patch brings them where they belong."""
    volume_names: Mapping[str, str] = field(default_factory=dict[str, str])
    """What volumes that the patch brings are to be called, by id."""
    domains: tuple[tuple[str, int], ...] = ()
    """Service key and number of domains to be generated."""
    removed: tuple[str, ...] = ()
    """Keys of services that the new revision does not have."""
    generated: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Names of variables whose values were generated once and that the patch replaces, by service key."""

    def changed_variables(self, service_id: str) -> tuple[str, ...]:
        """Names of variables of a service that the patch sets or takes away."""
        patch = _object(_object(self.patch.get("services")).get(service_id))
        return tuple(sorted(_object(patch.get("variables"))))


def plan_upgrade(
    old: Template,
    new: Template,
    view: RailwayView,
    random: RandomSource,
    *,
    overlay: Mapping[str, Mapping[str, str | None]],
    limits: ServiceLimits,
    kept: Mapping[str, Mapping[str, str]] | None = None,
    made: Mapping[str, str] | None = None,
    unneeded: Collection[str] = (),
) -> UpgradePlan:
    """Compare two filled-in revisions with each other, and with what is there.

    Args:
        old: The applied revision.
        new: The desired one.
        view: What is there.
        random: For `secret()` in variables that are new.
        overlay: Variables the owner has set, by service name: they stay as they are.
        limits: What each service may use; those that are new do not have them yet.
        kept: On the way back: values that were generated once, by service key and variable.
        made: Ids of volumes that were made for the desired revision, by place.
        unneeded: Ids of volumes that are to be deleted: services that stay give them up first.
    """
    before = {service.key: service for service in old.services}
    by_name = {service.name: service for service in old.services}
    mounts = _Mounts(new, view, made or {})
    patches: JsonObject = {}
    affected: list[str] = []
    added: list[str] = []
    generated: dict[str, tuple[str, ...]] = {}
    for service in new.services:
        there = view.find(service.key)
        earlier = before.get(service.key) or by_name.get(service.name)
        if there is None:
            added.append(service.key)
            affected.append(service.key)
            continue
        own = overlay.get(service.name, {})
        patch = (
            _whole_patch(settings_of(service, random), limits)
            if earlier is None
            else _service_patch(earlier, service, random, own, (kept or {}).get(service.key, {}))
        )
        if names := _generated(earlier, patch):
            generated[service.key] = names
        moved = {**_given_up(there.service_id, view, unneeded), **mounts.brought.get(service.key, {})}
        if moved:
            patch["volumeMounts"] = moved
        if patch or earlier is None or service.key in mounts.concerned:
            affected.append(service.key)
        if rescheduled := mounts.rescheduled(earlier, service):
            patch["volumeMounts"] = {**rescheduled, **moved}
        if patch:
            patches[there.service_id] = patch
    staying = {service.key for service in new.services} | {service.name for service in new.services}
    parts: JsonObject = {"services": patches, "volumes": mounts.placed}
    return UpgradePlan(
        patch={name: part for name, part in parts.items() if part},
        affected=tuple(affected),
        added=tuple(added),
        volumes=mounts.to_be_made,
        volume_names=mounts.names,
        domains=tuple(_new_domains(new, view)),
        removed=tuple(service.key for service in old.services if not {service.key, service.name} & staying),
        generated=generated,
    )


def _whole_patch(settings: ServiceSettings, limits: ServiceLimits) -> JsonObject:
    """Everything about a service that `serviceCreate` could not say."""
    deploy = {**settings.update, **limit_override(limits)}
    patch: JsonObject = {**settings.patch}
    build = {
        key: deploy.pop(key) for key in tuple(deploy) if key in {"buildCommand", "builder", "dockerfilePath"}
    }
    for name, part in (("deploy", deploy), ("build", build)):
        if part:
            known = patch.get(name)
            patch[name] = {**part, **(known if isinstance(known, dict) else {})}
    return patch


def _service_patch(
    old: TemplateService,
    new: TemplateService,
    random: RandomSource,
    own: Collection[str],
    kept: Mapping[str, str],
) -> JsonObject:
    patch: JsonObject = {}
    for name in _COMPARED:
        difference = _difference(_object(old.raw.get(name)), _object(new.raw.get(name)))
        if difference:
            patch[name] = difference
    proxies = _difference(
        {str(port): {} for port in old.tcp_proxies}, {str(port): {} for port in new.tcp_proxies}
    )
    if proxies:
        patch["networking"] = {"tcpProxies": proxies}
    variables = dict(_variables(old, new, random, own, kept))
    if variables:
        patch["variables"] = variables
    return patch


def _difference(old: JsonObject, new: JsonObject) -> JsonObject:
    """A merge patch from one object to the other: null takes a key away."""
    changed: JsonObject = {}
    for key in (*new, *(key for key in old if key not in new)):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            inner = _difference(before, after)
            if inner:
                changed[key] = inner
        else:
            changed[key] = after
    return changed


def _generated(earlier: TemplateService | None, patch: JsonObject) -> tuple[str, ...]:
    """Those among the patch's variables whose values Railway, or we, once made up. Nobody can read sealed ones."""
    replaced = _object(patch.get("variables"))
    made_up = (item.name for item in inputs_of((earlier,)) if item.is_generated) if earlier else ()
    return tuple(
        name
        for name in made_up
        if name in replaced and (variable := earlier and earlier.variable(name)) and not variable.sealed
    )


def _variables(
    old: TemplateService,
    new: TemplateService,
    random: RandomSource,
    own: Collection[str],
    kept: Mapping[str, str],
) -> Iterator[tuple[str, JsonValue]]:
    """A variable whose text is unchanged keeps what was generated from it; the owner's own are left alone.

    One that has no value any more is taken away, as a deploy leaves it out.
    """
    made = {**_texts(new, random), **kept}
    for variable in new.variables:
        earlier = old.variable(variable.name)
        same = earlier is not None and (earlier.text, earlier.generator) == (
            variable.text,
            variable.generator,
        )
        if same or variable.name in own:
            continue
        if variable.name in made:
            sealed: JsonObject = {"isSealed": True} if variable.sealed else {}
            yield variable.name, {"value": made[variable.name], **sealed}
        elif earlier is not None:
            yield variable.name, None
    names = {variable.name for variable in new.variables}
    for variable in old.variables:
        if variable.name not in names and variable.name not in own:
            yield variable.name, None


def _texts(service: TemplateService, random: RandomSource) -> dict[str, JsonValue]:
    settings = settings_of(service, random)
    sealed = _object(settings.patch.get("variables"))
    return {
        **settings.variables,
        **{name: entry.get("value") for name, entry in sealed.items() if isinstance(entry, dict)},
    }


class _Mounts:
    """The volumes of the desired revision, and how far they are."""

    def __init__(self, new: Template, view: RailwayView, made: Mapping[str, str]) -> None:
        mounts = tuple(mounts_of(new))
        self._there = {mount.place: found for mount in mounts if (found := _mounted_at(mount, view))}
        missing = [mount for mount in mounts if mount.place not in self._there]
        sizes = {one.volume_id: one.size_mb for one in view.volumes}
        ids = {**made, **{place: one.volume_id for place, one in self._there.items()}}
        self.to_be_made = tuple((one.key, one.path) for one in missing if one.place not in made)
        self.brought = mounted(missing, made)
        self.placed = placed(mounts, ids, sizes)
        self.names = {
            volume_id: later_name(one, volume_id)
            for one in missing
            if (volume_id := made.get(one.place)) is not None
        }
        self.concerned = {one.key for one in mounts if one in missing or one.place in made}

    def rescheduled(self, old: TemplateService | None, new: TemplateService) -> JsonObject:
        """Volumes that are to be backed up at other times."""
        before = {mount.path: mount.schedules for mount in service_mounts(old)} if old else {}
        return {
            there.volume_id: {**mount_entry(mount), "backupSchedules": list(mount.schedules)}
            for mount in service_mounts(new)
            if (there := self._there.get(mount.place))
            and before.get(mount.path, mount.schedules) != mount.schedules
        }


def _mounted_at(mount: Mount, view: RailwayView) -> VolumeView | None:
    service = view.find(mount.key)
    if service is None:
        return None
    mounted_here = (one for one in view.volumes if one.service_id == service.service_id and not one.is_going)
    return next((one for one in mounted_here if one.mount_path == mount.path), None)


def _given_up(service_id: str, view: RailwayView, unneeded: Collection[str]) -> JsonObject:
    mounted = (volume.volume_id for volume in view.volumes if volume.service_id == service_id)
    return dict.fromkeys(volume_id for volume_id in mounted if volume_id in unneeded)


def _new_domains(new: Template, view: RailwayView) -> Iterator[tuple[str, int]]:
    for service in new.services:
        there = view.find(service.key)
        have = len(there.service_hosts) if there else 0
        yield from ((service.key, number) for number in range(have + 1, len(service.service_domains) + 1))


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
