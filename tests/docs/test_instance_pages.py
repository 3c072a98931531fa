"""What the pages about instances say in tables is what the code does."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from railway_saas.domain import Desired, DesiredStatus, Instance, InstanceStatus, Observed, OperationState
from railway_saas.domain.statuses import FOLLOWERS, GONE
from railway_saas.instances import ManagerSettings, Verb
from railway_saas.instances.intake import WebhookOutcome
from railway_saas.instances.stocktaking import DiscrepancyKind
from railway_saas.instances.verbs import allowed_verbs

ROOT = Path(__file__).resolve().parent.parent.parent
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
NOBODY = UUID(int=0)
INSTANCE = Instance(
    id=NOBODY,
    user_id=NOBODY,
    template_id=NOBODY,
    name="site",
    desired=Desired(revision_id=NOBODY),
    observed=Observed(status_since=NOW),
    created_at=NOW,
    updated_at=NOW,
)
S, D = InstanceStatus, DesiredStatus
COLUMNS = {
    "coming up": [(S.ACCEPTED, D.RUNNING), (S.PROVISIONING, D.RUNNING), (S.DEPLOYING, D.RUNNING)],
    "running": [(S.RUNNING, D.RUNNING), (S.SLEEPING, D.RUNNING), (S.CRASHED, D.RUNNING)],
    "switched off": [(S.STOPPED, D.STOPPED), (S.RUNNING, D.STOPPED)],
    "suspended": [(S.SUSPENDED, D.SUSPENDED), (S.RUNNING, D.SUSPENDED)],
    "needs attention": [(status, D.RUNNING) for status in S if status not in GONE],
}


def table(page: str, first_column: str) -> list[dict[str, str]]:
    """The rows of the table whose first column has this title."""
    text = (ROOT / "docs" / page).read_text()
    head, *rows = next(
        block.splitlines()
        for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
        if block.startswith(f"| {first_column} |")
    )
    titles = cells(head)
    return [dict(zip(titles, cells(row), strict=True)) for row in rows[1:]]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", cell))


def standing(status: InstanceStatus, wanted: DesiredStatus, attention: str | None = None) -> Instance:
    return replace(
        INSTANCE,
        desired=replace(INSTANCE.desired, status=wanted),
        observed=replace(INSTANCE.observed, status=status, attention=attention),
    )


def test_every_status_may_become_what_the_page_says() -> None:
    rows = {row["status"].strip("`"): words(row["may become"]) for row in table("control-loop.md", "status")}
    assert rows == {str(status): {str(one) for one in after} for status, after in FOLLOWERS.items()}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_verb_is_possible_where_the_page_says_so(column: str) -> None:
    told = {row["verb"].strip("`") for row in table("instances.md", "verb") if row[column] == "yes"}
    for status, wanted in COLUMNS[column]:
        found = standing(status, wanted, "look" if column == "needs attention" else None)
        assert set(allowed_verbs(found)) == told, status


def test_the_page_knows_every_verb() -> None:
    told = {row["verb"].strip("`") for row in table("instances.md", "verb")}
    assert told | {Verb.CANCEL_DELETION} == set(Verb)
    scheduled = replace(INSTANCE, desired=replace(INSTANCE.desired, delete_at=NOW + timedelta(days=7)))
    assert Verb.CANCEL_DELETION in allowed_verbs(scheduled)


@pytest.mark.parametrize("status", [S.DELETING, *sorted(GONE)])
def test_nothing_can_be_asked_of_what_goes(status: InstanceStatus) -> None:
    assert allowed_verbs(standing(status, D.RUNNING)) == ()


def test_the_page_knows_every_state_of_an_operation() -> None:
    assert {row["state"].strip("`") for row in table("control-loop.md", "state")} == set(OperationState)


def test_the_page_knows_every_setting_with_its_default() -> None:
    told = {
        row["setting"].strip("`"): row["default"].strip('`"') for row in table("control-loop.md", "setting")
    }
    assert told == {
        field.name: f"{field.default:g}" if isinstance(field.default, (int, float)) else field.default
        for field in fields(ManagerSettings)
    }


def test_the_page_knows_every_outcome_of_a_webhook_and_every_discrepancy() -> None:
    page = "limits-usage-inventory.md"
    assert {row["outcome"].strip("`") for row in table(page, "outcome")} == set(WebhookOutcome)
    assert {row["kind"].strip("`") for row in table(page, "kind")} == set(DiscrepancyKind)


def test_every_test_that_proves_something_exists() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs" / "failures.md").read_text())
    assert named
    for path in named:
        assert (ROOT / path).exists(), path
