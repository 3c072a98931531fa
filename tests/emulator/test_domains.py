"""Domains, TCP proxies, private networks and outbound addresses."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.emulator import Emulator

from .conftest import House

CREATE = "mutation($i: ServiceDomainCreateInput!) { serviceDomainCreate(input: $i) { id domain targetPort syncStatus suffix } }"
CUSTOM = "mutation($i: CustomDomainCreateInput!) { customDomainCreate(input: $i) { id domain } }"
STATE = """query($id: String!, $p: String!) { customDomain(id: $id, projectId: $p) { domain syncStatus status {
  verified verificationDnsHost verificationToken certificateStatus certificates { expiresAt }
  dnsRecords { fqdn hostlabel zone recordType purpose requiredValue currentValue status } } } }"""
COMMIT = (
    "mutation($e: String!, $p: EnvironmentConfig!) { environmentPatchCommit(environmentId: $e, patch: $p) }"
)
PROXIES = "query($e: String!, $s: String!) { tcpProxies(environmentId: $e, serviceId: $s) { id domain proxyPort applicationPort syncStatus } }"


class Place:
    """One service, and its domains."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.project, self.environment = house.project()
        self.service = house.service(self.project, "My API")
        self.where = {"serviceId": self.service, "environmentId": self.environment}

    def domain(self, **options: Any) -> dict[str, Any]:
        """Make a service domain."""
        return self.house.run(CREATE, i={**self.where, **options})["serviceDomainCreate"]

    def custom(self, name: str) -> str:
        """Make a custom domain; its id."""
        made = self.house.run(CUSTOM, i={**self.where, "projectId": self.project, "domain": name})
        return made["customDomainCreate"]["id"]

    def status(self, domain_id: str) -> dict[str, Any]:
        """How far a custom domain is."""
        return self.house.run(STATE, id=domain_id, p=self.project)["customDomain"]["status"]

    def proxies(self) -> list[dict[str, Any]]:
        """The TCP proxies."""
        return self.house.run(PROXIES, e=self.environment, s=self.service)["tcpProxies"]


@pytest.fixture
def place(house: House) -> Place:
    return Place(house)


def test_a_domain_is_named_after_service_and_environment(place: Place) -> None:
    made = place.domain(targetPort=3000)
    assert made["domain"] == "my-api-production.up.railway.app"
    assert (made["targetPort"], made["suffix"], made["syncStatus"]) == (3000, "up.railway.app", "CREATING")
    place.house.emulator.clock.advance(2)
    assert place.house.emulator.world.instances
    listed = place.house.run(
        "query($p: String!, $e: String!, $s: String!) { domains(projectId: $p, environmentId: $e, serviceId: $s) { serviceDomains { domain syncStatus } } }",
        p=place.project,
        e=place.environment,
        s=place.service,
    )
    assert listed["domains"]["serviceDomains"] == [{"domain": made["domain"], "syncStatus": "ACTIVE"}]


def test_a_name_that_is_taken_gets_four_hexadecimal_digits(place: Place) -> None:
    place.domain()
    second = place.domain()["domain"]
    assert second.startswith("my-api-production-")
    assert len(second.removesuffix(".up.railway.app").rpartition("-")[2]) == 4
    int(second.removesuffix(".up.railway.app").rpartition("-")[2], 16)


def test_a_domain_is_renamed_and_deleted(place: Place) -> None:
    made = place.domain()
    update = "mutation($i: ServiceDomainUpdateInput!) { serviceDomainUpdate(input: $i) }"
    name = "chosen.up.railway.app"
    place.house.run(
        update, i={**place.where, "serviceDomainId": made["id"], "domain": name, "targetPort": 80}
    )
    available = "query($d: String!) { serviceDomainAvailable(domain: $d) { available message } }"
    assert not place.house.run(available, d=name)["serviceDomainAvailable"]["available"]
    assert place.house.run(available, d=made["domain"])["serviceDomainAvailable"]["available"]
    assert "not a valid domain" in place.house.refused(
        update, i={**place.where, "serviceDomainId": made["id"], "domain": "elsewhere.com"}
    )
    delete = "mutation($id: String!) { serviceDomainDelete(id: $id) }"
    place.house.run(delete, id=made["id"])
    assert place.house.run(available, d=name)["serviceDomainAvailable"]["available"]
    assert place.house.refused(delete, id=made["id"]) == "ServiceDomain not found"


