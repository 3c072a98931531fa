"""Subscriptions, outbox, inbox, audit log and idempotency keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from railway_saas.domain.records import AuditEntry, IdempotencyKey, InboxEvent, OutboxMessage, Subscription

if TYPE_CHECKING:
    from railway_saas.repositories.sqlalchemy.models import (
        AuditRow,
        IdempotencyKeyRow,
        InboxRow,
        OutboxRow,
        SubscriptionRow,
    )


def subscription_of(row: SubscriptionRow) -> Subscription:
    """Read a row of `subscriptions`."""
    return Subscription(
        id=row.id,
        user_id=row.user_id,
        stripe_subscription_id=row.stripe_subscription_id,
        plan_name=row.plan_name,
        status=row.status,
        current_period_start=row.current_period_start,
        current_period_end=row.current_period_end,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def subscription_values(subscription: Subscription) -> dict[str, Any]:
    """A row of `subscriptions`."""
    return {
        "id": subscription.id,
        "user_id": subscription.user_id,
        "stripe_subscription_id": subscription.stripe_subscription_id,
        "plan_name": subscription.plan_name,
        "status": subscription.status,
        "current_period_start": subscription.current_period_start,
        "current_period_end": subscription.current_period_end,
        "created_at": subscription.created_at,
        "updated_at": subscription.updated_at,
    }


def message_of(row: OutboxRow) -> OutboxMessage:
    """Read a row of `outbox`."""
    return OutboxMessage(
        id=row.id,
        topic=row.topic,
        key=row.key,
        payload=row.payload,
        not_before=row.not_before,
        attempts=row.attempts,
        error=row.error,
        created_at=row.created_at,
        sent_at=row.sent_at,
        failed_at=row.failed_at,
    )


def message_values(message: OutboxMessage) -> dict[str, Any]:
    """A row of `outbox`."""
    return {
        "id": message.id,
        "topic": message.topic,
        "key": message.key,
        "payload": message.payload,
        "created_at": message.created_at,
        **delivery_values(message),
    }


def delivery_values(message: OutboxMessage) -> dict[str, Any]:
    """The columns that change."""
    return {
        "not_before": message.not_before,
        "attempts": message.attempts,
        "error": message.error,
        "sent_at": message.sent_at,
        "failed_at": message.failed_at,
    }


def inbox_event_of(row: InboxRow) -> InboxEvent:
    """Read a row of `inbox`."""
    return InboxEvent(
        id=row.id,
        source=row.source,
        key=row.key,
        kind=row.kind,
        payload=row.payload,
        received_at=row.received_at,
        processed_at=row.processed_at,
        outcome=row.outcome,
    )


def inbox_event_values(event: InboxEvent) -> dict[str, Any]:
    """A row of `inbox`."""
    return {
        "id": event.id,
        "source": event.source,
        "key": event.key,
        "kind": event.kind,
        "payload": event.payload,
        "received_at": event.received_at,
        "processed_at": event.processed_at,
        "outcome": event.outcome,
    }


def audit_entry_of(row: AuditRow) -> AuditEntry:
    """Read a row of `audit_log`."""
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        user_id=row.user_id,
        details=row.details,
    )


def audit_entry_values(entry: AuditEntry) -> dict[str, Any]:
    """A row of `audit_log`."""
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "user_id": entry.user_id,
        "details": entry.details,
    }


def idempotency_key_of(row: IdempotencyKeyRow) -> IdempotencyKey:
    """Read a row of `idempotency_keys`."""
    return IdempotencyKey(
        user_id=row.user_id,
        key=row.key,
        request_digest=row.request_digest,
        response=row.response,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def idempotency_key_values(key: IdempotencyKey) -> dict[str, Any]:
    """A row of `idempotency_keys`."""
    return {
        "user_id": key.user_id,
        "key": key.key,
        "request_digest": key.request_digest,
        "response": key.response,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }
