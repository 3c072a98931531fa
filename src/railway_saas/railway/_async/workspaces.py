"""`client.workspaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import workspaces as ops

if TYPE_CHECKING:
    from railway_saas.railway.models.account import ApiTokenWorkspace
    from railway_saas.railway.models.workspaces import Workspace


class AsyncWorkspaces(AsyncResource):
    """Railway's workspaces: what is billed and limited."""

    async def list(self) -> tuple[ApiTokenWorkspace, ...]:
        """The workspaces that the token can operate on, with id and name.

        Works for account, workspace and OAuth tokens; `client.me()` tells an account's owner more of them.

        Raises:
            RailwayAuthError: The token is wrong, or a project token.
        """
        return await self._client.run(ops.list_())

    async def get(self, workspace_id: str) -> Workspace:
        """A workspace with its members, its plan, and a summary of who pays for it.

        Raises:
            RailwayAuthError: There is no such workspace, or the token may not see it; also when the workspace
                demands two-factor authentication that the user has not set up.
        """
        return await self._client.run(ops.get(workspace_id))
