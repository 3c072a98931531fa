"""Volumes, backups and buckets."""

from __future__ import annotations

from typing import Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.backups import VolumeInstanceBackupScheduleKind
from railway_saas.railway.models.volumes import VolumeState
from railway_saas.railway.operations import backups, buckets, volumes


def test_a_volume_goes_to_every_environment_unless_told() -> None:
    operation = volumes.create(project_id="p1", mount_path="/data")
    assert operation.variables == {"input": {"projectId": "p1", "mountPath": "/data"}}
    assert not operation.safe_to_repeat


def test_none_as_environment_means_none_of_them() -> None:
    operation = volumes.create(project_id="p1", mount_path="/data", environment_id=None)
    assert operation.variables["input"]["environmentId"] is None


def test_a_volume_is_created_where_it_is_told() -> None:
    operation = volumes.create(
        project_id="p1", mount_path="/data", service_id="s1", environment_id="e1", region="us-west2"
    )
    assert operation.variables == {
        "input": {
            "projectId": "p1",
            "mountPath": "/data",
            "serviceId": "s1",
            "environmentId": "e1",
            "region": "us-west2",
        }
    }


def test_the_service_is_always_sent_with_an_update_as_leaving_it_out_would_detach() -> None:
    operation = volumes.update_instance("v1", service_id="s1", mount_path="/srv")
    assert operation.variables == {"volumeId": "v1", "input": {"serviceId": "s1", "mountPath": "/srv"}}


def test_none_as_service_detaches() -> None:
    operation = volumes.update_instance("v1", service_id=None, environment_id="e1")
    assert operation.variables == {"volumeId": "v1", "environmentId": "e1", "input": {"serviceId": None}}
    assert operation.safe_to_repeat


def test_a_size_is_changed_by_a_patch_of_the_environment() -> None:
    operation = volumes.resize("v1", environment_id="e1", size_mb=10_000)
    assert operation.name == "environmentPatchCommit"
    assert operation.variables == {"environmentId": "e1", "patch": {"volumes": {"v1": {"sizeMB": 10_000}}}}


def test_a_volume_instance_is_read() -> None:
    instance = volumes.get_instance("vi1").parse(
        {
            "id": "vi1",
            "volumeId": "v1",
            "serviceId": None,
            "mountPath": "/data",
            "sizeMB": 5000,
            "currentSizeMB": 125.5,
            "state": "MIGRATION_PENDING",
            "isPendingDeletion": False,
            "volume": {"id": "v1", "name": "data", "projectId": "p1"},
        }
    )
    assert instance.size_mb == 5000
    assert instance.used_share == pytest.approx(0.0251)
    assert instance.state is VolumeState.MIGRATION_PENDING
    assert instance.volume is not None
    assert instance.volume.name == "data"


def test_how_full_a_volume_is_may_be_unknown() -> None:
    assert volumes.get_instance("vi1").parse({"id": "vi1"}).used_share is None


def test_deleting_a_volume_goes_behind_users() -> None:
    operation = volumes.delete("v1")
    assert operation.variables == {"volumeId": "v1"}
    assert operation.lane is Lane.DELETION


def test_backups_are_read_with_their_sizes() -> None:
    (backup,) = backups.list_("vi1").parse(
        [{"id": "b1", "name": "Manual", "usedMB": 12, "referencedMB": 300, "volumeInstanceSizeMB": 5000}]
    )
    assert (backup.used_mb, backup.referenced_mb, backup.volume_instance_size_mb) == (12, 300, 5000)
    assert backup.schedule_id is None


def test_a_backup_is_work_to_follow() -> None:
    operation = backups.create("vi1", name="before the upgrade")
    assert operation.variables == {"volumeInstanceId": "vi1", "name": "before the upgrade"}
    assert operation.parse({"workflowId": "w1"}).workflow_id == "w1"
    assert operation.parse({"workflowId": None}).workflow_id is None
    assert not operation.safe_to_repeat


def test_a_backup_without_a_name_is_named_by_railway() -> None:
    assert backups.create("vi1").variables == {"volumeInstanceId": "vi1"}


def test_a_restore_names_the_backup() -> None:
    operation = backups.restore(volume_instance_id="vi1", backup_id="b1", wipe_service_ids=["s2"])
    assert operation.variables == {
        "volumeInstanceId": "vi1",
        "volumeInstanceBackupId": "b1",
        "wipeServiceIds": ["s2"],
    }


