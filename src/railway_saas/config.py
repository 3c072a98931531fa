"""Settings of the Railway client: frozen, checked once when made, with the unit in every name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from railway_saas.errors import ConfigurationError

__all__ = ["DEFAULT_ENDPOINT", "RateLimit", "RetryPolicy", "Timeouts", "TokenKind"]

DEFAULT_ENDPOINT = "https://backboard.railway.com/graphql/v2"
"""Railway's public GraphQL endpoint. Source: docs.railway.com/integrations/api."""

TokenKind = Literal["bearer", "project"]
"""`bearer`: account, workspace or OAuth token. `project`: a token of one environment of one project."""


_MONTH_S = 30 * 86_400
_MAX_ATTEMPTS = 100
_MAX_FACTOR = 10
_MAX_REQUESTS = 1_000_000_000


def _within(owner: str, low: float, high: float, **values: object) -> None:
    """Refuse what is not a number above `low`, at most `high`."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value <= high:
            raise ConfigurationError(
                f"{owner}({name}={value!r}): must be a number above {low} and at most {high:,}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long one call may take, in seconds.

    `total_s` covers everything: waiting for the rate budget, every attempt and the pauses between them. The
    others are limits of one attempt. Railway's own CLI allows 90 s for a request, as some mutations are slow.

    Raises:
        ConfigurationError: A value is not a number above 0 and at most 30 days.
    """

    connect_s: float = 5.0
    read_s: float = 60.0
    write_s: float = 30.0
    pool_s: float = 30.0
    total_s: float = 90.0

    def __post_init__(self) -> None:
        _within(
            "Timeouts",
            0,
            _MONTH_S,
            connect_s=self.connect_s,
            read_s=self.read_s,
            write_s=self.write_s,
            pool_s=self.pool_s,
            total_s=self.total_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed call is sent again.

    A read is repeated on a passing fault; a write only when it certainly did not take effect. Pauses grow
    from `base_delay_s` by `factor` up to `max_delay_s`, with full jitter. A longer pause asked for by the
    server (`Retry-After`) is honoured up to `max_retry_after_s`; beyond it the error is raised at once, with
    the seconds on it.

    Raises:
        ConfigurationError: A value is out of range.
    """

    max_attempts: int = 4
    base_delay_s: float = 0.5
    max_delay_s: float = 20.0
    factor: float = 2.0
    max_retry_after_s: float = 60.0

    def __post_init__(self) -> None:
        if not isinstance(self.max_attempts, int) or not 1 <= self.max_attempts <= _MAX_ATTEMPTS:  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
            raise ConfigurationError(
                f"RetryPolicy(max_attempts={self.max_attempts!r}): must be a whole number from 1 to {_MAX_ATTEMPTS}"
            )
        _within(
            "RetryPolicy",
            0,
            _MONTH_S,
            base_delay_s=self.base_delay_s,
            max_delay_s=self.max_delay_s,
            max_retry_after_s=self.max_retry_after_s,
        )
        _within("RetryPolicy", 0, _MAX_FACTOR, factor=self.factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What one token may ask of Railway.

    A field left at None is learned: the hourly quota from the `RateLimit-Policy` and `X-RateLimit-*` headers
    of the answers, the rate per second from Railway's documented table (Hobby 10, Pro 50) by that quota.
    Until the first answer the values of a Hobby plan hold.

    Raises:
        ConfigurationError: A value is not a number above 0.

    Source: docs.railway.com/integrations/api, "Rate limits".
    """

    per_hour: int | None = None
    per_second: float | None = None

    def __post_init__(self) -> None:
        given = {"per_hour": self.per_hour, "per_second": self.per_second}
        _within(
            "RateLimit",
            0,
            _MAX_REQUESTS,
            **{name: value for name, value in given.items() if value is not None},
        )

    @classmethod
    def hobby(cls) -> RateLimit:
        """Railway's Hobby plan: 1,000 per hour, 10 per second."""
        return cls(per_hour=1_000, per_second=10)

    @classmethod
    def pro(cls) -> RateLimit:
        """Railway's Pro plan: 10,000 per hour, 50 per second."""
        return cls(per_hour=10_000, per_second=50)
