"""The DNS records behind customers' domains, and the certificates that follow from them.

Nobody sets records in an emulator, so somebody has to say when they are set: a test does with `propagate`, and
otherwise it happens by itself after a few minutes, as if the customer had followed the instructions.

```text
created                  records REQUIRES_UPDATE   certificate VALIDATING_OWNERSHIP   not verified
propagate(domain)        records PROPAGATED        certificate ISSUING                verified
a minute later                                     certificate VALID
```
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from railway_saas.emulator.registry import part

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.emulator.world.networking import CustomDomain
    from railway_saas.emulator.world.world import World

PROPAGATION_S = 180.0
ISSUE_S = (30.0, 90.0)
"""Railway: normally within an hour; the first try usually works."""

LIFETIME = timedelta(days=90)
RENEWAL = timedelta(days=30)
"""Railway: certificates are valid for 90 days and are renewed 30 days before the end."""

PUBLIC_SUFFIXES = frozenset({"co.uk", "org.uk", "com.au", "co.nz", "co.jp", "com.br", "co.za", "com.mx"})
"""Zones in two parts; enough to find the zone of most domains."""

VALIDATING = "CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP"
ISSUING = "CERTIFICATE_STATUS_TYPE_ISSUING"
VALID = "CERTIFICATE_STATUS_TYPE_VALID"
ISSUE_FAILED = "CERTIFICATE_STATUS_TYPE_ISSUE_FAILED"


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record that a customer has to set."""

    fqdn: str
    hostlabel: str
    zone: str
    record_type: str
    purpose: str
    required_value: str
    current_value: str
    status: str


@part
class Dns:
    """Which domains' records are set.

    Attributes:
        automatic_after_s: Emulated seconds after which a new domain's records are set by themselves; None: never.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._domains: dict[str, CustomDomain] = {}
        self.automatic_after_s: float | None = PROPAGATION_S

    def expect(self, domain: CustomDomain) -> None:
        """Look after a new domain."""
        self._domains[domain.domain] = domain
        if self.automatic_after_s is not None:
            self._later(domain, self.automatic_after_s, self._propagated)

    def propagate(self, name: str) -> None:
        """Say that the DNS records of a domain are set now.

        Raises:
            ValueError: No service has this domain.
        """
        with self._world.clock.lock:
            self._propagated(self._find(name))

    def fail(self, name: str) -> None:
        """Let the certificate of a domain fail; `customDomainIssueCertificate` tries again.

        Raises:
            ValueError: No service has this domain.
        """
        with self._world.clock.lock:
            domain = self._find(name)
            domain.attempt += 1
            domain.certificate_status = ISSUE_FAILED

    def issue(self, domain: CustomDomain) -> None:
        """Try to get a certificate. Without the records Railway waits for them."""
        if not domain.verified:
            domain.certificate_status = VALIDATING
            return
        domain.attempt += 1
        domain.certificate_status = ISSUING
        self._later(domain, self._world.ids.between(*ISSUE_S), self._issued)

    def _find(self, name: str) -> CustomDomain:
        domain = self._domains.get(name)
        if domain is None or domain.deleted_at is not None:
            raise ValueError(f"no service has the custom domain {name!r}")
        return domain

    def _propagated(self, domain: CustomDomain) -> None:
        if domain.verified:
            return
        domain.verified = True
        domain.updated_at = self._world.clock.now()
        self.issue(domain)

    def _issued(self, domain: CustomDomain) -> None:
        domain.certificate_status = VALID
        domain.certificate_issued_at = domain.updated_at = self._world.clock.now()
        self._later(domain, (LIFETIME - RENEWAL).total_seconds(), self._issued)

    def _later(self, domain: CustomDomain, delay_s: float, step: Callable[[CustomDomain], None]) -> None:
        attempt = domain.attempt

        def run() -> None:
            if domain.attempt == attempt and domain.deleted_at is None:
                step(domain)

        self._world.clock.call_later(delay_s, run)


def records(domain: CustomDomain) -> list[DnsRecord]:
    """The records a customer has to set for traffic, and for the certificate of a wildcard."""
    traffic = _record(domain, domain.domain, domain.cname_target, "TRAFFIC_ROUTE")
    if not domain.domain.startswith("*."):
        return [traffic]
    challenge = f"_acme-challenge.{domain.domain.removeprefix('*.')}"
    target = f"{domain.cname_target.partition('.')[0]}.authorize.railwaydns.net"
    return [traffic, _record(domain, challenge, target, "ACME_DNS01_CHALLENGE")]


def verification_host(domain: CustomDomain) -> str:
    """Where the TXT record goes that proves ownership."""
    label = host_label(domain.domain)
    return "_railway-verify" if label == "@" else f"_railway-verify.{label.removeprefix('*.')}"


def zone_of(name: str) -> str:
    """`app.example.co.uk` -> `example.co.uk`."""
    labels = name.split(".")
    parts = 3 if ".".join(labels[-2:]) in PUBLIC_SUFFIXES else 2
    return ".".join(labels[-parts:])


def host_label(name: str) -> str:
    """What comes before the zone; `@` for the zone itself."""
    return name.removesuffix(zone_of(name)).removesuffix(".") or "@"


def _record(domain: CustomDomain, fqdn: str, value: str, purpose: str) -> DnsRecord:
    state = "PROPAGATED" if domain.verified else "REQUIRES_UPDATE"
    return DnsRecord(
        fqdn=fqdn,
        hostlabel=host_label(fqdn),
        zone=zone_of(fqdn),
        record_type="DNS_RECORD_TYPE_CNAME",
        purpose=f"DNS_RECORD_PURPOSE_{purpose}",
        required_value=value,
        current_value=value if domain.verified else "",
        status=f"DNS_RECORD_STATUS_{state}",
    )
