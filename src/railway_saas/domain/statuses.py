"""The words for how an instance stands, and which of them may follow which."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class DesiredStatus(StrEnum):
    """What somebody wants of an instance."""

    RUNNING = "running"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class InstanceStatus(StrEnum):
    """What Railway has confirmed about an instance."""

    ACCEPTED = "accepted"
    """Its slot is taken; Railway knows nothing yet."""
    PROVISIONING = "provisioning"
    """Its project and services are being made."""
    DEPLOYING = "deploying"
    """Its services are coming up."""
    RUNNING = "running"
    SLEEPING = "sleeping"
    """Up, and asleep until the next request."""
    CRASHED = "crashed"
    """A service went down and did not come back by itself."""
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    FAILED = "failed"
    """It never came up, and what was made of it is gone again."""
    DELETING = "deleting"
    DELETED = "deleted"


GONE: Final = frozenset({InstanceStatus.FAILED, InstanceStatus.DELETED})
"""Final: there is nothing at Railway, and the slot is free."""

BUILDING: Final = frozenset({InstanceStatus.ACCEPTED, InstanceStatus.PROVISIONING})
UP: Final = frozenset({InstanceStatus.RUNNING, InstanceStatus.SLEEPING})

_LIVE = frozenset(InstanceStatus) - GONE
_LATER = _LIVE - BUILDING - {InstanceStatus.DELETING}

FOLLOWERS: Final[dict[InstanceStatus, frozenset[InstanceStatus]]] = {
    InstanceStatus.ACCEPTED: frozenset({InstanceStatus.PROVISIONING, InstanceStatus.FAILED})
    | {InstanceStatus.DELETING},
    InstanceStatus.PROVISIONING: frozenset(
        {InstanceStatus.DEPLOYING, InstanceStatus.FAILED, InstanceStatus.DELETING}
    ),
    **{status: (_LATER - {status}) | {InstanceStatus.DELETING, InstanceStatus.FAILED} for status in _LATER},
    InstanceStatus.DELETING: frozenset({InstanceStatus.DELETED, InstanceStatus.FAILED}),
    InstanceStatus.FAILED: frozenset(),
    InstanceStatus.DELETED: frozenset(),
}
"""Which status may follow which: a confirmed state is never taken back to one before it."""


class OperationState(StrEnum):
    """How far a write to Railway is."""

    INTENDED = "intended"
    """To be sent."""
    SENT = "sent"
    """Committed before the call. Found in this state later, nobody knows whether it landed: look first."""
    CONFIRMED = "confirmed"
    FAILED = "failed"
    """Railway refused it; nothing was done."""
    NEEDS_ATTENTION = "needs_attention"
    """Tried as often as is sensible: an operator decides."""
    ABANDONED = "abandoned"
    """No longer wanted; never sent, or undone."""


OPEN: Final = frozenset({OperationState.INTENDED, OperationState.SENT})
"""States that the control loop still works on."""
