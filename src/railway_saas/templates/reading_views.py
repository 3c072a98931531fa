"""Reading the typed views out of a document: what is usable is taken, the rest is skipped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from railway_saas.templates.json_values import JsonObject, JsonValue, as_integer, as_object, as_text
from railway_saas.templates.sources import RepositoryReference
from railway_saas.templates.views import (
    TemplateBucket,
    TemplateDomain,
    TemplateService,
    TemplateSource,
    TemplateVariable,
    TemplateVolume,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DOMAIN_PLACEHOLDER",
    "buckets_of",
    "domain_key",
    "port_of_key",
    "services_of",
    "usable_port",
]

DOMAIN_PLACEHOLDER = "<hasDomain>"
"""Railway: the literal key that asks for a generated service domain; `<hasDomain>:8080` fixes the port."""

_DOMAIN_KEY = re.compile(r"(?P<host>[^:]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
_PORT_KEY = re.compile(r"\d{1,5}", re.ASCII)
_LARGEST_PORT = 65_535


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


def port_of_key(key: str) -> int | None:
    """A key of `tcpProxies` as a port number, from 1 to 65535."""
    return usable_port(int(key)) if _PORT_KEY.fullmatch(key) else None


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
        if (port := port_of_key(key)) is not None:
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
