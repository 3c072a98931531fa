"""Usage in exact decimals; limits that Railway's CLI would accept too."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.metrics import MetricMeasurement
from railway_saas.railway.operations import usage

START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 10, 2, tzinfo=UTC)
BILLED = ["MEMORY_USAGE_GB", "CPU_USAGE", "NETWORK_TX_GB", "DISK_USAGE_GB", "BACKUP_USAGE_GB"]


def page(**changed: Any) -> Any:
    return usage.project_service_usage_page("w1", **{"start_date": START, "end_date": END, **changed})


def test_everything_billed_is_asked_for_unless_told() -> None:
    assert usage.get(project_id="p1").variables == {"projectId": "p1", "measurements": BILLED}


def test_usage_is_asked_for_by_group_and_period() -> None:
    operation = usage.get(
        workspace_id="w1",
        measurements=["CPU_USAGE"],
        group_by=["PROJECT_ID"],
        start_date=START,
        end_date=END,
        include_deleted=True,
    )
    assert operation.variables == {
        "workspaceId": "w1",
        "measurements": ["CPU_USAGE"],
        "groupBy": ["PROJECT_ID"],
        "startDate": START,
        "endDate": END,
        "includeDeleted": True,
    }


def test_usage_of_the_user_names_nobody() -> None:
    assert usage.get().variables == {"measurements": BILLED}


def test_values_are_the_decimals_that_were_sent() -> None:
    answer = from_json(b'[{"measurement": "CPU_USAGE", "value": 0.1, "tags": {"projectId": "p1"}}]')
    (item,) = usage.get().parse(answer)
    assert item.value == Decimal("0.1")
    assert item.value * 3 == Decimal("0.3")
    assert item.tags.project_id == "p1"
    assert item.tags.service_id is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_keeps_its_digits(value: float) -> None:
    answer = from_json(to_json([{"measurement": "CPU_USAGE", "value": value, "tags": {}}]))
    (item,) = usage.get().parse(answer)
    assert item.value == Decimal(repr(value))


def test_a_whole_number_is_a_value_too() -> None:
    (item,) = usage.get().parse([{"measurement": "CPU_USAGE", "value": 43_200, "tags": {}}])
    assert item.value == Decimal(43_200)


def test_estimates_are_decimals() -> None:
    operation = usage.estimated(project_id="p1", measurements=[MetricMeasurement.CPU_USAGE])
    assert operation.variables == {"projectId": "p1", "measurements": ["CPU_USAGE"]}
    (item,) = operation.parse([{"measurement": "CPU_USAGE", "estimatedValue": 1.25, "projectId": "p1"}])
    assert item.estimated_value == Decimal("1.25")


def test_usage_of_all_services_comes_in_pages_of_projects() -> None:
    operation = page(first=50, after="p9")
    assert operation.variables == {
        "workspaceId": "w1",
        "measurements": BILLED,
        "startDate": START,
        "endDate": END,
        "first": 50,
        "after": "p9",
    }
    entry = {"measurement": "CPU_USAGE", "value": 1, "tags": {"projectId": "p1", "serviceId": "s1"}}
    more = operation.parse({"usage": [entry], "pageInfo": {"hasNextPage": True, "endCursor": "p1"}})
    assert [item.tags.service_id for item in more] == ["s1"]
    assert more.next_cursor == "p1"
    last = operation.parse({"usage": [], "pageInfo": {"hasNextPage": False, "endCursor": "p1"}})
    assert last.next_cursor is None


def test_the_customer_is_taken_out_of_its_workspace() -> None:
    operation = usage.customer("w1")
    assert operation.variables == {"workspaceId": "w1"}
    customer = operation.parse(
        {
            "customer": {
                "id": "c1",
                "state": "ACTIVE",
                "currentUsage": 3.5,
                "usageLimit": {"id": "l1", "softLimit": 50, "hardLimit": None, "isOverLimit": False},
                "invoices": [
                    {
                        "invoiceId": "in_1",
                        "total": 2000,
                        "amountDue": 20.5,
                        "hostedURL": "https://pay.example",
                    }
                ],
                "subscriptions": [{"id": "sub_1", "status": "active", "cancelAtPeriodEnd": False}],
            }
        }
    )
    assert customer.id == "c1"
    assert customer.usage_limit is not None
    assert customer.usage_limit.hard_limit is None
    assert customer.invoices[0].amount_due == Decimal("20.5")
    assert customer.invoices[0].hosted_url == "https://pay.example"
    assert "pay.example" not in repr(customer)


@pytest.mark.parametrize(
    ("soft", "hard"), [(0, None), (5, 10), (0, 0), (50, 50), (500_000, 500_000), (5, 0), (75, 125)]
)
def test_limits_that_railway_takes_pass(soft: int, hard: int | None) -> None:
    operation = usage.set_limit("c1", soft_limit_dollars=soft, hard_limit_dollars=hard)
    assert operation.variables == {
        "input": {"customerId": "c1", "softLimitDollars": soft, "hardLimitDollars": hard}
    }
    assert operation.safe_to_repeat


@pytest.mark.parametrize(
    ("soft", "hard", "argument"),
    [
        (4, None, "soft_limit_dollars"),
        (-1, None, "soft_limit_dollars"),
        (5.5, None, "soft_limit_dollars"),
        (True, None, "soft_limit_dollars"),
        (500_001, None, "soft_limit_dollars"),
        (0, 9, "hard_limit_dollars"),
        (0, 500_001, "hard_limit_dollars"),
        (50, 49, "hard_limit_dollars"),
        (0, "100", "hard_limit_dollars"),
    ],
)
def test_limits_that_railway_refuses_are_not_sent(soft: Any, hard: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        usage.set_limit("c1", soft_limit_dollars=soft, hard_limit_dollars=hard)
    assert caught.value.argument == argument


def test_limits_can_be_removed() -> None:
    assert usage.remove_limit("c1").variables == {"input": {"customerId": "c1"}}


@pytest.mark.parametrize(("hard", "soft"), [(0, None), (2000, 750), (50_000_000, 50_000_000)])
def test_limits_of_the_agent_are_cents(hard: int, soft: int | None) -> None:
    operation = usage.set_agent_limit("w1", hard_limit_cents=hard, soft_limit_cents=soft)
    assert operation.variables == {
        "input": {"workspaceId": "w1", "hardLimitCents": hard, "softLimitCents": soft}
    }


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: usage.set_agent_limit("w1", hard_limit_cents=-1), "hard_limit_cents"),
        (lambda: usage.set_agent_limit("w1", hard_limit_cents=50_000_001), "hard_limit_cents"),
        (lambda: usage.set_agent_limit("w1", hard_limit_cents=1, soft_limit_cents=2), "soft_limit_cents"),
        (lambda: usage.set_limit("", soft_limit_dollars=0, hard_limit_dollars=None), "customer_id"),
        (lambda: usage.get(measurements=["CPU"]), "measurements"),
        (lambda: usage.get(project_id=""), "project_id"),
        (lambda: usage.get(start_date=datetime(2026, 10, 1)), "start_date"),  # noqa: DTZ001 - what is refused
        (lambda: usage.estimated(measurements=[]), "measurements"),
        (lambda: page(first=51), "first"),
        (lambda: page(first=0), "first"),
        (lambda: page(end_date=START), "end_date"),
        (lambda: usage.customer(""), "workspace_id"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument
