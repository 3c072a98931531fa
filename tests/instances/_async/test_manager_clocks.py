"""Clocks that jump: what a process wrote whose clock ran ahead, and time that never passed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.statuses import InstanceStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

APP = "app-with-postgres-and-redis"
AHEAD = pytest.mark.parametrize(
    "ahead", [timedelta(minutes=20), timedelta(hours=1), timedelta(days=7)], ids=["20 min", "1 h", "7 days"]
)


def fast(stage: Any, ahead: timedelta) -> Callable[[], datetime]:
    """A clock that runs ahead."""
    return lambda: stage.clock.now() + ahead


async def crashed(stage: Any, instance: Any) -> None:
    """Something goes wrong at Railway, for a worker to notice."""
    stage.railway.faults.clear()
    for one in stage.railway.services_of(instance.observed.project_id).values():
        await stage.railway.async_client().deployments.remove(one.latest_deployment.id)


@AHEAD
async def test_what_a_fast_clock_put_off_is_looked_at_as_soon_as_it_is_right_again(
    new_stage: Any, ahead: timedelta
) -> None:
    stage = new_stage()
    instance = await stage.running()
    stage.clock.advance(1000)
    await stage.manager(now=fast(stage, ahead)).run_due()
    assert (await stage.get(instance.id)).next_check_at > stage.clock.now() + ahead
    manager = stage.manager()
    assert await manager.next_due_at() == stage.clock.now()
    assert (await manager.run_due()).claimed == 1
    after = await stage.get(instance.id)
    usual = stage.clock.now() + timedelta(seconds=manager.settings.check_interval_s)
    assert after.next_check_at <= usual
    assert await manager.next_due_at() == after.next_check_at


async def test_what_is_as_far_away_as_it_may_be_is_believed(new_stage: Any) -> None:
    stage = new_stage()
    await stage.running()
    manager = stage.manager()
    stage.clock.advance(1000)
    await manager.run_due()
    assert (await stage.manager(now=fast(stage, timedelta(seconds=-30))).run_due()).claimed == 0


async def test_no_look_is_put_off_for_longer_than_the_interval(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.running(manager)
    await stage.railway.async_client().projects.delete(instance.observed.project_id)
    await manager.delete(instance.id, after=timedelta(days=7))
    stage.clock.advance(1000)
    await manager.run_due()
    found = await stage.get(instance.id)
    assert found.observed.attention is not None
    latest = stage.clock.now() + timedelta(seconds=manager.settings.longest_pause_s)
    assert found.next_check_at <= latest


@AHEAD
async def test_a_lease_of_a_dead_process_with_a_fast_clock_is_not_waited_for(
    new_stage: Any, ahead: timedelta
) -> None:
    stage = new_stage()
    instance = await stage.accepted()
    async with stage.database.unit_of_work() as work:
        now = stage.clock.now() + ahead
        await work.instances.claim(
            instance.id, worker="dead", now=now, lease_until=now + timedelta(minutes=1)
        )
        await work.commit()
    await stage.drive()
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING
    assert stage.clock.now() < now


@pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])
@AHEAD
async def test_a_deploy_that_a_fast_clock_began_goes_on(
    new_stage: Any, known: bool, ahead: timedelta
) -> None:
    stage = new_stage(APP, known=known)
    stage.railway.faults.add("gateway_error", "templateDeployV2" if known else "serviceCreate", status=504)
    instance = await stage.accepted()
    hasty = stage.manager(now=fast(stage, ahead))
    for _ in range(3):
        await hasty.run_due()
        stage.clock.advance(2)
    began = stage.clock.now()
    await stage.drive()
    after = await stage.get(instance.id)
    assert (after.status, after.observed.attention) == (InstanceStatus.RUNNING, None)
    assert (stage.clock.now() - began).total_seconds() < 300
    assert after.observed.status_since <= stage.clock.now()


@AHEAD
async def test_a_crash_that_a_fast_clock_noticed_is_mended(new_stage: Any, ahead: timedelta) -> None:
    stage = new_stage()
    instance = await stage.running()
    await crashed(stage, instance)
    stage.clock.advance(1000)
    await stage.manager(now=fast(stage, ahead)).run_due()
    assert (await stage.get(instance.id)).status is InstanceStatus.CRASHED
    for _ in range(20):
        await stage.manager().run_due()
        stage.clock.advance(15)
    assert (await stage.get(instance.id)).status is InstanceStatus.RUNNING


@AHEAD
async def test_no_event_is_missed_because_of_a_clock(new_stage: Any, ahead: timedelta) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.accepted(manager)
    seen = list(await manager.events(instance.id))
    for turn in range(40):
        worker = stage.manager(now=fast(stage, ahead)) if turn % 3 == 1 else manager
        await worker.run_due()
        seen += await manager.events(instance.id, after=str(seen[-1].id))
        stage.clock.advance(5)
    assert [one.id for one in seen] == [one.id for one in await manager.events(instance.id, limit=500)]
    assert [one.id for one in seen] == [one.id for one in stage.events]
    assert "everything is running" in [one.message for one in seen]


async def test_following_begins_with_what_comes_next(new_stage: Any) -> None:
    stage = new_stage()
    instance = await stage.running()
    await stage.manager(now=fast(stage, timedelta(minutes=5))).set_variables(instance.id, {"web": {"A": "1"}})
    await stage.manager(now=fast(stage, timedelta(minutes=5))).run_due()
    stage.clock.advance(10)
    before = len(stage.events)
    followed = [event async for event in stage.manager().follow(instance.id)]
    assert [one.id for one in followed][-len(stage.events[before:]) :] == [
        one.id for one in stage.events[before:]
    ]
    assert followed[-1].message == "the change is running"


# Time that never passed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["by Railway", "from single calls"])
@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_a_jump_forward_takes_no_deploy_down(new_stage: Any, known: bool, turns: int) -> None:
    """The clock of the worker jumps by days; Railway's does not."""
    stage = new_stage(APP, known=known)
    instance = await stage.accepted()
    manager = stage.manager()
    for _ in range(turns):
        await manager.run_due()
        stage.clock.advance(5)
    jumped = stage.manager(now=fast(stage, timedelta(days=3)))
    for _ in range(60):
        report = await jumped.run_due()
        assert not report.failures
        stage.clock.advance(5)
    after = await stage.get(instance.id)
    assert (after.status, after.observed.error) == (InstanceStatus.RUNNING, None)


