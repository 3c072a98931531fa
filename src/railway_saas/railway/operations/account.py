"""Who a token belongs to and what it reaches. Source: Railway's GraphQL schema of 2026-08-21.

Which of these works tells what kind a token is: `project_token` takes project tokens only, `me` account tokens
only, `api_token` every Bearer token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.railway.models.account import ApiTokenContext, ProjectTokenInfo, User
from railway_saas.railway.operations._build import operation

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation


def me() -> Operation[User]:
    """The user of an account token, with workspaces and what is left of the rate limit."""
    return operation("Me", User)


def api_token() -> Operation[ApiTokenContext]:
    """The workspaces that a Bearer token can operate on."""
    return operation("ApiTokenInfo", ApiTokenContext)


def project_token() -> Operation[ProjectTokenInfo]:
    """The one environment that a project token reaches."""
    return operation("ProjectTokenInfo", ProjectTokenInfo)