def test_the_name_of_a_deleted_service_is_free_again(place: Place) -> None:
    place.domain()
    place.house.run("mutation($id: String!) { serviceDelete(id: $id) }", id=place.service)
    place.service = place.house.service(place.project, "My API")
    place.where["serviceId"] = place.service
    assert place.domain()["domain"] == "my-api-production.up.railway.app"


def test_a_custom_domain_goes_from_records_to_a_certificate(place: Place) -> None:
    domain_id = place.custom("app.example.co.uk")
    status = place.status(domain_id)
    record = status["dnsRecords"][0]
    assert not status["verified"]
    assert status["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP"
    assert status["verificationDnsHost"] == "_railway-verify.app"
    assert status["verificationToken"].startswith("railway-verify=")
    assert (record["fqdn"], record["hostlabel"], record["zone"]) == (
        "app.example.co.uk",
        "app",
        "example.co.uk",
    )
    assert record["status"] == "DNS_RECORD_STATUS_REQUIRES_UPDATE"
    assert record["requiredValue"].endswith(".up.railway.app")
    place.house.emulator.dns.propagate("app.example.co.uk")
    status = place.status(domain_id)
    assert status["verified"]
    assert status["dnsRecords"][0]["status"] == "DNS_RECORD_STATUS_PROPAGATED"
    assert status["dnsRecords"][0]["currentValue"] == record["requiredValue"]
    assert status["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_ISSUING"
    place.house.emulator.clock.advance(120)
    status = place.status(domain_id)
    assert status["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_VALID"
    assert len(status["certificates"]) == 1


def test_records_are_set_by_themselves_after_a_while_unless_that_is_switched_off(place: Place) -> None:
    by_itself = place.custom("a.example.com")
    place.house.emulator.dns.automatic_after_s = None
    by_hand = place.custom("b.example.com")
    place.house.emulator.clock.advance(600)
    assert place.status(by_itself)["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_VALID"
    assert not place.status(by_hand)["verified"]


def test_a_failed_certificate_can_be_tried_again(place: Place) -> None:
    domain_id = place.custom("a.example.com")
    place.house.emulator.dns.propagate("a.example.com")
    place.house.emulator.dns.fail("a.example.com")
    place.house.emulator.clock.advance(600)
    assert place.status(domain_id)["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_ISSUE_FAILED"
    place.house.run("mutation($id: String!) { customDomainIssueCertificate(id: $id) }", id=domain_id)
    place.house.emulator.clock.advance(600)
    assert place.status(domain_id)["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_VALID"


@pytest.mark.parametrize("name", ["nonsense", "x.up.railway.app", "a..b.com", "http://a.com", "-a.com"])
def test_what_is_no_domain_is_refused(place: Place, name: str) -> None:
    i = {**place.where, "projectId": place.project, "domain": name}
    assert place.house.refused(CUSTOM, i=i) == f"{name} is not a valid domain"


def test_a_wildcard_needs_a_second_record(place: Place) -> None:
    records = place.status(place.custom("*.example.com"))["dnsRecords"]
    assert [one["fqdn"] for one in records] == ["*.example.com", "_acme-challenge.example.com"]


def test_a_custom_domain_is_taken_once_in_the_whole_world(place: Place) -> None:
    place.custom("a.example.com")
    i = {**place.where, "projectId": place.project, "domain": "a.example.com"}
    assert "already taken" in place.house.refused(CUSTOM, i=i)


def test_the_hobby_plan_allows_two_custom_domains_per_service() -> None:
    place = Place(House(Emulator(plan="HOBBY")))
    place.custom("a.example.com")
    place.custom("b.example.com")
    i = {**place.where, "projectId": place.project, "domain": "c.example.com"}
    assert place.house.refused(CUSTOM, i=i) == "Your plan allows 2 custom domains per service"


def test_a_tcp_proxy_comes_by_patch_and_becomes_active(place: Place) -> None:
    patch = {"services": {place.service: {"networking": {"tcpProxies": {"5432": {}}}}}}
    place.house.run(COMMIT, e=place.environment, p=patch)
    (proxy,) = place.proxies()
    assert proxy["domain"].endswith(".proxy.rlwy.net")
    assert (proxy["applicationPort"], proxy["syncStatus"]) == (5432, "CREATING")
    place.house.emulator.clock.advance(2)
    assert place.proxies()[0]["syncStatus"] == "ACTIVE"
    second = {"services": {place.service: {"networking": {"tcpProxies": {"6379": {}}}}}}
    assert place.house.refused(COMMIT, e=place.environment, p=second) == "Error in tcpProxies - Invalid input"
    place.house.run("mutation($id: String!) { tcpProxyDelete(id: $id) }", id=proxy["id"])
    assert place.proxies() == []


def test_a_copied_environment_has_domains_of_its_own(place: Place) -> None:
    place.domain(targetPort=80)
    place.custom("a.example.com")
    copy = place.house.run(
        "mutation($i: EnvironmentCreateInput!) { environmentCreate(input: $i) { id } }",
        i={"projectId": place.project, "name": "staging", "sourceEnvironmentId": place.environment},
    )["environmentCreate"]["id"]
    listed = place.house.run(
        "query($p: String!, $e: String!, $s: String!) { domains(projectId: $p, environmentId: $e, serviceId: $s) { serviceDomains { domain targetPort } customDomains { id } } }",
        p=place.project,
        e=copy,
        s=place.service,
    )["domains"]
    assert listed == {
        "serviceDomains": [{"domain": "my-api-staging.up.railway.app", "targetPort": 80}],
        "customDomains": [],
    }


def test_an_endpoint_of_the_private_network_is_renamed(place: Place) -> None:
    networks = "query($e: String!) { privateNetworks(environmentId: $e) { publicId dnsName } }"
    (network,) = place.house.run(networks, e=place.environment)["privateNetworks"]
    assert network["dnsName"] == "railway.internal"
    read = """query($e: String!, $n: String!, $s: String!) {
      privateNetworkEndpoint(environmentId: $e, privateNetworkId: $n, serviceId: $s) { publicId dnsName privateIps } }"""
    where = {"e": place.environment, "n": network["publicId"], "s": place.service}
    endpoint = place.house.run(read, **where)["privateNetworkEndpoint"]
    assert endpoint["dnsName"] == "my-api"
    rename = """mutation($id: String!, $name: String!, $n: String!) {
      privateNetworkEndpointRename(id: $id, dnsName: $name, privateNetworkId: $n) }"""
    place.house.run(rename, id=endpoint["publicId"], name="backend", n=network["publicId"])
    assert place.house.run(read, **where)["privateNetworkEndpoint"]["dnsName"] == "backend"
    for reserved in ("internal", "Bad Name"):
        message = place.house.refused(rename, id=endpoint["publicId"], name=reserved, n=network["publicId"])
        assert message == "Error in dnsName - Invalid input"


def test_static_outbound_addresses_are_for_the_pro_plan() -> None:
    create = "mutation($i: EgressGatewayCreateInput!) { egressGatewayAssociationCreate(input: $i) { ipv4 region } }"
    hobby = Place(House(Emulator(plan="HOBBY")))
    assert "Pro plan" in hobby.house.refused(create, i=hobby.where)
    pro = Place(House(Emulator()))
    assert len(pro.house.run(create, i=pro.where)["egressGatewayAssociationCreate"]) == 1
    pro.house.run(
        "mutation($i: EgressGatewayServiceTargetInput!) { egressGatewayAssociationsClear(input: $i) }",
        i=pro.where,
    )
    read = "query($e: String!, $s: String!) { egressGateways(environmentId: $e, serviceId: $s) { ipv4 } }"
    assert pro.house.run(read, e=pro.environment, s=pro.service)["egressGateways"] == []


def test_a_customers_domain_leads_nowhere_until_its_records_are_set(place: Place) -> None:
    emulator = place.house.emulator
    place.custom("a.example.com")
    place.house.deploy(place.service, place.environment)
    emulator.clock.advance(20)
    assert emulator.visit("a.example.com") == 404
    emulator.dns.propagate("a.example.com")
    assert emulator.visit("a.example.com") == 200
