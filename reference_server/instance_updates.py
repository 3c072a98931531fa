"""Changing several things of an instance at once, from what the client has seen. No HTTP here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from railway_saas.errors import ConflictError, InstanceNotFoundError, NameTakenError
from railway_saas.instances.inputs import checked_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain import Instance, ServiceLimits
    from railway_saas.instances import InstanceManager
    from reference_server.data.database import ServerDatabase, ServerUnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who changes something: whose instances are theirs to change, and how the audit log names them."""

    user_id: UUID | None
    """The owner; None: an administrator, whom every instance is there for."""
    actor: str


class InstanceUpdates:
    """Changes that are made only if nobody else made one meanwhile.

    Args:
        database: Where instances are.
        manager_in: A manager whose verbs are part of an open transaction.
        now: The present moment, aware.
    """

    def __init__(
        self,
        database: ServerDatabase,
        manager_in: Callable[[ServerUnitOfWork], InstanceManager],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._manager_in = manager_in
        self._now = now

    def change(
        self,
        instance_id: UUID,
        asker: Asker,
        *,
        check: Callable[[ServerUnitOfWork, Instance], None],
        name: str | None = None,
        limits: ServiceLimits | None = None,
    ) -> Instance:
        """Give it another name, or other limits, or both.

        Raises:
            InstanceNotFoundError: There is none of that id, or it is somebody else's.
            InstanceInputError: The name or a limit cannot be used.
            NameTakenError: The owner has an instance of that name.
            LimitExceededError: The owner's plan has no room for more.
            InstanceStateError: It is being deleted, or gone.
        """
        with self._database.unit_of_work() as work:
            instance = self._locked(work, instance_id, asker)
            check(work, instance)
            if limits is not None and limits != instance.desired.config.limits:
                instance = self._manager_in(work).set_limits(
                    instance_id, limits, user_id=asker.user_id, actor=asker.actor
                )
            if name is not None and checked_name(name) != instance.name:
                instance = self._rename(work, instance, checked_name(name), asker)
            work.commit()
        return instance

    def set_variables(
        self,
        instance_id: UUID,
        asker: Asker,
        variables: Mapping[str, Mapping[str, str | None]],
        *,
        check: Callable[[ServerUnitOfWork, Instance], None],
    ) -> Instance:
        """Set variables by service name; None takes one away.

        Raises:
            InstanceNotFoundError: There is none of that id, or it is somebody else's.
            InstanceInputError: There is no such service, or a name or value cannot be used.
            InstanceStateError: It is being deleted, or gone.
        """
        with self._database.unit_of_work() as work:
            check(work, self._locked(work, instance_id, asker))
            instance = self._manager_in(work).set_variables(
                instance_id, variables, user_id=asker.user_id, actor=asker.actor
            )
            work.commit()
        return instance

    def _locked(self, work: ServerUnitOfWork, instance_id: UUID, asker: Asker) -> Instance:
        """The instance, held. First its owner, then it: in the order of the SDK's verbs, so that none waits for another."""
        known = self._manager_in(work).get(instance_id, user_id=asker.user_id)
        work.instances.lock_owner(known.user_id)
        instance = work.instances.lock(instance_id)
        if instance.user_id != known.user_id:
            raise InstanceNotFoundError(f"there is no instance {instance_id}")
        return instance

    def _rename(self, work: ServerUnitOfWork, instance: Instance, name: str, asker: Asker) -> Instance:
        now = self._now()
        renamed = replace(instance, name=name, updated_at=now)
        try:
            work.instances.save_desired(renamed)
        except ConflictError as error:
            raise NameTakenError(
                f"name={name!r}: you have an instance of that name; choose another", argument="name"
            ) from error
        work.audit.note(
            now,
            "instance.rename",
            ("instance", instance.id),
            actor=asker.actor,
            user_id=instance.user_id,
            before=instance.name,
            after=name,
        )
        return renamed
