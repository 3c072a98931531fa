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


def allowed_verbs(instance: Instance, now: datetime | None = None) -> tuple[Verb, ...]:
    """What is possible now, in the order of `Verb`; a scheduled deletion that is due at `now` cannot be called off."""
    allowed = set(_allowed(instance))
    if now is not None and is_deletion_due(instance, now):
        allowed.discard(Verb.CANCEL_DELETION)
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


def require_verb(instance: Instance, verb: Verb) -> None:
    """Let a verb pass that is possible now.

    Raises:
        NeedsAttentionError: An operator has to decide first.
        InstanceStateError: It is not possible; `allowed` says what is.
    """
    allowed = allowed_verbs(instance)
    if verb in allowed:
        return
    if instance.observed.attention is not None:
        raise NeedsAttentionError(
            f"{verb} is not possible until an operator has decided: {instance.observed.attention}"
        )
    listed = ", ".join(allowed) or "nothing"
    raise InstanceStateError(
        f"{verb} is not possible while the instance is {_standing(instance)}; possible now: {listed}",
        current=instance.status,
        allowed=allowed,
    )


def _standing(instance: Instance) -> str:
    wanted, status = str(instance.desired.status), str(instance.status)
    agreed = status == wanted or instance.desired.status is DesiredStatus.RUNNING
    return status if agreed else f"{status} and is to be {wanted}"
