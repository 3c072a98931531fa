"""Rows that keep promises: outbox, inbox, audit, idempotency keys, subscriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

GRANTING: Final = frozenset({"active", "trialing", "past_due"})
"""Statuses of a subscription in which its plan may be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One row of `subscriptions`: which plan an owner has, and until when."""

    id: UUID
    user_id: UUID
    stripe_subscription_id: str
    plan_name: str
    status: str
    """Stripe's status, e.g. `active`, `past_due`."""
    current_period_start: datetime | None = None
    current_period_end: datetime | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def grants_plan(self) -> bool:
        """Whether the plan may be used: Stripe still tries to collect a `past_due` one."""
        return self.status in GRANTING


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """Something to be sent once the transaction that wrote it is committed. Its `key` is unique within its topic."""

    id: UUID
    topic: str
    """`mail`, `meter_event` or `webhook`."""
    key: str
    """The same for the same message: written twice, it is kept once."""
    payload: Mapping[str, Any] = field(repr=False)
    not_before: datetime
    """The earliest moment of the next attempt."""
    attempts: int = 0
    error: str | None = None
    created_at: datetime
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    """When it was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """An event that came from outside. Its `key` is unique within its source."""

    id: UUID
    source: str
    """`railway` or `stripe`."""
    key: str
    kind: str
    """The event's type, in the sender's words."""
    payload: Mapping[str, Any] = field(repr=False)
    received_at: datetime
    processed_at: datetime | None = None
    outcome: str | None = None
    """What was done with it, e.g. `woke`, `ignored`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Somebody changed something. Written in the same transaction as the change, never altered."""

    id: UUID
    at: datetime
    actor: str
    """Who: a user's id, `operator:<name>`, or `system`."""
    action: str
    """What, e.g. `instance.deploy`."""
    subject_type: str
    subject_id: str
    user_id: UUID | None = None
    """The owner it concerns."""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """More about it (JSON); names of variables, never their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A client's key for a request that creates something: the same key gives the same answer."""

    user_id: UUID
    key: str
    request_digest: str
    """SHA-256 of the request, in hexadecimal: another request under the same key is a mistake."""
    response: Mapping[str, Any] | None = None
    """None while the first request is still at work."""
    created_at: datetime
    expires_at: datetime
