"""Operations on tokens. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas._core.operation import Lane, Operation
from railway_saas.railway.models.tokens import ApiToken, ProjectToken
from railway_saas.railway.operations import account
from railway_saas.railway.operations._build import given, operation, or_unset, page_operation, require_text

if TYPE_CHECKING:
    from railway_saas._core.paging import Page
    from railway_saas.railway.models.account import ProjectTokenInfo


def api_tokens_page(*, first: int | None = None, after: str | None = None) -> Operation[Page[ApiToken]]:
    """One page of the user's account and workspace tokens."""
    return page_operation("ApiTokenList", ApiToken, {}, first=first, after=after)


def create_api_token(name: str, *, workspace_id: str | None = None) -> Operation[str]:
    """A new token of one workspace, or of the whole account. Its secret is the answer, this once only."""
    require_text(name=name)
    if workspace_id is not None:
        require_text(workspace_id=workspace_id)
    body = given({"name": name, "workspaceId": or_unset(workspace_id)})
    return operation("ApiTokenCreate", str, {"input": body})


def delete_api_token(token_id: str) -> Operation[bool]:
    """Make a token worthless at once."""
    require_text(token_id=token_id)
    return operation("ApiTokenDelete", bool, {"id": token_id}, lane=Lane.DELETION)


def current_project_token() -> Operation[ProjectTokenInfo]:
    """The project token that the client itself uses, and what it reaches."""
    return account.project_token()


def project_tokens_page(
    project_id: str, *, first: int | None = None, after: str | None = None
) -> Operation[Page[ProjectToken]]:
    """One page of a project's tokens."""
    require_text(project_id=project_id)
    return page_operation(
        "ProjectTokenList", ProjectToken, {"projectId": project_id}, first=first, after=after
    )


def create_project_token(*, project_id: str, environment_id: str, name: str) -> Operation[str]:
    """A new token of one environment. Its secret is the answer, this once only."""
    require_text(project_id=project_id, environment_id=environment_id, name=name)
    body = {"projectId": project_id, "environmentId": environment_id, "name": name}
    return operation("ProjectTokenCreate", str, {"input": body})


def delete_project_token(token_id: str) -> Operation[bool]:
    """Make a project token worthless at once."""
    require_text(token_id=token_id)
    return operation("ProjectTokenDelete", bool, {"id": token_id}, lane=Lane.DELETION)
