"""Plans: what is allowed, what is used, and which plan would do."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railway_saas.domain.plans import (
    LIMIT_NAMES,
    UNLIMITED,
    Limits,
    Plan,
    Plans,
    Resources,
    Slots,
    refuse_over_limit,
)
from railway_saas.errors import ConfigurationError, LimitExceededError

few = settings(max_examples=30, deadline=None)

FREE = Plan(
    name="free",
    limits=Limits(
        instances=1,
        services=3,
        vcpus=Decimal(1),
        memory_gb=Decimal(2),
        volume_gb=Decimal(5),
        domains=0,
        tiers=frozenset({"basic"}),
    ),
)
PRO = Plan(
    name="pro",
    limits=Limits(
        instances=5,
        services=10,
        vcpus=Decimal(8),
        memory_gb=Decimal(16),
        volume_gb=Decimal(50),
        domains=3,
        tiers=frozenset({"basic", "premium"}),
    ),
)
TEAM = Plan(name="team")
PLANS = Plans([FREE, PRO, TEAM])


def slots(**amounts: Any) -> Slots:
    """Amounts by the names of limits."""
    top = {name: amounts.pop(name) for name in ("instances", "domains") if name in amounts}
    return Slots(**top, resources=Resources(**amounts))


def refused(used: Slots, wanted: Slots, plan: Plan = FREE, **more: Any) -> LimitExceededError:
    with pytest.raises(LimitExceededError) as caught:
        refuse_over_limit(PLANS, plan, used, wanted, **more)
    return caught.value


@pytest.mark.parametrize("name", LIMIT_NAMES)
def test_a_plan_can_be_filled_to_its_limit_and_no_further(name: str) -> None:
    allowed = getattr(FREE.limits, name)
    if allowed:
        refuse_over_limit(PLANS, FREE, slots(), slots(**{name: allowed}))
        refuse_over_limit(PLANS, FREE, slots(**{name: allowed - 1}), slots(**{name: 1}))
    error = refused(slots(**{name: allowed}), slots(**{name: 1}))
    assert (error.limit, error.plan) == (name, "free")
    assert (error.allowed, error.used, error.wanted) == (str(allowed), str(allowed), "1")


@pytest.mark.parametrize(
    ("used", "wanted", "plan", "expected"),
    [
        pytest.param(1, 1, FREE, ("pro", "5"), id="the next one"),
        pytest.param(1, 5, FREE, ("team", "unlimited"), id="the one after it"),
        pytest.param(5, 1, PRO, ("team", "unlimited"), id="from the middle"),
    ],
)
def test_a_refusal_names_the_next_plan_that_would_do(
    used: int, wanted: int, plan: Plan, expected: tuple[str, str]
) -> None:
    error = refused(slots(instances=used), slots(instances=wanted), plan)
    assert (error.next_plan, error.next_plan_allows) == expected
    assert f"the plan {expected[0]!r} would do" in str(error)


def test_the_next_plan_has_room_for_all_of_the_wish() -> None:
    """`pro` has room for the instance, but not for its services."""
    error = refused(slots(instances=1, services=3), slots(instances=1, services=8))
    assert error.next_plan == "team"


def test_a_refusal_says_when_no_plan_would_do() -> None:
    plans = Plans([FREE, PRO])
    with pytest.raises(LimitExceededError, match="no plan allows more, so ask the operator") as caught:
        refuse_over_limit(plans, PRO, slots(instances=5), slots(instances=1))
    assert (caught.value.next_plan, caught.value.next_plan_allows) == (None, None)


def test_a_refusal_reads_like_a_sentence() -> None:
    error = refused(slots(instances=1), slots(instances=1))
    assert str(error) == (
        "the plan 'free' allows 1 instance, 1 in use, and this needs 1 more; the plan 'pro' would do (5)"
    )


@pytest.mark.parametrize(
    ("tier", "plan", "next_plan"),
    [("premium", FREE, "pro"), ("gold", FREE, "team"), ("gold", PRO, "team")],
)
def test_a_tier_that_is_not_included_is_refused(tier: str, plan: Plan, next_plan: str) -> None:
    error = refused(slots(), slots(), plan, tier=tier)
    assert (error.limit, error.wanted, error.next_plan) == ("tiers", tier, next_plan)
    assert error.allowed == ", ".join(sorted(plan.limits.tiers or ()))


@pytest.mark.parametrize(("tier", "plan"), [("basic", FREE), ("gold", TEAM), (None, FREE)])
def test_a_tier_that_is_included_passes(tier: str | None, plan: Plan) -> None:
    refuse_over_limit(PLANS, plan, slots(), slots(), tier=tier)


def test_the_first_limit_in_the_way_is_the_one_that_is_named() -> None:
    error = refused(slots(instances=1, services=3), slots(instances=1, services=1))
    assert error.limit == "instances"


def test_what_is_over_a_smaller_plan_already_may_go_on_and_shrink() -> None:
    used = slots(instances=9, services=30)
    refuse_over_limit(PLANS, FREE, used, slots(volume_gb=Decimal(1)))
    refuse_over_limit(PLANS, FREE, used, slots(services=-2))
    assert refused(used, slots(services=1)).used == "30"


def test_what_may_use_any_amount_needs_a_plan_without_that_limit() -> None:
    anything = replace(slots(instances=1, services=1), unbounded=frozenset({"vcpus", "memory_gb"}))
    error = refused(slots(), anything)
    assert (error.limit, error.allowed, error.used, error.wanted) == ("vcpus", "1", "0", "unlimited")
    assert (error.next_plan, error.next_plan_allows) == ("team", "unlimited")
    assert str(error) == (
        "the plan 'free' allows 1 vCPU, and this has services without a limit: give limits with vcpus=, or publish the "
        "template with resources=ServiceLimits(vcpus=...); the plan 'team' would do"
    )
    refuse_over_limit(PLANS, TEAM, slots(), anything)


def test_of_what_is_used_without_bounds_nothing_is_left() -> None:
    used = replace(slots(services=1), unbounded=frozenset({"memory_gb"}))
    refuse_over_limit(PLANS, FREE, used, slots(vcpus=Decimal(1)))
    error = refused(used, slots(memory_gb=Decimal(1)))
    assert (error.limit, error.used, error.wanted) == ("memory_gb", "unlimited", "1")
    assert "set_limits with memory_gb= gives it one" in str(error)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (Resources(), set()),
        (Resources(services=1), {"vcpus", "memory_gb"}),
        (Resources(services=2, vcpus=Decimal(1)), {"memory_gb"}),
        (Resources(services=1, vcpus=Decimal(1), memory_gb=Decimal(1)), set()),
    ],
)
def test_services_without_a_limit_are_unbounded(resources: Resources, expected: set[str]) -> None:
    assert resources.unbounded == expected


amounts = st.integers(-5, 40)
wholes = st.fixed_dictionaries(dict.fromkeys(LIMIT_NAMES, amounts))


@few
@given(used=wholes, wanted=wholes, plan=st.sampled_from([FREE, PRO, TEAM]))
def test_a_wish_passes_exactly_if_all_that_it_adds_fits(
    used: dict[str, int], wanted: dict[str, int], plan: Plan
) -> None:
    limits = {name: getattr(plan.limits, name) for name in LIMIT_NAMES}
    over = [
        name
        for name, allowed in limits.items()
        if allowed is not None and wanted[name] > 0 and used[name] + wanted[name] > allowed
    ]
    now = slots(**{name: Decimal(one) for name, one in used.items()})
    more = slots(**{name: Decimal(one) for name, one in wanted.items()})
    if not over:
        refuse_over_limit(PLANS, plan, now, more)
        return
    error = refused(now, more, plan)
    assert error.limit == over[0]


@few
@given(wholes, wholes)
def test_resources_add_up_and_come_off_again(one: dict[str, int], other: dict[str, int]) -> None:
    names = [field.name for field in fields(Resources)]
    first = Resources(**{name: Decimal(one[name]) for name in names})  # type: ignore[arg-type]
    second = Resources(**{name: Decimal(other[name]) for name in names})  # type: ignore[arg-type]
    assert first + second == second + first
    assert first + second - second == first
    assert (first + second).memory_gb == one["memory_gb"] + other["memory_gb"]


# Declaring plans ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIMIT_NAMES)
def test_a_limit_below_0_is_refused(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"Limits\({name}=-1\): must be a (whole )?number, 0 or above"
    ):
        Limits(**{name: -1})


@pytest.mark.parametrize(
    ("plans", "default", "said"),
    [
        pytest.param([], None, "at least one plan", id="none"),
        pytest.param([FREE, Plan(name="free")], None, "the same name", id="two of one name"),
        pytest.param([FREE], "pro", "there is no such plan", id="a default that is none"),
    ],
)
def test_plans_that_make_no_sense_are_refused(plans: list[Plan], default: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Plans(plans, default=default)


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"instances": "1"}, "instances"),
        ({"instances": 1.5}, "instances"),
        ({"services": Decimal(1)}, "services"),
        ({"domains": True}, "domains"),
        ({"vcpus": Decimal("nan")}, "vcpus"),
        ({"memory_gb": "much"}, "memory_gb"),
        ({"volume_gb": float("inf")}, "volume_gb"),
        ({"tiers": "basic"}, "tiers"),
        ({"tiers": [1]}, "tiers"),
        ({"tiers": 5}, "tiers"),
    ],
)
def test_a_limit_is_a_number_and_tiers_are_a_set(limits: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"Limits\({field}=.*\): must be "):
        Limits(**limits)


def test_amounts_may_be_written_as_numbers_and_tiers_as_a_list() -> None:
    given: dict[str, Any] = {"vcpus": 2, "memory_gb": 0.5, "volume_gb": "10", "tiers": ["basic", "basic"]}
    assert Limits(**given) == Limits(
        vcpus=Decimal(2), memory_gb=Decimal("0.5"), volume_gb=Decimal(10), tiers=frozenset({"basic"})
    )


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"limits": {"instances": 1}}, "limits"),
        ({"limits": None}, "limits"),
        ({"grace_days": -1}, "grace_days"),
        ({"grace_days": 1.5}, "grace_days"),
        ({"price_lookup_keys": "pro_monthly"}, "price_lookup_keys"),
    ],
)
def test_a_plan_that_makes_no_sense_names_the_field(plan: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"Plan\({field}="):
        Plan(**{"name": "pro", **plan})


def test_plans_are_found_by_name_and_ordered_by_size() -> None:
    assert list(PLANS) == [FREE, PRO, TEAM]
    assert PLANS.get("pro") is PRO
    assert list(PLANS.above(FREE)) == [PRO, TEAM]
    assert list(PLANS.above(TEAM)) == []
    with pytest.raises(ConfigurationError, match="there are free, pro, team"):
        PLANS.get("gold")


def test_the_first_plan_is_the_default_unless_another_is_named() -> None:
    assert PLANS.default is FREE
    assert Plans([FREE, PRO], default="pro").default is PRO


def test_without_plans_there_is_no_limit() -> None:
    everything = slots(**dict.fromkeys(LIMIT_NAMES, 10**9))
    refuse_over_limit(UNLIMITED, UNLIMITED.default, everything, everything, tier="gold")
    assert len(list(UNLIMITED)) == 1
