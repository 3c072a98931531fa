"""Writes to Railway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.domain.operations import OperationKind, ProviderOperation
from railway_saas.domain.statuses import OperationState

if TYPE_CHECKING:
    from railway_saas.repositories.sqlalchemy.models import ProviderOperationRow


def operation_of(row: ProviderOperationRow) -> ProviderOperation:
    """Read a row of `provider_operations`."""
    return ProviderOperation(
        id=row.id,
        instance_id=row.instance_id,
        key=row.key,
        kind=OperationKind(row.kind),
        state=OperationState(row.state),
        request=row.request,
        request_digest=row.request_digest,
        result=row.result,
        attempts=row.attempts,
        error=row.error,
        trace_id=row.trace_id,
        created_at=row.created_at,
        sent_at=row.sent_at,
        not_before=row.not_before,
        finished_at=row.finished_at,
    )


def operation_values(operation: ProviderOperation) -> dict[str, Any]:
    """A row of `provider_operations`."""
    return {
        "id": operation.id,
        "instance_id": operation.instance_id,
        "key": operation.key,
        "kind": operation.kind.value,
        "created_at": operation.created_at,
        **progress_values(operation),
    }


def progress_values(operation: ProviderOperation) -> dict[str, Any]:
    """The columns that change."""
    return {
        "state": operation.state.value,
        "request": operation.request,
        "request_digest": operation.request_digest,
        "result": operation.result,
        "attempts": operation.attempts,
        "error": operation.error,
        "trace_id": operation.trace_id,
        "sent_at": operation.sent_at,
        "not_before": operation.not_before,
        "finished_at": operation.finished_at,
    }
