"""Service domains, custom domains and TCP proxies."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import errors
from railway_saas.emulator.dns import (
    ISSUE_FAILED,
    ISSUING,
    LIFETIME,
    VALID,
    Dns,
    DnsRecord,
    records,
    verification_host,
)
from railway_saas.emulator.domains import SUFFIX, Domains
from railway_saas.emulator.errors import Refusal
from railway_saas.emulator.registry import constant, field, graphql_type, mutation, query, registry
from railway_saas.emulator.resolvers.service_instances import AllDomains
from railway_saas.emulator.world.networking import CustomDomain, ServiceDomain, TcpProxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from railway_saas.emulator.context import Context

registry.types |= {
    "ServiceDomain": ServiceDomain,
    "CustomDomain": CustomDomain,
    "TCPProxy": TcpProxy,
    "DNSRecords": DnsRecord,
}

constant("ServiceDomain", cdnMode=None, edgeId=None, newDomainName=None, newHostLabel=None, suffix=SUFFIX)
constant("CustomDomain", cdnMode=None, edgeId=None, isRailwayDomain=False)

DETAILED = {
    ISSUING: "CERTIFICATE_STATUS_TYPE_DETAILED_POLLING_AUTHORIZATIONS",
    VALID: "CERTIFICATE_STATUS_TYPE_DETAILED_COMPLETE",
    ISSUE_FAILED: "CERTIFICATE_STATUS_TYPE_DETAILED_FAILED",
}


@graphql_type("DomainAvailable")
@dataclass(frozen=True, slots=True)
class DomainAvailable:
    """Whether a name is free."""

    available: bool
    message: str


@graphql_type("CnameCheck")
@dataclass(frozen=True, slots=True)
class CnameCheck:
    """The older form of a custom domain's state."""

    status: str
    message: str
    link: str | None = None


@graphql_type("CertificatePublicData")
@dataclass(frozen=True, slots=True)
class Certificate:
    """What a browser sees of a certificate."""

    domain_names: list[str]
    issued_at: datetime
    expires_at: datetime
    fingerprint_sha256: str
    key_type: str = "KEY_TYPE_ECDSA"


@graphql_type("CustomDomainStatus")
@dataclass(frozen=True, slots=True)
class CustomDomainStatus:
    """How far a custom domain is."""

    verified: bool
    verification_dns_host: str
    verification_token: str
    certificate_status: str
    certificate_status_detailed: str | None
    certificate_error_message: str | None
    certificate_error_type: str | None
    certificate_retryable: bool | None
    dns_records: list[DnsRecord]
    certificates: list[Certificate]
    cdn_provider: str | None = None


@query("domains")
def domains(ctx: Context, *, project_id: str, environment_id: str, service_id: str) -> AllDomains:
    """The domains of a service instance."""
    ctx.project(project_id)
    instance = ctx.service_instance(service_id, environment_id)
    return AllDomains(instance.service_domains, instance.custom_domains)


@mutation("serviceDomainCreate")
def service_domain_create(ctx: Context, *, input_: dict[str, Any]) -> ServiceDomain:
    """One more domain; each call adds one."""
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    return _domains(ctx).add_service_domain(instance, target_port=input_.get("target_port"))


@mutation("serviceDomainUpdate")
def service_domain_update(ctx: Context, *, input_: dict[str, Any]) -> bool:
    """Rename it, or lead it to another port; without a port Railway finds one."""
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    domain = _domains(ctx).service_domain(input_["service_domain_id"])
    if domain is None or domain.instance is not instance:
        raise errors.not_found("ServiceDomain")
    port = input_.get("target_port", domain.target_port)
    _domains(ctx).update_service_domain(domain, name=input_["domain"], target_port=port)
    return True


@mutation("serviceDomainDelete")
def service_domain_delete(ctx: Context, *, id_: str) -> bool:
    """Take it away."""
    return _delete(ctx, _domains(ctx).service_domain(id_), "ServiceDomain")


@query("serviceDomainAvailable")
def service_domain_available(ctx: Context, *, domain: str) -> DomainAvailable:
    """Whether a name under `up.railway.app` is free."""
    ctx.caller.require()
    return _availability(_domains(ctx).check_service_domain, domain)


@query("customDomainAvailable")
def custom_domain_available(ctx: Context, *, domain: str) -> DomainAvailable:
    """Whether a customer's domain can be taken."""
    ctx.caller.require()
    return _availability(_domains(ctx).check_custom_domain, domain)


@query("customDomain")
def custom_domain(ctx: Context, *, id_: str, project_id: str) -> CustomDomain:
    """One custom domain."""
    ctx.project(project_id)
    found = _custom_domain(ctx, id_)
    if found.project_id != project_id:
        raise errors.not_found("CustomDomain")
    return found


