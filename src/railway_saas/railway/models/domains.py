"""Domains: Railway's own (`*.up.railway.app`) and customers', with their DNS and certificate state."""

from __future__ import annotations

from pydantic import Field

from railway_saas.railway.models.base import Items, OpenStrEnum, RailwayModel, Timestamp


class SyncStatus(OpenStrEnum):
    """How far Railway's edge has taken over a change of a domain or proxy."""

    ACTIVE = "ACTIVE"
    CREATING = "CREATING"
    DELETED = "DELETED"
    DELETING = "DELETING"
    UNSPECIFIED = "UNSPECIFIED"
    UPDATING = "UPDATING"


class DNSRecordStatus(OpenStrEnum):
    """Whether a DNS record says what it must."""

    PROPAGATED = "DNS_RECORD_STATUS_PROPAGATED"
    REQUIRES_UPDATE = "DNS_RECORD_STATUS_REQUIRES_UPDATE"
    UNSPECIFIED = "DNS_RECORD_STATUS_UNSPECIFIED"
    UNRECOGNIZED = "UNRECOGNIZED"


class DNSRecordType(OpenStrEnum):
    """The type of a DNS record."""

    A = "DNS_RECORD_TYPE_A"
    CNAME = "DNS_RECORD_TYPE_CNAME"
    NS = "DNS_RECORD_TYPE_NS"
    TXT = "DNS_RECORD_TYPE_TXT"
    UNSPECIFIED = "DNS_RECORD_TYPE_UNSPECIFIED"
    UNRECOGNIZED = "UNRECOGNIZED"


class DNSRecordPurpose(OpenStrEnum):
    """What a DNS record is for."""

    ACME_DNS01_CHALLENGE = "DNS_RECORD_PURPOSE_ACME_DNS01_CHALLENGE"
    TRAFFIC_ROUTE = "DNS_RECORD_PURPOSE_TRAFFIC_ROUTE"
    UNSPECIFIED = "DNS_RECORD_PURPOSE_UNSPECIFIED"
    UNRECOGNIZED = "UNRECOGNIZED"


class CertificateStatus(OpenStrEnum):
    """How far a domain's certificate is."""

    ISSUE_FAILED = "CERTIFICATE_STATUS_TYPE_ISSUE_FAILED"
    ISSUING = "CERTIFICATE_STATUS_TYPE_ISSUING"
    UNSPECIFIED = "CERTIFICATE_STATUS_TYPE_UNSPECIFIED"
    VALID = "CERTIFICATE_STATUS_TYPE_VALID"
    VALIDATING_OWNERSHIP = "CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP"
    UNRECOGNIZED = "UNRECOGNIZED"


class CertificateStatusDetailed(OpenStrEnum):
    """Which step of issuing a certificate is being taken."""

    CLEANING_UP = "CERTIFICATE_STATUS_TYPE_DETAILED_CLEANING_UP"
    COMPLETE = "CERTIFICATE_STATUS_TYPE_DETAILED_COMPLETE"
    CREATING_ORDER = "CERTIFICATE_STATUS_TYPE_DETAILED_CREATING_ORDER"
    DOWNLOADING_CERTIFICATE = "CERTIFICATE_STATUS_TYPE_DETAILED_DOWNLOADING_CERTIFICATE"
    FAILED = "CERTIFICATE_STATUS_TYPE_DETAILED_FAILED"
    FETCHING_AUTHORIZATIONS = "CERTIFICATE_STATUS_TYPE_DETAILED_FETCHING_AUTHORIZATIONS"
    FINALIZING_ORDER = "CERTIFICATE_STATUS_TYPE_DETAILED_FINALIZING_ORDER"
    GENERATING_KEYS = "CERTIFICATE_STATUS_TYPE_DETAILED_GENERATING_KEYS"
    INITIATING_CHALLENGES = "CERTIFICATE_STATUS_TYPE_DETAILED_INITIATING_CHALLENGES"
    POLLING_AUTHORIZATIONS = "CERTIFICATE_STATUS_TYPE_DETAILED_POLLING_AUTHORIZATIONS"
    PRESENTING_CHALLENGES = "CERTIFICATE_STATUS_TYPE_DETAILED_PRESENTING_CHALLENGES"
    UNSPECIFIED = "CERTIFICATE_STATUS_TYPE_DETAILED_UNSPECIFIED"
    UNRECOGNIZED = "UNRECOGNIZED"


