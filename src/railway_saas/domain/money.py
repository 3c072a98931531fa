"""Money as integer minor units: never a float."""

from __future__ import annotations

import re
from dataclasses import dataclass

from railway_saas.errors import ConfigurationError

_CURRENCY = re.compile(r"[a-z]{3}")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in the currency's smallest unit, e.g. cents.

    Raises:
        ConfigurationError: The amount is no whole number, or the currency no ISO 4217 code in lower case.
    """

    amount_minor: int
    currency: str = "usd"

    def __post_init__(self) -> None:
        if isinstance(self.amount_minor, bool) or not isinstance(self.amount_minor, int):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
            raise ConfigurationError(
                f"Money(amount_minor={self.amount_minor!r}): must be a whole number of cents"
            )
        if not _CURRENCY.fullmatch(self.currency):
            raise ConfigurationError(f"Money(currency={self.currency!r}): must be like 'usd'")

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ConfigurationError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount_minor + other.amount_minor, self.currency)
