"""What a failed write means: did it land, is it worth another try, or has somebody to decide. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from railway_saas.errors import (
    RailwayAuthError,
    RailwayConflictError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayStateError,
)

if TYPE_CHECKING:
    from railway_saas.domain.operations import ProviderOperation
    from railway_saas.errors import RailwayError
    from railway_saas.instances.manager_settings import ManagerSettings

THROTTLE_S: Final = 30.0
"""Railway's creation throttles ("too quickly") hold for about so long. Source: FACTS of the live API."""
FIRST_BACKOFF_S: Final = 2.0
LONGEST_BACKOFF_S: Final = 300.0
_MOST_DOUBLINGS: Final = 16
NEW_OBJECT_TRIES: Final = 3
"""How often "Not Authorized" may mean that permissions of a new object have not spread. It is certain then that
nothing was done."""

_REFUSALS: Final = (
    RailwayInputError,
    RailwayConflictError,
    RailwayStateError,
    RailwayNotFoundError,
    RailwayQueryError,
)


class Judgement(Enum):
    """What to do about a failed write."""

    DOUBT = auto()
    """It may have landed: look."""
    LATER = auto()
    """Nothing was done: send it again after a pause."""
    REFUSED = auto()
    """Nothing was done, and the same would be refused again."""
    ASK = auto()
    """Nothing was done, and an operator has to look."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A judgement, with the pause in seconds where there is one."""

    judgement: Judgement
    pause_s: float = 0.0
    counts: bool = True
    """Whether it counts as an attempt: being asked to slow down does not."""


def judge(
    error: RailwayError,
    operation: ProviderOperation,
    settings: ManagerSettings,
    *,
    jitter: float,
    age_s: float,
) -> Ruling:
    """Rule on a failed write.

    Args:
        error: What came instead of an answer.
        operation: The write; `attempts` includes this one.
        settings: How often to try.
        jitter: A random number from 0 to 1, so that many instances do not come back as one.
        age_s: How old the operation is, in seconds.
    """
    if error.maybe_applied:
        return Ruling(Judgement.DOUBT)
    if isinstance(error, RailwayRateLimitError):
        if age_s > settings.give_up_after_s:
            return Ruling(Judgement.ASK)
        asked = error.retry_after_s or (THROTTLE_S if error.errors else FIRST_BACKOFF_S)
        return Ruling(Judgement.LATER, asked * (1 + jitter / 4), counts=False)
    if operation.attempts >= settings.max_attempts:
        return Ruling(Judgement.ASK)
    if isinstance(error, RailwayAuthError):
        spreading = operation.attempts < NEW_OBJECT_TRIES
        return Ruling(Judgement.LATER, 3.0 * operation.attempts) if spreading else Ruling(Judgement.ASK)
    if error.transient:
        backoff = min(
            LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(operation.attempts - 1, _MOST_DOUBLINGS)
        )
        return Ruling(Judgement.LATER, backoff * (0.5 + jitter / 2))
    return Ruling(Judgement.REFUSED if isinstance(error, _REFUSALS) else Judgement.ASK)
