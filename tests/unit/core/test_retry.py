"""When a failed call is sent again: never a write that may have landed, never past the call's time."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas._core.documents import read
from railway_saas._core.operation import Operation
from railway_saas._core.retry import NEW_OBJECT_DELAYS_S, NEW_OBJECT_S, backoff_s, may_repeat, retry_delay_s
from railway_saas.config import RetryPolicy
from railway_saas.errors import (
    RailwayAuthError,
    RailwayConnectionError,
    RailwayError,
    RailwayQueryError,
    RailwayRateLimitError,
)

POLICY = RetryPolicy()


def operation(
    *, write: bool = False, safe: bool | None = None, read_after_write: bool = False
) -> Operation[object]:
    document = read("mutation M { m }" if write else "query Q { q }")
    safe_to_repeat = not write if safe is None else safe
    return Operation(document, {}, lambda value: value, safe_to_repeat, read_after_write=read_after_write)


READ = operation()
WRITE = operation(write=True)
UPSERT = operation(write=True, safe=True)


def delay(
    operation: Operation[object],
    error: RailwayError,
    *,
    policy: RetryPolicy = POLICY,
    attempt: int = 1,
    remaining_s: float = 90.0,
    jitter: float = 1.0,
    since_write_s: float = 1000.0,
) -> float | None:
    return retry_delay_s(
        policy,
        operation,
        error,
        attempt=attempt,
        remaining_s=remaining_s,
        jitter=jitter,
        since_write_s=since_write_s,
    )


PASSING = RailwayConnectionError("reset", transient=True)
MAYBE = RailwayConnectionError("cut off", transient=True, maybe_applied=True)
FINAL = RailwayQueryError("no")


@pytest.mark.parametrize(
    ("name", "operation", "error", "repeated"),
    [
        ("a read after a passing fault", READ, PASSING, True),
        ("a read after a final one", READ, FINAL, False),
        ("a write that certainly did not happen", WRITE, PASSING, True),
        ("a write that may have happened", WRITE, MAYBE, False),
        ("a write that may have happened and is harmless to repeat", UPSERT, MAYBE, True),
        ("a harmless write that was refused", UPSERT, FINAL, False),
    ],
)
def test_what_is_sent_again(
    name: str, operation: Operation[object], error: RailwayError, repeated: bool
) -> None:
    assert may_repeat(operation, error) is repeated, name
    assert (delay(operation, error) is not None) is repeated, name


def test_pauses_grow_and_are_capped() -> None:
    policy = RetryPolicy(max_attempts=9, base_delay_s=0.5, factor=2, max_delay_s=4)
    assert [delay(READ, PASSING, policy=policy, attempt=attempt) for attempt in range(1, 9)] == [
        0.5, 1, 2, 4, 4, 4, 4, 4,
    ]  # fmt: skip


def test_pauses_are_jittered_down_to_nothing() -> None:
    assert delay(READ, PASSING, attempt=3, jitter=0.0) == 0.0
    assert delay(READ, PASSING, attempt=3, jitter=0.5) == 1.0


def test_attempts_are_bounded() -> None:
    assert delay(READ, PASSING, attempt=3) is not None
    assert delay(READ, PASSING, attempt=4) is None
    assert delay(READ, PASSING, policy=RetryPolicy(max_attempts=1)) is None


def test_the_servers_own_pause_is_honoured_with_a_little_spread() -> None:
    limited = RailwayRateLimitError("slow down", transient=True, retry_after_s=20.0)
    assert delay(WRITE, limited, jitter=0.0) == 20.0
    assert delay(WRITE, limited, jitter=1.0) == pytest.approx(22.0)


def test_a_pause_longer_than_the_cap_is_the_callers_to_take() -> None:
    limited = RailwayRateLimitError("slow down", transient=True, retry_after_s=61.0)
    assert delay(READ, limited) is None
    assert delay(READ, limited, policy=RetryPolicy(max_retry_after_s=70)) is not None


def test_a_rate_limit_without_a_pause_backs_off_as_usual() -> None:
    assert delay(WRITE, RailwayRateLimitError("1015", transient=True)) == 0.5


def test_a_pause_that_would_end_after_the_calls_time_is_not_begun() -> None:
    assert delay(READ, PASSING, remaining_s=0.5) is None
    assert delay(READ, PASSING, remaining_s=0.6) == 0.5


NOT_AUTHORIZED = RailwayAuthError("Not Authorized", status_code=200)
READ_OF_NEW = operation(read_after_write=True)


def test_not_authorized_on_something_just_created_is_asked_three_times_more() -> None:
    delays = [
        delay(READ_OF_NEW, NOT_AUTHORIZED, attempt=attempt, since_write_s=2.0) for attempt in range(1, 5)
    ]
    assert delays == [*NEW_OBJECT_DELAYS_S, None]


@pytest.mark.parametrize(
    ("name", "operation", "error", "since_write_s"),
    [
        ("nothing was written lately", READ_OF_NEW, NOT_AUTHORIZED, NEW_OBJECT_S + 1),
        ("another kind of read", READ, NOT_AUTHORIZED, 1.0),
        ("a token refused by HTTP", READ_OF_NEW, RailwayAuthError("HTTP 401", status_code=401), 1.0),
        ("a write is never looped on it", WRITE, NOT_AUTHORIZED, 1.0),
    ],
)
def test_otherwise_not_authorized_is_final(
    name: str, operation: Operation[object], error: RailwayError, since_write_s: float
) -> None:
    assert delay(operation, error, since_write_s=since_write_s) is None, name


def test_one_attempt_means_one_attempt_for_new_objects_too() -> None:
    once = RetryPolicy(max_attempts=1)
    assert delay(READ_OF_NEW, NOT_AUTHORIZED, policy=once, since_write_s=1.0) is None


POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    base_delay_s=st.floats(0.001, 1000),
    max_delay_s=st.floats(0.001, 1000),
    factor=st.floats(0.1, 10),
    max_retry_after_s=st.floats(0.001, 1000),
)
ERRORS = st.one_of(
    st.builds(RailwayConnectionError, st.just("x"), transient=st.booleans(), maybe_applied=st.booleans()),
    st.builds(
        RailwayRateLimitError,
        st.just("x"),
        transient=st.sampled_from([True]),
        retry_after_s=st.none() | st.floats(0, 1e9),
    ),
    st.builds(RailwayAuthError, st.just("x"), status_code=st.sampled_from([200, 401])),
)
OPERATIONS = st.builds(operation, write=st.booleans(), safe=st.booleans(), read_after_write=st.booleans())


@dataclass
class Sequence:
    """A call whose every attempt fails."""

    policy: RetryPolicy
    operation: Operation[object]
    errors: list[RailwayError]
    total_s: float
    took_s: float
    jitter: float

    def pauses(self) -> list[float]:
        now, pauses = 0.0, list[float]()
        for attempt, error in enumerate(self.errors, start=1):
            now += self.took_s
            pause = delay(
                self.operation,
                error,
                policy=self.policy,
                attempt=attempt,
                remaining_s=self.total_s - now,
                jitter=self.jitter,
                since_write_s=now,
            )
            if pause is None:
                break
            pauses.append(pause)
            now += pause
        return pauses


SEQUENCES = st.builds(
    Sequence,
    policy=POLICIES,
    operation=OPERATIONS,
    errors=st.lists(ERRORS, min_size=1, max_size=120),
    total_s=st.floats(0.1, 1000),
    took_s=st.floats(0, 5),
    jitter=st.floats(0, 1),
)


@given(call=SEQUENCES)
def test_whatever_goes_wrong_the_rules_hold(call: Sequence) -> None:
    pauses = call.pauses()
    slept_through = call.errors[: len(pauses)]
    assert len(pauses) < call.policy.max_attempts, "attempts are bounded"
    assert len(pauses) * call.took_s + sum(pauses) <= call.total_s, "never sleeps past the call's time"
    for error, pause in zip(slept_through, pauses, strict=True):
        assert call.operation.safe_to_repeat or not error.maybe_applied, "a write may have landed"
        if isinstance(error, RailwayRateLimitError) and error.retry_after_s is not None:
            assert error.retry_after_s <= pause <= call.policy.max_retry_after_s * 1.1 + 1e-9


@given(policy=POLICIES, attempt=st.integers(1, 100))
def test_backoff_is_finite_and_capped(policy: RetryPolicy, attempt: int) -> None:
    assert 0 <= backoff_s(policy, attempt) <= policy.max_delay_s
