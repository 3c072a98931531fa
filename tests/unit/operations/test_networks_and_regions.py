"""Private networks, static outbound addresses, regions."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.private_networks import PrivateNetworkEndpointSyncStatus
from railway_saas.railway.operations import egress_gateways, private_networks, regions


def test_a_network_id_may_come_as_text() -> None:
    (network,) = private_networks.list_("e1").parse(
        [
            {
                "publicId": "n1",
                "name": "default",
                "dnsName": "railway.internal",
                "networkId": "9007199254740993",
            }
        ]
    )
    assert network.network_id == 9007199254740993


def test_an_endpoint_is_read() -> None:
    operation = private_networks.find_endpoint(environment_id="e1", private_network_id="n1", service_id="s1")
    assert operation.variables == {"environmentId": "e1", "privateNetworkId": "n1", "serviceId": "s1"}
    endpoint = operation.parse(
        {"publicId": "pe1", "dnsName": "api", "privateIps": ["fd12::1"], "syncStatus": "UPDATING"}
    )
    assert endpoint is not None
    assert endpoint.private_ips == ("fd12::1",)
    assert endpoint.sync_status is PrivateNetworkEndpointSyncStatus.UPDATING


def test_a_service_without_endpoint_has_none() -> None:
    operation = private_networks.find_endpoint(environment_id="e1", private_network_id="n1", service_id="s1")
    assert operation.parse(None) is None


def test_an_endpoint_is_renamed() -> None:
    operation = private_networks.rename_endpoint("pe1", dns_name="api", private_network_id="n1")
    assert operation.variables == {"id": "pe1", "dnsName": "api", "privateNetworkId": "n1"}
    assert operation.safe_to_repeat


@pytest.mark.parametrize("name", ["internal", "up", "Railway", "health", "internal-health"])
def test_names_that_railway_keeps_for_itself_are_refused(name: str) -> None:
    with pytest.raises(RailwayInputError, match="keeps health, internal") as caught:
        private_networks.rename_endpoint("pe1", dns_name=name, private_network_id="n1")
    assert caught.value.argument == "dns_name"


def test_gateways_are_listed_made_and_cleared() -> None:
    target = {"serviceId": "s1", "environmentId": "e1"}
    assert egress_gateways.list_(service_id="s1", environment_id="e1").variables == target
    made = egress_gateways.create(service_id="s1", environment_id="e1", region="us-west2")
    assert made.variables == {"input": {**target, "region": "us-west2"}}
    assert not made.safe_to_repeat
    assert made.parse([{"ipv4": "162.220.232.1", "region": "us-west2", "zone": None}])[0].zone is None
    cleared = egress_gateways.clear(service_id="s1", environment_id="e1", all_environments=True)
    assert cleared.variables == {"input": {**target, "allEnvironments": True}}
    assert cleared.lane is Lane.DELETION


def test_a_region_is_known_by_its_name() -> None:
    operation = regions.list_()
    assert operation.variables == {}
    old, new = operation.parse(
        [
            {
                "id": None,
                "name": "us-west1",
                "location": "Oregon",
                "deploymentConstraints": {
                    "deprecationInfo": {"isDeprecated": True, "replacementRegion": "us-west2"}
                },
            },
            {"id": "sjc", "name": "us-west2", "location": "California", "deploymentConstraints": None},
        ]
    )
    assert (old.name, old.is_deprecated) == ("us-west1", True)
    assert (new.name, new.is_deprecated) == ("us-west2", False)


def test_regions_of_a_project_name_it() -> None:
    assert regions.list_(project_id="p1").variables == {"projectId": "p1"}


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: private_networks.list_(""), "environment_id"),
        (lambda: private_networks.rename_endpoint("pe1", dns_name="", private_network_id="n1"), "dns_name"),
        (lambda: egress_gateways.list_(service_id="", environment_id="e1"), "service_id"),
        (lambda: egress_gateways.create(service_id="s1", environment_id="e1", region=""), "region"),
        (lambda: regions.list_(project_id=""), "project_id"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument
