"""Following a wish: whether what somebody asked of an instance has been done. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from railway_saas.domain import DesiredStatus, InstanceStatus
from railway_saas.domain.statuses import GONE
from railway_saas.errors import UndecipherableError

if TYPE_CHECKING:
    from railway_saas.domain import Instance, InstanceEvent


class Progress(StrEnum):
    """How far a wish is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NEEDS_ATTENTION = "needs_attention"
    REPLACED = "replaced"
    """It was never done: something that was asked for later took its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """One look at a wish.

    Wishes are numbered by the generation of what is wanted. A later wish contains the ones before it, as the control
    loop only ever goes for what is wanted last: so an instance's wishes stand as the instance does, but for those that a
    later one took the place of before they were done.
    """

    number: int
    progress: Progress
    done: int
    total: int
    message: str
    """The last sentence about it, for people."""


REPLACED: Final = "what was asked for later took its place"


def needs_no_look(instance: Instance) -> bool:
    """Whether its row alone says if something is still to be done."""
    return _is_over(instance) or _wants_more(instance)


def is_changing(instance: Instance, *, is_under_way: bool) -> bool:
    """Whether something that is wanted is still to be done.

    Args:
        instance: As it stands.
        is_under_way: Whether something that belongs to it is still to be done at Railway: `Views.under_way`.
    """
    return not _is_over(instance) and (is_under_way or _wants_more(instance))


def _is_over(instance: Instance) -> bool:
    """Nothing is done with it any more, or not until an operator decides."""
    return instance.status in GONE or instance.observed.attention is not None


def _wants_more(instance: Instance) -> bool:
    """What cannot be deciphered cannot be compared."""
    try:
        return instance.is_changing
    except UndecipherableError:
        return False


def progress_of(instance: Instance, *, is_under_way: bool) -> Progress:
    """How far the instance is with what is wanted.

    Args:
        instance: As it stands.
        is_under_way: Whether something that belongs to it is still to be done at Railway.
    """
    if instance.observed.attention is not None:
        return Progress.NEEDS_ATTENTION
    if instance.status is InstanceStatus.FAILED:
        return Progress.FAILED
    if instance.status is InstanceStatus.DELETED:
        return Progress.DONE if instance.desired.status is DesiredStatus.DELETED else Progress.FAILED
    if is_changing(instance, is_under_way=is_under_way):
        return Progress.RUNNING
    return Progress.DONE if instance.observed.error is None else Progress.FAILED


def follow(
    instance: Instance,
    number: int,
    *,
    event: InstanceEvent | None,
    is_under_way: bool,
    was_dropped: bool = False,
) -> Following:
    """Look at one of the instance's wishes.

    Args:
        instance: As it stands.
        number: Which wish; from 1, which is the deploy, to the generation of what is wanted.
        event: What was said last.
        is_under_way: Whether something that belongs to the instance is still to be done at Railway.
        was_dropped: Whether a write that this wish asked for was given up before it was sent.
    """
    progress = progress_of(instance, is_under_way=is_under_way)
    if was_dropped or instance.desired.is_replaced(number):
        progress = Progress.REPLACED
    said = event.message if event is not None else str(instance.status)
    wrong = instance.observed.error if progress is Progress.FAILED else None
    total = max(event.total if event else 0, instance.resources.services)
    is_up = progress is Progress.DONE and instance.status is InstanceStatus.RUNNING
    return Following(
        number=number,
        progress=progress,
        done=total if is_up else min(event.done if event else 0, total),
        total=total,
        message=REPLACED if progress is Progress.REPLACED else wrong or said,
    )
