"""`client.workflows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas.errors import RailwayError
from railway_saas.railway._async._resource import AsyncResource
from railway_saas.railway.operations import workflows as ops

if TYPE_CHECKING:
    from railway_saas.railway.models.workflows import WorkflowResult


class AsyncWorkflows(AsyncResource):
    """Work that Railway goes on with after it has answered: template deploys, backups, restores."""

    async def status(self, workflow_id: str) -> WorkflowResult:
        """How far a workflow is. `NotFound` right after the call that started it is lag."""
        return await self._client.run(ops.status(workflow_id))

    async def wait_until_complete(self, workflow_id: str, *, timeout_s: float = 300.0) -> WorkflowResult:
        """Look again and again, at growing intervals from one second on, until a workflow is complete.

        Complete means that what it makes exists and deployments are queued, not that they run: wait for
        those with `client.deployments`. Passing faults do not end the wait.

        Args:
            workflow_id: What `templates.deploy` or `backups` returned.
            timeout_s: Seconds to wait in all. The workflow goes on beyond them.

        Raises:
            RailwayDeploymentError: The workflow failed; Railway's text is in the message.
            RailwayTimeoutError: It was not complete in time.
            RailwayAuthError: The token may not look at it, not even after some seconds. The workflow goes on
                all the same: look at what it makes, as Railway's own CLI does.
        """
        operation = ops.poll(workflow_id, timeout_s)
        deadline = self._client.clock.monotonic() + timeout_s
        pause: float | None = None
        while True:
            try:
                result = await self._client.run(operation)
            except RailwayError as error:
                if not error.transient:
                    raise
                seen = str(error)
            else:
                if ops.is_complete(workflow_id, result):
                    return result
                seen = str(result.status)
            remaining = deadline - self._client.clock.monotonic()
            if remaining <= 0:
                raise ops.not_in_time(workflow_id, timeout_s, seen)
            pause = ops.next_poll_s(pause)
            await self._client.clock.sleep(min(pause, remaining))
