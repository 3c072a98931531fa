"""`client.deployments`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import RailwayError
from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway._async._streams import end, keep_following
from railway_saas.railway.operations import _waiting
from railway_saas.railway.operations import deployments as ops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from railway_saas._core.paging import Page
    from railway_saas.railway.models.deployments import (
        Deployment,
        DeploymentEvent,
        DeploymentExecution,
        DeploymentStatus,
    )

_MOST_STEPS = 100
"""Railway knows ten steps, some of which are tried several times."""


class AsyncDeployments(AsyncResource):
    """Railway's deployments: one run of a service's source in one environment."""

    def list(
        self,
        *,
        project_id: str | None = None,
        environment_id: str | None = None,
        service_id: str | None = None,
        status_in: Iterable[DeploymentStatus | str] | None = None,
        status_not_in: Iterable[DeploymentStatus | str] | None = None,
        include_deleted: bool | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[Deployment]:
        """Go through deployments, newest first, page by page as needed.

        Args:
            project_id: Of this project only.
            environment_id: Of this environment only.
            service_id: Of this service only.
            status_in: In one of these states only.
            status_not_in: In none of these states.
            include_deleted: Deleted ones too.
            page_size: Deployments per request; Railway's default when None.

        Raises:
            RailwayInputError: A status or the page size cannot be used. Nothing was sent.
            RailwayError: Any of its subclasses, while iterating.
        """
        return self._all(
            lambda cursor: ops.list_page(
                project_id=project_id,
                environment_id=environment_id,
                service_id=service_id,
                status_in=status_in,
                status_not_in=status_not_in,
                include_deleted=include_deleted,
                first=page_size,
                after=cursor,
            )
        )

    async def list_page(
        self,
        *,
        project_id: str | None = None,
        environment_id: str | None = None,
        service_id: str | None = None,
        status_in: Iterable[DeploymentStatus | str] | None = None,
        status_not_in: Iterable[DeploymentStatus | str] | None = None,
        include_deleted: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Page[Deployment]:
        """Exactly one request: `.items`, and `.next_cursor` for `after` of the next; arguments as for `list`."""
        return await self._client.run(
            ops.list_page(
                project_id=project_id,
                environment_id=environment_id,
                service_id=service_id,
                status_in=status_in,
                status_not_in=status_not_in,
                include_deleted=include_deleted,
                first=first,
                after=after,
            )
        )

    async def get(self, deployment_id: str) -> Deployment:
        """One deployment with all that Railway tells.

        Raises:
            RailwayNotFoundError: There is no such deployment.
        """
        return await self._client.run(ops.get(deployment_id))

    def events(self, deployment_id: str, *, page_size: int | None = None) -> AsyncIterator[DeploymentEvent]:
        """Go through the steps that a deployment has taken."""
        return self._all(lambda cursor: ops.events_page(deployment_id, first=page_size, after=cursor))

    async def events_page(
        self, deployment_id: str, *, first: int | None = None, after: str | None = None
    ) -> Page[DeploymentEvent]:
        """One page of the steps that a deployment has taken."""
        return await self._client.run(ops.events_page(deployment_id, first=first, after=after))

    def executions(
        self, *, service_id: str, environment_id: str, page_size: int | None = None
    ) -> AsyncIterator[DeploymentExecution]:
        """Go through the runs of a cron service."""
        return self._all(
            lambda cursor: ops.executions_page(
                service_id=service_id, environment_id=environment_id, first=page_size, after=cursor
            )
        )

    async def executions_page(
        self, *, service_id: str, environment_id: str, first: int | None = None, after: str | None = None
    ) -> Page[DeploymentExecution]:
        """One page of the runs of a cron service."""
        return await self._client.run(
            ops.executions_page(
                service_id=service_id, environment_id=environment_id, first=first, after=after
            )
        )

    async def redeploy(self, deployment_id: str, *, use_previous_image_tag: bool | None = None) -> Deployment:
        """Make a new deployment from the same source and settings. Not idempotent.

        Args:
            deployment_id: The one to repeat.
            use_previous_image_tag: Take the image as it was then, not what its tag points to now.

        Raises:
            RailwayConnectionError: With `maybe_applied` set, look for the deployment before trying again.
        """
        return await self._client.run(
            ops.redeploy(deployment_id, use_previous_image_tag=use_previous_image_tag)
        )

    async def restart(self, deployment_id: str) -> bool:
        """Start the processes anew; the deployment stays the same. Works on a stopped one too.

        Raises:
            RailwayStateError: It sleeps; Railway refuses then.
        """
        return await self._client.run(ops.restart(deployment_id))

    async def rollback(self, deployment_id: str) -> bool:
        """Make a new deployment from this one's image and variables, where `can_rollback` says so.

        Raises:
            RailwayStateError: The image is no longer kept.
        """
        return await self._client.run(ops.rollback(deployment_id))

    async def stop(self, deployment_id: str) -> bool:
        """End the processes. The status stays; `deployment_stopped` turns true some seconds later.

        `wait_until(deployment_id, stopped=True)` waits for that.

        Raises:
            RailwayStateError: It sleeps; Railway refuses then.
        """
        return await self._client.run(ops.stop(deployment_id))

    async def cancel(self, deployment_id: str) -> bool:
        """Abort a deployment that is initializing, queued or building; it becomes `REMOVED`."""
        return await self._client.run(ops.cancel(deployment_id))

    async def remove(self, deployment_id: str) -> bool:
        """End the processes and move the deployment to the history: `REMOVING`, then `REMOVED`."""
        return await self._client.run(ops.remove(deployment_id))

    async def approve(self, deployment_id: str) -> bool:
        """Let a deployment go on that needs approval."""
        return await self._client.run(ops.approve(deployment_id))

    async def wait_until(
        self,
        deployment_id: str,
        *,
        statuses: Iterable[DeploymentStatus | str] | DeploymentStatus | str = _waiting.RUNNING,
        stopped: bool | None = None,
        timeout_s: float = 600.0,
        on_change: Callable[[Deployment], None] | None = None,
    ) -> Deployment:
        """Wait until a deployment is in one of some states, by looking, at first every second, later less often.

        Args:
            deployment_id: What to wait for.
            statuses: The states; by default `SUCCESS` and `SLEEPING`.
            stopped: Also wait until its processes have ended (True) or run (False).
            timeout_s: Seconds to wait at most.
            on_change: Called with what is seen first, and whenever something has changed.

        Raises:
            RailwayDeploymentError: It ended (failed, crashed, was skipped or removed) in a state not asked for.
            RailwayTimeoutError: It is in another state after all this time; the message says in which.
            RailwayInputError: A status is none of Railway's. Nothing was sent.
        """
        wanted = _waiting.wanted_statuses(statuses)
        deadline = self._client.clock.monotonic() + timeout_s
        latest: Deployment | None = None
        for interval_s in _waiting.look_intervals():
            seen = await self._look(deployment_id)
            if not isinstance(seen, RailwayError):
                if on_change is not None and _waiting.has_changed(latest, seen):
                    on_change(seen)
                latest = seen
                if _waiting.has_arrived(seen, wanted, stopped=stopped):
                    return seen
            remaining_s = deadline - self._client.clock.monotonic()
            if remaining_s <= 0:
                cause = seen if isinstance(seen, RailwayError) else None
                raise _waiting.out_of_time(deployment_id, latest, wanted, timeout_s=timeout_s, cause=cause)
            await self._client.clock.sleep(min(interval_s, remaining_s))
        raise AssertionError  # pragma: no cover - the intervals never end

    async def watch(self, deployment_id: str, *, poll_s: float = 15.0) -> AsyncIterator[Deployment]:
        """Follow a deployment: yields it as it is, then at each change, until it failed, was skipped or removed.

        A crashed one is followed on, as it may be restarted. Changes are pushed over a subscription that
        reconnects by itself. Railway does not push a stop, so the deployment is also looked at now and then.

        Args:
            deployment_id: What to follow.
            poll_s: Seconds without a push after which to look.

        Raises:
            RailwayConnectionError: Twelve connections in a row failed.
            RailwayNotFoundError: There is no such deployment.
            ConfigurationError: The `streams` extra is not installed.
        """
        latest: Deployment | None = None
        pushes = keep_following(
            self._client,
            lambda: self._client.subscribe(ops.watch(deployment_id), idle_s=poll_s),
            poll_s=poll_s,
        )
        try:
            async for pushed in pushes:
                seen = pushed or await self._look(deployment_id)
                if isinstance(seen, RailwayError) or _waiting.is_outdated(seen, latest):
                    continue
                changed, latest = _waiting.has_changed(latest, seen), seen
                if changed:
                    yield seen
                if seen.is_terminal:
                    return
        finally:
            await end(pushes)

    async def watch_events(
        self, deployment_id: str, *, poll_s: float = 15.0
    ) -> AsyncIterator[DeploymentEvent]:
        """Follow a deployment's steps: each when it begins and when it ends, until the deployment has settled.

        Steps taken before are yielded first; none is missed when the connection breaks.

        Args:
            deployment_id: What to follow.
            poll_s: Seconds without a push after which to look whether the deployment has settled.

        Raises:
            RailwayConnectionError: Twelve connections in a row failed.
            RailwayNotFoundError: There is no such deployment.
            ConfigurationError: The `streams` extra is not installed.
        """
        told = _waiting.EventLog()
        pushes = keep_following(
            self._client,
            lambda: self._client.subscribe(ops.watch_events(deployment_id), idle_s=poll_s),
            poll_s=poll_s,
        )
        try:
            async for pushed in pushes:
                # Looked at before the steps are read: none can follow those of a settled deployment.
                state = None if pushed is not None else await self._look(deployment_id)
                events = (pushed,) if pushed is not None else await self._steps(deployment_id)
                for event in told.news(events):
                    yield event
                if state is not None and not isinstance(state, RailwayError) and state.is_settled:
                    return
        finally:
            await end(pushes)

    async def _look(self, deployment_id: str) -> Deployment | RailwayError:
        """The deployment's state, or the passing fault that hid it."""
        try:
            return await self._client.run(ops.poll(deployment_id))
        except RailwayError as error:
            if not error.transient:
                raise
            return error

    async def _steps(self, deployment_id: str) -> Iterable[DeploymentEvent]:
        """The steps so far, a page at most; none where a passing fault hides them, as the next look brings them."""
        try:
            return await self._client.run(ops.events_page(deployment_id, first=_MOST_STEPS))
        except RailwayError as error:
            if not error.transient:
                raise
            return ()
