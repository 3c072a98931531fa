"""Staged changes and committed patches of environments.

An environment has one waiting patch at a time. Staging merges into it (or replaces it), committing applies everything
that waits, whoever staged it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from railway_saas.emulator.config_effects import apply_patch, check_patch
from railway_saas.emulator.config_settings import merge_patches
from railway_saas.emulator.config_shape import ENVIRONMENT_CONFIG, check_shape
from railway_saas.emulator.errors import Refusal
from railway_saas.emulator.ordering import deploy_in_order
from railway_saas.emulator.registry import part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from railway_saas.emulator.world.accounts import User
    from railway_saas.emulator.world.deployments import Deployment
    from railway_saas.emulator.world.projects import Environment
    from railway_saas.emulator.world.world import World

TOPIC = "staged-patch"
APPLYING_S = 0.8
"""How long a patch says APPLYING after its effects are there."""

_RESOURCES = ("services", "sharedVariables", "volumes", "buckets")


@dataclass(slots=True, eq=False)
class EnvironmentPatch:
    """Changes to an environment: STAGED, APPLYING or COMMITTED."""

    id: str
    environment: Environment
    document: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    status: str = "STAGED"
    message: str | None = None
    applied_at: datetime | None = None
    applied_by: User | None = None
    last_applied_error: str | None = None

    @property
    def environment_id(self) -> str:
        """Id of the environment."""
        return self.environment.id


@part
class Patches:
    """The patches of all environments."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._staged: dict[str, EnvironmentPatch] = {}
        self._slow: dict[str, EnvironmentPatch] = {}
        """Those that are still to be seen being applied."""
        self._committed: dict[str, list[EnvironmentPatch]] = {}
        self._by_id: dict[str, EnvironmentPatch] = {}
        world.hooks.environment_deleted.append(self._forget)

    def find(self, patch_id: str) -> EnvironmentPatch | None:
        """A patch by id."""
        return self._by_id.get(patch_id)

    def staged(self, environment: Environment) -> EnvironmentPatch:
        """What waits; an empty placeholder when nothing does."""
        known = self._staged.get(environment.id)
        if known is not None:
            return known
        number = len(self._committed.get(environment.id, ()))
        return self._new(environment, {}, str(uuid.uuid5(uuid.UUID(environment.id), f"staged:{number}")))

    def shown(self, environment: Environment) -> EnvironmentPatch:
        """What waits, else what is seen being applied, else an empty placeholder."""
        waiting = self._staged.get(environment.id) or self._slow.get(environment.id)
        return waiting or self.staged(environment)

    def committed(self, environment: Environment) -> list[EnvironmentPatch]:
        """What was applied, newest first."""
        return self._committed.get(environment.id, [])[::-1]

    def waiting(self, environment: Environment) -> int:
        """How many services, volumes, buckets and shared variables wait to be changed."""
        staged = self._staged.get(environment.id)
        document = staged.document if staged else {}
        return sum(len(document.get(name) or {}) for name in _RESOURCES)

    def stage(
        self, environment: Environment, document: Mapping[str, Any], *, merge: bool
    ) -> EnvironmentPatch:
        """Let changes wait, together with those that already do (`merge`) or instead of them.

        Raises:
            Refusal: They could not be applied.
        """
        check_shape(document, ENVIRONMENT_CONFIG)
        staged = self.staged(environment)
        merged = merge_patches(staged.document, document) if merge else dict(document)
        check_patch(self._world, environment, merged)
        staged.document = merged
        staged.updated_at = self._world.clock.now()
        self._staged[environment.id] = staged
        self._by_id[staged.id] = staged
        self._publish(staged)
        return staged

    def commit_staged(
        self,
        environment: Environment,
        *,
        message: str | None,
        by: User | None,
        skip_deploys: bool,
        seconds: float = 0.0,
    ) -> EnvironmentPatch:
        """Apply everything that waits. What cannot be applied goes on waiting, with `last_applied_error`.

        Args:
            environment: Where.
            message: What is said about it.
            by: Who does it.
            skip_deploys: Whether nothing is deployed because of it.
            seconds: For how long it is seen being applied.
        """
        staged = self.staged(environment)
        try:
            check_patch(self._world, environment, staged.document)
            self._apply(staged, message=message, by=by, skip_deploys=skip_deploys)
        except Refusal as refusal:
            return self.refuse_staged(environment, refusal.message)
        self._staged.pop(environment.id, None)
        if seconds > 0:
            self._slow[environment.id] = staged
            self._world.clock.call_later(seconds, lambda: self._slow.pop(environment.id, None))
        return staged

    def refuse_staged(self, environment: Environment, reason: str) -> EnvironmentPatch:
        """What waits cannot be applied: it goes on waiting, and says why."""
        staged = self.staged(environment)
        staged.last_applied_error = reason
        self._publish(staged)
        return staged

    def commit(
        self,
        environment: Environment,
        document: Mapping[str, Any],
        *,
        message: str | None = None,
        by: User | None = None,
    ) -> EnvironmentPatch:
        """Apply changes now, past those that wait.

        Raises:
            Refusal: They cannot be applied.
        """
        check_patch(self._world, environment, document)
        patch = self._new(environment, dict(document), self._world.ids.uuid())
        self._apply(patch, message=message, by=by, skip_deploys=False)
        return patch

    def _apply(
        self, patch: EnvironmentPatch, *, message: str | None, by: User | None, skip_deploys: bool
    ) -> list[Deployment]:
        effects = apply_patch(self._world, patch.environment, patch.document)
        now = self._world.clock.now()
        patch.status = "APPLYING"
        patch.message, patch.applied_by, patch.last_applied_error = message, by, None
        patch.applied_at = patch.updated_at = now
        self._by_id[patch.id] = patch
        self._committed.setdefault(patch.environment.id, []).append(patch)
        self._publish(patch)
        self._world.clock.call_later(APPLYING_S, lambda: self._applied(patch))
        if skip_deploys:
            return []
        return deploy_in_order(self._world, effects.to_deploy(), creator=by)

    def _applied(self, patch: EnvironmentPatch) -> None:
        patch.status = "COMMITTED"
        patch.updated_at = self._world.clock.now()
        self._publish(patch)

    def _publish(self, patch: EnvironmentPatch) -> None:
        self._world.publish(TOPIC, patch.environment.id, patch)

    def _new(self, environment: Environment, document: dict[str, Any], patch_id: str) -> EnvironmentPatch:
        now = self._world.clock.now()
        return EnvironmentPatch(patch_id, environment, document, now, now)

    def _forget(self, environment: Environment) -> None:
        self._staged.pop(environment.id, None)
        for patch in self._committed.pop(environment.id, ()):
            self._by_id.pop(patch.id, None)
