"""What an operator should look at before selling a template. Nothing here keeps it from being deployed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from railway_saas.templates.graph import strongly_connected
from railway_saas.templates.names import (
    BUCKET_VARIABLES,
    RESERVED_ENDPOINT_NAMES,
    Needs,
    looks_secret,
    needs_of_provided,
    shows_password,
)
from railway_saas.templates.paths import child
from railway_saas.templates.rendering import SHARED
from railway_saas.templates.syntax import OPEN, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from railway_saas.templates.syntax import Reference
    from railway_saas.templates.views import TemplateBucket, TemplateService, TemplateVariable

__all__ = ["PlanWarning", "WarningCode", "warnings_of"]


class WarningCode(StrEnum):
    """Kinds of warnings; stable, so that tools may filter by them."""

    SECRET_IN_CLEAR = "secret_in_clear"  # noqa: S105 - the name of a warning, not a secret
    DATABASE_WITHOUT_VOLUME = "database_without_volume"
    PUBLIC_WITHOUT_HEALTHCHECK = "public_without_healthcheck"
    DATABASE_ON_INTERNET = "database_on_internet"
    REFERENCE_TO_NOTHING = "reference_to_nothing"
    SHARED_VARIABLE_NEEDED = "shared_variable_needed"
    REFERENCE_CYCLE = "reference_cycle"
    VARIABLE_CYCLE = "variable_cycle"
    IMAGE_NOT_PINNED = "image_not_pinned"
    CRON_RESTARTS_ALWAYS = "cron_restarts_always"
    CRON_IS_PUBLIC = "cron_is_public"
    REQUIRED_MOUNT_MISSING = "required_mount_missing"
    RESERVED_NAME = "reserved_name"


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """Something to look at before deploying."""

    code: WarningCode
    path: str
    """Where in the document, as a JSON path."""
    message: str

    def __str__(self) -> str:
        """Path and message on one line."""
        return f"{self.path}: {self.message}"


def warnings_of(
    services: Sequence[TemplateService],
    buckets: Sequence[TemplateBucket],
    shared: frozenset[str],
    cycles: Iterable[Sequence[TemplateService]],
) -> Iterator[PlanWarning]:
    """Yield the warnings of a template; `cycles` are groups of services that wait for each other."""
    targets = _Targets(services, buckets, shared)
    for service in services:
        yield from _of_service(service)
        for variable in service.variables:
            yield from _of_variable(service, variable)
            yield from targets.broken(service, variable)
    for cycle in cycles:
        names = ", ".join(sorted(service.name for service in cycle))
        yield PlanWarning(
            WarningCode.REFERENCE_CYCLE,
            cycle[0].path,
            f"the services {names} reference each other, so Railway starts them at the same time",
        )
    yield from _variable_cycles(services)


def _of_service(service: TemplateService) -> Iterator[PlanWarning]:
    deploy = child(service.path, "deploy")
    image = service.source.image_reference
    is_database = image is not None and image.is_database
    has_domain = bool(service.service_domains or service.custom_domains)
    if image is not None and not image.is_pinned:
        yield PlanWarning(
            WarningCode.IMAGE_NOT_PINNED,
            child(child(service.path, "source"), "image"),
            f"{service.source.image} may be another image tomorrow; give a version tag or a digest",
        )
    if is_database and not service.volumes:
        yield PlanWarning(
            WarningCode.DATABASE_WITHOUT_VOLUME,
            service.path,
            f"{service.name} is a database without a volume: every redeploy loses its data",
        )
    if is_database and service.is_public:
        yield PlanWarning(
            WarningCode.DATABASE_ON_INTERNET,
            child(service.path, "networking"),
            f"{service.name} is a database that the whole Internet can reach",
        )
    if has_domain and service.healthcheck_path is None:
        yield PlanWarning(
            WarningCode.PUBLIC_WITHOUT_HEALTHCHECK,
            child(deploy, "healthcheckPath"),
            f"{service.name} has a domain and no health check: it gets requests before it can answer them",
        )
    yield from _of_cron(service, deploy)
    yield from _of_mount(service, deploy)
    if service.name.lower() in RESERVED_ENDPOINT_NAMES:
        yield PlanWarning(
            WarningCode.RESERVED_NAME,
            child(service.path, "name"),
            f"{service.name!r} is reserved as a private network name, so this service will get another one",
        )


def _of_cron(service: TemplateService, deploy: str) -> Iterator[PlanWarning]:
    if service.cron_schedule is None:
        return
    if service.restart_policy == "ALWAYS":
        yield PlanWarning(
            WarningCode.CRON_RESTARTS_ALWAYS,
            child(deploy, "restartPolicyType"),
            f"{service.name} runs by schedule, yet ALWAYS starts it again after every run; use NEVER or ON_FAILURE",
        )
    if service.is_public:
        yield PlanWarning(
            WarningCode.CRON_IS_PUBLIC,
            child(service.path, "networking"),
            f"{service.name} runs by schedule, so between runs nobody answers its requests",
        )


def _of_mount(service: TemplateService, deploy: str) -> Iterator[PlanWarning]:
    required = service.required_mount_path
    if required is not None and required not in {volume.mount_path for volume in service.volumes}:
        yield PlanWarning(
            WarningCode.REQUIRED_MOUNT_MISSING,
            child(deploy, "requiredMountPath"),
            f"{service.name} insists on a volume at {required}, and the template mounts none there",
        )


_HARMLESS = frozenset({"", "0", "1", "false", "no", "none", "null", "off", "on", "true", "yes"})


def _of_variable(service: TemplateService, variable: TemplateVariable) -> Iterator[PlanWarning]:
    """Only a default is the template's own; a `value` was filled in for one deployment."""
    default = variable.default or ""
    literal = OPEN not in default and default.lower() not in _HARMLESS
    if (literal and (variable.sealed or looks_secret(variable.name))) or shows_password(default):
        yield PlanWarning(
            WarningCode.SECRET_IN_CLEAR,
            child(_variable_path(service, variable), "defaultValue"),
            f"{service.name}.{variable.name} looks like a secret, and everybody who deploys this template gets "
            "the same one; use ${{secret(32)}} or make it an input without default",
        )


