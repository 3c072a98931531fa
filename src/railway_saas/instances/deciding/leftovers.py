"""What upgrades leave behind: services that the revision does not have, volumes that nothing needs. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import OperationState
from railway_saas.instances.deciding.common import ask_operator, listed, see, write
from railway_saas.instances.settings import volume_keys
from railway_saas.instances.steps import ENVIRONMENT, PROJECT, Intent
from railway_saas.railway.models.projects import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from railway_saas.domain.instances import InstanceService
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Verdict

VOLUME_PREFIX: Final = "unneeded:"


def leftover_keys(s: Situation) -> set[str]:
    """Keys of the operations that delete what is left."""
    services = {f"leftover:{row.railway_service_id}" for row in s.services}
    return services | {_volume_key(s, volume_id) for volume_id in _unneeded(s)}


def delete_leftovers(s: Situation) -> Verdict | None:
    """Services first: Railway keeps the volume of a deleted one, detached, and bills it."""
    return _delete_services(s) or _delete_volumes(s)


def removed_services(s: Situation) -> list[InstanceService]:
    """Those that the revision does not have (any more)."""
    keys = {service.key for service in s.template.services}
    return [row for row in s.services if row.template_key not in keys]


def _delete_services(s: Situation) -> Verdict | None:
    """Once the revision runs."""
    left = removed_services(s)
    intents = [
        Intent(
            kind=OperationKind.SERVICE_DELETE,
            key=f"leftover:{row.railway_service_id}",
            subject=row.template_key,
            request={"service_id": row.railway_service_id},
        )
        for row in left
    ]
    names = listed([row.name for row in left])
    return write(s, intents, "upgrade", f"deleted {names}, which the revision does not have")


def _delete_volumes(s: Situation) -> Verdict | None:
    """Those of services that went, or never came to run; where Railway refuses, an operator is asked: it costs money."""
    applied, unneeded = s.observed.applied, _unneeded(s)
    if applied is None or not unneeded:
        return None
    blind = see(s, PROJECT, ENVIRONMENT)
    if blind is not None:
        return blind
    there = set(_deletable(s))
    left = tuple(volume_id for volume_id in unneeded if volume_id in there)
    if left != unneeded:
        return s.record(s.with_observed(applied=replace(applied, unneeded_volumes=left)))
    intents = [
        Intent(
            kind=OperationKind.VOLUME_DELETE, key=_volume_key(s, volume_id), request={"volume_id": volume_id}
        )
        for volume_id in left
    ]
    refused = next((intent for intent in intents if s.state_of(intent.key) is OperationState.FAILED), None)
    if refused is not None:
        reason = s.operations[refused.key].error
        volume_id = refused.request["volume_id"]
        return ask_operator(
            s, f"volume {volume_id} is not needed, and Railway refuses to delete it: {reason}"
        )
    return write(s, intents, "upgrade", "deleted volumes that nothing needs any more")


def _deletable(s: Situation) -> Iterator[str]:
    """Volumes of the project that are neither going already nor where the revision wants one."""
    project, view = s.sight(PROJECT, Project), s.view
    if project is None or view is None:
        return
    wanted = {
        (found.service_id, mount) for key, mount in volume_keys(s.template) if (found := view.find(key))
    }
    kept = {
        one.volume_id for one in view.volumes if one.is_going or (one.service_id, one.mount_path) in wanted
    }
    yield from (volume.id for volume in project.volumes if volume.id not in kept)


def _unneeded(s: Situation) -> tuple[str, ...]:
    return s.observed.applied.unneeded_volumes if s.observed.applied else ()


def _volume_key(s: Situation, volume_id: str) -> str:
    """With the rollout's number, as a volume may be unneeded, of use to the next upgrade, and unneeded again."""
    return f"{VOLUME_PREFIX}{s.observed.rollout.number}:{volume_id}"
