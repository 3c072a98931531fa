"""What can be wrong with domains, TCP proxies and private network names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from railway_saas.errors import TemplateProblem
from railway_saas.templates.checks.rules import check_fields, check_object, text, whole_number
from railway_saas.templates.json_values import as_object
from railway_saas.templates.names import RESERVED_ENDPOINT_NAMES
from railway_saas.templates.paths import child, entry
from railway_saas.templates.reading_views import (
    DOMAIN_PLACEHOLDER,
    domain_key,
    port_of_key,
    usable_port,
)

if TYPE_CHECKING:
    from railway_saas.templates.checks.rules import Problems, Rule
    from railway_saas.templates.json_values import JsonObject, JsonValue

__all__ = ["check_networking"]

_PORT: Rule = whole_number(1, 65_535)
_LABEL = r"[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{4,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})+", re.ASCII | re.IGNORECASE)
_ENDPOINT = re.compile(_LABEL, re.ASCII)


def check_networking(networking: JsonObject, path: str) -> Problems:
    """Yield every fault of one service's `networking`."""
    for name, then in (
        ("serviceDomains", _check_service_domains),
        ("customDomains", _check_custom_domains),
        ("tcpProxies", _check_tcp_proxies),
    ):
        yield from check_object(networking.get(name), child(path, name), then)
    yield from check_fields(networking, path, {"privateNetworkEndpoint": _check_endpoint})


def _check_service_domains(domains: JsonObject, path: str) -> Problems:
    for key, value in domains.items():
        at = entry(path, key)
        yield from _check_domain_key(key, value, at)
        yield from check_object(value, at, _check_domain)


def _check_custom_domains(domains: JsonObject, path: str) -> Problems:
    for key, value in domains.items():
        at = entry(path, key)
        if not _HOST.fullmatch(key):
            yield TemplateProblem(at, "is not a host name like 'app.example.com'")
        yield from check_object(value, at, _check_domain)


def _check_domain(domain: JsonObject, path: str) -> Problems:
    yield from check_fields(domain, path, {"port": _PORT})


def _check_domain_key(key: str, value: JsonValue, path: str) -> Problems:
    parts = domain_key(key)
    if parts is None or (parts[0] is not None and not _HOST.fullmatch(parts[0])):
        yield TemplateProblem(
            path, f"the key must be '{DOMAIN_PLACEHOLDER}', '{DOMAIN_PLACEHOLDER}:<port>' or a host name"
        )
        return
    port = parts[1]
    if port is None:
        return
    yield from _PORT(port, path)
    inner = usable_port(as_object(value).get("port"))
    if inner is not None and inner != port:
        yield TemplateProblem(child(path, "port"), f"is {inner}, but the key says {port}")


def _check_tcp_proxies(proxies: JsonObject, path: str) -> Problems:
    for key, value in proxies.items():
        at = entry(path, key)
        if port_of_key(key) is None:
            yield TemplateProblem(at, "the key must be a port number, 1-65535")
        yield from check_object(value, at, lambda _proxy, _at: iter(()))
    if len(proxies) > 1:
        yield TemplateProblem(path, f"has {len(proxies)} entries; Railway gives a service one TCP proxy")


def _check_endpoint(value: JsonValue, path: str) -> Problems:
    yield from text(value, path)
    if not isinstance(value, str) or not value:
        return
    if value in RESERVED_ENDPOINT_NAMES:
        yield TemplateProblem(path, f"{value!r} is reserved by Railway; choose another name")
    elif not _ENDPOINT.fullmatch(value):
        yield TemplateProblem(path, "must be a host name's label: small letters, digits and dashes")
