"""The writes that build a template's services, as values. Pure; their inputs carry Railway's own field names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.railway.models.projects import BucketRef, ServiceRef, VolumeRef
from railway_saas.railway.operations._build import operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from railway_saas._core.operation import Operation
    from railway_saas.instances.settings import ServiceSettings
    from railway_saas.templates import JsonObject, TemplateService


def create_service(settings: ServiceSettings, project_id: str, environment_id: str) -> Operation[ServiceRef]:
    """A service with its source and its variables; Railway does not deploy it yet."""
    service = settings.service
    source = {"image": service.source.image} if service.source.image else {"repo": repository(service)}
    body = {
        "projectId": project_id,
        "environmentId": environment_id,
        "name": service.name,
        "source": source,
        "branch": service.source.branch,
        "icon": service.icon,
        "variables": settings.variables or None,
    }
    return operation("ServiceCreate", ServiceRef, {"input": _without_nulls(body)})


def repository(service: TemplateService) -> str:
    """`owner/name`: `serviceConnect` and `serviceCreate` refuse the long address that documents may hold."""
    reference = service.source.repository
    return f"{reference.owner}/{reference.name}" if reference else (service.source.repo or "")


def create_volume(
    project_id: str, environment_id: str, service_id: str, mount_path: str
) -> Operation[VolumeRef]:
    """A volume mounted into a service."""
    body = {
        "projectId": project_id,
        "environmentId": environment_id,
        "serviceId": service_id,
        "mountPath": mount_path,
    }
    return operation("VolumeCreate", VolumeRef, {"input": body})


def create_bucket(project_id: str, name: str) -> Operation[BucketRef]:
    """A bucket of the project; a patch places it in the environment."""
    return operation("BucketCreate", BucketRef, {"input": {"projectId": project_id, "name": name}})


def create_domains(
    settings: Sequence[ServiceSettings], ids: Mapping[str, str], environment_id: str
) -> Iterator[Operation[Any]]:
    """One generated service domain for each that the document asks for."""
    for entry in settings:
        for domain in entry.service.service_domains:
            body = {
                "serviceId": ids[entry.service.key],
                "environmentId": environment_id,
                "targetPort": domain.target_port,
            }
            yield operation("ServiceDomainCreate", dict[str, Any], {"input": _without_nulls(body)})


def configure(
    settings: Sequence[ServiceSettings], ids: Mapping[str, str], environment_id: str
) -> Iterator[Operation[Any]]:
    """How each service is built and run, where the document says anything about it."""
    for entry in settings:
        if entry.update:
            variables = {
                "serviceId": ids[entry.service.key],
                "environmentId": environment_id,
                "input": entry.update,
            }
            yield operation("ServiceInstanceUpdate", bool, variables, safe_to_repeat=True)


def start(service_id: str, environment_id: str) -> Operation[str]:
    """The first deployment of a service."""
    return operation("ServiceInstanceDeploy", str, {"serviceId": service_id, "environmentId": environment_id})


def patch_of(
    settings: Sequence[ServiceSettings],
    ids: Mapping[str, str],
    volumes: Mapping[str, JsonObject],
    buckets: Mapping[str, JsonObject],
) -> JsonObject:
    """What only a patch of the environment's configuration can say; empty when there is nothing.

    Args:
        settings: Every service's settings.
        ids: Service id by template key.
        volumes: `volumeMounts` and `volumes` entries by volume id.
        buckets: `buckets` entries by bucket id.
    """
    services: JsonObject = {ids[entry.service.key]: entry.patch for entry in settings if entry.patch}
    parts: JsonObject = {"services": services, "volumes": dict(volumes), "buckets": dict(buckets)}
    return {name: part for name, part in parts.items() if part}


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    """Railway reads null as "unset this field"."""
    return {name: value for name, value in body.items() if value is not None}
