"""Driving the control loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from railway_saas.domain.ids import lowest_id
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.errors import (
    InstanceError,
    InstanceNotFoundError,
    NeedsAttentionError,
    NotFoundError,
    ProvisioningError,
)
from railway_saas.instances._async.managing.base import AsyncManagerBase
from railway_saas.instances.arguments import LARGEST_RUN, identity, seconds, whole
from railway_saas.instances.outcomes import Outcome, OutcomeKind, RunReport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.instances import (
        Instance,
        InstanceEvent,
    )


BUSY_PAUSE_S: Final = 2.0
"""Seconds between looks at an instance that another worker has."""


class AsyncDriving(AsyncManagerBase):
    """Turns, runs and waiting."""

    async def reconcile(self, instance_id: UUID) -> Outcome:
        """Take one instance as far as it goes now; `next_check_at` says when there may be more to do.

        Safe to call from anywhere, as often as one likes, also at the same time.

        Raises:
            InstanceNotFoundError: There is no such instance.
        """
        identity(instance_id, "instance_id")
        try:
            return await self._loop.for_one_run().reconcile(instance_id)
        except NotFoundError as error:
            raise InstanceNotFoundError(f"there is no instance {instance_id}") from error

    async def run_due(self, *, limit: int = 100) -> RunReport:
        """Take every instance that is due, up to `limit`, as far as it goes now: a worker calls this again and again.

        Looks are merged, a hundred to a request, and go out after users' actions.
        """
        return await self._loop.for_one_run().run_due(whole(limit, "limit", low=1, high=LARGEST_RUN))

    async def next_due_at(self) -> datetime | None:
        """When `run_due` finds something next; None: there is nothing to look after."""
        return await self._loop.next_due_at()

    async def wait(
        self, instance_id: UUID, *, timeout_s: float = 1200.0, user_id: UUID | None = None
    ) -> Instance:
        """Drive one instance until what is wanted is so.

        Raises:
            ProvisioningError: It could not be brought to run; it is FAILED, and its slot free.
            NeedsAttentionError: An operator has to decide.
            InstanceError: Time is up; it goes on when a worker comes by.
        """
        async for _ in self.follow(instance_id, timeout_s=timeout_s, user_id=user_id):
            pass
        return await self._concluded(instance_id)

    async def _concluded(self, instance_id: UUID) -> Instance:
        instance = await self.get(instance_id)
        if instance.observed.attention is not None:
            raise NeedsAttentionError(f"{instance.name} needs attention: {instance.observed.attention}")
        if instance.status is InstanceStatus.FAILED:
            raise ProvisioningError(
                f"{instance.name} could not be brought to run: {instance.observed.error}",
                step="status",
                project_id=instance.observed.project_id,
            )
        return instance

    async def follow(
        self, instance_id: UUID, *, timeout_s: float = 1200.0, user_id: UUID | None = None
    ) -> AsyncIterator[InstanceEvent]:
        """Drive one instance until what is wanted is so, and yield what happens, whichever worker does it.

        Raises:
            InstanceNotFoundError: There is none of that id, or it is somebody else's.
            InstanceError: Time is up; it goes on when a worker comes by.
        """
        seconds(timeout_s, "timeout_s")
        await self.get(instance_id, user_id=user_id)
        deadline = self._clock.monotonic() + timeout_s
        seen = await self._latest_event(instance_id)
        while True:
            outcome = await self.reconcile(instance_id)
            async for event in self._events_after(instance_id, seen):
                yield event
                seen = str(event.id)
            if outcome.kind is OutcomeKind.SETTLED:
                return
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise InstanceError(
                    f"instance {instance_id} was not done after {timeout_s:g} s ({outcome.reason}); it goes on when "
                    "a worker comes by"
                )
            pause = BUSY_PAUSE_S
            if outcome.next_check_at is not None:
                pause = max(0.0, (outcome.next_check_at - self._now()).total_seconds())
            await self._clock.sleep(min(pause, left))

    async def _latest_event(self, instance_id: UUID) -> str | None:
        """The newest event before this moment: those of one moment are told together."""
        async with self._database.unit_of_work() as work:
            latest = await work.events.latest(instance_id)
        return None if latest is None else str(min(latest.id, lowest_id(self._now())))

    async def _events_after(self, instance_id: UUID, after: str | None) -> AsyncIterator[InstanceEvent]:
        cursor, is_first = after, True
        while cursor is not None or is_first:
            is_first = False
            async with self._database.unit_of_work() as work:
                page = await work.events.list_page(instance_id, after=cursor)
            for event in page:
                yield event
            cursor = page.next_cursor
