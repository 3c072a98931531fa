"""Typed, read-only views of a template document. They take what is usable and skip the rest.

A view never complains: `Template.check` does. So every module may read faulty documents through them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from railway_saas.templates.functions import calls_secret
from railway_saas.templates.json_values import (
    JsonObject,
    JsonValue,
    as_integer,
    as_object,
    as_text,
    copy_json,
)
from railway_saas.templates.names import looks_secret
from railway_saas.templates.paths import ROOT, child, entry
from railway_saas.templates.sources import ImageReference, RepositoryReference

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DOMAIN_PLACEHOLDER",
    "TemplateBucket",
    "TemplateDomain",
    "TemplateService",
    "TemplateSource",
    "TemplateVariable",
    "TemplateVolume",
    "buckets_of",
    "domain_key",
    "services_of",
    "usable_port",
]

DOMAIN_PLACEHOLDER = "<hasDomain>"
"""Railway: the literal key that asks for a generated service domain; `<hasDomain>:8080` fixes the port."""

_DOMAIN_KEY = re.compile(r"(?P<host>[^:]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """What a service is made from."""

    image: str | None = None
    """A container image, as written."""
    repo: str | None = None
    """A repository, as written: `owner/name` or its address."""
    branch: str | None = None
    """The branch, from its own field or from the address."""
    root_directory: str | None = None
    """Where in the repository the service lives."""

    def __str__(self) -> str:
        """The image or the repository."""
        return self.image or self.repo or "no source"

    @property
    def repository(self) -> RepositoryReference | None:
        """The repository taken apart; None without one, or when it has not the form of one."""
        return RepositoryReference.find(self.repo) if self.repo else None

    @property
    def image_reference(self) -> ImageReference | None:
        """The image taken apart; None without one, or when it has not the form of one."""
        return ImageReference.find(self.image) if self.image else None


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """A variable of a service. Its texts are kept out of `repr`, as they may be secret."""

    name: str
    value: str | None = field(default=None, repr=False)
    default: str | None = field(default=None, repr=False)
    description: str | None = None
    optional: bool = False
    sealed: bool = False
    generator: str | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """What the variable holds after deploying if nobody changes it: its value, else its default."""
        return (self.default or "") if self.value is None else self.value

    @property
    def is_generated_secret(self) -> bool:
        """Whether Railway makes a secret for it when the template is deployed."""
        return calls_secret(self.text) or (not self.text and _generates_secret(self.generator))

    @property
    def is_secret(self) -> bool:
        """Generated as a secret, sealed, or named like one."""
        return self.is_generated_secret or self.sealed or looks_secret(self.name)

    @property
    def is_required(self) -> bool:
        """Whether somebody must fill it in: no value, no default, no generator, not optional.

        Source: Railway CLI, template deploy.
        """
        return not (self.value or self.default or self.generator or self.optional)


@dataclass(frozen=True, slots=True)
class TemplateDomain:
    """A domain that a service asks for."""

    host: str | None
    """A host name; None where Railway is to generate one."""
    target_port: int | None = None
    """The port that requests go to; None lets Railway detect it."""


@dataclass(frozen=True, slots=True)
class TemplateVolume:
    """A volume mounted by a service."""

    key: str
    mount_path: str | None = None
    size_mb: int | None = None
    backup_schedules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateBucket:
    """An object storage bucket of the template."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class TemplateService:
    """One service of a template."""

    key: str
    """Its key in the document, which Railway gives the service as `templateServiceId`."""
    name: str
    """Its name; the key where the document gives no usable one."""
    icon: str | None
    source: TemplateSource
    variables: tuple[TemplateVariable, ...]
    service_domains: tuple[TemplateDomain, ...]
    custom_domains: tuple[TemplateDomain, ...]
    tcp_proxies: tuple[int, ...]
    """Application ports that get a TCP proxy."""
    volumes: tuple[TemplateVolume, ...]
    _document: JsonObject = field(repr=False, hash=False)

    @property
    def path(self) -> str:
        """Where it stands in the document, as a JSON path."""
        return entry(child(ROOT, "services"), self.key)

    @property
    def raw(self) -> JsonObject:
        """The service's part of the document; a fresh copy."""
        return cast("JsonObject", copy_json(self._document))

    @property
    def deploy(self) -> JsonObject:
        """The `deploy` settings as they stand; a fresh copy."""
        return cast("JsonObject", copy_json(as_object(self._document.get("deploy"))))

    @property
    def healthcheck_path(self) -> str | None:
        """The path Railway asks before a deployment counts as healthy."""
        return as_text(self._deploy("healthcheckPath"))

    @property
    def cron_schedule(self) -> str | None:
        """The crontab line of a service that runs now and then."""
        return as_text(self._deploy("cronSchedule"))

    @property
    def restart_policy(self) -> str:
        """Railway: `ON_FAILURE` unless the template says otherwise."""
        return as_text(self._deploy("restartPolicyType")) or "ON_FAILURE"

    @property
    def sleeps(self) -> bool:
        """Whether Railway puts it to sleep while nobody asks."""
        return self._deploy("sleepApplication") is True

    @property
    def required_mount_path(self) -> str | None:
        """Where the service insists on a volume."""
        return as_text(self._deploy("requiredMountPath"))

    @property
    def replicas(self) -> int:
        """How many copies run, over all regions; 1 unless the template says otherwise."""
        regions = as_object(self._deploy("multiRegionConfig"))
        if regions:
            counts = [as_integer(as_object(region).get("numReplicas")) or 0 for region in regions.values()]
            return max(1, sum(counts))
        return max(1, as_integer(self._deploy("numReplicas")) or 1)

    @property
    def is_public(self) -> bool:
        """Whether the Internet can reach it: by a domain or by a TCP proxy."""
        return bool(self.service_domains or self.custom_domains or self.tcp_proxies)

    def variable(self, name: str) -> TemplateVariable | None:
        """The variable of this name, or None."""
        return next((variable for variable in self.variables if variable.name == name), None)

    def _deploy(self, key: str) -> JsonValue:
        return as_object(self._document.get("deploy")).get(key)


