"""What a template will cost on Railway in a month, estimated from stated assumptions about its use.

Railway bills use, not limits, and a template says nothing about use: so the assumptions are part of the
answer, and each can be changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from railway_saas.domain.prices import EXACT, MONTH_MINUTES, RAILWAY_PRICES, PriceTable, total_usd
from railway_saas.errors import ConfigurationError, TemplateError
from railway_saas.templates.cron import CronSchedule
from railway_saas.templates.json_values import as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from railway_saas.templates.json_values import JsonValue
    from railway_saas.templates.views import TemplateBucket, TemplateService

__all__ = ["CostAssumptions", "CostEstimate", "CostLine", "ServiceCost", "ServiceUse", "estimate_cost"]

_BYTES_PER_GB = Decimal(1_000_000_000)
_MB_PER_GB = Decimal(1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUse:
    """Average use of one service while it runs, per replica; stored and sent amounts are per month.

    Raises:
        ConfigurationError: An amount is negative, not finite, or a float.
    """

    memory_gb: Decimal = Decimal("0.25")
    vcpus: Decimal = Decimal("0.02")
    egress_gb: Decimal = Decimal(1)
    """GB sent to the Internet; counted for public services only, as private traffic is free."""
    volume_gb: Decimal = Decimal(1)
    """GB stored on its volume, at most the volume's size."""

    def __post_init__(self) -> None:
        for item in fields(self):
            _check_amount(getattr(self, item.name), f"ServiceUse({item.name})")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAssumptions:
    """How a template is used.

    Raises:
        ConfigurationError: An amount is negative, not finite, or a float, or the share is above 1.
    """

    typical: ServiceUse = field(default_factory=ServiceUse)
    """Use of every service that is not named in `services`."""
    services: Mapping[str, ServiceUse] = field(default_factory=dict[str, ServiceUse])
    """Use by service name, where it is known better."""
    awake_share: Decimal = Decimal("0.25")
    """Part of the month that a service with `sleepApplication` is awake, from 0 to 1."""
    cron_run_minutes: Decimal = Decimal(2)
    """How long one run of a cron service takes."""
    backup_share: Decimal = Decimal(1)
    """What a volume's scheduled backups add together, as a multiple of what is stored on it."""
    bucket_gb: Decimal = Decimal(1)
    """GB stored in each bucket."""

    def __post_init__(self) -> None:
        for name in ("awake_share", "cron_run_minutes", "backup_share", "bucket_gb"):
            _check_amount(getattr(self, name), f"CostAssumptions({name})")
        if self.awake_share > 1:
            raise ConfigurationError(f"CostAssumptions(awake_share={self.awake_share}): must be from 0 to 1")

    def use_of(self, service: str) -> ServiceUse:
        """The use assumed for a service."""
        return self.services.get(service, self.typical)


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one resource of one service (or bucket) costs in a month."""

    resource: str
    """`memory`, `cpu`, `volume`, `backup`, `egress` or `bucket`."""
    quantity: Decimal
    unit: str
    usd: Decimal
    """Dollars, not rounded."""


@dataclass(frozen=True, slots=True)
class ServiceCost:
    """What one service (or bucket) costs in a month."""

    name: str
    lines: tuple[CostLine, ...]

    @property
    def total(self) -> Decimal:
        """Dollars, not rounded."""
        return total_usd(line.usd for line in self.lines)


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a template costs Railway's customer in a month of 30 days."""

    services: tuple[ServiceCost, ...]
    buckets: tuple[ServiceCost, ...]
    assumptions: CostAssumptions
    prices: PriceTable
    notes: tuple[str, ...]
    """The assumptions in sentences, to be shown beside the amount."""

    @property
    def total(self) -> Decimal:
        """The sum in dollars, not rounded."""
        return total_usd(cost.total for cost in (*self.services, *self.buckets))

    def __str__(self) -> str:
        """The sum, rounded to cents for showing."""
        return f"${self.total:.2f} per month"


