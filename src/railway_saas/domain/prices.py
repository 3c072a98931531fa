"""What Railway charges for resources, dated, in exact decimals. Round only where an amount is shown.

Sources: docs.railway.com/reference/pricing, and the formula of the Railway CLI's usage command, which counts
a month as 43,200 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, Context, Decimal
from typing import TYPE_CHECKING, Final

from railway_saas.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "EXACT",
    "MONTH_MINUTES",
    "PRICE_TABLES",
    "RAILWAY_PRICES",
    "PriceTable",
    "price_table_at",
    "total_usd",
]

MONTH_MINUTES: Final = 43_200
"""Minutes in a billed month: 30 days. Source: Railway CLI."""

EXACT: Final = Context(prec=50)
"""Our own precision, so that a caller's decimal context cannot round an amount."""


def _checked(quantity: object, name: str) -> Decimal:
    if isinstance(quantity, bool) or not isinstance(quantity, Decimal | int):
        raise ConfigurationError(
            f"{name}: is a {type(quantity).__name__}; must be a Decimal or an int, as floats are not exact"
        )
    exact = Decimal(quantity)
    if not exact.is_finite() or exact < 0:
        raise ConfigurationError(f"{name}: is {exact}; must be finite and not negative")
    return exact


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Railway's prices in US dollars from one day on.

    Quantities are what Railway's `usage` reports: GB-minutes, vCPU-minutes, and GB for egress.

    Raises:
        ConfigurationError: A price or a quantity is negative, not finite, or a float.
    """

    effective_from: date
    """First day on which these prices are known to hold."""
    memory_gb_month: Decimal
    """For one GB of memory in use during a month."""
    vcpu_month: Decimal
    """For one vCPU in use during a month."""
    volume_gb_month: Decimal
    """For one GB stored on a volume during a month."""
    backup_gb_month: Decimal
    """For one GB that a volume's backups add, during a month."""
    egress_gb: Decimal
    """For one GB sent to the Internet; ingress and private traffic are free."""
    bucket_gb_month: Decimal
    """For one GB in a bucket during a month, rounded up; its egress is free."""
    source: str
    """Where the prices were read."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name not in {"effective_from", "source"}:
                _checked(getattr(self, field.name), f"PriceTable.{field.name}")

    def memory_cost(self, gb_minutes: Decimal | int) -> Decimal:
        """Dollars for memory in use, by GB-minutes."""
        return _per_minute(gb_minutes, self.memory_gb_month, "gb_minutes")

    def cpu_cost(self, vcpu_minutes: Decimal | int) -> Decimal:
        """Dollars for processors in use, by vCPU-minutes."""
        return _per_minute(vcpu_minutes, self.vcpu_month, "vcpu_minutes")

    def volume_cost(self, gb_minutes: Decimal | int) -> Decimal:
        """Dollars for what is stored on volumes, by GB-minutes."""
        return _per_minute(gb_minutes, self.volume_gb_month, "gb_minutes")

    def backup_cost(self, gb_minutes: Decimal | int) -> Decimal:
        """Dollars for what backups add, by GB-minutes."""
        return _per_minute(gb_minutes, self.backup_gb_month, "gb_minutes")

    def egress_cost(self, gb: Decimal | int) -> Decimal:
        """Dollars for what is sent to the Internet, by GB (2**20 KB)."""
        return EXACT.multiply(_checked(gb, "gb"), self.egress_gb)

    def bucket_cost(self, gb_months: Decimal | int) -> Decimal:
        """Dollars for what is stored in buckets, by GB-months; Railway rounds them up to whole ones."""
        whole = _checked(gb_months, "gb_months").to_integral_value(ROUND_CEILING, context=EXACT)
        return EXACT.multiply(whole, self.bucket_gb_month)


RAILWAY_PRICES = PriceTable(
    effective_from=date(2026, 8, 21),
    memory_gb_month=Decimal(10),
    vcpu_month=Decimal(20),
    volume_gb_month=Decimal("0.15"),
    backup_gb_month=Decimal("0.15"),
    egress_gb=Decimal("0.05"),
    bucket_gb_month=Decimal("0.015"),
    source="docs.railway.com/reference/pricing, read on 2026-08-21",
)
"""The prices of today."""

PRICE_TABLES: tuple[PriceTable, ...] = (RAILWAY_PRICES,)
"""Every table known, oldest first. Add one when Railway changes its prices; never change one."""


def price_table_at(day: date) -> PriceTable:
    """The prices that hold on a day; for an aware `datetime`, on its day in UTC.

    Railway's prices before the oldest table are not recorded here: for such days the oldest one is taken.

    Raises:
        ConfigurationError: A `datetime` without a time zone.
    """
    if isinstance(day, datetime):
        if day.tzinfo is None:
            raise ConfigurationError("day: a datetime needs a time zone; give an aware one, or a date")
        day = day.astimezone(UTC).date()
    known = [table for table in PRICE_TABLES if table.effective_from <= day]
    return known[-1] if known else PRICE_TABLES[0]


def total_usd(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts up at the precision they were made with."""
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def _per_minute(quantity: Decimal | int, price_per_month: Decimal, name: str) -> Decimal:
    return EXACT.divide(EXACT.multiply(_checked(quantity, name), price_per_month), Decimal(MONTH_MINUTES))
