"""What is asked about domains, and what their owners are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.domains import (
    CertificateStatus,
    CustomDomain,
    DNSRecordStatus,
    DNSRecordType,
)
from railway_saas.railway.operations import domains as ops

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE: dict[str, Any] = {"service_id": "s1", "environment_id": "e1"}


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: ops.list_(**PLACE, project_id=""), "project_id"),
        (lambda: ops.service_domain_create(**PLACE, target_port=0), "target_port"),
        (lambda: ops.service_domain_create(**PLACE, target_port=65_536), "target_port"),
        (lambda: ops.service_domain_create(**PLACE, target_port="80"), "target_port"),
        (lambda: ops.service_domain_update("d1", **PLACE, domain="nodot"), "domain"),
        (lambda: ops.service_domain_delete(""), "service_domain_id"),
        (lambda: ops.custom_domain_create(**PLACE, project_id="", domain="a.example.com"), "project_id"),
        (lambda: ops.custom_domain_get("c1", project_id=""), "project_id"),
        (lambda: ops.custom_domain_update("c1", environment_id="e1", target_port=-1), "target_port"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call: Callable[[], object], argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "localhost",
        "https://a.example.com",
        "a.example.com/path",
        "a.example.com:80",
        "a b.com",
        "a..com",
        ".com",
        "a.com.",
        "-a.com",
        "a-.com",
        "a.*.com",
        "**.a.com",
        f"{'a' * 64}.com",
        f"{'a.' * 130}com",
        None,
    ],
)
def test_what_is_no_host_name_is_refused(domain: Any) -> None:
    with pytest.raises(RailwayInputError) as caught:
        ops.custom_domain_create(**PLACE, project_id="p1", domain=domain)
    assert caught.value.argument == "domain"


@pytest.mark.parametrize(
    "domain",
    [
        "example.com",
        "a.example.co.uk",
        "*.example.com",
        "xn--bcher-kva.example",
        "bücher.example",
        "a-b.c_d.io",
    ],
)
def test_host_names_are_taken(domain: str) -> None:
    operation = ops.custom_domain_create(**PLACE, project_id="p1", domain=domain, target_port=8080)
    assert operation.variables["input"] == {
        "projectId": "p1",
        "environmentId": "e1",
        "serviceId": "s1",
        "domain": domain,
        "targetPort": 8080,
    }


def test_a_new_service_domain_is_read_as_railway_was_seen_to_send_it(recorded: dict[str, Any]) -> None:
    call = next(entry for entry in recorded["successes"] if entry["operation"] == "serviceDomainCreate")
    wanted = call["variables"]["input"]
    operation = ops.service_domain_create(
        service_id=wanted["serviceId"],
        environment_id=wanted["environmentId"],
        target_port=wanted["targetPort"],
    )
    assert operation.variables == {"input": wanted}
    made = operation.parse(call["body"]["data"]["serviceDomainCreate"])
    assert made.domain == "spin-probe-muvo9oh9-production.up.railway.app"


def test_every_new_service_domain_is_one_more() -> None:
    assert not ops.service_domain_create(**PLACE).safe_to_repeat


def test_deletions_wait_for_users() -> None:
    assert ops.service_domain_delete("d1").lane is Lane.DELETION
    assert ops.custom_domain_delete("c1").lane is Lane.DELETION


def test_none_lets_railway_detect_the_port() -> None:
    update = ops.custom_domain_update("c1", environment_id="e1", target_port=None)
    assert update.variables == {"id": "c1", "environmentId": "e1", "targetPort": None}
    kept = ops.service_domain_update("d1", **PLACE, domain="a.up.railway.app")
    assert "targetPort" not in kept.variables["input"]
    cleared = ops.service_domain_update("d1", **PLACE, domain="a.up.railway.app", target_port=None)
    assert cleared.variables["input"]["targetPort"] is None


def custom(**status: Any) -> CustomDomain:
    record = {
        "fqdn": "app.example.com",
        "hostlabel": "app",
        "zone": "example.com",
        "recordType": "DNS_RECORD_TYPE_CNAME",
        "purpose": "DNS_RECORD_PURPOSE_TRAFFIC_ROUTE",
        "requiredValue": "abc.up.railway.app",
        "currentValue": "",
        "status": "DNS_RECORD_STATUS_REQUIRES_UPDATE",
    }
    known = {
        "verified": False,
        "verificationDnsHost": "_railway-verify.app",
        "verificationToken": "railway-verify=123",
        "certificateStatus": "CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP",
        "dnsRecords": [record],
    }
    body = {"id": "c1", "domain": "app.example.com", "status": {**known, **status}}
    return ops.custom_domain_get("c1", project_id="p1").parse(body)


def test_the_owner_is_told_both_records() -> None:
    route, proof = custom().dns_records
    assert (route.record_type, route.required_value, route.propagated) == (
        DNSRecordType.CNAME,
        "abc.up.railway.app",
        False,
    )
    assert (proof.record_type, proof.required_value, proof.fqdn, proof.hostlabel) == (
        DNSRecordType.TXT,
        "railway-verify=123",
        "_railway-verify.app.example.com",
        "_railway-verify.app",
    )


def test_a_proof_that_railway_lists_itself_is_not_doubled() -> None:
    proof = {"recordType": "DNS_RECORD_TYPE_TXT", "requiredValue": "railway-verify=123"}
    assert len(custom(dnsRecords=[proof]).dns_records) == 1


def test_the_proof_is_done_once_the_domain_is_verified() -> None:
    assert custom().dns_records[1].status is DNSRecordStatus.REQUIRES_UPDATE
    assert custom(verified=True).dns_records[1].propagated


def test_without_a_token_there_is_no_proof_to_set() -> None:
    assert len(custom(verificationToken=None).dns_records) == 1


@pytest.mark.parametrize(
    ("verified", "certificate", "ready"),
    [
        (False, CertificateStatus.VALIDATING_OWNERSHIP, False),
        (True, CertificateStatus.ISSUING, False),
        (False, CertificateStatus.VALID, False),
        (True, CertificateStatus.VALID, True),
        (True, "CERTIFICATE_STATUS_TYPE_NEW", False),
    ],
)
def test_a_domain_is_ready_when_verified_and_certified(verified: bool, certificate: str, ready: bool) -> None:
    found = custom(verified=verified, certificateStatus=str(certificate))
    assert (found.verified, found.is_ready) == (verified, ready)


def test_a_domain_without_its_state_is_not_ready() -> None:
    bare = CustomDomain(id="c1")
    assert (bare.dns_records, bare.verified, bare.is_ready) == ((), False, False)


def test_both_kinds_are_listed() -> None:
    found = ops.list_(**PLACE, project_id="p1").parse(
        {"serviceDomains": [{"id": "d1", "syncStatus": "ACTIVE"}], "customDomains": [{"id": "c1"}]}
    )
    assert (len(found.service_domains), len(found.custom_domains)) == (1, 1)
