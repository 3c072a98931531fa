"""Typed, read-only views of a template document. They take what is usable and skip the rest.

A view never complains: `Template.check` does. So every module may read faulty documents through them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from railway_saas.templates.functions import calls_secret, generates_secret
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

__all__ = [
    "TemplateBucket",
    "TemplateDomain",
    "TemplateService",
    "TemplateSource",
    "TemplateVariable",
    "TemplateVolume",
]


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
        return calls_secret(self.text) or (not self.text and generates_secret(self.generator or ""))

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
