"""`client.tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import tokens as ops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.account import ProjectTokenInfo
    from railway_saas.railway.models.tokens import ApiToken, ProjectToken


class AsyncTokens(AsyncResource):
    """Railway's tokens. A new one's secret is returned once, as a plain text, and never shown again."""

    def list_api_tokens(self, *, page_size: int | None = None) -> AsyncIterator[ApiToken]:
        """Go through the user's account and workspace tokens.

        Raises:
            RailwayAuthError: Only account tokens may list them.
        """
        return self._all(lambda cursor: ops.api_tokens_page(first=page_size, after=cursor))

    async def list_api_tokens_page(
        self, *, first: int | None = None, after: str | None = None
    ) -> Page[ApiToken]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(ops.api_tokens_page(first=first, after=after))

    async def create_api_token(self, name: str, *, workspace_id: str | None = None) -> str:
        """Make a token and return its secret: keep it, Railway does not tell it again.

        Args:
            name: What the dashboard lists it as.
            workspace_id: The only workspace it shall reach; without it, all of the account.

        Raises:
            RailwayConnectionError: With `maybe_applied` set there may be a token whose secret nobody knows:
                look for it by name and delete it.
        """
        return await self._client.run(ops.create_api_token(name, workspace_id=workspace_id))

    async def delete_api_token(self, token_id: str) -> bool:
        """Make a token worthless at once."""
        return await self._client.run(ops.delete_api_token(token_id))

    async def current_project_token(self) -> ProjectTokenInfo:
        """What the client's own project token reaches.

        Raises:
            RailwayAuthError: The client's token is of another kind, or wrong.
        """
        return await self._client.run(ops.current_project_token())

    def list_project_tokens(
        self, project_id: str, *, page_size: int | None = None
    ) -> AsyncIterator[ProjectToken]:
        """Go through a project's tokens."""
        return self._all(lambda cursor: ops.project_tokens_page(project_id, first=page_size, after=cursor))

    async def list_project_tokens_page(
        self, project_id: str, *, first: int | None = None, after: str | None = None
    ) -> Page[ProjectToken]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(ops.project_tokens_page(project_id, first=first, after=after))

    async def create_project_token(self, *, project_id: str, environment_id: str, name: str) -> str:
        """Make a token of one environment and return its secret: keep it, Railway does not tell it again.

        Raises:
            RailwayConnectionError: With `maybe_applied` set there may be a token whose secret nobody knows:
                look for it by name and delete it.
        """
        return await self._client.run(
            ops.create_project_token(project_id=project_id, environment_id=environment_id, name=name)
        )

    async def delete_project_token(self, token_id: str) -> bool:
        """Make a project token worthless at once."""
        return await self._client.run(ops.delete_project_token(token_id))
