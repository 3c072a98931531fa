"""Operations on workspaces. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway.models.workspaces import Workspace
from railway_saas.railway.operations import account
from railway_saas.railway.operations._arguments import then
from railway_saas.railway.operations._build import operation, require_text

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation
    from railway_saas.railway.models.account import ApiTokenWorkspace


def list_() -> Operation[tuple[ApiTokenWorkspace, ...]]:
    """The workspaces that the token can operate on: also for workspace tokens, which have no `me`."""
    return then(account.api_token(), lambda token: token.workspaces)


def get(workspace_id: str) -> Operation[Workspace]:
    """A workspace with its members, its plan, and a summary of who pays for it."""
    require_text(workspace_id=workspace_id)
    return operation("WorkspaceGet", Workspace, {"workspaceId": workspace_id})
