"""Lists of projects, on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway.models import ProjectsOrderBy

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator


async def test_projects_come_in_the_order_asked_for(railway_emulator: Emulator) -> None:
    workspace_id = railway_emulator.workspace_id
    async with railway_emulator.async_client() as railway:
        for name in ("b", "c", "a"):
            await railway.projects.create(name=name, workspace_id=workspace_id)
            railway_emulator.clock.advance(60)
        by_age = [
            found.name
            async for found in railway.projects.list(
                workspace_id=workspace_id, order_by=ProjectsOrderBy.CREATED_AT_DESC, page_size=1
            )
        ]
        by_name = await railway.projects.list_page(workspace_id=workspace_id, order_by="NAME_ASC")
    assert by_age == ["a", "c", "b"]
    assert [found.name for found in by_name] == ["a", "b", "c"]


async def test_what_changes_while_one_pages_hides_no_project(railway_emulator: Emulator) -> None:
    workspace_id = railway_emulator.workspace_id
    async with railway_emulator.async_client() as railway:
        made = []
        for number in range(4):
            made.append(await railway.projects.create(name=f"p{number}", workspace_id=workspace_id))
            railway_emulator.clock.advance(60)
        seen = []
        async for found in railway.projects.list(
            workspace_id=workspace_id, order_by=ProjectsOrderBy.CREATED_AT_DESC, page_size=2
        ):
            if not seen:
                await railway.projects.update(made[0].id, description="changed")
                await railway.projects.delete(made[3].id)
                await railway.projects.create(name="new", workspace_id=workspace_id)
            seen.append(found.name)
    assert seen == ["p3", "p2", "p1", "p0"]
