"""Restart, redeploy, roll back, stop, start, suspend, resume, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from railway_saas._core.quoting import quoted
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import DesiredStatus
from railway_saas.errors import (
    InstanceInputError,
    InstanceNotFoundError,
)
from railway_saas.instances._async.managing.base import AsyncManagerBase
from railway_saas.instances.arguments import LONGEST_RAILWAY_ID, grace_if_given, text
from railway_saas.instances.verbs import Verb, is_deletion_due, not_now

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from railway_saas.domain.instances import (
        Instance,
    )


class AsyncSwitching(AsyncManagerBase):
    """What is done once, and switching off and on."""

    async def restart(
        self,
        instance_id: UUID,
        *,
        service: str | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Start the processes of all services, or of one, anew; deployments stay the same."""
        return await self._act(
            instance_id,
            Verb.RESTART,
            OperationKind.RESTART,
            "restart",
            service=service,
            user_id=user_id,
            actor=actor,
        )

    async def redeploy(
        self,
        instance_id: UUID,
        *,
        service: str | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Deploy all services, or one, anew from their settings as they are."""
        return await self._act(
            instance_id,
            Verb.REDEPLOY,
            OperationKind.SERVICE_DEPLOY,
            "redeploy",
            service=service,
            user_id=user_id,
            actor=actor,
        )

    async def _act(
        self,
        instance_id: UUID,
        verb: Verb,
        kind: OperationKind,
        prefix: str,
        *,
        service: str | None,
        user_id: UUID | None,
        actor: str | None,
    ) -> Instance:
        """Something that is done once per service, in the order of the services' names."""
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, verb)
            rows = await work.services.list_for(instance_id)
            chosen = [row for row in rows if service is None or row.name == service]
            if not chosen:
                names = ", ".join(row.name for row in rows)
                raise InstanceInputError(
                    f"service={quoted(service)}: there is none of that name; there are {names}",
                    argument="service",
                )
            for row in chosen:
                request = {
                    "subject": row.template_key,
                    "before": row.railway_deployment_id,
                    "deployment_id": row.railway_deployment_id,
                }
                await self._intend(work, instance, kind, prefix, request)
            return await self._want(work, instance, verb, actor, {"service": service})

    async def rollback(
        self,
        instance_id: UUID,
        railway_deployment_id: str,
        *,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Go back to an earlier deployment of a service: its image and its variables.

        Raises:
            InstanceNotFoundError: The instance has no such deployment.
        """
        text(railway_deployment_id, "railway_deployment_id", longest=LONGEST_RAILWAY_ID)
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.ROLLBACK)
            deployment = await work.deployments.find(railway_deployment_id)
            if deployment is None or deployment.instance_id != instance.id:
                raise InstanceNotFoundError(
                    f"the instance has no deployment {railway_deployment_id}", what="deployment"
                )
            row = next(
                (one for one in await work.services.list_for(instance.id) if one.name == deployment.service),
                None,
            )
            if row is None:
                raise InstanceNotFoundError(
                    f"the instance has no service {deployment.service}", what="service"
                )
            if row.railway_deployment_id == railway_deployment_id:
                reason = f"{deployment.service} runs that deployment already; choose another one"
                raise not_now(
                    instance,
                    Verb.ROLLBACK,
                    reason,
                    for_owner=user_id is not None,
                    is_allowed_otherwise=True,
                )
            request = {
                "subject": row.template_key,
                "before": row.railway_deployment_id,
                "deployment_id": railway_deployment_id,
            }
            await self._intend(work, instance, OperationKind.ROLLBACK, "rollback", request)
            return await self._want(work, instance, Verb.ROLLBACK, actor, {"service": row.name})

    async def stop(
        self, instance_id: UUID, *, user_id: UUID | None = None, actor: str | None = None
    ) -> Instance:
        """Switch it off; deployments are kept and start again at once."""
        return await self._switch(instance_id, Verb.STOP, DesiredStatus.STOPPED, user_id, actor)

    async def start(
        self, instance_id: UUID, *, user_id: UUID | None = None, actor: str | None = None
    ) -> Instance:
        """Switch it on again."""
        return await self._switch(instance_id, Verb.START, DesiredStatus.RUNNING, user_id, actor)

    async def suspend(self, instance_id: UUID, *, actor: str | None = None) -> Instance:
        """Take it off Railway's bill, for an owner who does not pay; volumes are kept. Operators only."""
        return await self._switch(instance_id, Verb.SUSPEND, DesiredStatus.SUSPENDED, None, actor)

    async def resume(self, instance_id: UUID, *, actor: str | None = None) -> Instance:
        """Let a suspended one run again. Operators only."""
        return await self._switch(instance_id, Verb.RESUME, DesiredStatus.RUNNING, None, actor)

    async def _switch(
        self,
        instance_id: UUID,
        verb: Verb,
        status: DesiredStatus,
        user_id: UUID | None,
        actor: str | None,
    ) -> Instance:
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, verb)
            return await self._want(work, instance, verb, actor, {}, status=status)

    async def delete(
        self,
        instance_id: UUID,
        *,
        after: timedelta | None = None,
        user_id: UUID | None = None,
        actor: str | None = None,
    ) -> Instance:
        """Delete it with everything in it: at once, or after a grace in which `cancel_deletion` calls it off.

        Raises:
            InstanceInputError: The grace is not above 0, or longer than ten years.
            InstanceStateError: It is being deleted already, or gone; or a scheduled deletion is due and cannot be put off.
        """
        after = grace_if_given(after)
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.DELETE)
            if after is not None:
                self._refuse_when_due(instance, Verb.DELETE, user_id)
                delete_at = self._now() + after
                details = {"delete_at": delete_at.isoformat()}
                return await self._want(work, instance, Verb.DELETE, actor, details, delete_at=delete_at)
            return await self._want(
                work, instance, Verb.DELETE, actor, {}, status=DesiredStatus.DELETED, delete_at=None
            )

    async def cancel_deletion(
        self, instance_id: UUID, *, user_id: UUID | None = None, actor: str | None = None
    ) -> Instance:
        """Call a scheduled deletion off, before it is due.

        Raises:
            InstanceStateError: None is scheduled, or it is due.
        """
        async with self._database.unit_of_work() as work:
            instance = await self._locked(work, instance_id, user_id, Verb.CANCEL_DELETION)
            self._refuse_when_due(instance, Verb.CANCEL_DELETION, user_id)
            return await self._want(work, instance, Verb.CANCEL_DELETION, actor, {}, delete_at=None)

    def _refuse_when_due(self, instance: Instance, verb: Verb, user_id: UUID | None) -> None:
        """A worker may begin any moment, or has begun.

        Raises:
            InstanceStateError: The moment for which the deletion was scheduled has come.
        """
        now, due = self._now(), instance.desired.delete_at
        if due is not None and is_deletion_due(instance, now):
            reason = f"its deletion is due since {due.isoformat(timespec='seconds')}: it can neither be called off nor put off"
            raise not_now(
                instance,
                verb,
                reason,
                for_owner=user_id is not None,
                is_allowed_otherwise=True,  # at once
                now=now,
            )
