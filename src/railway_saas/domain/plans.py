"""What owners may run: plans, their limits, and what is used of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from railway_saas.domain.amounts import exact
from railway_saas.errors import ConfigurationError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What an instance takes: all its services together."""

    services: int = 0
    vcpus: Decimal = Decimal(0)
    memory_gb: Decimal = Decimal(0)
    volume_gb: Decimal = Decimal(0)

    @property
    def unbounded(self) -> frozenset[str]:
        """What its services may use any amount of: they have no limit of their own, and count as nothing in a sum."""
        if not self.services:
            return frozenset()
        return frozenset(name for name in BOUNDED_NAMES if not getattr(self, name))

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            services=self.services + other.services,
            vcpus=self.vcpus + other.vcpus,
            memory_gb=self.memory_gb + other.memory_gb,
            volume_gb=self.volume_gb + other.volume_gb,
        )

    def __sub__(self, other: Resources) -> Resources:
        return Resources(
            services=self.services - other.services,
            vcpus=self.vcpus - other.vcpus,
            memory_gb=self.memory_gb - other.memory_gb,
            volume_gb=self.volume_gb - other.volume_gb,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What an owner's instances hold of the plan's limits, or what a wish would add to it."""

    instances: int = 0
    domains: int = 0
    resources: Resources = field(default_factory=Resources)
    unbounded: frozenset[str] = frozenset()
    """Of `vcpus` and `memory_gb`, what services of some instance may use any amount of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a plan allows in all; None: no limit. Amounts may be given as whole numbers, floats or texts.

    Raises:
        ConfigurationError: A limit is no number, negative, or a part of something that has none; it names the limit.
    """

    instances: int | None = None
    services: int | None = None
    vcpus: Decimal | None = None
    memory_gb: Decimal | None = None
    volume_gb: Decimal | None = None
    domains: int | None = None
    tiers: frozenset[str] | None = None
    """Price tiers of templates that may be deployed."""

    def __post_init__(self) -> None:
        for name in LIMIT_NAMES:
            value = getattr(self, name)
            if value is None:
                continue
            if name in AMOUNT_NAMES:
                object.__setattr__(self, name, _amount(name, value))
            elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ConfigurationError(f"Limits({name}={value!r}): must be a whole number, 0 or above")
        if self.tiers is not None:
            object.__setattr__(self, "tiers", _tiers(self.tiers))


def _amount(name: str, value: object) -> Decimal:
    amount = exact(value)
    if amount is None or amount < 0:
        raise ConfigurationError(f"Limits({name}={value!r}): must be a number, 0 or above")
    return amount


def _tiers(value: object) -> frozenset[str]:
    if isinstance(value, Iterable) and not isinstance(value, str):
        tiers = list(cast("Iterable[object]", value))
        if all(isinstance(tier, str) for tier in tiers):
            return frozenset(map(str, tiers))
    raise ConfigurationError(f"Limits(tiers={value!r}): must be a set of texts")


LONGEST_PLAN_NAME = 100
LIMIT_NAMES = ("instances", "services", "vcpus", "memory_gb", "volume_gb", "domains")
AMOUNT_NAMES = ("vcpus", "memory_gb", "volume_gb")
"""Those that need not be whole."""
BOUNDED_NAMES = ("vcpus", "memory_gb")
"""What services can use any amount of, unless they have a limit of their own."""

_LABELS = {
    "instances": "instances",
    "services": "services",
    "vcpus": "vCPUs",
    "memory_gb": "GB of memory",
    "volume_gb": "GB of volumes",
    "domains": "custom domains",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a customer pays for.

    Raises:
        ConfigurationError: A field cannot be used; it names the field.
    """

    name: str
    limits: Limits = field(default_factory=Limits)
    grace_days: int = 7
    """Days between a failed payment and suspension."""
    price_lookup_keys: tuple[str, ...] = ()
    """Stripe's lookup keys of its prices."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not 1 <= len(self.name.strip()) <= LONGEST_PLAN_NAME:  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
            raise ConfigurationError(
                f"Plan(name={self.name!r}): must be a text of 1 to {LONGEST_PLAN_NAME} characters"
            )
        if not isinstance(self.limits, Limits):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
            raise ConfigurationError(f"Plan(limits={self.limits!r}): must be Limits(...)")
        if isinstance(self.grace_days, bool) or not isinstance(self.grace_days, int) or self.grace_days < 0:  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
            raise ConfigurationError(
                f"Plan(grace_days={self.grace_days!r}): must be a whole number, 0 or above"
            )
        keys: object = self.price_lookup_keys
        if isinstance(keys, str) or not all(isinstance(key, str) for key in self.price_lookup_keys):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
            raise ConfigurationError(f"Plan(price_lookup_keys={keys!r}): must be a tuple of texts")


class Plans:
    """Every plan there is, the smallest first.

    ```python
    plans = Plans([Plan(name="free", limits=Limits(instances=1)), Plan(name="pro", limits=Limits(instances=20))])
    ```

    Args:
        plans: From the smallest to the largest.
        default: The plan of owners without a subscription; the first one unless named.

    Raises:
        ConfigurationError: No plan, two of one name, or a default that is none of them.
    """

    def __init__(self, plans: Sequence[Plan], *, default: str | None = None) -> None:
        if not plans:
            raise ConfigurationError("plans: must hold at least one plan")
        self._plans = {plan.name: plan for plan in plans}
        if len(self._plans) != len(plans):
            raise ConfigurationError("plans: two plans have the same name")
        if default is not None and default not in self._plans:
            raise ConfigurationError(f"default={default!r}: there is no such plan")
        self.default = self._plans[default] if default else plans[0]

    def __iter__(self) -> Iterator[Plan]:
        return iter(self._plans.values())

    def get(self, name: str) -> Plan:
        """The plan of that name.

        Raises:
            ConfigurationError: There is none.
        """
        if name not in self._plans:
            raise ConfigurationError(
                f"plan {name!r}: there is no such plan; there are {', '.join(self._plans)}"
            )
        return self._plans[name]

    def above(self, plan: Plan) -> Iterator[Plan]:
        """The plans that are larger."""
        names = list(self._plans)
        yield from (self._plans[name] for name in names[names.index(plan.name) + 1 :])


UNLIMITED = Plans([Plan(name="unlimited")])
"""For scripts and notebooks: one plan, no limits."""


def refuse_over_limit(
    plans: Plans, plan: Plan, used: Slots, wanted: Slots, *, tier: str | None = None
) -> None:
    """Let a wish pass that the plan has room for.

    Args:
        plans: All plans, to say which one would do.
        plan: The owner's.
        used: What the owner's instances hold now.
        wanted: What would be added.
        tier: The price tier of the template, where one is deployed.

    Raises:
        LimitExceededError: It names the first limit in the way, what is used of it, and the next plan that would do.
    """
    if tier is not None and plan.limits.tiers is not None and tier not in plan.limits.tiers:
        larger = next((one for one in plans.above(plan) if _has_room(one, used, wanted, tier)), None)
        raise LimitExceededError(
            f"the plan {plan.name!r} does not include templates of the tier {tier!r}{_hint(larger, None)}",
            limit="tiers",
            plan=plan.name,
            allowed=", ".join(sorted(plan.limits.tiers)) or "none",
            wanted=tier,
            next_plan=larger.name if larger else None,
            next_plan_allows=tier if larger else None,
        )
    for name in LIMIT_NAMES:
        if _fits(plan, name, used, wanted):
            continue
        allowed = getattr(plan.limits, name)
        larger = next((one for one in plans.above(plan) if _has_room(one, used, wanted, tier)), None)
        next_allows = getattr(larger.limits, name) if larger else None
        raise LimitExceededError(
            f"the plan {plan.name!r} allows {_counted(allowed, name)}, {_reason(name, used, wanted)}"
            f"{_hint(larger, next_allows)}",
            limit=name,
            plan=plan.name,
            allowed=str(allowed),
            used=_told(name, used),
            wanted=_told(name, wanted),
            next_plan=larger.name if larger else None,
            next_plan_allows=None
            if larger is None
            else "unlimited"
            if next_allows is None
            else str(next_allows),
        )


def _counted(amount: int | Decimal, name: str) -> str:
    label = _LABELS[name]
    return f"{amount} {label.removesuffix('s') if amount == 1 else label}"


def _amounts(slots: Slots) -> Mapping[str, int | Decimal]:
    return {
        "instances": slots.instances,
        "services": slots.resources.services,
        "vcpus": slots.resources.vcpus,
        "memory_gb": slots.resources.memory_gb,
        "volume_gb": slots.resources.volume_gb,
        "domains": slots.domains,
    }


def _has_room(plan: Plan, used: Slots, wanted: Slots, tier: str | None) -> bool:
    """Whether a plan would do for the whole of a wish."""
    if tier is not None and plan.limits.tiers is not None and tier not in plan.limits.tiers:
        return False
    return all(_fits(plan, name, used, wanted) for name in LIMIT_NAMES)


def _fits(plan: Plan, name: str, used: Slots, wanted: Slots) -> bool:
    """Whether one limit of a plan has room for a wish. Of what is used without bounds nothing is left."""
    allowed = getattr(plan.limits, name)
    now, more = _amounts(used)[name], _amounts(wanted)[name]
    if allowed is None:
        return True
    if name in wanted.unbounded:
        return False
    return more <= 0 or (name not in used.unbounded and now + more <= allowed)


def _told(name: str, slots: Slots) -> str:
    return "unlimited" if name in slots.unbounded else str(_amounts(slots)[name])


def _reason(name: str, used: Slots, wanted: Slots) -> str:
    now, more = _amounts(used)[name], _amounts(wanted)[name]
    if name in wanted.unbounded:
        return (
            f"and this has services without a limit: give limits with {name}=, or publish the template with "
            f"resources=ServiceLimits({name}=...)"
        )
    if name in used.unbounded:
        return f"and an instance has no limit, so that nothing is left: set_limits with {name}= gives it one"
    return f"{now} in use, and this needs {more} more"


def _hint(larger: Plan | None, allows: object) -> str:
    if larger is None:
        return "; no plan allows more, so ask the operator"
    return f"; the plan {larger.name!r} would do" + (f" ({allows})" if allows is not None else "")
