"""Many at once: limits hold exactly, names are unique, every write is sent once, and no wish is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from railway_saas.domain.instances import Power
from railway_saas.domain.statuses import DesiredStatus, InstanceStatus
from railway_saas.errors import InstanceStateError
from railway_saas.instances import OutcomeKind
from tests.support.mortal import OWNER, database_at, finish
from tests.support.stage import SHOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.domain.instances import Instance
    from railway_saas.instances import InstanceManager
    from tests.support.ground import Ground, Play

PROCESSES = 5


def accept(play: Play, names: list[list[str]]) -> Counter[str]:
    """Ask from several processes at once, each for these names; how often each answer came."""
    lives = [
        play.life("accept", worker=f"number {number}", alone=False, arguments={"names": asked})
        for number, asked in enumerate(names)
    ]
    return Counter(answer for death in play.send(*lives) for answer in death.result)


# Limits and names -----------------------------------------------------------------------------------------------------


def test_of_fifty_deploys_at_once_exactly_as_many_are_accepted_as_the_plan_allows(ground: Ground) -> None:
    play = ground.play(SHOP, known=True, limits=3)
    names = [[f"shop {process} {number}" for number in range(10)] for process in range(PROCESSES)]
    assert accept(play, names) == {"accepted": 3, "LimitExceededError": 47}
    play.finish()
    assert play.assert_sound() == [InstanceStatus.RUNNING] * 3
    manager = play.worker("operator")
    for instance in play.instances()[:2]:
        manager.delete(instance.id)
    play.finish()
    assert accept(play, [[f"again {process}"] for process in range(PROCESSES)]) == {
        "accepted": 2,
        "LimitExceededError": 3,
    }


def test_a_slot_of_a_failed_deploy_is_free_again(ground: Ground) -> None:
    play = ground.play(SHOP, known=True, limits=1)
    play.scene.faults.add("healthcheck_fails", service="Web")
    assert accept(play, [["one"], ["two"]]) == {"accepted": 1, "LimitExceededError": 1}
    play.finish()
    assert play.assert_sound() == [InstanceStatus.FAILED]
    assert accept(play, [["three"], ["four"]]) == {"accepted": 1, "LimitExceededError": 1}


def test_of_twenty_deploys_under_one_name_exactly_one_is_accepted(ground: Ground) -> None:
    play = ground.play(SHOP, known=True)
    spellings = ["blog", "Blog", "BLOG", "bLOG"]
    assert accept(play, [spellings] * PROCESSES) == {"accepted": 1, "NameTakenError": 19}
    play.finish()
    assert play.assert_sound() == [InstanceStatus.RUNNING]


# Several workers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])
@pytest.mark.parametrize("workers", [2, 5])
def test_however_many_workers_come_by_at_once_every_write_is_sent_once(
    ground: Ground, known: bool, workers: int
) -> None:
    alone = ground.play(SHOP, known=known)
    alone.run_quietly()
    expected = alone.writes()
    play = ground.play(SHOP, known=known)
    instance = play.worker("publisher").deploy(user_id=OWNER, template_id=play.template_id, name="blog")
    play.arguments["instance_id"] = str(instance.id)
    answers: Counter[str] = Counter()
    while play.instances()[0].status is not InstanceStatus.RUNNING:
        lives = [play.life("take turn", worker=f"number {number}", alone=False) for number in range(workers)]
        answers.update(answer for death in play.send(*lives) for answer in death.result)
        play.scene.clock.advance(5)
    assert play.assert_sound() == [InstanceStatus.RUNNING]
    assert answers["failed"] == 0
    assert play.writes() == expected
    assert play.scene.deployments() == {"Web": 1, "Database": 1}


def test_of_two_deletions_at_once_one_is_accepted_and_one_is_told_so(ground: Ground) -> None:
    play = ground.play(SHOP, known=True)
    play.run()
    deaths = play.send(*(play.life("delete only", worker=name, alone=False) for name in ("one", "two")))
    assert sorted(death.result for death in deaths) == ["InstanceStateError", "accepted"]
    play.finish()
    assert play.assert_sound() == [InstanceStatus.DELETED]
    assert play.writes() == {"projectDelete": 1}


# Frozen workers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pause_s", [20, 100, 1000])
@pytest.mark.parametrize("frozen_at", range(1, 9))
def test_a_worker_that_was_frozen_before_it_sent_does_not_send(
    sqlite_ground: Ground, frozen_at: int, pause_s: float
) -> None:
    """Frozen after each of its commits in turn; another worker goes on meanwhile, if the lease is over."""
    play = sqlite_ground.play(SHOP, known=False)
    commits = 0

    def strike(label: str) -> None:
        nonlocal commits
        commits += label == "after commit"
        if label == "after commit" and commits == frozen_at:
            play.scene.clock.advance(pause_s)
            play.worker("second").run_due()
            play.scene.clock.advance(1)

    first = play.worker("first", strike)
    instance = first.deploy(user_id=OWNER, template_id=play.template_id, name="blog")
    while commits < frozen_at:
        first.reconcile(instance.id)
        play.scene.clock.advance(5)
    play.finish()
    assert play.assert_sound() == [InstanceStatus.RUNNING]
    assert play.writes()["projectCreate"] == 1
    assert play.writes()["serviceCreate"] == 1
    assert play.scene.deployments() == {"Web": 1, "Database": 1}


# Wishes while a worker is at it -----------------------------------------------------------------------------------------


def wish_at_every_commit(
    ground: Ground,
    wish: Callable[[InstanceManager, Instance], object],
    is_so: Callable[[Play, Instance], object],
    *,
    known: bool,
) -> int:
    """A wish comes in after each commit of a deploy, one deploy for each; at how many it was accepted."""
    accepted = 0
    number = 0
    while True:
        number += 1
        play = ground.play(SHOP, known=known)
        commits = 0
        taken: bool | None = None

        def strike(label: str, play: Play = play, number: int = number) -> None:
            nonlocal commits, taken
            commits += label == "after commit"
            if label == "after commit" and commits == number:
                try:
                    wish(play.worker("owner"), play.instances()[0])
                except InstanceStateError:
                    taken = False
                else:
                    taken = True

        worker = play.worker("worker", strike)
        worker.deploy(user_id=OWNER, template_id=play.template_id, name="blog")
        finish(worker, play.clock)
        if taken is None:
            return accepted
        play.assert_sound()
        if taken:
            accepted += 1
            is_so(play, play.instances()[0])


def test_a_deletion_is_never_lost(sqlite_ground: Ground) -> None:
    def is_so(play: Play, instance: Instance) -> None:
        assert instance.status is InstanceStatus.DELETED
        assert play.scene.projects() == []

    assert wish_at_every_commit(sqlite_ground, lambda owner, it: owner.delete(it.id), is_so, known=False) > 15


def test_new_variables_are_never_lost(sqlite_ground: Ground) -> None:
    def is_so(play: Play, instance: Instance) -> None:
        assert instance.status is InstanceStatus.RUNNING
        colours = {
            one.variables["COLOUR"].value
            for one in play.scene.world.instances.values()
            if one.service.name == "Web" and "COLOUR" in one.variables
        }
        assert colours == {"blue"}

    def wish(owner: InstanceManager, it: Instance) -> None:
        owner.set_variables(it.id, {"Web": {"COLOUR": "blue"}})

    assert wish_at_every_commit(sqlite_ground, wish, is_so, known=True) > 10


def test_a_suspension_is_never_lost(sqlite_ground: Ground) -> None:
    """It is possible only once the instance ran; then a change is interrupted by it at every commit."""
    whole = 0
    number = 0
    while True:
        number += 1
        play = sqlite_ground.play(SHOP, known=True)
        instance = play.run()
        commits = 0
        asked = False

        def strike(label: str, play: Play = play, number: int = number, it: Instance = instance) -> None:
            nonlocal commits, asked
            commits += label == "after commit"
            if label == "after commit" and commits == number:
                play.worker("operator").suspend(it.id)
                asked = True

        worker = play.worker("worker", strike)
        worker.set_variables(instance.id, {"Web": {"COLOUR": "blue"}})
        finish(worker, play.clock)
        if not asked:
            break
        whole += 1
        assert play.assert_sound() == [InstanceStatus.SUSPENDED]
        [there] = play.instances()
        assert there.desired.status is DesiredStatus.SUSPENDED
        assert there.observed.power is Power.SUSPENDED
        running = [one for one in play.scene.world.deployments.values() if one.is_running]
        assert running == []
    assert whole > 5


# Leases ---------------------------------------------------------------------------------------------------------------


def test_a_lease_that_is_held_is_respected_and_one_that_is_over_is_not(ground: Ground) -> None:
    play = ground.play(SHOP, known=True)
    instance = play.worker("publisher").deploy(user_id=OWNER, template_id=play.template_id, name="blog")
    now = play.scene.clock.now
    with database_at(ground.database_url).unit_of_work() as work:
        until = now().replace(minute=1)
        assert work.instances.claim(instance.id, worker="dead", now=now(), lease_until=until) is not None
        work.commit()
    second = play.worker("second")
    assert second.reconcile(instance.id).kind is OutcomeKind.BUSY
    assert second.run_due().claimed == 0
    assert play.scene.sent == []
    play.scene.clock.advance_to(until)
    assert second.run_due().claimed == 1
    assert play.writes()["projectCreate"] == 1
