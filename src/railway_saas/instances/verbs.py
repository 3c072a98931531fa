"""Which verb is possible in which state. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from railway_saas.domain.statuses import BUILDING, GONE, DesiredStatus, InstanceStatus
from railway_saas.errors import InstanceStateError, NeedsAttentionError

if TYPE_CHECKING:
    from datetime import datetime

    from railway_saas.domain.instances import Instance


class Verb(StrEnum):
    """What somebody may ask of an instance."""

    SET_VARIABLES = "set_variables"
    SET_LIMITS = "set_limits"
    ATTACH_DOMAIN = "attach_domain"
    REMOVE_DOMAIN = "remove_domain"
    RESTART = "restart"
    REDEPLOY = "redeploy"
    ROLLBACK = "rollback"
    STOP = "stop"
    START = "start"
    SUSPEND = "suspend"
    RESUME = "resume"
    UPGRADE = "upgrade"
    BACK_UP = "back_up"
    RESTORE = "restore"
    DELETE = "delete"
    CANCEL_DELETION = "cancel_deletion"
    RETRY = "retry"
    ABANDON = "abandon"
    ADOPT = "adopt"


_OPERATOR: Final = (Verb.RETRY, Verb.ABANDON, Verb.ADOPT)
OPERATOR_VERBS: Final = frozenset({*_OPERATOR, Verb.SUSPEND, Verb.RESUME})
"""What owners may not ask for."""

_ALWAYS: Final = (Verb.SET_VARIABLES, Verb.SET_LIMITS, Verb.ATTACH_DOMAIN, Verb.REMOVE_DOMAIN, Verb.SUSPEND)
_RUNNING: Final = (Verb.RESTART, Verb.REDEPLOY, Verb.ROLLBACK, Verb.UPGRADE)
_BUILT: Final = (Verb.BACK_UP, Verb.RESTORE)
_ALIVE: Final = frozenset({InstanceStatus.RUNNING, InstanceStatus.SLEEPING, InstanceStatus.CRASHED})


COMING_UP: Final = "a change is still coming up; try again once that is done"
BUSY: Final = "a worker is at it this moment; try again in a few seconds"
RESTORING: Final = "a backup is being restored; try again once that is done"


def allowed_verbs(
    instance: Instance, now: datetime | None = None, *, for_owner: bool = False
) -> tuple[Verb, ...]:
    """What is possible now, in the order of `Verb`; a scheduled deletion that is due at `now` cannot be called off.

    Args:
        instance: As it stands.
        now: The present moment.
        for_owner: Only what its owner may ask for.
    """
    allowed = set(_allowed(instance))
    if now is not None and is_deletion_due(instance, now):
        allowed.discard(Verb.CANCEL_DELETION)
    if for_owner:
        allowed -= OPERATOR_VERBS
    return tuple(verb for verb in Verb if verb in allowed)


def _allowed(instance: Instance) -> tuple[Verb, ...]:
    status, desired = instance.status, instance.desired
    if status in GONE:
        return ()
    if instance.observed.attention is not None:
        return (*_OPERATOR, Verb.DELETE)
    if status is InstanceStatus.DELETING or desired.status is DesiredStatus.DELETED:
        return ()
    ending = (Verb.DELETE,) if desired.delete_at is None else (Verb.DELETE, Verb.CANCEL_DELETION)
    if status in BUILDING or status is InstanceStatus.DEPLOYING:
        return (*ending, Verb.SET_VARIABLES, Verb.SET_LIMITS, Verb.ATTACH_DOMAIN, Verb.REMOVE_DOMAIN)
    allowed = (*ending, *_ALWAYS, *_BUILT)
    if desired.status is DesiredStatus.SUSPENDED:
        return (*(verb for verb in allowed if verb is not Verb.SUSPEND), Verb.RESUME)
    if desired.status is DesiredStatus.STOPPED:
        return (*allowed, Verb.START)
    return (*allowed, Verb.STOP, *(_RUNNING if status in _ALIVE else ()))


def is_deletion_due(instance: Instance, now: datetime) -> bool:
    """Whether the moment has come for which its deletion was scheduled."""
    return instance.desired.delete_at is not None and instance.desired.delete_at <= now


def require_verb(instance: Instance, verb: Verb, *, for_owner: bool = False) -> None:
    """Let a verb pass that is possible now.

    Args:
        instance: As it stands.
        verb: What is asked for.
        for_owner: Whether its owner asks, who is told only what owners may ask for.

    Raises:
        NeedsAttentionError: An operator has to decide first.
        InstanceStateError: It is not possible; `allowed` says what is.
    """
    allowed = allowed_verbs(instance)
    if verb in allowed:
        return
    if instance.observed.attention is not None:
        raise NeedsAttentionError(
            f"{verb} is not possible until an operator has decided: {instance.observed.attention}",
            allowed=allowed_verbs(instance, for_owner=for_owner),
        )
    raise not_now(instance, verb, for_owner=for_owner)


def not_now(
    instance: Instance,
    verb: Verb,
    reason: str | None = None,
    *,
    for_owner: bool = False,
    is_allowed_otherwise: bool = False,
    now: datetime | None = None,
) -> InstanceStateError:
    """Why a verb is not possible, and what is instead.

    Args:
        instance: As it stands.
        verb: What was asked for.
        reason: What is in the way; how the instance stands unless given.
        for_owner: Whether its owner asked.
        is_allowed_otherwise: Whether the same verb would be possible with other arguments.
        now: The present moment.
    """
    possible = allowed_verbs(instance, now, for_owner=for_owner)
    allowed = tuple(one for one in possible if is_allowed_otherwise or one is not verb)
    listed = ", ".join(map(in_words, allowed)) or "nothing"
    stands = f"the instance is {standing(instance)}" + (f", and {reason}" if reason else "")
    return InstanceStateError(
        f"{in_words(verb)} is not possible: {stands}; possible now: {listed}",
        current=instance.status,
        allowed=allowed,
    )


def in_words(verb: Verb) -> str:
    """As one would say it."""
    return verb.replace("_", " ")


def standing(instance: Instance) -> str:
    """How it stands and where it is going, in words."""
    wanted, status = instance.desired.status, instance.status
    if status in GONE:
        return str(status)
    if status is InstanceStatus.DELETING or wanted is DesiredStatus.DELETED:
        return "being deleted"
    if status in BUILDING or status is InstanceStatus.DEPLOYING:
        return f"still being set up ({status})"
    going = _GOING.get((status, wanted))
    return f"{status} and {going}" if going else str(status)


_GOING: Final = {
    **{(status, DesiredStatus.STOPPED): "being stopped already" for status in _ALIVE},
    **{(status, DesiredStatus.SUSPENDED): "being suspended already" for status in _ALIVE},
    (InstanceStatus.STOPPED, DesiredStatus.RUNNING): "being started already",
    (InstanceStatus.STOPPED, DesiredStatus.SUSPENDED): "being suspended already",
    (InstanceStatus.SUSPENDED, DesiredStatus.RUNNING): "being resumed already",
    (InstanceStatus.SUSPENDED, DesiredStatus.STOPPED): "being brought back, to be stopped",
}
"""On its way from one state to another."""
