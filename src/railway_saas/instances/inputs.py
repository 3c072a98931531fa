"""What owners choose, checked before anything is written. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from railway_saas._core.quoting import cut, quoted
from railway_saas.domain.amounts import exact
from railway_saas.domain.instances import ServiceLimits
from railway_saas.domain.plans import Resources
from railway_saas.errors import InstanceInputError, RailwayInputError
from railway_saas.instances.arguments import mapping
from railway_saas.railway.operations.variables import require_variables
from railway_saas.repositories.values import DECIMAL_PLACES
from railway_saas.templates.filling import is_whole
from railway_saas.templates.inputs import MAX_VALUE_BYTES
from railway_saas.templates.sizes import evaluated_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.templates import Template

MAX_NAME: Final = 64
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
MAX_HOST: Final = 253
"""Characters of a host name. Source: RFC 1035, section 2.3.4."""
RAILWAY_SUFFIXES: Final = (".railway.app", ".railway.internal")
NO_PUBLIC_SUFFIXES: Final = (".internal", ".invalid", ".local", ".localhost", ".onion", ".test")
"""No public name server answers for them. Sources: RFC 6761, RFC 6762, RFC 7686, ICANN on `.internal` (2024-07-29)."""
MB_PER_GB: Final = 1000
MAX_VARIABLES_BYTES: Final = 1024 * 1024
"""Bytes of all variables of an instance together. Our limit: they go out with one request, and Railway, which documents
no limit, refuses what is too large (413) when nobody is there to shorten it."""
LARGEST_LIMIT: Final = 1_000_000
"""vCPUs or GB of one service. No machine has as much; it keeps sums within what databases take."""
MAX_VARIABLES: Final = 1000
"""Variables that may be set since the deploy, taken away ones included: each is a part of one request."""


def checked_name(name: str) -> str:
    """An instance's name without blanks around it, each letter in its one usual spelling (NFC).

    Raises:
        InstanceInputError: It is no text, blank, too long, or holds control characters.
    """
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
        raise InstanceInputError(f"name: must be a text, not {type(name).__name__}", argument="name")
    stripped = unicodedata.normalize("NFC", name).strip()
    if not stripped:
        raise InstanceInputError("name: must not be blank", argument="name")
    if len(stripped) > MAX_NAME:
        raise InstanceInputError(
            f"name: has {len(stripped)} characters; at most {MAX_NAME} are allowed", argument="name"
        )
    if any(unicodedata.category(character).startswith("C") for character in stripped):
        raise InstanceInputError("name: must not hold control characters", argument="name")
    return stripped


def checked_domain(domain: str) -> str:
    """A custom domain in lower case, internationalized names in their ASCII form.

    Raises:
        InstanceInputError: It is no host name, one of Railway's own, or one that nobody can reach.
    """
    try:
        host = domain.strip().rstrip(".").lower().encode("idna").decode("ascii")
    except (AttributeError, TypeError, UnicodeError):
        host = ""
    if len(host) > MAX_HOST or not _HOST.fullmatch(host):
        raise InstanceInputError(
            f"domain={quoted(domain)}: must be a host name like app.example.com", argument="domain"
        )
    if f".{host}".endswith(RAILWAY_SUFFIXES):
        raise InstanceInputError(
            f"domain={quoted(host)}: is one of Railway's own; give a domain of yours", argument="domain"
        )
    if host.endswith(NO_PUBLIC_SUFFIXES):
        raise InstanceInputError(
            f"domain={quoted(host)}: no public name server knows such names; give a domain of yours",
            argument="domain",
        )
    return host


def checked_variables(
    template: Template, changes: Mapping[str, Mapping[str, str | None]]
) -> dict[str, dict[str, str | None]]:
    """Changes of variables by service name; None takes one away.

    Raises:
        InstanceInputError: There is no such service, or a name or value cannot be used.
    """
    services = {service.name for service in template.services}
    for values in mapping(changes, "variables").values():
        mapping(values, "variables")
    if not changes or not any(changes.values()):
        raise InstanceInputError("variables: must not be empty", argument="variables")
    for service, values in changes.items():
        if service not in services:
            raise InstanceInputError(
                f"variables: there is no service {quoted(service)}; there are {', '.join(sorted(services))}",
                argument="variables",
            )
        _check_values(service, values)
    return {service: dict(values) for service, values in changes.items() if values}


def _check_values(service: str, values: Mapping[str, str | None]) -> None:
    try:
        require_variables({name: "" if value is None else value for name, value in values.items()})
    except RailwayInputError as error:
        raise InstanceInputError(
            f"variables[{quoted(service)}]: {error.args[0]}", argument="variables"
        ) from error
    for name, value in values.items():
        if "=" in name or "\0" in name or not is_whole(name):
            raise InstanceInputError(
                f"{_place(service, name)}: holds an equals sign, a NUL character or half of one, which no name can",
                argument="variables",
            )
        if value is None:
            continue
        if not is_whole(value):
            raise InstanceInputError(
                f"{_place(service, name)}: holds half of a character, which cannot be sent",
                argument="variables",
            )
        if "\0" in value:
            raise InstanceInputError(
                f"{_place(service, name)}: holds a NUL character, which no environment variable can",
                argument="variables",
            )
        size = len(value.encode())
        if size > MAX_VALUE_BYTES:
            raise InstanceInputError(
                f"{_place(service, name)}: is {size} bytes long; at most {MAX_VALUE_BYTES} are accepted",
                argument="variables",
            )


def variables_bytes(filled: Template, changes: Mapping[str, Mapping[str, str | None]]) -> int:
    """How long all variables of an instance are together, as they are sent: the document's, and what was set since."""
    texts = {
        (service.name, variable.name): variable.text or variable.generator or ""
        for service in filled.services
        for variable in service.variables
    }
    for service, values in changes.items():
        texts.update({(service, name): text or "" for name, text in values.items()})
    return sum(
        _sent_bytes(name) + max(_sent_bytes(text), evaluated_bytes(text)) for (_, name), text in texts.items()
    )


def _sent_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass"))


def require_size(size: int, argument: str, *, before: int = 0) -> None:
    """Let variables pass that fit into one request. What was too long before may get shorter.

    Raises:
        InstanceInputError: They do not.
    """
    if size > max(MAX_VARIABLES_BYTES, before):
        raise InstanceInputError(
            f"{argument}: all variables of the instance would be {size} bytes long together; at most "
            f"{MAX_VARIABLES_BYTES} are accepted",
            argument=argument,
        )


def require_count(changes: Mapping[str, Mapping[str, str | None]], *, before: int = 0) -> None:
    """Let as many variables pass as can be set and taken away with one request.

    Raises:
        InstanceInputError: There are more.
    """
    count = sum(map(len, changes.values()))
    if count > max(MAX_VARIABLES, before):
        raise InstanceInputError(
            f"variables: {count} would be set by now; at most {MAX_VARIABLES} are accepted",
            argument="variables",
        )


def _place(service: str, name: str) -> str:
    return f"variables[{quoted(service)}][{quoted(name)}]"


def checked_limits(limits: ServiceLimits, argument: str = "limits") -> ServiceLimits:
    """Limits that mean something, as decimals: whole numbers, floats and texts that are exactly one pass, too.

    Raises:
        InstanceInputError: They are none, or one is no number, not above 0, too large, or finer than can be kept.
    """
    if not isinstance(limits, ServiceLimits):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
        raise InstanceInputError(
            f"{argument}: must be ServiceLimits(...), not {type(limits).__name__}", argument=argument
        )
    return ServiceLimits(
        vcpus=_checked_limit("vcpus", limits.vcpus), memory_gb=_checked_limit("memory_gb", limits.memory_gb)
    )


def _checked_limit(name: str, value: object) -> Decimal | None:
    if value is None:
        return None
    amount = exact(value)
    if amount is None or not 0 < amount <= LARGEST_LIMIT or amount != round(amount, DECIMAL_PLACES):
        shown = cut(str(value)) if isinstance(value, Decimal) else quoted(value)
        raise InstanceInputError(
            f"{name}={shown}: must be a number above 0, at most {LARGEST_LIMIT}, with at most {DECIMAL_PLACES} "
            "decimal places",
            argument=name,
        )
    return amount


def completed_limits(limits: ServiceLimits, template: ServiceLimits) -> ServiceLimits:
    """Limits with the template's where they leave one open: nobody gets rid of a limit by not naming it."""
    return replace(
        limits,
        vcpus=template.vcpus if limits.vcpus is None else limits.vcpus,
        memory_gb=template.memory_gb if limits.memory_gb is None else limits.memory_gb,
    )


def fill_known(template: Template, inputs: Mapping[str, str]) -> Template:
    """Fill a revision in with those inputs that it has: another revision may have had more.

    Raises:
        TemplateError: A required input has no value.
    """
    known = _input_keys(template)
    return template.fill({key: value for key, value in inputs.items() if key in known})


def _input_keys(template: Template) -> set[str]:
    return {key for item in template.inputs() for key in (item.key, item.name)}


def renewed_inputs(template: Template, before: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Inputs of an earlier revision with what is given now; whatever the spelling, the later value counts.

    `fill` lets `Service.NAME` go before `NAME`, so an earlier value under the long name must not outlive a later one
    under the short name.
    """
    outdated = {item.key for item in template.inputs() if item.name in given}
    return {**{key: value for key, value in before.items() if key not in outdated}, **given}


def fill_renewed(template: Template, inputs: Mapping[str, str], given: Mapping[str, str]) -> Template:
    """Fill a revision in with renewed inputs. Of those given now it must have every one.

    Raises:
        TemplateError: A required input has no value, or one that is given does not exist.
    """
    known = _input_keys(template)
    return template.fill({key: value for key, value in inputs.items() if key in known or key in given})


def resources_of(template: Template, limits: ServiceLimits) -> Resources:
    """What an instance of this document holds of a plan: each replica of each service up to its limits."""
    replicas = sum(max(1, service.replicas) for service in template.services)
    megabytes = sum(volume.size_mb or 0 for service in template.services for volume in service.volumes)
    return Resources(
        services=len(template.services),
        vcpus=(limits.vcpus or Decimal(0)) * replicas,
        memory_gb=(limits.memory_gb or Decimal(0)) * replicas,
        volume_gb=Decimal(megabytes) / MB_PER_GB,
    )