async def test_a_jump_forward_takes_no_upgrade_back(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.set_variables(instance.id, {"App": {"COLOUR": "blue"}})
    await manager.run_due()
    jumped = stage.manager(now=fast(stage, timedelta(days=3)))
    for _ in range(30):
        await jumped.run_due()
        stage.clock.advance(5)
    after = await stage.get(instance.id)
    assert (after.observed.error, after.observed.rollout.watching) == (None, ())


async def test_what_does_not_come_up_is_given_up_all_the_same(new_stage: Any) -> None:
    """However long nobody looked: once somebody looks again, it has its time, and no more."""
    stage = new_stage(APP)
    stage.railway.faults.add("never_leaves_deploying", service="Redis", times=None)
    instance = await stage.accepted()
    manager = stage.manager()
    await manager.run_due()
    stage.clock.advance(3 * 86_400)
    await manager.run_due()
    assert (await stage.get(instance.id)).status is InstanceStatus.DEPLOYING
    assert any("that time does not count" in text for text in stage.told(instance.id))
    began = stage.clock.now()
    await stage.drive()
    assert (await stage.get(instance.id)).status is InstanceStatus.FAILED
    assert (stage.clock.now() - began).total_seconds() < manager.settings.deploy_timeout_s + 60


async def test_a_worker_that_always_comes_late_gives_up_as_well(new_stage: Any) -> None:
    stage = new_stage(APP)
    stage.railway.faults.add("never_leaves_deploying", service="Redis", times=None)
    instance = await stage.accepted()
    manager = stage.manager()
    for _ in range(20):
        await manager.run_due()
        stage.clock.advance(300)
    assert (await stage.get(instance.id)).status is InstanceStatus.FAILED
