"""What instances used, in the units Railway bills."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from railway_saas.domain.prices import EXACT, PriceTable, total_usd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

UNITS: Final[Mapping[str, str]] = {
    "MEMORY_USAGE_GB": "GB-minutes",
    "CPU_USAGE": "vCPU-minutes",
    "NETWORK_TX_GB": "GB",
    "DISK_USAGE_GB": "GB-minutes",
    "BACKUP_USAGE_GB": "GB-minutes",
}
"""Unit by measure. Source: the price formula of Railway's CLI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageMetric:
    """What one instance used of one measure in the hour that begins at `recorded_at`."""

    instance_id: UUID
    metric_type: str
    """Railway's `MetricMeasurement`, e.g. `CPU_USAGE`."""
    value: Decimal
    unit: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTotal:
    """What an instance used of one measure over a time."""

    instance_id: UUID
    metric_type: str
    value: Decimal
    unit: str


_PRICES: Mapping[str, Callable[[PriceTable, Decimal], Decimal]] = {
    "MEMORY_USAGE_GB": PriceTable.memory_cost,
    "CPU_USAGE": PriceTable.cpu_cost,
    "NETWORK_TX_GB": PriceTable.egress_cost,
    "DISK_USAGE_GB": PriceTable.volume_cost,
    "BACKUP_USAGE_GB": PriceTable.backup_cost,
}


def cost_usd(amounts: Mapping[str, Decimal], prices: PriceTable) -> Decimal:
    """What Railway charges for amounts by measure, in dollars at full precision. Measures without a price cost nothing."""
    return total_usd(
        _PRICES[measure](prices, amount) for measure, amount in amounts.items() if measure in _PRICES
    )


def summed(totals: Iterable[UsageTotal]) -> dict[str, Decimal]:
    """Amounts by measure over all instances."""
    sums: dict[str, Decimal] = {}
    for total in totals:
        sums[total.metric_type] = EXACT.add(sums.get(total.metric_type, Decimal(0)), total.value)
    return sums
