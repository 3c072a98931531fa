"""Plans from configuration, until they come from Stripe."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from railway_saas.domain import Limits, Plan, Plans
from railway_saas.errors import ConfigurationError
from reference_server.settings import read_json_or_file

if TYPE_CHECKING:
    from reference_server.settings import Settings


class _LimitsGiven(BaseModel):
    model_config = ConfigDict(extra="forbid")

    instances: int | None = Field(None, ge=0)
    services: int | None = Field(None, ge=0)
    vcpus: Decimal | None = Field(None, ge=0)
    memory_gb: Decimal | None = Field(None, ge=0)
    volume_gb: Decimal | None = Field(None, ge=0)
    domains: int | None = Field(None, ge=0)
    tiers: frozenset[str] | None = None


class _PlanGiven(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    limits: _LimitsGiven = Field(default_factory=lambda: _LimitsGiven.model_validate({}))
    grace_days: int = Field(7, ge=0)
    price_lookup_keys: tuple[str, ...] = ()


_GIVEN = TypeAdapter(list[_PlanGiven])

DEFAULT_PLANS = Plans(
    [
        Plan(
            name="free",
            limits=Limits(
                instances=1,
                services=4,
                vcpus=Decimal(2),
                memory_gb=Decimal(2),
                volume_gb=Decimal(1),
                domains=0,
            ),
        ),
        Plan(
            name="pro",
            limits=Limits(
                instances=20,
                services=80,
                vcpus=Decimal(32),
                memory_gb=Decimal(64),
                volume_gb=Decimal(100),
                domains=20,
            ),
        ),
    ]
)


def plans_of(settings: Settings) -> Plans:
    """What `PLANS` says.

    Raises:
        ConfigurationError: It cannot be used; every fault with its place.
    """
    if settings.plans is None:
        return DEFAULT_PLANS
    try:
        given = _GIVEN.validate_json(json.dumps(read_json_or_file(settings.plans)), strict=True)
    except ValidationError as error:
        faults = "; ".join(
            ": ".join([*([".".join(map(str, entry["loc"]))] if entry["loc"] else []), entry["msg"]])
            for entry in error.errors(include_url=False)
        )
        raise ConfigurationError(f"PLANS: {faults}") from None
    try:
        return Plans([_plan(plan) for plan in given])
    except ConfigurationError as error:
        raise ConfigurationError(f"PLANS: {error}") from None


def _plan(given: _PlanGiven) -> Plan:
    return Plan(
        name=given.name,
        limits=Limits(**dict(given.limits)),
        grace_days=given.grace_days,
        price_lookup_keys=given.price_lookup_keys,
    )
