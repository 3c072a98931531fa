"""Whether a failed call is sent again, and after how long. Pure; tenacity drives it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from railway_saas.errors import RailwayAuthError, RailwayError, RailwayRateLimitError

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation
    from railway_saas.config import RetryPolicy

NEW_OBJECT_DELAYS_S = (1.0, 2.0, 3.0)
"""Pauses after "Not Authorized" on a read of something just created: its permissions spread with a delay."""

NEW_OBJECT_S = 30.0
"""For how long after a write "Not Authorized" may mean that. Later it is Railway's answer for what is not there."""

_SPREAD = 0.1
"""Share by which a pause asked for by the server is stretched at most, so that callers do not return as one."""


def retry_delay_s(
    policy: RetryPolicy,
    operation: Operation[Any],
    error: RailwayError,
    *,
    attempt: int,
    remaining_s: float,
    jitter: float,
    since_write_s: float = math.inf,
) -> float | None:
    """Seconds to wait before the next attempt, or None to give up.

    Args:
        policy: How often and how long.
        operation: What was called; it says whether a repeat is harmless.
        error: What came of the latest attempt.
        attempt: How many attempts there were, from 1.
        remaining_s: What is left of the call's total time, in seconds.
        jitter: A random number from 0 to 1.
        since_write_s: How long ago this client last changed something, in seconds.
    """
    if attempt >= policy.max_attempts:
        return None
    if _is_new_object(operation, error, since_write_s) and attempt <= len(NEW_OBJECT_DELAYS_S):
        delay = NEW_OBJECT_DELAYS_S[attempt - 1]
    elif not may_repeat(operation, error):
        return None
    else:
        asked = error.retry_after_s if isinstance(error, RailwayRateLimitError) else None
        if asked is None:
            delay = backoff_s(policy, attempt) * jitter
        elif asked > policy.max_retry_after_s:
            return None
        else:
            delay = asked * (1 + _SPREAD * jitter)
    return delay if delay < remaining_s else None


def may_repeat(operation: Operation[Any], error: RailwayError) -> bool:
    """Whether sending the call again is both useful and harmless."""
    return error.transient and (operation.safe_to_repeat or not error.maybe_applied)


def backoff_s(policy: RetryPolicy, attempt: int) -> float:
    """The longest pause after the given attempt: growing, capped."""
    return min(policy.max_delay_s, policy.base_delay_s * policy.factor ** (attempt - 1))


def _is_new_object(operation: Operation[Any], error: RailwayError, since_write_s: float) -> bool:
    return (
        operation.read_after_write
        and since_write_s <= NEW_OBJECT_S
        and isinstance(error, RailwayAuthError)
        and error.status_code == 200  # noqa: PLR2004 - HTTP's OK
    )
