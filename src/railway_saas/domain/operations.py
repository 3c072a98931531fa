"""Writes to Railway as rows that are committed before they are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from railway_saas.domain.statuses import OperationState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


class OperationKind(StrEnum):
    """What a write does."""

    PROJECT_CREATE = "project_create"
    TEMPLATE_DEPLOY = "template_deploy"
    SERVICE_CREATE = "service_create"
    VOLUME_CREATE = "volume_create"
    VOLUME_DELETE = "volume_delete"
    BUCKET_CREATE = "bucket_create"
    SERVICE_DOMAIN_CREATE = "service_domain_create"
    CONFIGURE = "configure"
    """Settings, patches: the same however often it is sent."""
    VARIABLES = "variables"
    LIMITS = "limits"
    SERVICE_DEPLOY = "service_deploy"
    SERVICE_DELETE = "service_delete"
    RESTART = "restart"
    ROLLBACK = "rollback"
    STOP = "stop"
    REMOVE = "remove"
    CUSTOM_DOMAIN_CREATE = "custom_domain_create"
    CUSTOM_DOMAIN_DELETE = "custom_domain_delete"
    BACKUP_CREATE = "backup_create"
    BACKUP_RESTORE = "backup_restore"
    RESTORE_COMMIT = "restore_commit"
    PREVIEW = "preview"
    """Changes that are staged to be checked, and discarded: whoever finds it unfinished discards them."""
    PROJECT_DELETE = "project_delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOperation:
    """One write to Railway. Its `key` is unique within its instance: the same step never has two rows."""

    id: UUID
    instance_id: UUID
    key: str
    """Which step of the instance's life it is, e.g. `project`, `deploy:3:<service key>`."""
    kind: OperationKind
    state: OperationState = OperationState.INTENDED
    request: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """What the step needs to be sent and looked for (JSON); never values of variables."""
    request_digest: str = ""
    """SHA-256 of what was sent, in hexadecimal."""
    result: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """What came of it (JSON), e.g. the id of what was made."""
    attempts: int = 0
    error: str | None = None
    trace_id: str | None = None
    """Railway's trace id of the latest failure."""
    created_at: datetime
    sent_at: datetime | None = None
    not_before: datetime | None = None
    """The earliest moment of the next attempt."""
    finished_at: datetime | None = None
