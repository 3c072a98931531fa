"""Operations on domains. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from railway_saas._core.operation import Lane, Operation
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.domains import CustomDomain, DomainAvailability, Domains, ServiceDomain
from railway_saas.railway.operations._build import UNSET, given, operation, require_text
from railway_saas.railway.operations._checks import require_port_if_given

if TYPE_CHECKING:
    from railway_saas.railway.operations._build import Unset

_MAX_HOST = 253
_HOST = re.compile(r"(?:\*\.)?(?:(?!-)[^\s./:@*-](?:[^\s./:@*]{0,61}[^\s./:@*-])?\.)+[^\s./:@*]{2,63}")


def _require_host(domain: object) -> None:
    """A host name of two labels or more, perhaps with a wildcard; no scheme, port or path.

    Raises:
        RailwayInputError: It says what is allowed.
    """
    require_text(domain=domain)
    text = str(domain)
    if len(text) > _MAX_HOST or not _HOST.fullmatch(text):
        raise RailwayInputError(
            f"domain={domain!r}: must be a host name such as app.example.com, without scheme, port or path",
            argument="domain",
        )


def list_(*, project_id: str, environment_id: str, service_id: str) -> Operation[Domains]:
    """All domains of a service in one environment, with their DNS state."""
    require_text(project_id=project_id, environment_id=environment_id, service_id=service_id)
    variables = {"projectId": project_id, "environmentId": environment_id, "serviceId": service_id}
    return operation("DomainList", Domains, variables, read_after_write=True)


def service_domain_create(
    *, service_id: str, environment_id: str, target_port: int | None = None
) -> Operation[ServiceDomain]:
    """One more domain of Railway's own. Not idempotent: every call adds one."""
    body = _target(service_id, environment_id, target_port)
    return operation("ServiceDomainCreate", ServiceDomain, {"input": body})


def _target(service_id: str, environment_id: str, target_port: int | Unset | None) -> dict[str, Any]:
    require_text(service_id=service_id, environment_id=environment_id)
    require_port_if_given(target_port=target_port)
    port = UNSET if target_port is None else target_port
    return given({"serviceId": service_id, "environmentId": environment_id, "targetPort": port})


def service_domain_update(
    service_domain_id: str,
    *,
    service_id: str,
    environment_id: str,
    domain: str,
    target_port: int | Unset | None = UNSET,
) -> Operation[bool]:
    """Rename a domain (`domain` is the full name) or change its port; None lets Railway detect the port."""
    require_text(service_domain_id=service_domain_id, service_id=service_id, environment_id=environment_id)
    _require_host(domain)
    require_port_if_given(target_port=target_port)
    body = given(
        {
            "serviceDomainId": service_domain_id,
            "serviceId": service_id,
            "environmentId": environment_id,
            "domain": domain,
            "targetPort": target_port,
        }
    )
    return operation("ServiceDomainUpdate", bool, {"input": body}, safe_to_repeat=True)


def service_domain_delete(service_domain_id: str) -> Operation[bool]:
    """Delete a domain of Railway's own."""
    require_text(service_domain_id=service_domain_id)
    return operation("ServiceDomainDelete", bool, {"id": service_domain_id}, lane=Lane.DELETION)


def service_domain_available(domain: str) -> Operation[DomainAvailability]:
    """Whether a name under Railway's own domain is free."""
    _require_host(domain)
    return operation("ServiceDomainAvailable", DomainAvailability, {"domain": domain})


def custom_domain_create(
    *, project_id: str, environment_id: str, service_id: str, domain: str, target_port: int | None = None
) -> Operation[CustomDomain]:
    """Give a service a customer's domain; `dns_records` of the result is what its owner must set."""
    require_text(project_id=project_id)
    _require_host(domain)
    body = {"projectId": project_id, **_target(service_id, environment_id, target_port), "domain": domain}
    return operation("CustomDomainCreate", CustomDomain, {"input": body})


def custom_domain_get(custom_domain_id: str, *, project_id: str) -> Operation[CustomDomain]:
    """A customer's domain with its DNS and certificate state."""
    require_text(custom_domain_id=custom_domain_id, project_id=project_id)
    variables = {"id": custom_domain_id, "projectId": project_id}
    return operation("CustomDomainGet", CustomDomain, variables, read_after_write=True)


def custom_domain_update(
    custom_domain_id: str, *, environment_id: str, target_port: int | None
) -> Operation[bool]:
    """Change the port that a customer's domain leads to; None lets Railway detect it."""
    require_text(custom_domain_id=custom_domain_id, environment_id=environment_id)
    require_port_if_given(target_port=target_port)
    variables = {"id": custom_domain_id, "environmentId": environment_id, "targetPort": target_port}
    return operation("CustomDomainUpdate", bool, variables, safe_to_repeat=True)


def custom_domain_delete(custom_domain_id: str) -> Operation[bool]:
    """Take a customer's domain away from its service."""
    require_text(custom_domain_id=custom_domain_id)
    return operation("CustomDomainDelete", bool, {"id": custom_domain_id}, lane=Lane.DELETION)


def custom_domain_issue_certificate(custom_domain_id: str) -> Operation[bool]:
    """Try again to issue a certificate, where `certificate_retryable` says it may help."""
    require_text(custom_domain_id=custom_domain_id)
    return operation("CustomDomainIssueCertificate", bool, {"id": custom_domain_id})


def custom_domain_available(domain: str) -> Operation[DomainAvailability]:
    """Whether a customer's domain can be added, or is taken by another project."""
    _require_host(domain)
    return operation("CustomDomainAvailable", DomainAvailability, {"domain": domain})