class CertificateErrorType(OpenStrEnum):
    """Why a certificate could not be issued."""

    AUTHORIZATION_FAILED = "CERTIFICATE_ERROR_TYPE_AUTHORIZATION_FAILED"
    DNS_VALIDATION = "CERTIFICATE_ERROR_TYPE_DNS_VALIDATION"
    INTERNAL = "CERTIFICATE_ERROR_TYPE_INTERNAL"
    KEY_GENERATION = "CERTIFICATE_ERROR_TYPE_KEY_GENERATION"
    ORDER_CREATION = "CERTIFICATE_ERROR_TYPE_ORDER_CREATION"
    RATE_LIMIT = "CERTIFICATE_ERROR_TYPE_RATE_LIMIT"
    UNSPECIFIED = "CERTIFICATE_ERROR_TYPE_UNSPECIFIED"
    UNRECOGNIZED = "UNRECOGNIZED"


class DNSRecord(RailwayModel):
    """A record that the owner of a domain must set, and what is there now."""

    fqdn: str | None = None
    hostlabel: str | None = None
    zone: str | None = None
    record_type: DNSRecordType | None = None
    purpose: DNSRecordPurpose | None = None
    required_value: str | None = None
    current_value: str | None = None
    status: DNSRecordStatus | None = None

    @property
    def propagated(self) -> bool:
        """Whether DNS says what it must."""
        return self.status == DNSRecordStatus.PROPAGATED


class Certificate(RailwayModel):
    """A certificate of a custom domain."""

    domain_names: Items[str] = ()
    issued_at: Timestamp | None = None
    expires_at: Timestamp | None = None
    fingerprint_sha256: str | None = Field(default=None, alias="fingerprintSha256")
    key_type: str | None = None


class CustomDomainStatus(RailwayModel):
    """What DNS and the certificate authority say about a custom domain."""

    verified: bool = False
    verification_dns_host: str | None = None
    verification_token: str | None = None
    certificate_status: CertificateStatus | None = None
    certificate_status_detailed: CertificateStatusDetailed | None = None
    certificate_error_type: CertificateErrorType | None = None
    certificate_error_message: str | None = None
    certificate_retryable: bool | None = None
    cdn_provider: str | None = None
    certificates: Items[Certificate] = ()
    dns_records: Items[DNSRecord] = ()


class ServiceDomain(RailwayModel):
    """A domain of Railway's own."""

    id: str
    domain: str | None = None
    """Full host name."""
    suffix: str | None = None
    target_port: int | None = None
    """None: Railway detects the port."""
    sync_status: SyncStatus | None = None
    service_id: str | None = None
    environment_id: str | None = None
    project_id: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    deleted_at: Timestamp | None = None


class CustomDomain(RailwayModel):
    """A customer's domain. It answers 404 until its DNS is verified."""

    id: str
    domain: str | None = None
    """Full host name; may begin with `*.`."""
    target_port: int | None = None
    """None: Railway detects the port."""
    sync_status: SyncStatus | None = None
    service_id: str | None = None
    environment_id: str | None = None
    project_id: str | None = None
    is_railway_domain: bool = False
    status: CustomDomainStatus | None = None
    """None where a service instance lists its domains."""
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    deleted_at: Timestamp | None = None

    @property
    def dns_records(self) -> tuple[DNSRecord, ...]:
        """All records that the owner must set: those that route traffic and the TXT that proves ownership."""
        if self.status is None:
            return ()
        proof = _ownership_record(self.status)
        listed = self.status.dns_records
        known = any(
            record.record_type == DNSRecordType.TXT
            and record.required_value == self.status.verification_token
            for record in listed
        )
        return listed if proof is None or known else (*listed, proof)

    @property
    def verified(self) -> bool:
        """Whether Railway has seen the proof of ownership."""
        return self.status is not None and self.status.verified

    @property
    def is_ready(self) -> bool:
        """Whether it is verified and has a valid certificate: customers can be sent there."""
        return (
            self.status is not None
            and self.status.verified
            and self.status.certificate_status == CertificateStatus.VALID
        )


def _ownership_record(status: CustomDomainStatus) -> DNSRecord | None:
    if not status.verification_dns_host or not status.verification_token:
        return None
    zone = next((record.zone for record in status.dns_records if record.zone), None)
    host = status.verification_dns_host
    return DNSRecord(
        fqdn=host if zone is None or host.endswith(zone) else f"{host}.{zone}",
        hostlabel=host,
        zone=zone,
        record_type=DNSRecordType.TXT,
        required_value=status.verification_token,
        status=DNSRecordStatus.PROPAGATED if status.verified else DNSRecordStatus.REQUIRES_UPDATE,
    )


class Domains(RailwayModel):
    """All domains of a service in one environment."""

    service_domains: Items[ServiceDomain] = ()
    custom_domains: Items[CustomDomain] = ()


class DomainAvailability(RailwayModel):
    """Whether a domain can be had."""

    available: bool = False
    message: str | None = None
    """Why not."""
