"""A template's config, read for deploying: checked strictly, with the value of every variable settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.config_shape import TEMPLATE_CONFIG, check_shape
from railway_saas.emulator.domains import check_port, read_port
from railway_saas.emulator.sources import read_repository
from railway_saas.emulator.volumes import check_mount_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HAS_DOMAIN = "<hasDomain>"
"""Railway: a placeholder, brackets and all, for a service domain to be made when the template is deployed."""

BAD_REQUEST = 400
"""Railway answers refused configs with HTTP 400, unlike nearly all other refusals."""


@dataclass(frozen=True, slots=True)
class TemplateVariable:
    """A variable that has a value: given text, or a generator that makes one."""

    text: str | None = field(repr=False)
    generator: str | None = None
    is_sealed: bool = False


@dataclass(frozen=True, slots=True)
class TemplateService:
    """One service of a template."""

    key: str
    name: str
    icon: str | None
    config: Mapping[str, Any]
    variables: Mapping[str, TemplateVariable]
    domain_ports: tuple[int | None, ...]
    """One per domain to be made: its target port, or None to let Railway find it."""
    tcp_ports: tuple[int, ...]
    mounts: Mapping[str, Mapping[str, Any]]

    @property
    def is_root(self) -> bool:
        """Whether it is the root of a cluster."""
        return self.config.get("clusterRole") == "root"


@dataclass(frozen=True, slots=True)
class TemplateDocument:
    """A whole template, ready to be deployed."""

    services: tuple[TemplateService, ...]
    buckets: Mapping[str, Mapping[str, Any]]
    shared_variables: Mapping[str, TemplateVariable]

    @property
    def volume_count(self) -> int:
        """How many volumes it makes."""
        return sum(len(one.mounts) for one in self.services)


def read_template(config: Mapping[str, Any]) -> TemplateDocument:
    """Read a `serializedConfig`.

    Raises:
        Refusal: `unrecognized_keys` and the like name what is wrong; a required variable without value, a service
            without name or source are answered "Problem processing request".
    """
    check_shape(config, TEMPLATE_CONFIG, status=BAD_REQUEST)
    services = tuple(_service(key, entry) for key, entry in _entries(config, "services"))
    if not services or len({one.name for one in services}) < len(services):
        raise errors.problem_processing(status=BAD_REQUEST)
    return TemplateDocument(
        services, dict(_entries(config, "buckets")), _variables(config.get("sharedVariables"))
    )


def _service(key: str, config: Mapping[str, Any]) -> TemplateService:
    name: str = config.get("name") or ""
    source: Mapping[str, Any] = config.get("source") or {}
    if not name.strip() or not (source.get("image") or source.get("repo")):
        raise errors.problem_processing(status=BAD_REQUEST)
    if source.get("repo"):
        read_repository(source["repo"])
    networking: Mapping[str, Any] = config.get("networking") or {}
    mounts = dict(_entries(config, "volumeMounts"))
    for mount in mounts.values():
        check_mount_path(mount.get("mountPath") or "")
    return TemplateService(
        key=key,
        name=name,
        icon=config.get("icon"),
        config=config,
        variables=_variables(config.get("variables")),
        domain_ports=tuple(_ports(networking.get("serviceDomains") or {})),
        tcp_ports=tuple(read_port(port, "tcpProxies") for port in networking.get("tcpProxies") or ()),
        mounts=mounts,
    )


def _entries(config: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    entries: Mapping[str, Mapping[str, Any] | None] = config.get(name) or {}
    for key, entry in entries.items():
        if entry is not None:
            yield key, entry


def _ports(domains: Mapping[str, Mapping[str, Any] | None]) -> Iterator[int | None]:
    for name, config in domains.items():
        port = (config or {}).get("port")
        tail = name.rpartition(":")[2]
        if port is None and name.startswith(f"{HAS_DOMAIN}:"):
            port = read_port(tail)
        check_port(port)
        yield port


def _variables(entries: Mapping[str, Mapping[str, Any] | None] | None) -> dict[str, TemplateVariable]:
    """Those variables that have a value. Railway: an entry may be null; optional ones without value are left out."""
    found: dict[str, TemplateVariable] = {}
    for name, entry in (entries or {}).items():
        variable = None if entry is None else _variable(entry)
        if variable is not None:
            found[name] = variable
    return found


def _variable(entry: Mapping[str, Any]) -> TemplateVariable | None:
    text = entry.get("value") or entry.get("defaultValue")
    generator = None if text else entry.get("generator")
    if text or generator:
        return TemplateVariable(text, generator, bool(entry.get("isSealed")))
    if not entry.get("isOptional"):
        raise errors.problem_processing(status=BAD_REQUEST)
    return None
