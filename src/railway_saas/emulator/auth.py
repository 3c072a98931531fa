"""Who is asking, and what they may see.

Railway: an account token reaches all workspaces of its user; a workspace token one workspace, but not `me`; a project
token, in the header `Project-Access-Token`, one environment of one project. Without a token only templates can be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from railway_saas.emulator import errors
from railway_saas.emulator.world.accounts import Token, TokenKind, User, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from railway_saas.emulator.world.projects import Environment, Project
    from railway_saas.emulator.world.world import World


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request."""

    token: Token | None = None
    refusal: str | None = None
    """Why the token that was sent opens nothing."""

    @property
    def key(self) -> str:
        """What rate limits count by."""
        return self.token.id if self.token else "anonymous"

    def require(self) -> Token:
        """The token.

        Raises:
            Refusal: There is none, or it is unknown.
        """
        if self.token is None:
            raise errors.Refusal(self.refusal or errors.NOT_AUTHORIZED)
        return self.token

    def user(self) -> User:
        """The account behind an account token.

        Raises:
            Refusal: The token is not an account token: `me` works with no other.
        """
        token = self.require()
        if token.kind is not TokenKind.ACCOUNT:
            raise errors.not_authorized()
        return token.user

    def project_token(self) -> Token:
        """The project token.

        Raises:
            Refusal: The token is of another kind.
        """
        if self.token is None or self.token.kind is not TokenKind.PROJECT:
            raise errors.project_token_not_found()
        return self.token

    def workspaces(self) -> list[Workspace]:
        """The workspaces that the token reaches."""
        token = self.require()
        if token.kind is TokenKind.PROJECT:
            return []
        return [token.workspace] if token.workspace else list(token.user.workspaces)

    def may_use_workspace(self, workspace: Workspace) -> bool:
        """Whether the token reaches this workspace."""
        token = self.require()
        if token.kind is TokenKind.PROJECT:
            return False
        if token.workspace is not None:
            return token.workspace is workspace
        return any(one is workspace for one in token.user.workspaces)

    def may_use_project(self, project: Project) -> bool:
        """Whether the token reaches anything in this project."""
        token = self.require()
        if token.environment is not None:
            return token.environment.project is project
        return self.may_use_workspace(project.workspace) or self._is_guest(token, project)

    def may_use_environment(self, environment: Environment) -> bool:
        """Whether the token reaches this environment."""
        token = self.require()
        if token.environment is not None:
            return token.environment is environment
        return self.may_use_project(environment.project)

    def may_manage_project(self, project: Project) -> bool:
        """Whether the token may change the project itself: a project token may not."""
        return self.require().kind is not TokenKind.PROJECT and self.may_use_project(project)

    def _is_guest(self, token: Token, project: Project) -> bool:
        return token.workspace is None and any(member.user is token.user for member in project.members)


def identify(world: World, headers: Mapping[str, str]) -> Caller:
    """Find out who sent these headers (names in lower case). A project token wins over a Bearer token."""
    project_secret = headers.get("project-access-token")
    if project_secret:
        return _caller(world, project_secret, project=True)
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        return _caller(world, secret.strip(), project=False)
    return Caller()


def _caller(world: World, secret: str, *, project: bool) -> Caller:
    token = world.tokens.get(secret)
    if token is not None and (token.kind is TokenKind.PROJECT) == project and not _expired(world, token):
        return Caller(token)
    misplaced = token is not None and token.kind is TokenKind.PROJECT
    return Caller(refusal=errors.PROJECT_TOKEN_NOT_FOUND if project or misplaced else errors.NOT_AUTHORIZED)


def _expired(world: World, token: Token) -> bool:
    return token.expires_at is not None and token.expires_at <= world.clock.now()
