"""A custom domain's certificate is shown once it is there, and is renewed in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emulator.conftest import House

STATUS = """query($id: String!, $p: String!) { customDomain(id: $id, projectId: $p) { status {
    certificateStatus certificates { domainNames issuedAt expiresAt fingerprintSha256 keyType } } } }"""


def test_a_certificate_comes_and_is_renewed_30_days_before_its_end(house: House) -> None:
    service_id, environment_id, _ = house.running()
    project_id = house.emulator.world.environments[environment_id].project_id
    made = house.run(
        "mutation($i: CustomDomainCreateInput!) { customDomainCreate(input: $i) { id status { certificates { keyType } } } }",
        i={
            "domain": "shop.example.com",
            "projectId": project_id,
            "environmentId": environment_id,
            "serviceId": service_id,
        },
    )["customDomainCreate"]
    assert made["status"]["certificates"] == []

    def certificate() -> dict[str, Any]:
        found = house.run(STATUS, id=made["id"], p=project_id)["customDomain"]["status"]
        assert found["certificateStatus"] == "CERTIFICATE_STATUS_TYPE_VALID"
        return found["certificates"][0]

    house.emulator.clock.advance(86400)
    first = certificate()
    assert first["domainNames"] == ["shop.example.com"]
    assert (first["issuedAt"][:10], first["expiresAt"][:10]) == ("2026-11-02", "2027-01-31")
    assert (first["keyType"], len(first["fingerprintSha256"])) == ("KEY_TYPE_ECDSA", 64)
    house.emulator.clock.advance(58 * 86400)
    assert certificate() == first
    house.emulator.clock.advance(2 * 86400)
    assert certificate()["fingerprintSha256"] != first["fingerprintSha256"]
