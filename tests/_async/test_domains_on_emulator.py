"""Domains and TCP proxies on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import RailwayConflictError
from railway_saas.railway.models import DNSRecordType

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient
    from railway_saas.emulator import Emulator


async def house(railway: AsyncRailwayClient, emulator: Emulator) -> tuple[str, dict[str, str]]:
    """The id of a project, and of a service in its environment."""
    project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
    service = await railway.services.create(project.id, name="web", image="nginx:alpine")
    return project.id, {"service_id": service.id, "environment_id": project.environments[0].id}


async def test_a_service_domain_is_made_renamed_and_deleted(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, here = await house(railway, railway_emulator)
        domains = railway.domains
        made = await domains.service_domain_create(**here, target_port=80)
        assert (made.domain, made.target_port) == ("web-production.up.railway.app", 80)
        other = await domains.service_domain_create(**here)
        assert other.domain != made.domain
        assert not (await domains.service_domain_available("web-production.up.railway.app")).available
        assert (await domains.service_domain_available("acme-shop.up.railway.app")).available
        assert await domains.service_domain_update(
            made.id, **here, domain="acme-shop.up.railway.app", target_port=None
        )
        assert await domains.service_domain_delete(other.id)
        (left,) = (await domains.list(project_id=project_id, **here)).service_domains
        assert (left.domain, left.target_port) == ("acme-shop.up.railway.app", None)


async def test_a_customers_domain_becomes_ready_once_its_records_are_set(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project_id, here = await house(railway, railway_emulator)
        domains = railway.domains
        assert (await domains.custom_domain_available("app.example.com")).available
        made = await domains.custom_domain_create(project_id=project_id, **here, domain="app.example.com")
        assert {record.record_type for record in made.dns_records} == {DNSRecordType.CNAME, DNSRecordType.TXT}
        assert not made.is_ready
        with pytest.raises(RailwayConflictError):
            await domains.custom_domain_create(project_id=project_id, **here, domain="app.example.com")

        railway_emulator.clock.advance(24 * 3600)
        found = await domains.custom_domain_get(made.id, project_id=project_id)
        assert (found.verified, found.is_ready) == (True, True)
        assert all(record.propagated for record in found.dns_records)

        assert await domains.custom_domain_update(
            made.id, environment_id=here["environment_id"], target_port=8080
        )
        assert await domains.custom_domain_issue_certificate(made.id)
        assert (await domains.list(project_id=project_id, **here)).custom_domains[0].target_port == 8080
        assert await domains.custom_domain_delete(made.id)
        assert (await domains.list(project_id=project_id, **here)).custom_domains == ()


async def test_a_tcp_proxy_is_made_by_patch_and_becomes_active(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, here = await house(railway, railway_emulator)
        proxies = railway.tcp_proxies
        assert await proxies.create(**here, application_port=5432, message="open postgres")
        railway_emulator.clock.advance(60)
        (proxy,) = await proxies.list(**here)
        assert proxy.is_active
        assert (proxy.application_port, proxy.proxy_port is not None) == (5432, True)
        assert await proxies.delete(proxy.id)
        railway_emulator.clock.advance(60)
        assert not [left for left in await proxies.list(**here) if left.is_active]


async def test_a_staged_tcp_proxy_waits_for_its_commit(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        _, here = await house(railway, railway_emulator)
        staged = await railway.tcp_proxies.stage(**here, application_port=6379)
        assert not staged.is_empty
        assert await railway.tcp_proxies.list(**here) == ()
        await railway.environments.commit_staged(here["environment_id"])
        railway_emulator.clock.advance(60)
        assert [found.application_port for found in await railway.tcp_proxies.list(**here)] == [6379]
