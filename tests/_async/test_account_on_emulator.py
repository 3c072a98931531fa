"""Tokens and workspaces, on the local Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from railway_saas.errors import RailwayAuthError
from railway_saas.railway.models import Plan

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator


@pytest.mark.railway_emulator(plan="HOBBY")
async def test_an_account_token_tells_whose_it_is(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        user = await railway.me()
        reached = await railway.workspaces.list()
    assert [workspace.id for workspace in user.workspaces] == [railway_emulator.workspace_id]
    assert user.workspaces[0].plan is Plan.HOBBY
    assert user.api_token_rate_limit is not None
    assert user.api_token_rate_limit.remaining_points is not None
    assert [workspace.id for workspace in reached] == [railway_emulator.workspace_id]


async def test_a_workspace_token_has_no_user_but_a_workspace(railway_emulator: Emulator) -> None:
    railway_emulator.add_workspace("other")
    async with railway_emulator.async_client(railway_emulator.workspace_token()) as railway:
        with pytest.raises(RailwayAuthError):
            await railway.me()
        assert [item.id for item in await railway.workspaces.list()] == [railway_emulator.workspace_id]


async def test_a_workspace_has_members_and_a_payer(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        workspace = await railway.workspaces.get(railway_emulator.workspace_id)
        with pytest.raises(RailwayAuthError):
            await railway.workspaces.get("00000000-0000-4000-8000-000000000000")
    assert workspace.project_count == 1
    assert workspace.members[0].role == "ADMIN"
    assert workspace.customer is not None
    assert workspace.customer.id != workspace.id


async def test_an_api_token_works_until_it_is_deleted(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        secret = await railway.tokens.create_api_token("ci", workspace_id=railway_emulator.workspace_id)
        listed = [token async for token in railway.tokens.list_api_tokens() if token.name == "ci"]
        page = await railway.tokens.list_api_tokens_page(first=1)
        assert len(page) == 1
        assert secret not in repr(listed)
        async with railway_emulator.async_client(secret) as bearer:
            assert len(await bearer.workspaces.list()) == 1
            assert await railway.tokens.delete_api_token(listed[0].id)
            with pytest.raises(RailwayAuthError):
                await bearer.workspaces.list()


async def test_a_project_token_reaches_one_environment(railway_emulator: Emulator) -> None:
    async with railway_emulator.async_client() as railway:
        project = await railway.projects.create(name="acme", workspace_id=railway_emulator.workspace_id)
        environment = project.environments[0]
        secret = await railway.tokens.create_project_token(
            project_id=project.id, environment_id=environment.id, name="deploy"
        )
        (listed,) = [token async for token in railway.tokens.list_project_tokens(project.id)]
        assert len(await railway.tokens.list_project_tokens_page(project.id)) == 1
        async with railway_emulator.async_client(secret, token_kind="project") as limited:
            token = await limited.tokens.current_project_token()
        assert await railway.tokens.delete_project_token(listed.id)
    assert (token.name, token.project_id, token.environment_id) == ("deploy", project.id, environment.id)
    assert token.environment is not None
    assert token.environment.name == "production"
    assert listed.environment_id == environment.id
