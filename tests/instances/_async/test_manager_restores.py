"""What is staged at Railway and by whom: previews leave nothing behind, and a restore commits its own change only."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.emulator.environment_patches import Patches
from railway_saas.errors import InstanceNotFoundError, InstanceStateError, NeedsAttentionError, RailwayError
from railway_saas.templates import Template
from tests.support.mishaps import Death

if TYPE_CHECKING:
    from collections.abc import Mapping

APP = "app-with-postgres-and-redis"
NEWER = "ghcr.io/acme/app:2"


async def place_of(stage: Any, instance: Any) -> Any:
    """The instance's environment as the local Railway has it."""
    project = stage.railway.world.projects[(await stage.get(instance.id)).observed.project_id]
    (environment,) = project.environments.values()
    return environment


async def waiting(stage: Any, instance: Any) -> Mapping[str, Any]:
    """What is staged at Railway."""
    staged: Mapping[str, Any] = (
        stage.railway.world.part(Patches).staged(await place_of(stage, instance)).document
    )
    return staged


async def stage_by_hand(stage: Any, instance: Any, patch: dict[str, Any], *, merge: bool = False) -> None:
    """Somebody stages a change in the dashboard."""
    stage.railway.world.part(Patches).stage(await place_of(stage, instance), patch, merge=merge)


async def services(stage: Any, instance: Any) -> dict[str, Any]:
    found: dict[str, Any] = stage.railway.services_of((await stage.get(instance.id)).observed.project_id)
    return found


async def app_image(stage: Any, instance: Any) -> str:
    """What runs."""
    return str((await services(stage, instance))["App"].latest_deployment.settings.image)


async def mounted(stage: Any, instance: Any, service: str) -> list[str]:
    """Ids of the volumes that are mounted into a service."""
    return [volume.volume.id for volume in (await services(stage, instance))[service].volume_instances]


def newer(document: Template) -> Template:
    """Another image for the application."""
    raw: dict[str, Any] = deepcopy(document.serialize())
    app = next(one for one in raw["services"].values() if one["name"] == "App")
    app["source"]["image"] = NEWER
    return Template.parse(raw)


async def shop(stage: Any) -> tuple[Any, Any]:
    """An application that runs, with a newer revision to go to."""
    manager = stage.manager()
    instance = await stage.running(manager)
    await manager.publish_revision(instance.template_id, newer(stage.document))
    return manager, instance


async def backed_up(stage: Any, manager: Any, instance: Any, service: str = "Postgres") -> str:
    """The id of a new backup."""
    await manager.back_up(instance.id, service=service)
    await manager.wait(instance.id)
    return str((await manager.backups(instance.id))[service][-1].id)


# Previews -------------------------------------------------------------------------------------------------------------


