"""One refusal tells when everybody's next creation will pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from railway_saas.domain import OperationKind
from railway_saas.instances.throttles import CreationThrottles

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PROJECT = OperationKind.PROJECT_CREATE


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_nothing_is_held_back_before_railway_has_said_so() -> None:
    throttles = CreationThrottles()
    throttles.passed(PROJECT, NOW)
    assert throttles.closed_until([PROJECT], NOW) is None


def test_after_a_refusal_everybody_waits_as_long() -> None:
    throttles = CreationThrottles()
    throttles.refused(PROJECT, NOW, 30)
    assert throttles.closed_until([PROJECT], at(29)) == at(30)
    assert throttles.closed_until([PROJECT], at(30)) is None
    assert throttles.closed_until([OperationKind.SERVICE_CREATE], NOW) is None


def test_after_one_that_passed_the_next_one_waits_without_being_refused() -> None:
    throttles = CreationThrottles()
    throttles.refused(PROJECT, NOW, 30)
    throttles.passed(PROJECT, at(30))
    assert throttles.closed_until([PROJECT], at(31)) == at(60)


def test_a_throttle_that_was_not_met_for_an_hour_is_forgotten() -> None:
    throttles = CreationThrottles()
    throttles.refused(PROJECT, NOW, 30)
    throttles.passed(PROJECT, at(3601))
    assert throttles.closed_until([PROJECT], at(3602)) is None


def test_other_writes_are_never_held_back() -> None:
    throttles = CreationThrottles()
    throttles.refused(OperationKind.STOP, NOW, 30)
    assert throttles.closed_until([OperationKind.STOP], NOW) is None
