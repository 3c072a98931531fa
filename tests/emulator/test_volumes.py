"""Volumes, backups and buckets."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas.emulator import Emulator

from .conftest import House

CREATE = "mutation($i: VolumeCreateInput!) { volumeCreate(input: $i) { id name } }"
INSTANCES = """query($e: String!) { environment(id: $e) { volumeInstances { edges { node {
  id volumeId serviceId mountPath sizeMB currentSizeMB state isPendingDeletion region } } } } }"""
COMMIT = (
    "mutation($e: String!, $p: EnvironmentConfig!) { environmentPatchCommit(environmentId: $e, patch: $p) }"
)
BACKUP = "mutation($v: String!) { volumeInstanceBackupCreate(volumeInstanceId: $v) { workflowId } }"
BACKUPS = """query($v: String!) { volumeInstanceBackupList(volumeInstanceId: $v) {
  id name expiresAt usedMB referencedMB scheduleId } }"""
RESTORE = """mutation($v: String!, $b: String!) {
  volumeInstanceBackupRestore(volumeInstanceId: $v, volumeInstanceBackupId: $b) { workflowId } }"""
STATUS = "query($id: String!) { workflowStatus(workflowId: $id) { status error } }"


class Disk:
    """One service with one volume."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.project, self.environment = house.project()
        self.service = house.service(self.project, "db")
        self.input = {"projectId": self.project, "serviceId": self.service, "mountPath": "/data"}
        self.volume = house.run(CREATE, i=self.input)["volumeCreate"]["id"]

    def instances(self) -> list[dict[str, Any]]:
        """The volumes of the environment."""
        edges = self.house.run(INSTANCES, e=self.environment)["environment"]["volumeInstances"]["edges"]
        return [edge["node"] for edge in edges]

    @property
    def instance(self) -> dict[str, Any]:
        """The first one's state."""
        return next(one for one in self.instances() if one["volumeId"] == self.volume)

    def finish(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Wait for a workflow; its state then."""
        (started,) = answer.values()
        self.house.emulator.clock.advance(20)
        return self.house.run(STATUS, id=started["workflowId"])["workflowStatus"]

    def backups(self) -> list[dict[str, Any]]:
        """The backups, newest first."""
        return self.house.run(BACKUPS, v=self.instance["id"])["volumeInstanceBackupList"]


@pytest.fixture
def disk(house: House) -> Disk:
    return Disk(house)


def test_a_new_volume_has_the_size_of_the_plan_and_is_a_little_used(disk: Disk) -> None:
    instance = disk.instance
    assert (instance["mountPath"], instance["serviceId"], instance["state"]) == (
        "/data",
        disk.service,
        "READY",
    )
    assert instance["sizeMB"] == 50_000
    assert 0.02 <= instance["currentSizeMB"] / instance["sizeMB"] <= 0.03
    disk.house.emulator.clock.advance(3600)
    assert disk.instance["currentSizeMB"] > instance["currentSizeMB"]


@pytest.mark.parametrize(("plan", "size"), [("FREE", 500), ("HOBBY", 5_000)])
def test_smaller_plans_have_smaller_volumes(plan: str, size: int) -> None:
    assert Disk(House(Emulator(plan=plan))).instance["sizeMB"] == size


def test_a_service_has_one_volume(disk: Disk) -> None:
    disk.house.emulator.clock.advance(60)
    assert disk.house.refused(CREATE, i=disk.input) == "A service can only have one volume"


def test_volumes_are_throttled(disk: Disk) -> None:
    detached = {"projectId": disk.project, "mountPath": "/x"}
    for _ in range(20):
        body = disk.house.emulator.execute(CREATE, {"i": detached})
        if "errors" in body:
            assert "creating volumes too quickly" in body["errors"][0]["message"]
            return
    pytest.fail("never throttled")


def test_a_plan_allows_so_many_volumes() -> None:
    disk = Disk(House(Emulator(plan="FREE", limits=False)))
    message = disk.house.refused(CREATE, i={"projectId": disk.project, "mountPath": "/x"})
    assert message == "Your plan allows 1 volume per project"


@pytest.mark.parametrize("path", ["data", "/", "", "/a/../b"])
def test_a_mount_path_is_absolute(disk: Disk, path: str) -> None:
    disk.house.emulator.clock.advance(60)
    message = disk.house.refused(CREATE, i={"projectId": disk.project, "mountPath": path})
    assert message == "Error in mountPath - Invalid input"


def test_without_a_service_id_a_volume_is_detached(disk: Disk) -> None:
    update = "mutation($v: String!, $i: VolumeInstanceUpdateInput!) { volumeInstanceUpdate(volumeId: $v, input: $i) }"
    disk.house.run(update, v=disk.volume, i={"mountPath": "/new", "serviceId": disk.service})
    assert (disk.instance["mountPath"], disk.instance["serviceId"]) == ("/new", disk.service)
    disk.house.run(update, v=disk.volume, i={"mountPath": "/other"})
    assert disk.instance["serviceId"] is None


def test_a_volume_grows_by_patch_and_never_shrinks(disk: Disk) -> None:
    disk.house.run(COMMIT, e=disk.environment, p={"volumes": {disk.volume: {"sizeMB": 80_000}}})
    assert (disk.instance["sizeMB"], disk.instance["state"]) == (80_000, "UPDATING")
    disk.house.emulator.clock.advance(60)
    assert disk.instance["state"] == "READY"
    message = disk.house.refused(COMMIT, e=disk.environment, p={"volumes": {disk.volume: {"sizeMB": 1}}})
    assert message == "Error in sizeMB - Invalid input"


def test_a_deleted_volume_waits_48_hours(disk: Disk) -> None:
    delete = "mutation($v: String!) { volumeDelete(volumeId: $v) }"
    disk.house.run(delete, v=disk.volume)
    assert disk.instance["isPendingDeletion"]
    assert disk.instance["serviceId"] is None
    disk.house.emulator.clock.advance(47 * 3600)
    assert disk.instance["state"] == "DELETING"
    disk.house.emulator.clock.advance(2 * 3600)
    assert disk.instances() == []
    assert disk.house.refused(delete, v=disk.volume) == "Volume not found"


def test_a_deletion_can_be_taken_back_by_the_link_in_the_mail(disk: Disk) -> None:
    instance_id = disk.instance["id"]
    disk.house.run("mutation($v: String!) { volumeDelete(volumeId: $v) }", v=disk.volume)
    disk.house.emulator.volumes.restore(instance_id)
    disk.house.emulator.clock.advance(72 * 3600)
    assert (disk.instance["state"], disk.instance["isPendingDeletion"]) == ("READY", False)


def test_the_volume_of_a_deleted_service_stays_detached(disk: Disk) -> None:
    disk.house.run("mutation($id: String!) { serviceDelete(id: $id) }", id=disk.service)
    assert disk.instance["serviceId"] is None


def test_a_backup_is_made_by_a_workflow(disk: Disk) -> None:
    answer = disk.house.run(BACKUP, v=disk.instance["id"])
    (started,) = answer.values()
    assert disk.house.run(STATUS, id=started["workflowId"])["workflowStatus"]["status"] == "Running"
    assert disk.backups() == []
    assert disk.finish(answer)["status"] == "Complete"
    (backup,) = disk.backups()
    assert (backup["name"], backup["expiresAt"], backup["scheduleId"]) == ("Manual", None, None)
    assert backup["usedMB"] == backup["referencedMB"]


def test_a_second_backup_holds_only_its_increment(disk: Disk) -> None:
    disk.finish(disk.house.run(BACKUP, v=disk.instance["id"]))
    disk.house.emulator.clock.advance(10 * 3600)
    disk.finish(disk.house.run(BACKUP, v=disk.instance["id"]))
    newest, _ = disk.backups()
    assert newest["usedMB"] < newest["referencedMB"] / 2


def test_a_volume_more_than_half_full_has_no_manual_backup(disk: Disk) -> None:
    disk.house.emulator.volumes.fill(disk.instance["id"], 30_000)
    assert "50%" in disk.house.refused(BACKUP, v=disk.instance["id"])


def test_schedules_make_backups_that_expire(disk: Disk) -> None:
    update = """mutation($v: String!, $k: [VolumeInstanceBackupScheduleKind!]!) {
      volumeInstanceBackupScheduleUpdate(volumeInstanceId: $v, kinds: $k) }"""
    disk.house.run(update, v=disk.instance["id"], k=["DAILY"])
    listed = disk.house.run(
        "query($v: String!) { volumeInstanceBackupScheduleList(volumeInstanceId: $v) { kind cron retentionSeconds } }",
        v=disk.instance["id"],
    )["volumeInstanceBackupScheduleList"]
    assert [(one["kind"], one["retentionSeconds"]) for one in listed] == [("DAILY", 6 * 86_400)]
    disk.house.emulator.clock.advance(3 * 86_400)
    assert len(disk.backups()) == 3
    lock = """mutation($v: String!, $b: String!) {
      volumeInstanceBackupLock(volumeInstanceId: $v, volumeInstanceBackupId: $b) }"""
    oldest = disk.backups()[-1]["id"]
    disk.house.run(lock, v=disk.instance["id"], b=oldest)
    disk.house.run(update, v=disk.instance["id"], k=[])
    disk.house.emulator.clock.advance(10 * 86_400)
    assert [one["id"] for one in disk.backups()] == [oldest]


def test_a_restore_stages_the_change_of_volumes_and_drops_newer_backups(disk: Disk) -> None:
    disk.finish(disk.house.run(BACKUP, v=disk.instance["id"]))
    disk.house.emulator.clock.advance(3600)
    disk.finish(disk.house.run(BACKUP, v=disk.instance["id"]))
    oldest = disk.backups()[-1]
    answer = disk.house.run(RESTORE, v=disk.instance["id"], b=oldest["id"])
    assert disk.finish(answer)["status"] == "Complete"
    assert [one["id"] for one in disk.backups()] == [oldest["id"]]
    assert disk.instance["serviceId"] == disk.service
    disk.house.run(
        "mutation($e: String!) { environmentPatchCommitStaged(environmentId: $e) }", e=disk.environment
    )
    assert disk.instance["serviceId"] is None
    restored = next(one for one in disk.instances() if one["volumeId"] != disk.volume)
    assert (restored["serviceId"], restored["mountPath"]) == (disk.service, "/data")
    assert restored["currentSizeMB"] == pytest.approx(oldest["referencedMB"], abs=1)


def test_a_deleted_backup_is_gone(disk: Disk) -> None:
    disk.finish(disk.house.run(BACKUP, v=disk.instance["id"]))
    delete = """mutation($v: String!, $b: String!) {
      volumeInstanceBackupDelete(volumeInstanceId: $v, volumeInstanceBackupId: $b) { workflowId } }"""
    disk.finish(disk.house.run(delete, v=disk.instance["id"], b=disk.backups()[0]["id"]))
    assert disk.backups() == []


def test_a_bucket_is_placed_by_patch_and_gives_credentials(disk: Disk) -> None:
    made = disk.house.run(
        "mutation($i: BucketCreateInput!) { bucketCreate(input: $i) { id name } }",
        i={"projectId": disk.project, "name": "files"},
    )["bucketCreate"]
    read = """query($p: String!, $e: String!, $b: String!) { bucketS3Credentials(projectId: $p, environmentId: $e, bucketId: $b) {
      bucketName endpoint region accessKeyId secretAccessKey urlStyle } }"""
    where = {"p": disk.project, "e": disk.environment, "b": made["id"]}
    assert disk.house.run(read, **where)["bucketS3Credentials"] == []
    patch = {"buckets": {made["id"]: {"region": "ams", "isCreated": True}}}
    disk.house.run(COMMIT, e=disk.environment, p=patch)
    (key,) = disk.house.run(read, **where)["bucketS3Credentials"]
    variables = {
        "services": {disk.service: {"variables": {"KEY": {"value": "${{files.SECRET_ACCESS_KEY}}"}}}}
    }
    disk.house.run(COMMIT, e=disk.environment, p=variables)
    rendered = disk.house.run(
        "query($p: String!, $e: String!, $s: String!) { variables(projectId: $p, environmentId: $e, serviceId: $s) }",
        p=disk.project,
        e=disk.environment,
        s=disk.service,
    )["variables"]
    assert rendered == {"KEY": key["secretAccessKey"]}
    reset = """mutation($p: String!, $e: String!, $b: String!) {
      bucketCredentialsReset(projectId: $p, environmentId: $e, bucketId: $b) { secretAccessKey } }"""
    assert disk.house.run(reset, **where)["bucketCredentialsReset"] != {
        "secretAccessKey": key["secretAccessKey"]
    }
