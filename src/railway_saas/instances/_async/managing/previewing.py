"""Having Railway check changes without making them: staged and discarded in one request, under the instance's lease."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from railway_saas.domain.ids import new_id
from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.statuses import OperationState
from railway_saas.errors import RailwayError
from railway_saas.instances._async.managing.base import AsyncManagerBase
from railway_saas.instances.effects import PREVIEW_PREFIX, is_restoring
from railway_saas.instances.masking import mask_error, sent_values
from railway_saas.instances.staging import outline_of
from railway_saas.instances.verbs import BUSY, COMING_UP, RESTORING, Verb, not_now
from railway_saas.instances.writes import digest_of
from railway_saas.railway.operations import environments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas._core.operation import Operation
    from railway_saas.domain.instances import Instance
    from railway_saas.railway.models.environments import EnvironmentPatch
    from railway_saas.repositories._async.protocols import AsyncUnitOfWork
    from railway_saas.templates import JsonObject


class AsyncPreviewing(AsyncManagerBase):
    """Dry runs.

    What waits in an environment is committed as a whole, so nobody may commit while something of a preview waits: the
    preview has the lease meanwhile, and is written down before it is sent. Who finds it unfinished discards what it left.
    """

    async def _refuse_unsettled(
        self, work: AsyncUnitOfWork, instance: Instance, *, for_owner: bool = False
    ) -> None:
        """What is changing has no preview of a further change.

        Raises:
            InstanceStateError: An upgrade or a restore is going on.
        """
        applied, rollout = instance.observed.applied, instance.observed.rollout
        if (applied and applied.revision_id != instance.desired.revision_id) or rollout.watching:
            raise not_now(instance, Verb.UPGRADE, COMING_UP, for_owner=for_owner)
        if is_restoring(await work.operations.list_open(instance.id)):
            raise not_now(instance, Verb.UPGRADE, RESTORING, for_owner=for_owner)

    async def _try_staging(self, instance: Instance, patch: JsonObject, *, for_owner: bool) -> int:
        """How many services and volumes Railway understood, after it has forgotten them again.

        Raises:
            InstanceStateError: It is changing, or a worker is at it.
            RailwayError: Railway does not take the changes, or cannot be asked.
        """
        environment_id = instance.observed.environment_id or ""
        calls = [
            environments.stage_changes(environment_id, patch, merge=False),
            environments.stage_changes(environment_id, {}, merge=False),
        ]
        claimed, written = await self._take(instance, patch, calls, for_owner=for_owner)
        try:
            self._refuse_when_late(claimed, written, for_owner=for_owner)
            staged, discarded = await self._stage(calls)
        except Exception:
            await self._give_back(claimed, written, done=False)
            raise
        for failure in (staged, discarded):
            if isinstance(failure, RailwayError):
                mask_error(failure, sent_values(calls))
        await self._give_back(claimed, written, done=_nothing_is_left(staged, discarded))
        if isinstance(staged, RailwayError):
            raise staged
        if isinstance(discarded, RailwayError):
            raise discarded
        return sum(len(part) for part in staged.patch.values() if isinstance(part, dict))

    async def _take(
        self,
        instance: Instance,
        patch: JsonObject,
        calls: Sequence[Operation[EnvironmentPatch]],
        *,
        for_owner: bool,
    ) -> tuple[Instance, ProviderOperation]:
        """Take the lease, and write down what is about to be sent."""
        now = self._now()
        identity = new_id(now)
        written = ProviderOperation(
            id=identity,
            instance_id=instance.id,
            key=f"{PREVIEW_PREFIX}{identity}",
            kind=OperationKind.PREVIEW,
            state=OperationState.SENT,
            request={"outline": outline_of(patch)},
            request_digest=digest_of(calls),
            attempts=1,
            created_at=now,
            sent_at=now,
        )
        async with self._database.unit_of_work() as work:
            locked = await self._locked(
                work, instance.id, instance.user_id if for_owner else None, Verb.UPGRADE
            )
            await self._refuse_unsettled(work, locked, for_owner=for_owner)
            until = now + timedelta(seconds=self.settings.lease_s)
            await work.instances.wake(instance.id, at=until)  # should this process die, a worker comes then
            claimed = await work.instances.claim(
                instance.id,
                worker=f"preview-{uuid4().hex[:12]}",
                now=now,
                lease_until=until,
                believed_until=self.settings.believed_until(now),
            )
            if claimed is None:
                raise not_now(locked, Verb.UPGRADE, BUSY, for_owner=for_owner, is_allowed_otherwise=True)
            await work.operations.add(written)
            await work.commit()
        return replace(claimed, next_check_at=locked.next_check_at), written

    async def _stage(
        self, calls: Sequence[Operation[EnvironmentPatch]]
    ) -> Sequence[EnvironmentPatch | RailwayError]:
        try:
            return await self._client.batch(calls, return_errors=True)
        except RailwayError as error:
            return [error] * len(calls)

    def _refuse_when_late(self, claimed: Instance, written: ProviderOperation, *, for_owner: bool) -> None:
        """A process that was frozen since it took the lease must not send: a worker may be at it by now."""
        late = (self._now() - written.created_at).total_seconds()
        if late > self.settings.lease_s - self.settings.call_timeout_s:
            raise not_now(claimed, Verb.UPGRADE, BUSY, for_owner=for_owner, is_allowed_otherwise=True)

    async def _give_back(self, claimed: Instance, written: ProviderOperation, *, done: bool) -> None:
        """Where it is not certain that nothing is left, a worker is to look at once."""
        now = self._now()
        async with self._database.unit_of_work() as work:
            stored = await work.instances.lock(claimed.id)
            if stored.lease_owner != claimed.lease_owner:
                return
            if done:
                await work.operations.save(replace(written, state=OperationState.CONFIRMED, finished_at=now))
            await work.instances.release(
                claimed,
                worker=claimed.lease_owner or "",
                next_check_at=claimed.next_check_at if done else now,
            )
            await work.commit()


def _nothing_is_left(staged: object, discarded: object) -> bool:
    """Whether Railway has discarded it, or certainly never had it."""
    refused = isinstance(staged, RailwayError) and not staged.maybe_applied
    return refused or not isinstance(discarded, RailwayError)
