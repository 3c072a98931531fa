"""Moments that are still to come, and pauses in which nobody looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from railway_saas.domain.instances import Rollout
from railway_saas.domain.operations import OperationKind
from railway_saas.domain.statuses import InstanceStatus, OperationState
from railway_saas.instances.deciding.clocks import lost_s, set_right
from railway_saas.instances.manager_settings import CLOCKS_AGREE_S
from tests.support.situations import (
    NOW,
    ago,
    custom_domain,
    decide,
    environment,
    instance,
    later,
    observed,
    operation,
    recorded,
    seen_service,
    situation,
)

DAY = 86_400.0


@pytest.mark.parametrize("field", ["status_since", "seen_at"])
def test_what_was_observed_in_the_future_was_observed_now(field: str) -> None:
    of = instance()
    ahead = replace(of, observed=replace(of.observed, **{field: later(DAY)}))
    assert getattr(observed(decide(situation(ahead))), field) == NOW


def test_a_rollout_that_begins_in_the_future_begins_now() -> None:
    of = instance(rollout=Rollout(number=3, pending=("web",), started_at=later(DAY)))
    assert observed(decide(situation(of))).rollout == Rollout(number=3, pending=("web",), started_at=NOW)


def test_a_write_of_the_future_was_sent_now_and_need_not_wait() -> None:
    one = operation(OperationKind.LIMITS, state=OperationState.INTENDED, sent=-DAY, not_before=later(2 * DAY))
    (mended,) = recorded(decide(situation(operations=[one]))).operations
    assert (mended.sent_at, mended.not_before, mended.state) == (NOW, None, OperationState.INTENDED)


def test_a_write_that_is_to_wait_for_long_waits() -> None:
    one = operation(OperationKind.LIMITS, state=OperationState.INTENDED, not_before=later(DAY))
    assert set_right(situation(operations=[one])) is None


def test_a_domain_that_was_looked_at_in_the_future_was_looked_at_now() -> None:
    row = custom_domain(updated_at=later(DAY))
    (mended,) = recorded(decide(situation(domains=[row]))).domains
    assert mended.updated_at == NOW


@pytest.mark.parametrize("seconds", [-1.0, 0.0, CLOCKS_AGREE_S])
def test_clocks_may_be_a_little_apart(seconds: float) -> None:
    of = instance(since=-seconds, seen_at=later(seconds))
    assert set_right(situation(of, operations=[operation(OperationKind.LIMITS, sent=-seconds)])) is None


def test_it_is_told() -> None:
    (told,) = recorded(decide(situation(instance(seen_at=later(DAY))))).events
    assert "a clock ran ahead" in told.message


def test_once_set_right_it_stays_so() -> None:
    s = situation(instance(seen_at=later(DAY), since=-DAY))
    mended = recorded(decide(s)).instance
    assert set_right(replace(s, instance=mended)) is None


@pytest.mark.parametrize(
    ("since", "looked", "lost"),
    [
        pytest.param(1000, None, 0, id="it does not matter"),
        pytest.param(1000, 20, 0, id="somebody looked just now"),
        pytest.param(1000, 180, 0, id="somebody looked not long ago"),
        pytest.param(1000, 181, 121, id="of a longer pause a minute counts"),
        pytest.param(3 * DAY, 3 * DAY - 800, 3 * DAY - 860, id="a jump of days"),
        pytest.param(3 * DAY, 3 * DAY - 860, 0, id="a jump of days, when it was almost too late"),
        pytest.param(1000, 5000, 940, id="what began since is not older than that"),
        pytest.param(5000, 1000, 0, id="too late before the pause"),
    ],
)
def test_a_pause_in_which_nobody_looked_counts_as_a_minute(since: float, looked: Any, lost: float) -> None:
    looked_before = None if looked is None else ago(looked)
    assert lost_s(situation(looked_before=looked_before), ago(since), 900) == lost


def test_a_first_deploy_gets_its_lost_time_back() -> None:
    of = instance(InstanceStatus.DEPLOYING, since=DAY)
    s = situation(of, seen=environment(seen_service("web", "DEPLOYING")), looked_before=ago(DAY - 10))
    verdict = decide(s)
    assert observed(verdict).status_since == ago(DAY) + timedelta(seconds=DAY - 10 - 60)
    assert (
        recorded(verdict).events[0].message == f"nobody looked for {DAY - 10:.0f} s: that time does not count"
    )
