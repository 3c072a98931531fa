"""Who a token belongs to, what it reaches, and workspaces."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas._core.operation import Lane
from railway_saas.errors import RailwayInputError
from railway_saas.railway.models.account import Plan
from railway_saas.railway.models.customers import SubscriptionState
from railway_saas.railway.models.workspaces import TeamRole
from railway_saas.railway.operations import account, tokens, workspaces

if TYPE_CHECKING:
    from pathlib import Path


def test_me_reads_the_user_with_workspaces_and_what_is_left_of_the_rate_limit() -> None:
    user = account.me().parse(
        {
            "id": "u1",
            "name": None,
            "email": "ada@example.com",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "workspaces": [{"id": "w1", "name": "Acme", "plan": "PRO", "preferredRegion": None}],
            "apiTokenRateLimit": {"remainingPoints": 9_990, "resetsAt": "2026-10-05T20:00:00.000Z"},
            "somethingNew": True,
        }
    )
    assert user.workspaces[0].plan is Plan.PRO
    assert user.api_token_rate_limit is not None
    assert user.api_token_rate_limit.remaining_points == 9_990


def test_a_plan_that_is_not_known_yet_is_kept() -> None:
    user = account.me().parse({"id": "u1", "workspaces": [{"id": "w1", "plan": "GALACTIC"}]})
    plan = user.workspaces[0].plan
    assert plan is not None
    assert str(plan) == "GALACTIC"
    assert not plan.known


def test_workspaces_are_those_that_the_token_reaches() -> None:
    operation = workspaces.list_()
    assert operation.name == "apiToken"
    assert [item.id for item in operation.parse({"workspaces": [{"id": "w1", "name": "Acme"}]})] == ["w1"]


def test_a_real_project_token_is_read(reference_data: Path) -> None:
    recorded = json.loads((reference_data / "railway/examples/recorded-responses.json").read_text())
    body = next(entry["body"] for entry in recorded["successes"] if entry["operation"] == "projectToken")
    sent: dict[str, Any] = body["data"]["projectToken"]
    ids = {"id": "t1", "project": {"id": "p1", **sent["project"]}}
    environment = {"environment": {"id": "e1", **sent["environment"]}}
    token = account.project_token().parse({**sent, **ids, **environment})
    assert token.name == "test_tok"
    assert token.environment_id == "eab5a820-c3d1-4644-b3a6-94413fb3a701"
    assert token.project is not None
    assert token.project.subscription_type == "trial"


def test_a_workspace_is_read_with_members_and_its_payer() -> None:
    operation = workspaces.get("w1")
    assert operation.variables == {"workspaceId": "w1"}
    workspace = operation.parse(
        {
            "id": "w1",
            "name": "Acme",
            "plan": "HOBBY",
            "projectCount": 12,
            "subscriptionPlanLimit": {"containers": {"cpu": 8}},
            "members": [{"id": "u1", "name": "Ada", "email": "ada@example.com", "role": "ADMIN"}],
            "customer": {
                "id": "c1",
                "state": "PAST_DUE",
                "currentUsage": 12.34,
                "creditBalance": 0,
                "billingPeriod": {"start": "2026-10-01T00:00:00.000Z", "end": "2026-11-01T00:00:00.000Z"},
                "usageLimit": None,
            },
        }
    )
    assert workspace.members[0].role is TeamRole.ADMIN
    assert workspace.customer is not None
    assert workspace.customer.state is SubscriptionState.PAST_DUE
    assert workspace.customer.current_usage == Decimal("12.34")
    assert workspace.customer.usage_limit is None


def test_a_workspace_without_anything_but_its_id_is_read() -> None:
    workspace = workspaces.get("w1").parse({"id": "w1"})
    assert workspace.members == ()
    assert workspace.customer is None


def test_a_blank_workspace_is_refused() -> None:
    with pytest.raises(RailwayInputError) as caught:
        workspaces.get(" ")
    assert caught.value.argument == "workspace_id"


def test_a_new_api_tokens_secret_is_the_answer() -> None:
    operation = tokens.create_api_token("ci", workspace_id="w1")
    assert operation.variables == {"input": {"name": "ci", "workspaceId": "w1"}}
    assert operation.parse("3f5c-secret") == "3f5c-secret"
    assert not operation.safe_to_repeat


def test_an_api_token_of_the_whole_account_names_no_workspace() -> None:
    assert tokens.create_api_token("ci").variables == {"input": {"name": "ci"}}


def test_a_project_token_is_for_one_environment() -> None:
    operation = tokens.create_project_token(project_id="p1", environment_id="e1", name="deploy")
    assert operation.variables == {"input": {"projectId": "p1", "environmentId": "e1", "name": "deploy"}}


def test_listed_tokens_hold_no_secret() -> None:
    page = tokens.api_tokens_page(first=10).parse(
        {"edges": [{"node": {"id": "t1", "name": "ci", "displayToken": "****-3f5c"}}], "pageInfo": {}}
    )
    assert page.items[0].display_token == "****-3f5c"
    assert page.next_cursor is None
    assert set(type(page.items[0]).model_fields) == {
        "id",
        "name",
        "display_token",
        "workspace_id",
        "expires_at",
    }


def test_project_tokens_are_paged() -> None:
    operation = tokens.project_tokens_page("p1", first=5, after="c1")
    assert operation.variables == {"projectId": "p1", "first": 5, "after": "c1"}


@pytest.mark.parametrize("delete", [tokens.delete_api_token, tokens.delete_project_token])
def test_deleting_a_token_goes_behind_users(delete: Any) -> None:
    operation = delete("t1")
    assert operation.variables == {"id": "t1"}
    assert operation.lane is Lane.DELETION


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: tokens.create_api_token(""), "name"),
        (lambda: tokens.create_api_token("ci", workspace_id=""), "workspace_id"),
        (lambda: tokens.create_project_token(project_id="p1", environment_id="", name="x"), "environment_id"),
        (lambda: tokens.project_tokens_page(""), "project_id"),
        (lambda: tokens.api_tokens_page(first=0), "first"),
        (lambda: tokens.delete_api_token(""), "token_id"),
    ],
)
def test_bad_arguments_are_refused_by_name(call: Any, argument: str) -> None:
    with pytest.raises(RailwayInputError) as caught:
        call()
    assert caught.value.argument == argument
