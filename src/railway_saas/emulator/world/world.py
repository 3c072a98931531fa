"""Everything that exists in one emulator, and the indexes to find it by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from railway_saas.emulator.world.accounts import Member, Token, TokenKind, User, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from railway_saas.emulator.clock import EmulatorClock
    from railway_saas.emulator.faults import Faults
    from railway_saas.emulator.ids import Ids
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Environment, Project, Service, ServiceInstance


@dataclass(slots=True)
class Hooks:
    """Where parts of the emulator hear what other parts did. Append a function to join."""

    deployment_event: list[Callable[[Deployment, str], None]] = field(default_factory=list[Any])
    """With the second half of Railway's event type, e.g. `deployed`, `crashed`, `slept`."""
    environment_copied: list[Callable[[Environment, Environment], None]] = field(default_factory=list[Any])
    """From, to; services, settings and variables are already there."""
    instance_deleted: list[Callable[[ServiceInstance], None]] = field(default_factory=list[Any])
    service_deleted: list[Callable[[Service], None]] = field(default_factory=list[Any])
    environment_deleted: list[Callable[[Environment], None]] = field(default_factory=list[Any])
    project_deleted: list[Callable[[Project], None]] = field(default_factory=list[Any])


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What is different from one emulated Railway to another."""

    templates: Path | None = None
    """Folder with template documents that the marketplace serves."""
    github_app: bool = True
    """Whether Railway's GitHub App is installed: without it there are no triggers, and `branch` is ignored."""


P = TypeVar("P")


class World:
    """All entities by id."""

    def __init__(self, clock: EmulatorClock, ids: Ids, faults: Faults, settings: WorldSettings) -> None:
        self.clock = clock
        self.ids = ids
        self.faults = faults
        self.settings = settings
        self.hooks = Hooks()
        self._parts: dict[object, Any] = {}
        self.users: dict[str, User] = {}
        self.workspaces: dict[str, Workspace] = {}
        self.tokens: dict[str, Token] = {}
        """By secret."""
        self.projects: dict[str, Project] = {}
        self.environments: dict[str, Environment] = {}
        self.services: dict[str, Service] = {}
        self.instances: dict[str, ServiceInstance] = {}
        self.deployments: dict[str, Deployment] = {}
        self.dependants: dict[str, list[Deployment]] = {}
        """Who waits for a deployment (by its id) in a batch deploy."""
        self._listeners: defaultdict[tuple[str, str], list[Callable[[Any], None]]] = defaultdict(list)

    def part(self, cls: Callable[[World], P]) -> P:
        """The part of this world that `cls` makes (once): state that belongs to one subject, e.g. a marketplace."""
        if cls not in self._parts:
            self._parts[cls] = cls(self)
        return cast("P", self._parts[cls])

    def add_user(self, name: str, email: str) -> User:
        """A new person."""
        user = User(self.ids.uuid(), name, email, email.partition("@")[0], self.clock.now())
        self.users[user.id] = user
        return user

    def add_workspace(self, name: str, plan: str, owner: User) -> Workspace:
        """A new workspace; `plan` is one of Railway's `Plan`: FREE, HOBBY, PRO."""
        now = self.clock.now()
        workspace = Workspace(self.ids.uuid(), name, plan, now, now, members=[Member(owner, "ADMIN")])
        owner.workspaces.append(workspace)
        self.workspaces[workspace.id] = workspace
        return workspace

    def add_token(
        self,
        kind: TokenKind,
        name: str,
        user: User,
        *,
        workspace: Workspace | None = None,
        environment: Environment | None = None,
    ) -> Token:
        """A new token with a new secret."""
        token = Token(
            id=self.ids.uuid(),
            name=name,
            secret=self.ids.uuid(),
            kind=kind,
            user=user,
            created_at=self.clock.now(),
            workspace=workspace,
            environment=environment,
        )
        self.tokens[token.secret] = token
        return token

    def listen(self, topic: str, key: str, listener: Callable[[Any], None]) -> Callable[[], None]:
        """Call `listener` with everything published on a topic about one object; the answer ends it."""
        listeners = self._listeners[topic, key]
        listeners.append(listener)

        def stop() -> None:
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                self._listeners.pop((topic, key), None)

        return stop

    def publish(self, topic: str, key: str, payload: object) -> None:
        """Tell the listeners, in the order in which they came."""
        for listener in tuple(self._listeners.get((topic, key), ())):
            listener(payload)
