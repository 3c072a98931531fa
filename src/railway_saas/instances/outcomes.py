"""How a turn of the control loop ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class OutcomeKind(StrEnum):
    """Why a turn ended."""

    SETTLED = "settled"
    """Desired and observed agree, or an operator has to decide."""
    WAITING = "waiting"
    """Railway is at work."""
    BUSY = "busy"
    """Another worker has the instance."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a turn."""

    kind: OutcomeKind
    next_check_at: datetime | None = None
    """When there may be more to do; None: not by itself."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run over due instances came to."""

    claimed: int = 0
    """How many were due and free."""
    settled: int = 0
    waiting: int = 0
    busy: int = 0
    failures: dict[UUID, str] = field(default_factory=dict["UUID", str])
    """Instances whose turn broke off, with the reason; they come again later and later."""
    next_due_at: datetime | None = None
    """When the next one is due and free: one whose worker died is not before its lease is over."""
