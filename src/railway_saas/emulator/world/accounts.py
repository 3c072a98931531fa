"""Who may do what: users, workspaces and the three kinds of token."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.emulator.world.projects import Environment, Project


class TokenKind(StrEnum):
    """What a token opens."""

    ACCOUNT = "account"
    WORKSPACE = "workspace"
    PROJECT = "project"


@dataclass(slots=True, eq=False)
class User:
    """A person with an account."""

    id: str
    name: str
    email: str
    username: str
    created_at: datetime
    workspaces: list[Workspace] = field(default_factory=list["Workspace"])


@dataclass(slots=True, eq=False)
class Member:
    """A user's place in a workspace."""

    user: User
    role: str


@dataclass(slots=True, eq=False)
class Workspace:
    """What owns projects and pays for them."""

    id: str
    name: str
    plan: str
    created_at: datetime
    updated_at: datetime
    avatar: str | None = None
    preferred_region: str | None = None
    members: list[Member] = field(default_factory=list[Member])
    projects: dict[str, Project] = field(default_factory=dict[str, "Project"])
    """Also the deleted ones, which carry `deleted_at`."""


@dataclass(slots=True, eq=False)
class Token:
    """One token. `workspace` is set for a workspace token, `environment` for a project token."""

    id: str
    name: str
    secret: str = field(repr=False)
    kind: TokenKind
    user: User
    created_at: datetime
    workspace: Workspace | None = None
    environment: Environment | None = None
    expires_at: datetime | None = None

    @property
    def display_token(self) -> str:
        """The only form in which a token is ever shown again."""
        return f"{'*' * 8}{self.secret[-4:]}"

    @property
    def workspace_id(self) -> str | None:
        """Id of the one workspace a workspace token opens."""
        return self.workspace.id if self.workspace else None
