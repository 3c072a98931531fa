"""From an intent to the calls that carry it out, and from their answers to the operation's result. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from railway_saas.domain.instances import Power
from railway_saas.domain.operations import OperationKind
from railway_saas.instances import calls
from railway_saas.instances.deciding.building import CONFIGURE_KEY, made_volumes
from railway_saas.instances.deciding.changing import changed_variables, planned_upgrade
from railway_saas.instances.mounts import first_names, mounted, mounts_of, placed
from railway_saas.instances.placement import Marker, read_marker
from railway_saas.instances.settings import DEFAULT_BUCKET_REGION, bucket_region, limit_override, settings_of
from railway_saas.instances.staging import restored_change
from railway_saas.instances.steps import STAGED
from railway_saas.instances.view import RailwayView
from railway_saas.railway.models.environments import EnvironmentPatch
from railway_saas.railway.operations import (
    backups,
    deployments,
    domains,
    environments,
    projects,
    service_instances,
    services,
    templates,
    variables,
    volumes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from railway_saas._core.operation import Operation
    from railway_saas.domain.instances import ServiceLimits
    from railway_saas.instances.placement import Placement
    from railway_saas.instances.settings import ServiceSettings
    from railway_saas.instances.situation import Situation
    from railway_saas.instances.steps import Intent
    from railway_saas.templates import JsonObject, JsonValue, RandomSource


GOES_ON: Final = frozenset(
    {
        OperationKind.TEMPLATE_DEPLOY,
        OperationKind.CONFIGURE,
        OperationKind.BACKUP_CREATE,
        OperationKind.BACKUP_RESTORE,
        OperationKind.RESTORE_COMMIT,
    }
)
"""Railway goes on with these after it has answered: they stay SENT until a look says that they are complete."""


class Scribe:
    """Writes down calls for one installation: it knows the workspace, where instances go, and the random source."""

    def __init__(self, *, workspace_id: str, placement: Placement, random: RandomSource) -> None:
        self._workspace_id = workspace_id
        self._placement = placement
        self._random = random

    def calls_of(self, s: Situation, intent: Intent) -> Sequence[Operation[Any]]:
        """The calls of an intent, in order. None at all where nothing is to be said."""
        return tuple(_CALLS[intent.kind](self, s, intent))

    # Each kind ---------------------------------------------------------------------------------------------------

    def project_create(self, s: Situation, _intent: Intent) -> Iterator[Operation[Any]]:
        """A project of the instance's own, with its marker."""
        yield projects.create(
            name=self._placement.project_name(s.instance),
            description=self._placement.description(s.instance),
            workspace_id=self._workspace_id,
        )

    def service_create(self, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
        """One service of the document."""
        project_id, environment_id = _place(s)
        known = s.catalogue.railway_template_id if s.catalogue.known_to_railway else None
        yield calls.create_service(self._settings(s, intent.subject), project_id, environment_id, known)

    def configure(self, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
        """Everything that creating a service could not say; or the difference between two revisions."""
        if intent.key == CONFIGURE_KEY:
            yield from self._first_settings(s)
        else:
            yield from self._upgrade(s)

    def _first_settings(self, s: Situation) -> Iterator[Operation[Any]]:
        _, environment_id = _place(s)
        settings = [self._settings(s, service.key) for service in s.template.services]
        ids = {service.key: service_id_of(s, service.key) for service in s.template.services}
        mounts, volume_ids = tuple(mounts_of(s.template)), made_volumes(s)
        names = first_names(s.template)
        sizes = {one.volume_id: one.size_mb for one in s.view.volumes} if s.view else {}
        yield from calls.name_volumes({volume_ids[place]: names[place] for place in volume_ids})
        yield from calls.configure(settings, ids, environment_id)
        patch = calls.patch_of(
            settings, ids, mounted(mounts, volume_ids), placed(mounts, volume_ids, sizes), _buckets(s)
        )
        yield from _committed(environment_id, patch)

    def _upgrade(self, s: Situation) -> Iterator[Operation[Any]]:
        _, environment_id = _place(s)
        plan = planned_upgrade(s, s.view or RailwayView(services=()), self._random)
        yield from calls.name_volumes(plan.volume_names)
        yield from _committed(environment_id, plan.patch)

    def _settings(self, s: Situation, key: str) -> ServiceSettings:
        service = next(one for one in s.template.services if one.key == key)
        return settings_of(service, self._random)


def template_deploy(_scribe: Scribe, s: Situation, _intent: Intent) -> Iterator[Operation[Any]]:
    """The whole document with the limits in it; Railway makes the services."""
    project_id, environment_id = _place(s)
    yield templates.deploy(
        template_id=s.catalogue.railway_template_id,
        serialized_config=_with_limits(s.template.serialize(), s.instance.desired.config.limits),
        project_id=project_id,
        environment_id=environment_id,
    )


def _with_limits(document: JsonObject, limits: ServiceLimits) -> JsonObject:
    """The document with what each service may use: a limit that is set later needs another deployment."""
    override, services = limit_override(limits), document.get("services")
    if not override or not isinstance(services, dict):
        return document
    return {**document, "services": {key: _limited(entry, override) for key, entry in services.items()}}


def _limited(entry: JsonValue, override: JsonObject) -> JsonValue:
    if not isinstance(entry, dict):
        return entry
    deploy = entry.get("deploy")
    return {**entry, "deploy": {**(deploy if isinstance(deploy, dict) else {}), **override}}


def volume_create(_scribe: Scribe, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A volume of the project; the settings' patch mounts it."""
    yield calls.create_volume(_place(s)[0], str(intent.request["mount"]))


def volume_delete(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A volume that nothing needs."""
    yield volumes.delete(str(intent.request["volume_id"]))


def bucket_create(_scribe: Scribe, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A bucket of the project; the settings' patch places it."""
    names = {bucket.key: bucket.name for bucket in s.template.buckets}
    yield calls.create_bucket(_place(s)[0], names[intent.subject])


def service_domain_create(_scribe: Scribe, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """One generated domain."""
    service = next(one for one in s.template.services if one.key == intent.subject)
    domain = service.service_domains[int(intent.request["number"]) - 1]
    yield domains.service_domain_create(
        service_id=service_id_of(s, intent.subject),
        environment_id=_place(s)[1],
        target_port=domain.target_port,
    )


def variables_set(_scribe: Scribe, s: Situation, _intent: Intent) -> Iterator[Operation[Any]]:
    """Values that changed, without deploying: the rollout does that, once. Deletions deploy by themselves."""
    applied = s.observed.applied
    if applied is None:
        return
    project_id, environment_id = _place(s)
    keys = {service.name: service.key for service in s.template.services}
    for service, values in changed_variables(s, applied).items():
        service_id = service_id_of(s, keys[service])
        taken = [name for name, value in values.items() if value is None]
        given = {name: value for name, value in values.items() if value is not None}
        for name in taken:
            yield variables.delete(
                name, project_id=project_id, environment_id=environment_id, service_id=service_id
            )
        if given:
            yield variables.upsert_many(
                given,
                project_id=project_id,
                environment_id=environment_id,
                service_id=service_id,
                skip_deploys=True,
            )


def limits_set(_scribe: Scribe, s: Situation, _intent: Intent) -> Iterator[Operation[Any]]:
    """The same limits for every service that is there; None goes back to the plan's."""
    limits = s.instance.desired.config.limits
    _, environment_id = _place(s)
    for service_id in filter(None, (_known_id(s, service.key) for service in s.template.services)):
        yield service_instances.limits_update(
            service_id=service_id,
            environment_id=environment_id,
            vcpus=None if limits.vcpus is None else float(limits.vcpus),
            memory_gb=None if limits.memory_gb is None else float(limits.memory_gb),
        )


def service_deploy(_scribe: Scribe, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A new deployment from the settings as they are."""
    yield service_instances.deploy(service_id=service_id_of(s, intent.subject), environment_id=_place(s)[1])


def service_delete(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A service the revision does not have."""
    yield services.delete(str(intent.request["service_id"]))


def restart(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """The same deployment, started anew."""
    yield deployments.restart(str(intent.request["deployment_id"]))


def rollback(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A new deployment from an old one's image and variables."""
    yield deployments.rollback(str(intent.request["deployment_id"]))


def stop(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """End the processes, keep the deployment."""
    yield deployments.stop(str(intent.request["deployment_id"]))


def remove(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """Take deployments down, or abort those that have not started."""
    act = deployments.cancel if intent.request.get("cancel") else deployments.remove
    yield from (act(str(deployment_id)) for deployment_id in intent.request["deployment_ids"])


def custom_domain_create(_scribe: Scribe, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A customer's domain."""
    project_id, environment_id = _place(s)
    port = intent.request.get("target_port")
    yield domains.custom_domain_create(
        project_id=project_id,
        environment_id=environment_id,
        service_id=str(intent.request["service_id"]),
        domain=str(intent.request["domain"]),
        target_port=None if port is None else int(port),
    )


def custom_domain_delete(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """Take a customer's domain away."""
    yield domains.custom_domain_delete(str(intent.request["domain_id"]))


def backup_create(_scribe: Scribe, _s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A backup under a name of its own, by which it is found again."""
    yield backups.create(str(intent.request["volume_instance_id"]), name=str(intent.request["name"]))


def backup_restore(_scribe: Scribe, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """A new volume from a backup; Railway stages the change, merged into what waits.

    So what an earlier restore of the service has left waiting goes first.
    """
    if _restored(s, intent):
        yield environments.stage_changes(_place(s)[1], {}, merge=False)
    yield backups.restore(
        volume_instance_id=str(intent.request["volume_instance_id"]),
        backup_id=str(intent.request["backup_id"]),
    )


def restore_commit(_scribe: Scribe, s: Situation, intent: Intent) -> Iterator[Operation[Any]]:
    """Put the restored volume in place; deploys the service, unless it is suspended: then nothing of it may run.

    Railway commits everything that waits: what is not the restore's own is replaced by it first.
    """
    own, staged = _restored(s, intent), s.sight(STAGED, EnvironmentPatch)
    if own and staged is not None and own != staged.patch:
        yield environments.stage_changes(_place(s)[1], own, merge=False)
    suspended = s.observed.power is Power.SUSPENDED
    yield environments.commit_staged(_place(s)[1], message="restore a backup", skip_deploys=suspended or None)


def _restored(s: Situation, intent: Intent) -> JsonObject:
    """What waits of a restore of the intent's service."""
    staged = s.sight(STAGED, EnvironmentPatch)
    return restored_change(staged.patch, service_id_of(s, intent.subject)) if staged else {}


def preview(_scribe: Scribe, s: Situation, _intent: Intent) -> Iterator[Operation[Any]]:
    """Discard what a preview that broke off has left; the preview itself stages and discards in one request."""
    yield environments.stage_changes(_place(s)[1], {}, merge=False)


def project_delete(_scribe: Scribe, s: Situation, _intent: Intent) -> Iterator[Operation[Any]]:
    """The project with everything in it."""
    yield projects.delete(_place(s)[0])


_CALLS: Final[dict[OperationKind, Callable[[Scribe, Situation, Intent], Iterator[Operation[Any]]]]] = {
    OperationKind.PROJECT_CREATE: Scribe.project_create,
    OperationKind.TEMPLATE_DEPLOY: template_deploy,
    OperationKind.SERVICE_CREATE: Scribe.service_create,
    OperationKind.VOLUME_CREATE: volume_create,
    OperationKind.VOLUME_DELETE: volume_delete,
    OperationKind.BUCKET_CREATE: bucket_create,
    OperationKind.SERVICE_DOMAIN_CREATE: service_domain_create,
    OperationKind.CONFIGURE: Scribe.configure,
    OperationKind.VARIABLES: variables_set,
    OperationKind.LIMITS: limits_set,
    OperationKind.SERVICE_DEPLOY: service_deploy,
    OperationKind.SERVICE_DELETE: service_delete,
    OperationKind.RESTART: restart,
    OperationKind.ROLLBACK: rollback,
    OperationKind.STOP: stop,
    OperationKind.REMOVE: remove,
    OperationKind.CUSTOM_DOMAIN_CREATE: custom_domain_create,
    OperationKind.CUSTOM_DOMAIN_DELETE: custom_domain_delete,
    OperationKind.BACKUP_CREATE: backup_create,
    OperationKind.BACKUP_RESTORE: backup_restore,
    OperationKind.RESTORE_COMMIT: restore_commit,
    OperationKind.PREVIEW: preview,
    OperationKind.PROJECT_DELETE: project_delete,
}


def result_of(intent: Intent, answers: Sequence[Any]) -> Mapping[str, Any]:
    """What to remember of Railway's answers (JSON)."""
    answer: Any = answers[0] if answers else None
    match intent.kind:
        case OperationKind.PROJECT_CREATE:
            return {
                "project_id": answer.id,
                "environment_id": answer.environments[0].id if answer.environments else None,
            }
        case OperationKind.SERVICE_CREATE:
            return {"service_id": answer.id}
        case OperationKind.VOLUME_CREATE:
            return {"volume_id": answer.id}
        case OperationKind.BUCKET_CREATE:
            return {"bucket_id": answer.id}
        case OperationKind.SERVICE_DEPLOY:
            return {"deployment_id": answer}
        case OperationKind.CUSTOM_DOMAIN_CREATE:
            return {"domain_id": answer.id}
        case OperationKind.TEMPLATE_DEPLOY | OperationKind.BACKUP_CREATE | OperationKind.BACKUP_RESTORE:
            return {"answered": True, "workflow_id": answers[-1].workflow_id}
        case OperationKind.CONFIGURE | OperationKind.RESTORE_COMMIT if any(
            isinstance(one, str) for one in answers
        ):
            return {
                "answered": True
            }  # the id of a committed patch; whether it could be applied is to be seen
        case _:
            return {}


def is_doubtful(s: Situation, intent: Intent, answers: Sequence[Any]) -> bool:
    """Whether an answer is not about what was asked for: then that is looked for, as if there had been no answer.

    Everything else is built into the project of the answer, which could be a stranger's.
    """
    if intent.kind is not OperationKind.PROJECT_CREATE:
        return False
    project = answers[0]
    is_ours = read_marker(project.description) == Marker(s.namespace, s.instance.id)
    return not is_ours or not project.environments


def goes_on(intent: Intent, result: Mapping[str, Any]) -> bool:
    """Whether Railway's answer is not yet the end of it."""
    return intent.kind in GOES_ON and "answered" in result


def digest_of(operations: Sequence[Operation[Any]]) -> str:
    """SHA-256 of what is sent, in hexadecimal."""
    sent = [[operation.name, dict(operation.variables)] for operation in operations]
    return hashlib.sha256(json.dumps(sent, sort_keys=True, default=str).encode()).hexdigest()


def service_id_of(s: Situation, key: str) -> str:
    """Railway's id of a service of the document.

    Raises:
        LookupError: It has none yet: a fault of ours, as a decision asks for it only when it has.
    """
    found = _known_id(s, key)
    if found is None:
        raise LookupError(f"service {key} has no id yet")
    return found


def _known_id(s: Situation, key: str) -> str | None:
    """From its row, or from the write that made it; None: it is still to be made."""
    for row in s.services:
        if row.template_key == key:
            return row.railway_service_id
    for prefix in (f"service:g{s.instance.desired.generation}:", "service:"):
        operation = s.operations.get(f"{prefix}{key}")
        if operation is not None and "service_id" in operation.result:
            return str(operation.result["service_id"])
    found = s.view.find(key) if s.view else None
    return found.service_id if found else None


def _place(s: Situation) -> tuple[str, str]:
    return s.observed.project_id or "", s.observed.environment_id or ""


def _committed(environment_id: str, patch: JsonObject) -> Iterator[Operation[Any]]:
    """Stage and commit without deploying: services start in their own order afterwards.

    What waited before is replaced: it may be a patch of ours that Railway could not apply.
    """
    if patch:
        yield environments.stage_changes(environment_id, patch, merge=False)
        yield environments.commit_staged(environment_id, skip_deploys=True)


def _buckets(s: Situation) -> dict[str, JsonObject]:
    placed: dict[str, JsonObject] = {}
    for bucket in s.template.buckets:
        made = s.operations.get(f"bucket:{bucket.key}")
        if made is not None and "bucket_id" in made.result:
            region = bucket_region(s.template, bucket.key) or DEFAULT_BUCKET_REGION
            placed[str(made.result["bucket_id"])] = {"region": region, "isCreated": True}
    return placed
