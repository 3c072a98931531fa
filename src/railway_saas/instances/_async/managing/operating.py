"""What operators decide where the control loop has stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from railway_saas._core.quoting import quoted
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.errors import (
    InstanceInputError,
    RailwayError,
)
from railway_saas.instances._async.managing.base import AsyncManagerBase
from railway_saas.instances.deciding.building import PROJECT_KEY, TEMPLATE_KEY
from railway_saas.instances.deciding.deleting import DELETE_KEY
from railway_saas.instances.steps import PROJECTS, ProjectSearch
from railway_saas.instances.verbs import BUSY, Verb, not_now, require_verb
from railway_saas.instances.view import DOWN

if TYPE_CHECKING:
    from railway_saas.domain.instances import Instance
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.repositories._async.protocols import AsyncUnitOfWork


MAX_STUCK: Final = 500


class AsyncOperating(AsyncManagerBase):
    """Retry, abandon, adopt."""

    async def retry(self, instance_id: UUID, *, actor: str) -> Instance:
        """Let the loop try again what it gave up. Operators only.

        What may have landed is looked for again first; what Railway refused is sent again; services that did not come up
        are deployed anew.

        Raises:
            InstanceStateError: It does not need attention.
        """
        instance = await self.get(instance_id)
        require_verb(instance, Verb.RETRY)
        situation = await self._reader.situation(instance_id, {}, self._now())
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, None, Verb.RETRY)
            stuck = await work.operations.list_page(
                instance_id=instance_id, state=OperationState.NEEDS_ATTENTION, limit=MAX_STUCK
            )
            refused = situation.open_operations(OperationState.FAILED)
            for operation in (*stuck.items, *refused):
                if not (operation.key == TEMPLATE_KEY and instance.observed.built_from_calls):
                    await work.operations.save(tried_again(operation))
            for row in await work.services.list_for(instance_id):
                if instance.observed.power is None and row.status in DOWN:
                    request = {"subject": row.template_key, "before": row.railway_deployment_id}
                    await self._intend(
                        work, instance, OperationKind.SERVICE_DEPLOY, "retry", request, is_wish=False
                    )
            observed = replace(instance.observed, attention=None, error=None, status_since=self._now())
            return await self._override(work, replace(instance, observed=observed), Verb.RETRY, actor)

    async def abandon(self, instance_id: UUID, *, actor: str) -> Instance:
        """Give it up: what carries its marker is deleted, its slot freed, and it ends as FAILED. Operators only."""
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, None, Verb.ABANDON)
            project = await work.operations.find(instance_id, PROJECT_KEY)
            if project is not None and project.state is OperationState.NEEDS_ATTENTION:
                await work.operations.save(tried_again(project))
            deletion = await work.operations.find(instance_id, DELETE_KEY)
            if deletion is not None and deletion.state in {
                OperationState.NEEDS_ATTENTION,
                OperationState.FAILED,
            }:
                await work.operations.save(tried_again(deletion))
            observed = replace(instance.observed, attention=None, undoing=True)
            if observed.status is not InstanceStatus.DELETING:
                observed = replace(observed, status=InstanceStatus.DELETING, status_since=self._now())
            return await self._override(work, replace(instance, observed=observed), Verb.ABANDON, actor)

    async def adopt(self, instance_id: UUID, project_id: str, *, actor: str) -> Instance:
        """Say which Railway project is the instance's. It must carry the instance's marker. Operators only.

        Raises:
            InstanceInputError: No project of that id carries the marker.
            RailwayError: Railway cannot be asked.
        """
        instance = await self.get(instance_id)
        require_verb(instance, Verb.ADOPT)
        search = (await self._looker.look(instance, [PROJECTS]))[PROJECTS]
        if isinstance(search, RailwayError):
            raise search
        found = search.found if isinstance(search, ProjectSearch) else ()
        project = next((one for one in found if one.project_id == project_id and one.marked), None)
        if project is None:
            raise InstanceInputError(
                f"project_id={quoted(project_id)}: no project of that id carries the instance's marker",
                argument="project_id",
            )
        environment_id = project.environment_id
        if project_id != instance.observed.project_id:
            environment_id = await self._environment_of(project_id)
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, None, Verb.ADOPT)
            made = await work.operations.find(instance_id, PROJECT_KEY)
            if made is not None and made.state is not OperationState.CONFIRMED:
                await work.operations.save(
                    replace(made, state=OperationState.CONFIRMED, finished_at=self._now())
                )
            observed = replace(
                instance.observed, project_id=project_id, environment_id=environment_id, attention=None
            )
            return await self._override(work, replace(instance, observed=observed), Verb.ADOPT, actor)

    async def _environment_of(self, project_id: str) -> str | None:
        project = await self._client.projects.get(project_id)
        return project.environments[0].id if project.environments else None

    async def _override(self, work: AsyncUnitOfWork, instance: Instance, verb: Verb, actor: str) -> Instance:
        """An operator writes the observed half; no worker may be at it meanwhile."""
        now = self._now()
        worker = f"operator-{uuid4().hex[:12]}"
        until = now + timedelta(seconds=self.settings.lease_s)
        claimed = await work.instances.claim(
            instance.id,
            worker=worker,
            now=now,
            lease_until=until,
            believed_until=self.settings.believed_until(now),
        )
        if claimed is None:
            raise not_now(instance, verb, BUSY, is_allowed_otherwise=True)
        await work.instances.save_observed(
            replace(instance, updated_at=now), worker=worker, lease_until=until
        )
        await work.instances.release(claimed, worker=worker, next_check_at=now)
        await self._audit(work, actor, f"instance.{verb}", ("instance", instance.id), instance.user_id)
        changed = await work.instances.get(instance.id)
        await work.commit()
        return changed


def tried_again(operation: ProviderOperation) -> ProviderOperation:
    """An operation that the loop had given up, from the beginning."""
    may_be_there = operation.state is OperationState.NEEDS_ATTENTION or "landed" in operation.result
    doubtful = may_be_there and operation.sent_at is not None
    return replace(
        operation,
        state=OperationState.SENT if doubtful else OperationState.INTENDED,
        result={},
        attempts=0,
        not_before=None,
        finished_at=None,
    )
