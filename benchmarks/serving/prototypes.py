"""Instances as our code leaves them: each is deployed on the emulator, and all that belongs to it is kept to be copied."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from railway_saas.domain.ids import new_id, owner_id
from railway_saas.domain.statuses import InstanceStatus
from railway_saas.emulator import Emulator
from railway_saas.instances import InstanceManager
from railway_saas.repositories import MemoryDatabase
from reference_server.catalogue import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from railway_saas.domain.instances import Deployment, Instance, InstanceEvent, InstanceService
    from railway_saas.domain.operations import ProviderOperation

TEMPLATE = "app-with-postgres-and-redis"
INPUTS = {"App.ADMIN_EMAIL": "ann@example.com"}


@dataclass(frozen=True, slots=True)
class Life:
    """An instance with everything that belongs to it."""

    instance: Instance
    services: Sequence[InstanceService]
    deployments: Sequence[Deployment]
    events: Sequence[InstanceEvent]
    operations: Sequence[ProviderOperation]

    def copied(self, *, owner: UUID, name: str, template_id: UUID, revision_id: UUID, at: datetime) -> Life:
        """The same life of another instance, under ids of its own."""
        before, instance_id = self.instance, new_id(at)
        applied = before.observed.applied
        instance = replace(
            before,
            id=instance_id,
            user_id=owner,
            template_id=template_id,
            name=name,
            desired=replace(before.desired, revision_id=revision_id),
            observed=replace(
                before.observed,
                project_id=str(uuid4()),
                environment_id=str(uuid4()),
                primary_service_id=str(uuid4()),
                domain=before.observed.domain and f"{name}.up.railway.app",
                applied=applied and replace(applied, revision_id=revision_id),
            ),
        )
        return Life(
            instance,
            [
                replace(one, id=new_id(at), instance_id=instance_id, railway_service_id=str(uuid4()))
                for one in self.services
            ],
            [
                replace(one, id=new_id(at), instance_id=instance_id, railway_deployment_id=str(uuid4()))
                for one in self.deployments
            ],
            [replace(one, id=new_id(at), instance_id=instance_id) for one in self.events],
            [replace(one, id=new_id(at), instance_id=instance_id) for one in self.operations],
        )


@dataclass(frozen=True, slots=True)
class Prototypes:
    """One of each state that owners mostly see."""

    running: Life
    stopped: Life
    deploying: Life

    def mix(self, count: int) -> list[Life]:
        """So many: nearly all run, one is stopped, one is on its way."""
        return [self.stopped, self.deploying, *[self.running] * (count - 2)]


def make_prototypes() -> Prototypes:
    """Deploy three instances on a local Railway whose clock takes no time."""
    emulator = Emulator(limits=False, seed=11)
    database = MemoryDatabase()
    with emulator.client() as client:
        manager = InstanceManager(
            client, database, workspace_id=emulator.workspace_id, now=emulator.clock.now
        )
        document = json.loads((OURS / f"{TEMPLATE}.json").read_bytes())
        template = manager.publish_template(document, name="App", railway_template_id=f"local:{TEMPLATE}")

        def deploy(name: str, *, wait: bool) -> UUID:
            return manager.deploy(
                user_id=owner_id(1), template_id=template.id, name=name, inputs=INPUTS, wait=wait
            ).id

        running, stopped = deploy("running", wait=True), deploy("stopped", wait=True)
        manager.stop(stopped)
        for _ in manager.follow(stopped):
            pass
        deploying = deploy("deploying", wait=False)
        while manager.get(deploying).status is not InstanceStatus.DEPLOYING:
            manager.reconcile(deploying)
        return Prototypes(*(_life(database, one) for one in (running, stopped, deploying)))


def _life(database: MemoryDatabase, instance_id: UUID) -> Life:
    with database.unit_of_work() as work:
        return Life(
            work.instances.get(instance_id),
            work.services.list_for(instance_id),
            work.deployments.list_page(instance_id, limit=200).items,
            work.events.list_page(instance_id, limit=200).items,
            work.operations.list_page(instance_id=instance_id, limit=200).items,
        )