@mutation("customDomainCreate")
def custom_domain_create(ctx: Context, *, input_: dict[str, Any]) -> CustomDomain:
    """A customer's own domain; it works once its records are set."""
    ctx.project(input_["project_id"])
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    port = input_.get("target_port")
    return _domains(ctx).add_custom_domain(instance, input_["domain"], target_port=port)


@mutation("customDomainUpdate")
def custom_domain_update(
    ctx: Context, *, id_: str, environment_id: str, target_port: int | None = None
) -> bool:
    """Lead it to another port; without one Railway finds one."""
    found = _custom_domain(ctx, id_)
    if found.environment_id != environment_id:
        raise errors.not_found("CustomDomain")
    _domains(ctx).update_custom_domain(found, target_port)
    return True


@mutation("customDomainDelete")
def custom_domain_delete(ctx: Context, *, id_: str) -> bool:
    """Take it away."""
    return _delete(ctx, _domains(ctx).custom_domain(id_), "CustomDomain")


@mutation("customDomainIssueCertificate")
def custom_domain_issue_certificate(ctx: Context, *, id_: str) -> bool:
    """Try again to get a certificate."""
    ctx.world.part(Dns).issue(_custom_domain(ctx, id_))
    return True


@query("tcpProxies")
def tcp_proxies(ctx: Context, *, service_id: str, environment_id: str) -> list[TcpProxy]:
    """The TCP proxies of a service instance; there is one at most."""
    return ctx.service_instance(service_id, environment_id).tcp_proxies


@mutation("tcpProxyCreate")
def tcp_proxy_create(ctx: Context, *, input_: dict[str, Any]) -> TcpProxy:
    """A TCP proxy by the deprecated way."""
    instance = ctx.service_instance(input_["service_id"], input_["environment_id"])
    return _domains(ctx).add_tcp_proxy(instance, input_["application_port"])


@mutation("tcpProxyDelete")
def tcp_proxy_delete(ctx: Context, *, id_: str) -> bool:
    """Take it away."""
    return _delete(ctx, _domains(ctx).tcp_proxy(id_), "TCPProxy")


@field("CustomDomain", "status")
def status(found: CustomDomain, _ctx: Context) -> CustomDomainStatus:
    """How far it is: records, ownership, certificate."""
    failed = found.certificate_status == ISSUE_FAILED
    return CustomDomainStatus(
        verified=found.verified,
        verification_dns_host=verification_host(found),
        verification_token=found.verification_token,
        certificate_status=found.certificate_status,
        certificate_status_detailed=DETAILED.get(found.certificate_status),
        certificate_error_message="The certificate authority could not validate the domain"
        if failed
        else None,
        certificate_error_type="CERTIFICATE_ERROR_TYPE_DNS_VALIDATION" if failed else None,
        certificate_retryable=True if failed else None,
        dns_records=records(found),
        certificates=_certificates(found),
    )


@field("CustomDomain", "cnameCheck")
def cname_check(found: CustomDomain, _ctx: Context) -> CnameCheck:
    """Whether its CNAME record is set."""
    if found.verified:
        return CnameCheck("VALID", "The CNAME record points to Railway")
    return CnameCheck("WAITING", f"Waiting for a CNAME record that points to {found.cname_target}")


def _certificates(found: CustomDomain) -> list[Certificate]:
    issued_at = found.certificate_issued_at
    if issued_at is None:
        return []
    fingerprint = hashlib.sha256(f"{found.id}:{issued_at.isoformat()}".encode()).hexdigest()
    return [Certificate([found.domain], issued_at, issued_at + LIFETIME, fingerprint)]


def _domains(ctx: Context) -> Domains:
    return ctx.world.part(Domains)


def _custom_domain(ctx: Context, domain_id: str) -> CustomDomain:
    ctx.caller.require()
    found = _domains(ctx).custom_domain(domain_id)
    if found is None:
        raise errors.not_found("CustomDomain")
    ctx.environment(found.environment_id)
    return found


def _delete(ctx: Context, found: ServiceDomain | CustomDomain | TcpProxy | None, noun: str) -> bool:
    ctx.caller.require()
    if found is None:
        raise errors.not_found(noun)
    ctx.environment(found.environment_id)
    _domains(ctx).delete(found)
    return True


def _availability(check: Callable[[str], None], name: str) -> DomainAvailable:
    try:
        check(name)
    except Refusal as refusal:
        return DomainAvailable(available=False, message=refusal.message)
    return DomainAvailable(available=True, message=f"{name} is available")