def estimate_cost(
    services: Iterable[TemplateService],
    buckets: Iterable[TemplateBucket],
    assumptions: CostAssumptions,
    prices: PriceTable = RAILWAY_PRICES,
) -> CostEstimate:
    """Estimate the monthly cost of a template's services and buckets."""
    costed = tuple(services)
    with localcontext(EXACT):
        return CostEstimate(
            services=tuple(
                ServiceCost(service.name, tuple(_lines(service, assumptions, prices))) for service in costed
            ),
            buckets=tuple(
                ServiceCost(bucket.name, (_bucket_line(assumptions, prices),)) for bucket in buckets
            ),
            assumptions=assumptions,
            prices=prices,
            notes=tuple(_notes(costed, assumptions, prices)),
        )


def _lines(service: TemplateService, assumptions: CostAssumptions, prices: PriceTable) -> Iterator[CostLine]:
    use = assumptions.use_of(service.name)
    running = _running_minutes(service, assumptions) * service.replicas
    memory = min(use.memory_gb, _limit(service, "memoryBytes", _BYTES_PER_GB)) * running
    cpu = min(use.vcpus, _limit(service, "cpu", Decimal(1))) * running
    yield CostLine("memory", memory, "GB-minutes", prices.memory_cost(memory))
    yield CostLine("cpu", cpu, "vCPU-minutes", prices.cpu_cost(cpu))
    for volume in service.volumes:
        size = Decimal(max(volume.size_mb, 0)) / _MB_PER_GB if volume.size_mb else use.volume_gb
        stored = min(use.volume_gb, size) * MONTH_MINUTES
        yield CostLine("volume", stored, "GB-minutes", prices.volume_cost(stored))
        if volume.backup_schedules:
            kept = stored * assumptions.backup_share
            yield CostLine("backup", kept, "GB-minutes", prices.backup_cost(kept))
    if service.is_public:
        yield CostLine("egress", use.egress_gb, "GB", prices.egress_cost(use.egress_gb))


def _bucket_line(assumptions: CostAssumptions, prices: PriceTable) -> CostLine:
    stored = assumptions.bucket_gb
    return CostLine("bucket", stored, "GB-months", prices.bucket_cost(stored))


def _running_minutes(service: TemplateService, assumptions: CostAssumptions) -> Decimal:
    """Minutes a month that the service runs. A cron line that cannot be read is taken to run always."""
    if service.cron_schedule is not None:
        try:
            runs = CronSchedule.parse(service.cron_schedule).runs_per_month()
        except TemplateError:
            return Decimal(MONTH_MINUTES)
        return min(runs * assumptions.cron_run_minutes, Decimal(MONTH_MINUTES))
    return MONTH_MINUTES * (assumptions.awake_share if service.sleeps else Decimal(1))


def _limit(service: TemplateService, key: str, unit: Decimal) -> Decimal:
    containers = as_object(as_object(service.deploy.get("limitOverride")).get("containers"))
    limit = _positive(containers.get(key))
    return Decimal("Infinity") if limit is None else limit / unit


def _positive(value: JsonValue) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return Decimal(str(value))


def _notes(
    services: tuple[TemplateService, ...], assumptions: CostAssumptions, prices: PriceTable
) -> Iterator[str]:
    for service in services:
        use = assumptions.use_of(service.name)
        yield f"{service.name}: {use.memory_gb} GB memory and {use.vcpus} vCPU on average{_when(service, assumptions)}"
        if service.volumes:
            yield f"{service.name}: {use.volume_gb} GB stored on its volume, or its size where that is less"
        if service.is_public:
            yield f"{service.name}: {use.egress_gb} GB a month sent to the Internet"
    yield f"prices in dollars from {prices.source}; plan fees and included usage are left out"


def _when(service: TemplateService, assumptions: CostAssumptions) -> str:
    copies = f", {service.replicas} replicas" if service.replicas > 1 else ""
    if service.cron_schedule is not None:
        return f"{copies} during runs of {assumptions.cron_run_minutes} minutes"
    if service.sleeps:
        return f"{copies}, awake {assumptions.awake_share:.0%} of the time"
    return f"{copies}, running all month"


def _check_amount(value: object, name: str) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        raise ConfigurationError(f"{name}={value!r}: must be a Decimal, finite and not negative")