def _variable_path(service: TemplateService, variable: TemplateVariable) -> str:
    return child(child(service.path, "variables"), variable.name)


class _Targets:
    """What references can mean in a template."""

    def __init__(
        self, services: Sequence[TemplateService], buckets: Sequence[TemplateBucket], shared: frozenset[str]
    ) -> None:
        self._services: Mapping[str, TemplateService] = {
            service.name: service for service in reversed(services)
        }
        self._buckets = frozenset(bucket.name for bucket in buckets)
        self._shared = shared

    def broken(self, service: TemplateService, variable: TemplateVariable) -> Iterator[PlanWarning]:
        path = child(_variable_path(service, variable), "defaultValue" if variable.value is None else "value")
        for reference in dict.fromkeys(references(variable.text)):
            if reference.fault is None and reference.owner == SHARED:
                yield from self._shared_variable(reference, path)
            elif reference.fault is None and (reason := self._reason(service, reference)) is not None:
                message = f"{reference.source} renders as nothing: {reason}"
                yield PlanWarning(WarningCode.REFERENCE_TO_NOTHING, path, message)

    def _shared_variable(self, reference: Reference, path: str) -> Iterator[PlanWarning]:
        if reference.name not in self._shared:
            message = f"{reference.source} needs a shared variable {reference.name} in the environment"
            yield PlanWarning(WarningCode.SHARED_VARIABLE_NEEDED, path, message)

    def _reason(self, service: TemplateService, reference: Reference) -> str | None:
        owner = service if reference.owner is None else self._services.get(reference.owner)
        if owner is not None:
            return _missing_variable(owner, reference.name)
        if reference.owner in self._buckets:
            known = ", ".join(sorted(BUCKET_VARIABLES))
            return None if reference.name in BUCKET_VARIABLES else f"a bucket offers only {known}"
        return f"the template has no service or bucket {reference.owner!r}{self._other_case(reference.owner)}"

    def _other_case(self, owner: str | None) -> str:
        folded = (owner or "").casefold()
        close = [name for name in (*self._services, *sorted(self._buckets)) if name.casefold() == folded]
        return f"; names are case-sensitive, did you mean {close[0]!r}?" if close else ""


_LACKING = {
    Needs.DOMAIN: "has no domain",
    Needs.TCP_PROXY: "has no TCP proxy",
    Needs.VOLUME: "has no volume",
    Needs.REPOSITORY: "is not built from a repository",
}


def _missing_variable(owner: TemplateService, name: str) -> str | None:
    if owner.variable(name) is not None:
        return None
    needs = needs_of_provided(name)
    if needs is not None:
        return None if _has(owner, needs) else f"{owner.name} {_LACKING[needs]}"
    if name == "PORT":
        return f"Railway gives {owner.name} a PORT only at run time; set it as a variable"
    return f"{owner.name} has no variable {name}"


def _has(service: TemplateService, needs: Needs) -> bool:
    return {
        Needs.NOTHING: True,
        Needs.DOMAIN: bool(service.service_domains or service.custom_domains),
        Needs.TCP_PROXY: bool(service.tcp_proxies),
        Needs.VOLUME: bool(service.volumes),
        Needs.REPOSITORY: service.source.repo is not None,
    }[needs]


def _variable_cycles(services: Sequence[TemplateService]) -> Iterator[PlanWarning]:
    texts = {
        (service.name, variable.name): variable.text for service in services for variable in service.variables
    }

    def targets(variable: tuple[str, str]) -> list[tuple[str, str]]:
        found = [(item.owner or variable[0], item.name) for item in references(texts[variable])]
        return [target for target in found if target in texts]

    paths = {service.name: child(service.path, "variables") for service in services}
    for group in strongly_connected(texts, targets):
        owner, name = first = next(iter(group))
        if len(group) > 1 or first in targets(first):
            names = ", ".join(sorted(f"{owner}.{name}" for owner, name in group))
            yield PlanWarning(
                WarningCode.VARIABLE_CYCLE,
                child(paths[owner], name),
                f"{names} lead back to themselves, so those references render as nothing",
            )
