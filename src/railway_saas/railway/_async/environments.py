"""`client.environments`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import RailwayError
from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway._async._streams import end, keep_following
from railway_saas.railway.operations import environments as ops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.environments import Environment, EnvironmentConfig, EnvironmentPatch
    from railway_saas.railway.models.services import DeploymentTrigger


class AsyncEnvironments(AsyncResource):
    """Railway's environments, and their configuration with the patches that change it."""

    def list(
        self, project_id: str, *, is_ephemeral: bool | None = None, page_size: int | None = None
    ) -> AsyncIterator[Environment]:
        """Go through all environments of a project, page by page as needed.

        Args:
            project_id: Whose environments.
            is_ephemeral: Only those of pull requests (True), or only the others (False).
            page_size: Environments per request; Railway's default when None.
        """
        return self._all(
            lambda cursor: ops.list_page(project_id, is_ephemeral=is_ephemeral, first=page_size, after=cursor)
        )

    async def list_page(
        self,
        project_id: str,
        *,
        is_ephemeral: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Page[Environment]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next."""
        return await self._client.run(
            ops.list_page(project_id, is_ephemeral=is_ephemeral, first=first, after=after)
        )

    async def get(self, environment_id: str) -> Environment:
        """One environment with its service and volume instances.

        Raises:
            RailwayAuthError: There is no such environment, or the token may not see it; Railway answers alike.
        """
        return await self._client.run(ops.get(environment_id))

    async def create(
        self,
        project_id: str,
        *,
        name: str,
        source_environment_id: str | None = None,
        ephemeral: bool | None = None,
        skip_initial_deploys: bool | None = None,
        stage_initial_changes: bool | None = None,
        apply_changes_in_background: bool | None = None,
    ) -> Environment:
        """Make an environment, empty or as a copy of another. Not idempotent.

        Args:
            project_id: Where.
            name: Its name.
            source_environment_id: Copy services, volumes, configuration and variables from here; sealed values
                are not copied.
            ephemeral: Whether it belongs to a pull request.
            skip_initial_deploys: Deploy nothing yet.
            stage_initial_changes: Leave the copied configuration in the staged patch instead of committing it.
            apply_changes_in_background: Return at once instead of when everything is applied.

        Raises:
            RailwayRateLimitError: Railway allows one new environment per 30 seconds.
            RailwayConnectionError: With `maybe_applied` set, look for the environment before trying again.
        """
        return await self._client.run(
            ops.create(
                project_id,
                name=name,
                source_environment_id=source_environment_id,
                ephemeral=ephemeral,
                skip_initial_deploys=skip_initial_deploys,
                stage_initial_changes=stage_initial_changes,
                apply_changes_in_background=apply_changes_in_background,
            )
        )

    async def rename(self, environment_id: str, *, name: str) -> Environment:
        """Give an environment another name."""
        return await self._client.run(ops.rename(environment_id, name=name))

    async def delete(self, environment_id: str) -> bool:
        """Delete an environment with everything in it."""
        return await self._client.run(ops.delete(environment_id))

    async def triggers_deploy(self, *, project_id: str, environment_id: str, service_id: str) -> bool:
        """Deploy what a service's triggers (repository and branch) point to."""
        return await self._client.run(
            ops.triggers_deploy(project_id=project_id, environment_id=environment_id, service_id=service_id)
        )

    def deployment_triggers(
        self, environment_id: str, *, page_size: int | None = None
    ) -> AsyncIterator[DeploymentTrigger]:
        """Go through the repository branches whose pushes deploy something here."""
        return self._all(
            lambda cursor: ops.deployment_triggers_page(environment_id, first=page_size, after=cursor)
        )

    async def config(self, environment_id: str, *, decrypt: bool = False) -> EnvironmentConfig:
        """The whole configuration of an environment, and the etag that names this state of it.

        Args:
            environment_id: Whose configuration.
            decrypt: With the values of variables; without, Railway hides them.
        """
        return await self._client.run(ops.config(environment_id, decrypt=decrypt))

    async def staged_changes(self, environment_id: str, *, decrypt: bool = False) -> EnvironmentPatch:
        """The patch that waits to be committed; an empty one where nothing waits."""
        return await self._client.run(ops.staged_changes(environment_id, decrypt=decrypt))

    async def stage_changes(
        self, environment_id: str, config: Mapping[str, object], *, merge: bool | None = None
    ) -> EnvironmentPatch:
        """Put a patch in waiting, to be committed with `commit_staged`.

        Args:
            environment_id: Where.
            config: The change, in the shape of the environment's configuration: `{"services": {"<id>": {...}}}`.
                An empty one, without `merge`, discards what waits.
            merge: Merge it into the patch that waits; otherwise it takes its place, with what others staged.

        Raises:
            RailwayInputError: `config` is no mapping. Nothing was sent.
        """
        return await self._client.run(ops.stage_changes(environment_id, config, merge=merge))

    async def commit_staged(
        self, environment_id: str, *, message: str | None = None, skip_deploys: bool | None = None
    ) -> str:
        """Apply everything that waits, also what others staged. What the returned id names is not documented.

        Args:
            environment_id: Where.
            message: Kept with the patch.
            skip_deploys: Do not deploy the services it changes.

        Raises:
            RailwayConnectionError: With `maybe_applied` set, read `staged_changes` before trying again.
        """
        return await self._client.run(
            ops.commit_staged(environment_id, message=message, skip_deploys=skip_deploys)
        )

    async def commit_patch(
        self, environment_id: str, patch: Mapping[str, object], *, message: str | None = None
    ) -> str:
        """Apply a patch now and deploy what it changes. What the returned id names is not documented.

        Args:
            environment_id: Where.
            patch: The change; it is merged deeply into the configuration, and None deletes a key.
            message: Kept with the patch.

        Raises:
            RailwayInputError: `patch` is no mapping, or empty. Nothing was sent.
            RailwayConnectionError: With `maybe_applied` set, read `config` before trying again.
        """
        return await self._client.run(ops.commit_patch(environment_id, patch, message=message))

    def patches(
        self, environment_id: str, *, page_size: int | None = None
    ) -> AsyncIterator[EnvironmentPatch]:
        """Go through the patches of an environment, without what they change: `patch` reads that."""
        return self._all(lambda cursor: ops.patches_page(environment_id, first=page_size, after=cursor))

    async def patches_page(
        self, environment_id: str, *, first: int | None = None, after: str | None = None
    ) -> Page[EnvironmentPatch]:
        """One page of the patches of an environment."""
        return await self._client.run(ops.patches_page(environment_id, first=first, after=after))

    async def patch(self, patch_id: str, *, decrypt: bool = False) -> EnvironmentPatch:
        """One patch with what it changes; values of variables only with `decrypt`."""
        return await self._client.run(ops.patch(patch_id, decrypt=decrypt))

    async def watch_staged_changes(
        self, environment_id: str, *, poll_s: float = 60.0
    ) -> AsyncIterator[EnvironmentPatch]:
        """Follow the staged patch: yields it as it is, then at each change. Ends with the caller's loop only.

        Args:
            environment_id: Whose patch.
            poll_s: Seconds without a push after which to look.

        Raises:
            RailwayConnectionError: Twelve connections in a row failed.
            ConfigurationError: The `streams` extra is not installed.
        """
        latest: EnvironmentPatch | None = None
        pushes = keep_following(
            self._client,
            lambda: self._client.subscribe(ops.watch_staged_changes(environment_id), idle_s=poll_s),
            poll_s=poll_s,
        )
        try:
            async for pushed in pushes:
                seen = pushed or await self._look(environment_id)
                if seen is not None and seen != latest:
                    latest = seen
                    yield seen
        finally:
            await end(pushes)

    async def _look(self, environment_id: str) -> EnvironmentPatch | None:
        """The staged patch; None where a passing fault hides it, as the next look brings it."""
        try:
            return await self.staged_changes(environment_id)
        except RailwayError as error:
            if not error.transient:
                raise
            return None
