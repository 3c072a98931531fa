"""What amounts of usage cost."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.domain.prices import MONTH_MINUTES, RAILWAY_PRICES
from railway_saas.domain.usage import UNITS, UsageTotal, cost_usd, summed

few = settings(max_examples=30, deadline=None)

SITE, SHOP = UUID(int=1), UUID(int=2)
MONTH = Decimal(MONTH_MINUTES)


@pytest.mark.parametrize(
    ("amounts", "dollars"),
    [
        ({}, "0"),
        ({"MEMORY_USAGE_GB": MONTH}, "10"),
        ({"CPU_USAGE": MONTH}, "20"),
        ({"NETWORK_TX_GB": Decimal(1)}, "0.05"),
        ({"DISK_USAGE_GB": MONTH}, "0.15"),
        ({"BACKUP_USAGE_GB": MONTH}, "0.15"),
        ({"MEMORY_USAGE_GB": MONTH / 2, "CPU_USAGE": MONTH / 4}, "10"),
    ],
)
def test_a_month_costs_what_the_price_page_says(amounts: dict[str, Decimal], dollars: str) -> None:
    assert cost_usd(amounts, RAILWAY_PRICES) == Decimal(dollars)


@pytest.mark.parametrize("measure", ["NETWORK_RX_GB", "EPHEMERAL_DISK_USAGE_GB", "NEW_MEASURE"])
def test_what_has_no_price_costs_nothing(measure: str) -> None:
    assert cost_usd({measure: Decimal(10**9)}, RAILWAY_PRICES) == 0


@pytest.mark.parametrize("measure", sorted(UNITS))
def test_every_measure_with_a_unit_has_a_price(measure: str) -> None:
    assert cost_usd({measure: Decimal(1)}, RAILWAY_PRICES) > 0


quantities = st.decimals(min_value=0, max_value=10**6, places=6)


@few
@given(st.dictionaries(st.sampled_from(sorted(UNITS)), quantities))
def test_the_whole_costs_as_much_as_its_parts(amounts: dict[str, Decimal]) -> None:
    parts = [cost_usd({measure: amount}, RAILWAY_PRICES) for measure, amount in amounts.items()]
    assert abs(cost_usd(amounts, RAILWAY_PRICES) - sum(parts)) < Decimal("1e-20")


totals = st.builds(
    UsageTotal,
    instance_id=st.sampled_from([SITE, SHOP]),
    metric_type=st.sampled_from(sorted(UNITS)),
    value=quantities,
    unit=st.just("GB"),
)


@few
@given(st.lists(totals, max_size=20))
def test_amounts_add_up_by_measure_over_all_instances(rows: list[UsageTotal]) -> None:
    sums = summed(rows)
    assert set(sums) == {row.metric_type for row in rows}
    assert sum(sums.values()) == sum(row.value for row in rows)
