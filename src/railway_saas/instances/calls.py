"""The writes that build a template's services, as values. Pure; their inputs carry Railway's own field names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway.operations import buckets, domains, service_instances, services, volumes
from railway_saas.railway.operations._build import operation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from railway_saas._core.operation import Operation
    from railway_saas.instances.settings import ServiceSettings
    from railway_saas.railway.models.buckets import Bucket
    from railway_saas.railway.models.domains import ServiceDomain
    from railway_saas.railway.models.services import Service
    from railway_saas.railway.models.volumes import Volume
    from railway_saas.templates import JsonObject, TemplateService


def create_service(
    settings: ServiceSettings, project_id: str, environment_id: str, template_id: str | None = None
) -> Operation[Service]:
    """A service with its source and its variables; Railway does not deploy it yet.

    With `template_id` it says where it came from, as services of Railway's own template deploy do.
    """
    service = settings.service
    image = service.source.image
    return services.create(
        project_id,
        environment_id=environment_id,
        name=service.name,
        image=image,
        repo=None if image else repository(service),
        branch=None if image else service.source.branch,
        icon=service.icon,
        variables=settings.variables or None,
        template_id=template_id,
        template_service_id=service.key if template_id else None,
    )


def repository(service: TemplateService) -> str | None:
    """`owner/name`: Railway's calls refuse the long address that documents may hold."""
    reference = service.source.repository
    return f"{reference.owner}/{reference.name}" if reference else service.source.repo


def create_volume(project_id: str, mount_path: str) -> Operation[Volume]:
    """A volume of the project; a patch brings it into the environment (`mounts`)."""
    return volumes.create(project_id=project_id, environment_id=None, mount_path=mount_path)


def name_volumes(names: Mapping[str, str]) -> Iterator[Operation[Volume]]:
    """Call volumes what Railway calls those that it makes itself, by id."""
    yield from (volumes.update(volume_id, name=name) for volume_id, name in names.items())


def create_bucket(project_id: str, name: str) -> Operation[Bucket]:
    """A bucket of the project; a patch places it in the environment."""
    return buckets.create(project_id=project_id, name=name)


def create_domains(
    settings: Sequence[ServiceSettings], ids: Mapping[str, str], environment_id: str
) -> Iterator[Operation[ServiceDomain]]:
    """One generated service domain for each that the document asks for."""
    for entry in settings:
        for domain in entry.service.service_domains:
            yield domains.service_domain_create(
                service_id=ids[entry.service.key],
                environment_id=environment_id,
                target_port=domain.target_port,
            )


def configure(
    settings: Sequence[ServiceSettings], ids: Mapping[str, str], environment_id: str
) -> Iterator[Operation[bool]]:
    """How each service is built and run, where the document says anything about it."""
    for entry in settings:
        if entry.update:
            variables = {
                "serviceId": ids[entry.service.key],
                "environmentId": environment_id,
                "input": entry.update,  # the document's own words, which are those of the input
            }
            yield operation("ServiceInstanceUpdate", bool, variables, safe_to_repeat=True)


def start(service_id: str, environment_id: str) -> Operation[str]:
    """The first deployment of a service."""
    return service_instances.deploy(service_id=service_id, environment_id=environment_id)


def patch_of(
    settings: Sequence[ServiceSettings],
    ids: Mapping[str, str],
    mounted: Mapping[str, JsonObject],
    volume_places: JsonObject,
    bucket_places: Mapping[str, JsonObject],
) -> JsonObject:
    """What only a patch of the environment's configuration can say; empty when there is nothing.

    Args:
        settings: Every service's settings.
        ids: Service id by template key.
        mounted: `volumeMounts` by template key.
        volume_places: `volumes` entries by volume id.
        bucket_places: `buckets` entries by bucket id.
    """
    patches: JsonObject = {}
    for entry in settings:
        mounts = mounted.get(entry.service.key)
        patch: JsonObject = {**entry.patch, **({"volumeMounts": mounts} if mounts else {})}
        if patch:
            patches[ids[entry.service.key]] = patch
    parts: JsonObject = {"services": patches, "volumes": volume_places, "buckets": dict(bucket_places)}
    return {name: part for name, part in parts.items() if part}
