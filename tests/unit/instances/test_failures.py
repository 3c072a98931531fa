"""What a failed write means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.domain.operations import OperationKind
from railway_saas.errors import (
    GraphQLErrorDetail,
    RailwayAuthError,
    RailwayConflictError,
    RailwayConnectionError,
    RailwayDeploymentError,
    RailwayError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwayStateError,
    RailwayTimeoutError,
)
from railway_saas.instances.failures import Judgement, Ruling, judge
from railway_saas.instances.manager_settings import ManagerSettings
from tests.support.situations import SETTINGS, operation

few = settings(max_examples=30, deadline=None)

CLASSES: list[type[RailwayError]] = [
    RailwayError,
    RailwayAuthError,
    RailwayConflictError,
    RailwayConnectionError,
    RailwayDeploymentError,
    RailwayInputError,
    RailwayNotFoundError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwayStateError,
    RailwayTimeoutError,
]
REFUSALS = [
    RailwayInputError,
    RailwayConflictError,
    RailwayStateError,
    RailwayNotFoundError,
    RailwayQueryError,
]
WRITE = operation(OperationKind.SERVICE_CREATE)


def ruling(
    error: RailwayError, attempts: int = 1, *, jitter: float = 0.0, age_s: float = 0, **settings: Any
) -> Ruling:
    patience = ManagerSettings(**settings) if settings else SETTINGS
    return judge(error, replace(WRITE, attempts=attempts), patience, jitter=jitter, age_s=age_s)


errors = st.builds(
    lambda cls, **more: cls("no", **more),
    st.sampled_from(CLASSES),
    transient=st.booleans(),
    maybe_applied=st.booleans(),
    errors=st.sampled_from([(), (GraphQLErrorDetail("too quickly"),)]),
)
everything = {
    "error": errors,
    "attempts": st.integers(1, 2000),
    "jitter": st.floats(0, 1),
    "age_s": st.floats(0, 1e6),
}


@few
@given(**everything)
def test_what_may_have_landed_is_looked_for_and_never_sent_again_blindly(
    error: RailwayError, attempts: int, jitter: float, age_s: float
) -> None:
    found = ruling(error, attempts, jitter=jitter, age_s=age_s)
    assert (found.judgement is Judgement.DOUBT) == error.maybe_applied


@few
@given(**everything)
def test_it_ends(error: RailwayError, attempts: int, jitter: float, age_s: float) -> None:
    """Whatever is sent again counts, or is given up when it is old."""
    found = ruling(error, attempts, jitter=jitter, age_s=age_s)
    if found.judgement is Judgement.LATER:
        assert 0 < found.pause_s <= 375
        assert attempts < 6 if found.counts else age_s <= 86_400


@pytest.mark.parametrize("cls", REFUSALS)
def test_a_no_for_a_reason_is_a_refusal(cls: type[RailwayError]) -> None:
    assert ruling(cls("no")) == Ruling(Judgement.REFUSED)


@pytest.mark.parametrize(
    "cls", [RailwayError, RailwayResponseError, RailwayConnectionError, RailwayDeploymentError]
)
def test_what_nobody_can_tell_is_an_operators(cls: type[RailwayError]) -> None:
    assert ruling(cls("?")) == Ruling(Judgement.ASK)


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        pytest.param(1, Ruling(Judgement.LATER, 3), id="permissions may spread"),
        pytest.param(2, Ruling(Judgement.LATER, 6), id="and still"),
        pytest.param(3, Ruling(Judgement.ASK), id="three times is enough"),
    ],
)
def test_not_authorized_is_tried_three_times(attempts: int, expected: Ruling) -> None:
    assert ruling(RailwayAuthError("Not Authorized"), attempts) == expected


@pytest.mark.parametrize("jitter", [0.0, 1.0])
@pytest.mark.parametrize(("attempts", "longest"), [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32)])
def test_what_passes_is_tried_after_growing_pauses(attempts: int, longest: float, jitter: float) -> None:
    found = ruling(RailwayConnectionError("refused", transient=True), attempts, jitter=jitter)
    assert found == Ruling(Judgement.LATER, longest * (0.5 + jitter / 2))


@pytest.mark.parametrize("attempts", [6, 7])
def test_what_passes_is_tried_so_often_and_no_more(attempts: int) -> None:
    assert ruling(RailwayConnectionError("refused", transient=True), attempts) == Ruling(Judgement.ASK)


@pytest.mark.parametrize("attempts", [9, 100, 1000, 1999])
def test_pauses_end_at_five_minutes(attempts: int) -> None:
    error = RailwayConnectionError("refused", transient=True)
    assert ruling(error, attempts, jitter=1.0, max_attempts=2000).pause_s == 300


TOO_QUICKLY = (GraphQLErrorDetail("You are creating services too quickly"),)


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        pytest.param(RailwayRateLimitError("slow", retry_after_s=77), 77, id="as long as Railway says"),
        pytest.param(
            RailwayRateLimitError("slow", errors=TOO_QUICKLY), 30, id="a throttle holds half a minute"
        ),
        pytest.param(RailwayRateLimitError("slow"), 2, id="nothing said"),
    ],
)
def test_being_asked_to_slow_down_is_no_attempt(error: RailwayError, pause: float) -> None:
    expected = Ruling(Judgement.LATER, pause, counts=False)
    assert ruling(error) == ruling(error, attempts=1000) == expected
    assert ruling(error, jitter=1.0).pause_s == pause * 1.25


def test_nobody_waits_for_its_turn_for_ever() -> None:
    error = RailwayRateLimitError("slow")
    assert ruling(error, age_s=86_400).judgement is Judgement.LATER
    assert ruling(error, age_s=86_401) == Ruling(Judgement.ASK)