def test_deleting_a_backup_goes_behind_users_and_locking_may_be_repeated() -> None:
    assert backups.delete(volume_instance_id="vi1", backup_id="b1").lane is Lane.DELETION
    assert backups.lock(volume_instance_id="vi1", backup_id="b1").safe_to_repeat


@pytest.mark.parametrize(
    ("kinds", "sent"),
    [
        (["DAILY", "MONTHLY"], ["DAILY", "MONTHLY"]),
        ([VolumeInstanceBackupScheduleKind.WEEKLY], ["WEEKLY"]),
        ([VolumeInstanceBackupScheduleKind("HOURLY")], ["HOURLY"]),
        ([], []),
    ],
)
def test_schedules_are_set_as_a_whole(kinds: list[str], sent: list[str]) -> None:
    operation = backups.update_schedules("vi1", kinds)
    assert operation.variables == {"volumeInstanceId": "vi1", "kinds": sent}
    assert operation.safe_to_repeat


def test_a_bucket_is_created_in_a_project_and_then_placed() -> None:
    assert buckets.create(project_id="p1", name="media").variables == {
        "input": {"projectId": "p1", "name": "media"}
    }
    assert buckets.place("b1", environment_id="e1", region="ams").variables == {
        "environmentId": "e1",
        "patch": {"buckets": {"b1": {"region": "ams", "isCreated": True}}},
    }


def test_a_bucket_without_a_name_is_named_by_railway() -> None:
    assert buckets.create(project_id="p1").variables == {"input": {"projectId": "p1"}}


def test_a_buckets_secret_key_is_read_and_not_shown() -> None:
    (found,) = buckets.credentials(project_id="p1", environment_id="e1", bucket_id="b1").parse(
        [
            {
                "bucketName": "media",
                "endpoint": "https://storage.railway.app",
                "accessKeyId": "tid_123",
                "secretAccessKey": "tsec_very_secret",
                "urlStyle": "virtual",
            }
        ]
    )
    assert found.secret_access_key == "tsec_very_secret"
    assert "tsec_very_secret" not in repr(found)
    assert "tsec_very_secret" not in str(found)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: volumes.create(project_id="", mount_path="/data"), "project_id"),
        (lambda: volumes.create(project_id="p1", mount_path="data"), "mount_path"),
        (lambda: volumes.create(project_id="p1", mount_path=""), "mount_path"),
        (lambda: volumes.create(project_id="p1", mount_path="/d", environment_id=""), "environment_id"),
        (lambda: volumes.create(project_id="p1", mount_path="/d", service_id=""), "service_id"),
        (lambda: volumes.update("v1", name=""), "name"),
        (lambda: volumes.update_instance("v1", service_id=""), "service_id"),
        (lambda: volumes.update_instance("v1", service_id=None, mount_path="x"), "mount_path"),
        (lambda: volumes.update_instance("v1", service_id=None, state="BROKEN"), "state"),
        (lambda: volumes.resize("v1", environment_id="e1", size_mb=0), "size_mb"),
        (lambda: volumes.resize("v1", environment_id="e1", size_mb=True), "size_mb"),
        (lambda: volumes.resize("v1", environment_id="", size_mb=10), "environment_id"),
        (lambda: volumes.size_patch("v1", 10.5), "size_mb"),  # type: ignore[arg-type]
        (lambda: volumes.size_patch("v1", 10**9), "size_mb"),
        (lambda: volumes.get_instance(""), "volume_instance_id"),
        (lambda: volumes.delete(""), "volume_id"),
        (lambda: backups.list_(""), "volume_instance_id"),
        (lambda: backups.create("vi1", name=" "), "name"),
        (lambda: backups.restore(volume_instance_id="vi1", backup_id=""), "backup_id"),
        (
            lambda: backups.restore(volume_instance_id="vi1", backup_id="b1", replica_service_ids="s1"),
            "replica_service_ids",
        ),
        (lambda: backups.update_schedules("vi1", ["HOURLY"]), "kinds"),
        (lambda: backups.update_schedules("vi1", "DAILY"), "kinds"),
        (lambda: buckets.create(project_id="p1", name=""), "name"),
        (lambda: buckets.place("b1", environment_id="e1", region=""), "region"),
        (lambda: buckets.credentials(project_id="p1", environment_id="e1", bucket_id=""), "bucket_id"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument


def test_a_refused_choice_says_what_is_allowed() -> None:
    with pytest.raises(RailwayInputError, match="'HOURLY' is none of DAILY, MONTHLY, WEEKLY"):
        backups.update_schedules("vi1", ["HOURLY"])
