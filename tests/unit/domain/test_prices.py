"""Railway's prices, exact and dated."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railway_saas.domain import prices
from railway_saas.domain.prices import MONTH_MINUTES, RAILWAY_PRICES, PriceTable, price_table_at, total_usd
from railway_saas.errors import ConfigurationError


def table(day: date, memory: str = "1") -> PriceTable:
    one = Decimal(memory)
    return PriceTable(
        effective_from=day,
        memory_gb_month=one,
        vcpu_month=one,
        volume_gb_month=one,
        backup_gb_month=one,
        egress_gb=one,
        bucket_gb_month=one,
        source="a test",
    )


@pytest.mark.parametrize(
    ("cost", "dollars"),
    [
        (RAILWAY_PRICES.memory_cost(MONTH_MINUTES), "10"),
        (RAILWAY_PRICES.cpu_cost(MONTH_MINUTES), "20"),
        (RAILWAY_PRICES.volume_cost(MONTH_MINUTES), "0.15"),
        (RAILWAY_PRICES.backup_cost(2 * MONTH_MINUTES), "0.30"),
        (RAILWAY_PRICES.egress_cost(100), "5.00"),
        (RAILWAY_PRICES.bucket_cost(Decimal("0.2")), "0.015"),
        (RAILWAY_PRICES.bucket_cost(3), "0.045"),
        (RAILWAY_PRICES.bucket_cost(0), "0"),
    ],
)
def test_a_full_month_costs_what_the_price_page_says(cost: Decimal, dollars: str) -> None:
    assert cost == Decimal(dollars)


@pytest.mark.parametrize(
    ("per_minute", "published"),
    [
        (RAILWAY_PRICES.memory_cost(1), "0.000231"),
        (RAILWAY_PRICES.cpu_cost(1), "0.000463"),
        (RAILWAY_PRICES.volume_cost(1), "0.000003472222222"),
    ],
)
def test_the_published_prices_per_minute_are_these_prices_rounded(
    per_minute: Decimal, published: str
) -> None:
    assert per_minute.quantize(Decimal(published)) == Decimal(published)


def test_the_callers_decimal_context_does_not_round_amounts() -> None:
    exact = RAILWAY_PRICES.memory_cost(12_345_679)
    with localcontext(prec=3):
        assert RAILWAY_PRICES.memory_cost(12_345_679) == exact
        assert total_usd([exact, Decimal("0.01")]) > exact


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_two_halves_of_a_usage_cost_as_much_as_the_whole(one: int, other: int) -> None:
    apart = total_usd([RAILWAY_PRICES.egress_cost(one), RAILWAY_PRICES.egress_cost(other)])
    assert apart == RAILWAY_PRICES.egress_cost(one + other)


@pytest.mark.parametrize("quantity", [1.5, -1, Decimal("NaN"), Decimal("Infinity"), True, "1", None])
def test_quantities_that_are_not_exact_and_positive_are_refused_by_name(quantity: object) -> None:
    with pytest.raises(ConfigurationError, match="gb_minutes"):
        RAILWAY_PRICES.memory_cost(quantity)  # type: ignore[arg-type]


def test_a_table_with_a_negative_price_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"PriceTable\.memory_gb_month"):
        table(date(2026, 1, 1), memory="-1")


def test_each_day_has_the_table_that_was_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = table(date(2026, 1, 1)), table(date(2026, 7, 1), memory="2")
    monkeypatch.setattr(prices, "PRICE_TABLES", (old, new))
    assert price_table_at(date(2026, 6, 30)) is old
    assert price_table_at(date(2026, 7, 1)) is new
    assert price_table_at(date(2020, 1, 1)) is old, "the oldest one stands for all days before it"


def test_a_moment_counts_by_its_day_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = table(date(2026, 1, 1)), table(date(2026, 7, 1), memory="2")
    monkeypatch.setattr(prices, "PRICE_TABLES", (old, new))
    assert price_table_at(datetime(2026, 7, 1, 0, 0, tzinfo=UTC)) is new
    assert price_table_at(datetime(2026, 7, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))) is old


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="time zone"):
        price_table_at(datetime(2026, 7, 1))  # noqa: DTZ001 - what is refused


def test_the_current_prices_are_the_newest_table() -> None:
    assert prices.PRICE_TABLES[-1] is RAILWAY_PRICES
    assert list(prices.PRICE_TABLES) == sorted(prices.PRICE_TABLES, key=lambda known: known.effective_from)