def services_of(document: JsonObject) -> Iterator[TemplateService]:
    """The services of a document, in its order."""
    for key, value in as_object(document.get("services")).items():
        if isinstance(value, dict):
            yield _service(key, value)


def buckets_of(document: JsonObject) -> Iterator[TemplateBucket]:
    """The buckets of a document that have a name."""
    for key, value in as_object(document.get("buckets")).items():
        if (name := as_text(as_object(value).get("name"))) is not None:
            yield TemplateBucket(key, name)


def domain_key(key: str) -> tuple[str | None, int | None] | None:
    """Take a key of `serviceDomains` apart: host (None for the placeholder) and port; None if it is neither."""
    match = _DOMAIN_KEY.fullmatch(key)
    if match is None:
        return None
    host = None if match["host"] == DOMAIN_PLACEHOLDER else match["host"]
    return host, int(match["port"]) if match["port"] else None


def usable_port(value: JsonValue) -> int | None:
    """The value as a port number, from 1 to 65535."""
    port = as_integer(value)
    return port if port is not None and 1 <= port <= _LARGEST_PORT else None


def _service(key: str, document: JsonObject) -> TemplateService:
    networking = as_object(document.get("networking"))
    return TemplateService(
        key=key,
        name=as_text(document.get("name")) or key,
        icon=as_text(document.get("icon")),
        source=_source(as_object(document.get("source"))),
        variables=tuple(_variables(as_object(document.get("variables")))),
        service_domains=tuple(_domains(as_object(networking.get("serviceDomains")))),
        custom_domains=tuple(_domains(as_object(networking.get("customDomains")))),
        tcp_proxies=tuple(_tcp_ports(as_object(networking.get("tcpProxies")))),
        volumes=tuple(_volumes(as_object(document.get("volumeMounts")))),
        _document=document,
    )


def _source(source: JsonObject) -> TemplateSource:
    repo = as_text(source.get("repo"))
    repository = RepositoryReference.find(repo) if repo else None
    return TemplateSource(
        image=as_text(source.get("image")),
        repo=repo,
        branch=as_text(source.get("branch")) or (repository.branch if repository else None),
        root_directory=as_text(source.get("rootDirectory")),
    )


def _variables(variables: JsonObject) -> Iterator[TemplateVariable]:
    for name, entry_ in variables.items():
        # Railway: an entry may be null, and is then no variable at all.
        if isinstance(entry_, dict):
            yield TemplateVariable(
                name=name,
                value=value if isinstance(value := entry_.get("value"), str) else None,
                default=as_text(entry_.get("defaultValue")),
                description=as_text(entry_.get("description")),
                optional=entry_.get("isOptional") is True,
                sealed=entry_.get("isSealed") is True,
                generator=as_text(entry_.get("generator")),
            )


def _domains(domains: JsonObject) -> Iterator[TemplateDomain]:
    for key, value in domains.items():
        parts = domain_key(key)
        if parts is not None:
            port = usable_port(as_object(value).get("port"))
            yield TemplateDomain(parts[0], usable_port(parts[1]) if port is None else port)


def _tcp_ports(proxies: JsonObject) -> Iterator[int]:
    for key in proxies:
        if key.isascii() and key.isdigit() and (port := usable_port(int(key[:6]))) is not None:
            yield port


def _volumes(mounts: JsonObject) -> Iterator[TemplateVolume]:
    for key, value in mounts.items():
        if isinstance(value, dict):
            schedules = value.get("backupSchedules")
            yield TemplateVolume(
                key=key,
                mount_path=as_text(value.get("mountPath")),
                size_mb=as_integer(value.get("sizeMB")),
                backup_schedules=tuple(kind for kind in schedules if isinstance(kind, str))
                if isinstance(schedules, list)
                else (),
            )


def _generates_secret(generator: str | None) -> bool:
    return generator is not None and generator.strip().startswith("secret(")
