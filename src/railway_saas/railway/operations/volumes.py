"""Operations on volumes. Source: Railway's GraphQL schema of 2026-08-21."""

from __future__ import annotations

from railway_saas._core.operation import Lane, Operation
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.volumes import Volume, VolumeInstance, VolumeState
from railway_saas.railway.operations._arguments import choice
from railway_saas.railway.operations._build import (
    UNSET,
    Unset,
    given,
    operation,
    or_unset,
    require_range,
    require_text,
)

MAX_SIZE_MB = 5_000_000
"""The largest volume of any plan: 5 TB on Enterprise. Source: docs.railway.com, "Volumes"."""


def create(
    *,
    project_id: str,
    mount_path: str,
    service_id: str | None = None,
    environment_id: str | Unset | None = UNSET,
    region: str | None = None,
) -> Operation[Volume]:
    """A new volume. Not idempotent: every call makes another one."""
    require_text(project_id=project_id)
    _require_mount_path(mount_path)
    _require_texts_or_none(service_id=service_id, environment_id=environment_id, region=region)
    body = given(
        {
            "projectId": project_id,
            "mountPath": mount_path,
            "serviceId": or_unset(service_id),
            "environmentId": environment_id,
            "region": or_unset(region),
        }
    )
    return operation("VolumeCreate", Volume, {"input": body})


def update(volume_id: str, *, name: str) -> Operation[Volume]:
    """Rename a volume."""
    require_text(volume_id=volume_id, name=name)
    variables = {"volumeId": volume_id, "input": {"name": name}}
    return operation("VolumeUpdate", Volume, variables, safe_to_repeat=True)


def delete(volume_id: str) -> Operation[bool]:
    """Delete a volume with its data in all environments; restorable for 48 hours by a link in an e-mail."""
    require_text(volume_id=volume_id)
    return operation("VolumeDelete", bool, {"volumeId": volume_id}, lane=Lane.DELETION)


def get_instance(volume_instance_id: str) -> Operation[VolumeInstance]:
    """A volume in one environment."""
    require_text(volume_instance_id=volume_instance_id)
    return operation("VolumeInstanceGet", VolumeInstance, {"id": volume_instance_id}, read_after_write=True)


def update_instance(
    volume_id: str,
    *,
    service_id: str | None,
    environment_id: str | None = None,
    mount_path: str | None = None,
    state: VolumeState | str | None = None,
) -> Operation[bool]:
    """Attach, detach or mount a volume elsewhere.

    `service_id` has no default on purpose: None detaches, and leaving `serviceId` out of the request
    detaches too (Railway: "If not provided, the volume will be disconnected").
    """
    require_text(volume_id=volume_id)
    _require_texts_or_none(service_id=service_id, environment_id=environment_id)
    if mount_path is not None:
        _require_mount_path(mount_path)
    body = given(
        {
            "serviceId": service_id,
            "mountPath": or_unset(mount_path),
            "state": UNSET if state is None else choice("state", VolumeState, state),
        }
    )
    variables = {"volumeId": volume_id, "environmentId": or_unset(environment_id), "input": body}
    return operation("VolumeInstanceUpdate", bool, variables, safe_to_repeat=True)


def size_patch(volume_id: str, size_mb: int) -> dict[str, object]:
    """The environment config patch that sets a volume's size; add it to a patch of your own, or use `resize`.

    Raises:
        RailwayInputError: The size is not a whole number of megabytes that a volume can have.
    """
    require_text(volume_id=volume_id)
    require_range(1, MAX_SIZE_MB, size_mb=size_mb)
    if not float(size_mb).is_integer():
        raise RailwayInputError(
            f"size_mb={size_mb!r}: must be a whole number of megabytes", argument="size_mb"
        )
    return {"volumes": {volume_id: {"sizeMB": int(size_mb)}}}


def resize(
    volume_id: str, *, environment_id: str, size_mb: int, commit_message: str | None = None
) -> Operation[str]:
    """Grow a volume in one environment. Volumes cannot shrink. The answer's meaning is not documented."""
    require_text(environment_id=environment_id)
    variables = {
        "environmentId": environment_id,
        "patch": size_patch(volume_id, size_mb),
        "commitMessage": or_unset(commit_message),
    }
    return operation("VolumeResize", str, variables, safe_to_repeat=True)


def _require_mount_path(mount_path: str) -> None:
    require_text(mount_path=mount_path)
    if not mount_path.startswith("/"):
        raise RailwayInputError(f"mount_path={mount_path!r}: must start with /", argument="mount_path")


def _require_texts_or_none(**values: str | Unset | None) -> None:
    require_text(
        **{name: value for name, value in values.items() if value is not None and value is not UNSET}
    )
