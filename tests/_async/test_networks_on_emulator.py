"""Private networks, outbound addresses and regions, on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient
    from railway_saas.emulator import Emulator


async def house(railway: AsyncRailwayClient, emulator: Emulator) -> tuple[str, str]:
    """The ids of an environment and of a service in it."""
    project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
    environment_id = project.environments[0].id
    service = await railway.services.create(
        project.id, name="api", image="nginx:alpine", environment_id=environment_id
    )
    return environment_id, service.id


async def test_a_service_is_reached_by_a_name_that_can_be_changed(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        environment_id, service_id = await house(railway, railway_emulator)
        (network,) = await railway.private_networks.list(environment_id)
        assert network.environment_id == environment_id

        endpoint = await railway.private_networks.find_endpoint(
            environment_id=environment_id, private_network_id=network.public_id, service_id=service_id
        )
        assert endpoint is not None
        assert endpoint.dns_name == "api"

        assert await railway.private_networks.rename_endpoint(
            endpoint.public_id, dns_name="backend", private_network_id=network.public_id
        )
        railway_emulator.clock.advance(60)
        renamed = await railway.private_networks.find_endpoint(
            environment_id=environment_id, private_network_id=network.public_id, service_id=service_id
        )
        assert renamed is not None
        assert "backend" in {renamed.dns_name, renamed.new_dns_name}


async def test_outbound_addresses_come_and_go(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        environment_id, service_id = await house(railway, railway_emulator)
        gateways = railway.egress_gateways
        assert await gateways.list(service_id=service_id, environment_id=environment_id) == ()
        made = await gateways.create(service_id=service_id, environment_id=environment_id)
        assert await gateways.list(service_id=service_id, environment_id=environment_id) == made
        assert made
        assert await gateways.clear(service_id=service_id, environment_id=environment_id)
        assert await gateways.list(service_id=service_id, environment_id=environment_id) == ()


async def test_there_are_regions(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        found = await railway.regions.list()
    assert "europe-west4-drams3a" in {region.name for region in found if not region.is_deprecated}
