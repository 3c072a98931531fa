"""The ground that instances live on in crash and race tests, and what must be true there in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from railway_saas.domain.statuses import GONE, InstanceStatus
from railway_saas.instances import Inventory, ProjectPerInstance
from railway_saas.instances.placement import read_marker
from tests.support.mortal import OWNER, Life, clear, database_at, finish, worker_in
from tests.support.stage import NEW_SHOP, SHOP, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from uuid import UUID

    from railway_saas.domain.instances import Instance
    from railway_saas.emulator.clients import ClientClock
    from railway_saas.instances import InstanceManager
    from tests.support.mortal import Death, Point, Undertaker
    from tests.support.stage import Stage

REPEATABLE = frozenset(
    {
        "volumeUpdate",
        "serviceInstanceUpdate",
        "serviceInstanceLimitsUpdate",
        "environmentStageChanges",
        "environmentPatchCommitStaged",
        "variableCollectionUpsert",
        "variableDelete",
        "serviceDelete",
        "deploymentStop",
        "deploymentRemove",
        "deploymentCancel",
        "deploymentRestart",
    }
)
"""Writes that may be sent again by somebody who does not know that they were answered."""


@dataclass(frozen=True)
class Ground:
    """A served Railway, a database, and somebody who sends processes there."""

    stage: Stage
    railway_url: str
    database_url: str
    undertaker: Undertaker
    marketplace: Path

    def play(self, document: Mapping[str, Any], *, known: bool, limits: int | None = None) -> Play:
        """Everything anew: an empty database, another Railway, one template in the catalogue."""
        clear(self.database_url)
        scene = self.stage.scene = Scene(self.marketplace)
        play = Play(self, scene, limits)
        template = play.worker("publisher").publish_template(
            document, name="Shop", railway_template_id=scene.template_id if known else None
        )
        play.template_id = template.id
        play.arguments["template_id"] = str(template.id)
        return play

    def rehearse(self) -> None:
        """Let everything be loaded and compiled that lives need."""
        play = self.play(SHOP, known=False)
        self.undertaker.rehearse(play.life("deploy"))
        play.arguments["instance_id"] = str(play.instances()[0].id)
        play.worker("publisher").publish_revision(play.template_id, NEW_SHOP)
        self.undertaker.rehearse(play.life("upgrade"), play.life("delete"))
        assert play.assert_sound() == [InstanceStatus.DELETED]


@dataclass
class Play:
    """One instance's life, from several workers' hands."""

    ground: Ground
    scene: Scene
    limits: int | None = None
    replaced: int = 0
    """How many volumes a restore may have replaced: these stay, mounted nowhere."""
    template_id: UUID = OWNER
    """Set by `Ground.play`."""
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def clock(self) -> ClientClock:
        """The emulator's, as clients wait on it."""
        from railway_saas.emulator.clients import ClientClock

        return ClientClock(self.scene.clock)

    def worker(self, name: str, strike: Callable[[str], object] | None = None) -> InstanceManager:
        """A worker in this process."""
        return worker_in(
            self.scene,
            database_at(self.ground.database_url),
            worker=name,
            strike=strike,
            instances=self.limits,
        )

    def life(self, name: str, *, worker: str = "first", dies: Point | None = None, **options: Any) -> Life:
        """A worker in another process."""
        return Life(
            name=name,
            url=self.ground.railway_url,
            token=self.scene.api_token,
            workspace_id=self.scene.workspace_id,
            database_url=self.ground.database_url,
            worker=worker,
            arguments={**self.arguments, **options.pop("arguments", {})},
            dies=dies,
            instances=self.limits,
            **options,
        )

    def send(self, *lives: Life) -> list[Death]:
        """Let them live, all at once."""
        return self.ground.undertaker.send(*lives)

    def run(self) -> Instance:
        """Deploy and come up, here: the beginning of plays that are about something later."""
        instance = self.run_quietly()
        self.scene.sent.clear()
        return instance

    def run_quietly(self) -> Instance:
        """The same, keeping the record of what was written."""
        manager = self.worker("zeroth")
        instance = manager.deploy(user_id=OWNER, template_id=self.template_id, name="blog", wait=True)
        self.arguments["instance_id"] = str(instance.id)
        return instance

    def finish(self, worker: str = "last") -> None:
        """Somebody else takes over."""
        finish(self.worker(worker), self.clock)

    # What must be true in the end -----------------------------------------------------------------------------------

    def instances(self) -> list[Instance]:
        """All there are."""
        with database_at(self.ground.database_url).unit_of_work() as work:
            return list(work.instances.list_page(limit=200))

    def writes(self) -> Counter[str]:
        """How often each kind of write was answered, by root field."""
        return Counter(name for sent in self.scene.sent if sent.succeeded for name in sent.fields)

    def assert_sound(self) -> list[InstanceStatus]:
        """One project or none for each instance, nothing twice, slots as they should be; the statuses."""
        instances = self.instances()
        for instance in instances:
            assert instance.observed.attention is None, instance.observed.attention
            assert instance.holds_slot is (instance.status not in GONE)
            assert instance.lease_owner is None
        markers = [read_marker(project.description) for project in self.scene.projects()]
        alive = {instance.id for instance in instances if instance.status not in GONE}
        assert sorted(marker.instance_id for marker in markers if marker) == sorted(alive)
        assert len(markers) == len(alive)
        assert len(self.scene.projects(deleted=True)) <= len(instances)
        assert self.scene.things_made_twice() == []
        assert len(self.scene.detached_volumes()) <= self.replaced
        self._assert_nothing_is_left_open(instances)
        self._assert_inventory_is_clean()
        return [instance.status for instance in instances]

    def _assert_nothing_is_left_open(self, instances: list[Instance]) -> None:
        with database_at(self.ground.database_url).unit_of_work() as work:
            for instance in instances:
                assert [one.key for one in work.operations.list_open(instance.id)] == []
            assert work.instances.slots_of(OWNER).instances == sum(one.holds_slot for one in instances)

    def _assert_inventory_is_clean(self) -> None:
        inventory = Inventory(
            self.scene.client(rate_limit=None),
            database_at(self.ground.database_url),
            workspace_id=self.scene.workspace_id,
            placement=ProjectPerInstance(),
            now=self.scene.clock.now,
            min_age=timedelta(),
        )
        report = inventory.report()
        assert report.discrepancies == ()
        assert report.in_flight == 0
