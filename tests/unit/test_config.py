"""Settings are frozen, checked once, and name what is wrong with them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from railway_saas import RateLimit, RetryPolicy, Timeouts
from railway_saas.errors import ConfigurationError

TIMES = ["connect_s", "read_s", "write_s", "pool_s", "total_s"]
PAUSES = ["base_delay_s", "max_delay_s", "max_retry_after_s"]
NO_NUMBERS = [0, -1, math.inf, -math.inf, math.nan, "5", None, True, 1e9]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize(
    ("settings", "name"), [(Timeouts, name) for name in TIMES] + [(RetryPolicy, name) for name in PAUSES]
)
def test_a_time_is_a_number_of_seconds_above_zero(settings: type, name: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(**{name: value})
    assert f"{settings.__name__}({name}={value!r})" in str(caught.value)
    assert "must be a number above 0 and at most 2,592,000" in str(caught.value)


@pytest.mark.parametrize("value", [0, -3, 101, 2.5, "4", None])
def test_attempts_are_a_whole_number(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"max_attempts=.*whole number from 1 to 100"):
        RetryPolicy(max_attempts=value)


@pytest.mark.parametrize("value", [0, -1, 11, math.inf])
def test_the_factor_stays_in_reason(value: float) -> None:
    with pytest.raises(ConfigurationError, match="factor="):
        RetryPolicy(factor=value)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "10"])
@pytest.mark.parametrize("name", ["per_hour", "per_second"])
def test_a_limit_is_a_number_above_zero(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"RateLimit.{name}="):
        RateLimit(**{name: value})  # type: ignore[arg-type]


def test_limits_left_open_are_learned() -> None:
    assert RateLimit() == RateLimit(per_hour=None, per_second=None)


def test_railways_documented_plans_are_at_hand() -> None:
    assert RateLimit.hobby() == RateLimit(per_hour=1_000, per_second=10)
    assert RateLimit.pro() == RateLimit(per_hour=10_000, per_second=50)


@pytest.mark.parametrize("settings", [Timeouts(), RetryPolicy(), RateLimit()])
def test_settings_are_frozen(settings: Any) -> None:
    name = dataclasses.fields(settings)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, name, 1)


def test_defaults_are_as_patient_as_railways_own_client() -> None:
    assert Timeouts().total_s == 90
    assert RetryPolicy().max_attempts == 4


@pytest.mark.parametrize("settings", [Timeouts, RetryPolicy, RateLimit])
def test_settings_take_names_only(settings: Any) -> None:
    with pytest.raises(TypeError):
        settings(5)
