"""Money: whole cents of one currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.domain.money import Money
from railway_saas.errors import ConfigurationError

few = settings(max_examples=30, deadline=None)

cents = st.integers(-(10**12), 10**12)


@few
@given(cents, cents)
def test_amounts_of_one_currency_add_up(one: int, other: int) -> None:
    assert Money(one, "eur") + Money(other, "eur") == Money(one + other, "eur")


def test_amounts_are_dollars_unless_said_otherwise() -> None:
    assert Money(1) == Money(1, "usd")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ConfigurationError, match="cannot add eur to usd"):
        Money(1, "usd") + Money(1, "eur")


@pytest.mark.parametrize("amount", [1.0, "1", Decimal(1), True, None])
def test_only_whole_numbers_are_amounts(amount: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a whole number of cents"):
        Money(amount)


@pytest.mark.parametrize("currency", ["", "USD", "us", "usdd", "us1", "usd\n", " usd"])
def test_only_lower_case_codes_are_currencies(currency: str) -> None:
    with pytest.raises(ConfigurationError, match="must be like 'usd'"):
        Money(1, currency)


@few
@given(cents, cents)
def test_amounts_compare_as_numbers(one: int, other: int) -> None:
    assert (Money(one) < Money(other)) == (one < other)
