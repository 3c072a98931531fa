"""Following a wish: whether what somebody asked of an instance has been done. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from railway_saas.domain import DesiredStatus, InstanceStatus
from railway_saas.errors import UndecipherableError

if TYPE_CHECKING:
    from railway_saas.domain import Instance, InstanceEvent


class Progress(StrEnum):
    """How far a wish is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """One look at a wish.

    Wishes are numbered by the generation of what is wanted. A later wish contains the ones before it, as the control
    loop only ever goes for what is wanted last: so all of an instance's wishes stand as the instance does.
    """

    number: int
    progress: Progress
    done: int
    total: int
    message: str
    """The last sentence about it, for people."""


def is_changing(instance: Instance) -> bool:
    """Whether something that is wanted is still to be done; what cannot be deciphered cannot be compared."""
    try:
        return instance.is_changing
    except UndecipherableError:
        return False


def progress_of(instance: Instance, *, has_open_operations: bool) -> Progress:
    """How far the instance is with what is wanted.

    Args:
        instance: As it stands.
        has_open_operations: Whether a write to Railway is still to be sent, or to be confirmed.
    """
    if instance.observed.attention is not None:
        return Progress.NEEDS_ATTENTION
    if instance.status is InstanceStatus.FAILED:
        return Progress.FAILED
    if instance.status is InstanceStatus.DELETED:
        return Progress.DONE if instance.desired.status is DesiredStatus.DELETED else Progress.FAILED
    if has_open_operations or is_changing(instance):
        return Progress.RUNNING
    return Progress.DONE if instance.observed.error is None else Progress.FAILED


def follow(
    instance: Instance, number: int, *, event: InstanceEvent | None, has_open_operations: bool
) -> Following:
    """Look at one of the instance's wishes.

    Args:
        instance: As it stands.
        number: Which wish; from 1, which is the deploy, to the generation of what is wanted.
        event: What was said last.
        has_open_operations: Whether a write to Railway is still to be sent, or to be confirmed.
    """
    progress = progress_of(instance, has_open_operations=has_open_operations)
    said = event.message if event is not None else str(instance.status)
    wrong = instance.observed.error if progress is Progress.FAILED else None
    total = max(event.total if event else 0, instance.resources.services)
    is_up = progress is Progress.DONE and instance.status is InstanceStatus.RUNNING
    return Following(
        number=number,
        progress=progress,
        done=total if is_up else min(event.done if event else 0, total),
        total=total,
        message=wrong or said,
    )
