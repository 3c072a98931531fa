"""Variables on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from railway_saas import AsyncRailwayClient
    from railway_saas.emulator import Emulator


async def house(railway: AsyncRailwayClient, emulator: Emulator) -> tuple[dict[str, str], str]:
    """Where variables live, and the id of a service there."""
    project = await railway.projects.create(name="acme", workspace_id=emulator.workspace_id)
    service = await railway.services.create(project.id, name="web", image="nginx:alpine")
    return {"project_id": project.id, "environment_id": project.environments[0].id}, service.id


async def test_references_are_resolved_or_kept(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        here, service_id = await house(railway, railway_emulator)
        variables = railway.variables
        await variables.upsert("HOST", "example.com", **here, service_id=service_id)
        await variables.upsert("URL", "https://${{HOST}}", **here, service_id=service_id, skip_deploys=True)
        assert (await variables.rendered(**here, service_id=service_id))["URL"] == "https://example.com"
        assert (await variables.unrendered(**here, service_id=service_id))["URL"] == "https://${{HOST}}"
        given = await variables.for_deployment(**here, service_id=service_id)
        assert given["RAILWAY_SERVICE_NAME"] == "web"
        assert "example.com" not in repr(given)


async def test_many_are_set_at_once_beside_others_or_in_their_place(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        here, service_id = await house(railway, railway_emulator)
        variables = railway.variables
        await variables.upsert_many({"A": "1", "B": ""}, **here, service_id=service_id)
        await variables.upsert_many({"C": "3"}, **here, service_id=service_id, skip_deploys=True)
        assert dict(await variables.rendered(**here, service_id=service_id)) == {"A": "1", "B": "", "C": "3"}
        await variables.upsert_many({"D": "4"}, **here, service_id=service_id, replace=True)
        assert dict(await variables.rendered(**here, service_id=service_id)) == {"D": "4"}
        assert await variables.delete("D", **here, service_id=service_id)
        assert dict(await variables.rendered(**here, service_id=service_id)) == {}


async def test_shared_variables_belong_to_the_environment(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        here, service_id = await house(railway, railway_emulator)
        variables = railway.variables
        await variables.upsert("REGION", "eu", **here)
        assert dict(await variables.rendered(**here)) == {"REGION": "eu"}
        shared = await variables.configure_shared("REGION", **here, enabled_service_ids=[service_id])
        assert (shared.name, shared.service_id) == ("REGION", None)
        names = [one.name async for one in variables.records(here["environment_id"], page_size=1)]
        page = await variables.records_page(here["environment_id"], first=1)
        assert "REGION" in names
        assert len(page) == 1