async def test_a_preview_leaves_nothing_staged(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    assert (await manager.preview_upgrade(instance.id)).staged_changes == 1
    assert await waiting(stage, instance) == {}
    after = await stage.get(instance.id)
    assert (after.lease_owner, after.desired) == (None, instance.desired)


@pytest.mark.parametrize("point", range(8))
async def test_a_preview_that_dies_anywhere_leaves_nothing_that_could_be_committed(
    new_stage: Any, point: int
) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    before = await app_image(stage, instance)
    backup = await backed_up(stage, manager, instance)
    stage.fate.points_left = point
    try:
        await manager.preview_upgrade(instance.id)
    except Death:
        pass
    else:
        assert point > 5, "there are fewer points than that"
    stage.fate.points_left = None
    stage.clock.advance(manager.settings.lease_s)
    other = stage.manager()
    await other.restore(instance.id, backup)
    assert (await other.wait(instance.id)).status is InstanceStatus.RUNNING
    assert await app_image(stage, instance) == before
    assert await waiting(stage, instance) == {}


async def test_what_a_dead_preview_had_staged_is_discarded_by_the_next_worker(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    stage.railway.faults.add("drop", "environmentStageChanges", times=None)
    with pytest.raises(RailwayError):
        await manager.preview_upgrade(instance.id)
    stage.railway.faults.clear()
    app = (await services(stage, instance))["App"]
    half = {"services": {app.service.id: {"source": {"image": NEWER}}}}
    await stage_by_hand(stage, instance, half)  # as it is where Railway stops between the two
    await stage.drive()
    assert await waiting(stage, instance) == {}
    assert "discarded what a preview had staged" in stage.told(instance.id)


async def test_what_somebody_else_has_staged_meanwhile_is_left_alone(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    stage.railway.faults.add("drop", "environmentStageChanges", times=None)
    with pytest.raises(RailwayError):
        await manager.preview_upgrade(instance.id)
    stage.railway.faults.clear()
    redis = (await services(stage, instance))["Redis"]
    theirs = {"services": {redis.service.id: {"deploy": {"startCommand": "redis-server --port 7"}}}}
    await stage_by_hand(stage, instance, theirs)
    await stage.drive()
    assert await waiting(stage, instance) == theirs
    assert (await manager.preview_upgrade(instance.id)).staged_changes == 0
    assert await waiting(stage, instance) == theirs


async def test_a_refused_preview_leaves_nothing_open(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    stage.railway.faults.add("graphql_error", "environmentStageChanges", message="no such field")
    with pytest.raises(RailwayError, match="no such field"):
        await manager.preview_upgrade(instance.id)
    assert await waiting(stage, instance) == {}
    assert (await stage.get(instance.id)).lease_owner is None
    assert (await manager.preview_upgrade(instance.id)).staged_changes == 1


async def test_there_is_no_preview_while_a_backup_is_restored(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    await manager.restore(instance.id, backup)
    before = await mounted(stage, instance, "Postgres")
    for seconds in (0, 5, 9):
        stage.clock.advance(seconds)
        with pytest.raises(InstanceStateError, match="restored"):
            await manager.preview_upgrade(instance.id)
        await manager.reconcile(instance.id)
    await manager.wait(instance.id)
    assert await mounted(stage, instance, "Postgres") != before
    assert (await manager.preview_upgrade(instance.id)).staged_changes == 1


async def test_there_is_no_preview_while_an_upgrade_goes_on(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    await manager.upgrade(instance.id)
    with pytest.raises(InstanceStateError, match="still coming up"):
        await manager.preview_upgrade(instance.id)


async def test_there_is_no_preview_while_a_worker_is_at_it(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    async with stage.database.unit_of_work() as work:
        now, until = stage.clock.now(), stage.clock.now() + timedelta(minutes=1)
        await work.instances.claim(instance.id, worker="somebody", now=now, lease_until=until)
        await work.commit()
    before = stage.sent("environmentStageChanges")
    with pytest.raises(InstanceStateError, match="a worker is at it"):
        await manager.preview_upgrade(instance.id)
    assert stage.sent("environmentStageChanges") == before


async def test_a_preview_that_was_frozen_since_it_took_the_instance_sends_nothing(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)

    async def frozen() -> None:
        stage.clock.advance(manager.settings.lease_s)

    stage.nap_after(1, frozen)
    before = stage.sent("environmentStageChanges")
    with pytest.raises(InstanceStateError, match="a worker is at it"):
        await manager.preview_upgrade(instance.id)
    assert stage.sent("environmentStageChanges") == before
    await stage.drive()
    assert not (await manager.operations(instance_id=instance.id, state=OperationState.SENT)).items


async def test_no_worker_commits_anything_during_a_preview(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    other = stage.manager()

    async def meanwhile() -> None:
        await other.restore(instance.id, backup)
        await other.reconcile(instance.id)
        stage.clock.advance(9)
        await other.reconcile(instance.id)

    stage.nap_after(1, meanwhile)  # the preview has taken the instance, and stages after this
    await manager.preview_upgrade(instance.id)
    await other.wait(instance.id)
    assert await app_image(stage, instance) != NEWER


# Restores -------------------------------------------------------------------------------------------------------------


async def test_a_restore_commits_only_its_own_change(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    before = await mounted(stage, instance, "Postgres")
    found = await services(stage, instance)
    left = {
        "services": {
            found["App"].service.id: {"source": {"image": NEWER}},
            found["Postgres"].service.id: {"deploy": {"startCommand": "postgres -c fsync=off"}},
        }
    }
    await stage_by_hand(stage, instance, left)
    await manager.restore(instance.id, backup)
    assert (await manager.wait(instance.id)).status is InstanceStatus.RUNNING
    (now,) = await mounted(stage, instance, "Postgres")
    assert [now] != before
    assert await app_image(stage, instance) != NEWER
    postgres = (await services(stage, instance))["Postgres"].latest_deployment
    assert postgres.settings.start_command != "postgres -c fsync=off"
    assert await waiting(stage, instance) == {}


@pytest.mark.parametrize("verb", ["stop", "suspend"])
async def test_what_is_off_and_restored_is_not_changing_for_ever(new_stage: Any, verb: str) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    await getattr(manager, verb)(instance.id)
    await manager.wait(instance.id)
    before = await mounted(stage, instance, "Postgres")
    deployed = len((await services(stage, instance))["Postgres"].deployments)
    await manager.restore(instance.id, backup)
    await manager.wait(instance.id)
    off = await stage.get(instance.id)
    more = len((await services(stage, instance))["Postgres"].deployments) - deployed
    assert more == (verb == "stop"), "what is suspended runs for nobody, not even for a moment"
    assert (off.is_changing, off.observed.attention, off.observed.error) == (False, None, None)
    assert await mounted(stage, instance, "Postgres") != before
    await getattr(manager, {"stop": "start", "suspend": "resume"}[verb])(instance.id)
    on = await manager.wait(instance.id)
    assert (on.status, on.is_changing) == (InstanceStatus.RUNNING, False)


@pytest.mark.parametrize("seconds", [0, 6, 14])
async def test_there_is_one_restore_at_a_time(new_stage: Any, seconds: float) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    first, second = [await backed_up(stage, manager, instance) for _ in range(2)]
    await manager.restore(instance.id, second)
    await manager.reconcile(instance.id)
    stage.clock.advance(seconds)
    for backup in (second, first):
        with pytest.raises(InstanceStateError, match="a backup is being restored"):
            await manager.restore(instance.id, backup)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.error) == (InstanceStatus.RUNNING, None)
    place = await place_of(stage, instance)
    assert len([one for one in place.volume_instances.values() if one.deleted_at is None]) == 3


async def test_the_volume_that_was_replaced_is_told_and_offers_no_backups(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    (old,) = (await services(stage, instance))["Postgres"].volume_instances
    await manager.restore(instance.id, backup)
    await manager.wait(instance.id)
    assert any(old.id in text and "until the instance is deleted" in text for text in stage.told(instance.id))
    assert (await manager.backups(instance.id))["Postgres"] == ()
    with pytest.raises(InstanceNotFoundError):
        await manager.restore(instance.id, backup)


async def test_a_restore_without_a_new_deployment_says_what_it_waited_for(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    patches = stage.railway.world.part(Patches)
    await manager.restore(instance.id, backup)
    await manager.reconcile(instance.id)
    stage.clock.advance(13)
    place = await place_of(stage, instance)
    patches.commit_staged(place, message=None, by=None, skip_deploys=True)
    after = await manager.wait(instance.id)
    assert after.observed.error == "took longer than 900 s: there is no new deployment of Postgres"


async def test_a_restore_whose_staged_change_somebody_discarded_is_told_as_failed(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    before = await mounted(stage, instance, "Postgres")
    await manager.restore(instance.id, backup)
    await manager.reconcile(instance.id)
    stage.clock.advance(13)
    await stage_by_hand(stage, instance, {})
    after = await manager.wait(instance.id)
    assert "discarded" in str(after.observed.error)
    assert await mounted(stage, instance, "Postgres") == before


async def test_a_restore_that_somebody_commits_in_the_dashboard_is_as_good(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    before = await mounted(stage, instance, "Postgres")
    await manager.restore(instance.id, backup)
    await manager.reconcile(instance.id)
    stage.clock.advance(13)
    patches = stage.railway.world.part(Patches)
    patches.commit_staged(await place_of(stage, instance), message=None, by=None, skip_deploys=False)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.error) == (InstanceStatus.RUNNING, None)
    assert await mounted(stage, instance, "Postgres") != before


@pytest.mark.parametrize("applied", [True, False])
async def test_a_commit_whose_answer_was_lost_is_looked_for(new_stage: Any, applied: bool) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    stage.railway.faults.add("gateway_error", "environmentPatchCommitStaged", status=504, applied=applied)
    await manager.restore(instance.id, backup)
    after = await manager.wait(instance.id)
    assert (after.status, after.observed.error) == (InstanceStatus.RUNNING, None)
    assert len((await services(stage, instance))["Postgres"].deployments) == 2


async def test_a_commit_that_railway_cannot_apply_says_why(
    new_stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)

    def refuse(self: Patches, environment: Any, **_: Any) -> Any:
        staged = self.staged(environment)
        staged.last_applied_error = "the volume is not ready"
        return staged

    with monkeypatch.context() as patched:
        patched.setattr(Patches, "commit_staged", refuse)
        await manager.restore(instance.id, backup)
        after = await manager.wait(instance.id)
    assert "the volume is not ready" in str(after.observed.error)
    await manager.restore(instance.id, backup)
    assert (await manager.wait(instance.id)).observed.error is None
    assert len(await mounted(stage, instance, "Postgres")) == 1


# Upgrades -------------------------------------------------------------------------------------------------------------


async def test_an_upgrade_does_not_commit_what_waited_before(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    redis = (await services(stage, instance))["Redis"]
    left = {"services": {redis.service.id: {"deploy": {"startCommand": "redis-server --port 7"}}}}
    await stage_by_hand(stage, instance, left)
    await manager.upgrade(instance.id)
    await manager.wait(instance.id)
    assert await app_image(stage, instance) == NEWER
    assert (await services(stage, instance))["Redis"].settings.start_command != "redis-server --port 7"
    assert await waiting(stage, instance) == {}


# Lookups --------------------------------------------------------------------------------------------------------------


async def test_backups_are_listed_while_an_operator_has_to_decide(new_stage: Any) -> None:
    stage = new_stage(APP)
    manager, instance = await shop(stage)
    backup = await backed_up(stage, manager, instance)
    app = (await services(stage, instance))["App"]
    await stage.railway.async_client().services.delete(app.service_id)
    stage.clock.advance(1000)
    await manager.run_due()
    assert (await stage.get(instance.id)).observed.attention is not None
    assert [one.id for one in (await manager.backups(instance.id))["Postgres"]] == [backup]
    with pytest.raises(NeedsAttentionError, match="restore is not possible"):
        await manager.restore(instance.id, backup)
    with pytest.raises(NeedsAttentionError, match="back_up is not possible"):
        await manager.back_up(instance.id)


async def test_what_has_no_volume_or_none_yet_or_no_more_has_no_backups(new_stage: Any) -> None:
    stage = new_stage()
    manager = stage.manager()
    instance = await stage.accepted(manager)
    for _ in range(2):
        assert await manager.backups(instance.id) == {}
        await manager.wait(instance.id)
    with pytest.raises(InstanceNotFoundError):
        await manager.restore(instance.id, "some-backup")
    await manager.delete(instance.id)
    assert await manager.backups(instance.id) == {}
    with pytest.raises(InstanceStateError, match="restore is not possible"):
        await manager.restore(instance.id, "some-backup")
    await manager.wait(instance.id)
    assert await manager.backups(instance.id) == {}
