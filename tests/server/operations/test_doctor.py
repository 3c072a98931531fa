"""The doctor finds what is wrong, and says what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from railway_saas.domain import new_id
from railway_saas.domain.records import Subscription
from reference_server.cli.app import run
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.operations.doctor import CHECKS, Finding, Grade, examine
from reference_server.operations.doctor.tenancy import all_tables, examine_tenancy
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from reference_server.composition import Platform


def findings(platform: Platform, check: str | None = None) -> list[Finding]:
    with scoped(SYSTEM):
        return [one for one in examine(platform) if check in {None, one.check}]


def as_owner(platform: Platform, *statements: str) -> None:
    engine = open_engine(platform.settings, ConnectionRole.OWNER, threads=1)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_a_laptop_is_well_but_for_what_is_only_fit_for_one(platform: Platform) -> None:
    found = findings(platform)
    assert [one for one in found if one.grade is Grade.FAILED] == []
    assert {one.check for one in found if one.grade is Grade.WARNING} >= {"settings", "tenancy", "webhook"}
    assert all(one.fix for one in found if one.grade is not Grade.OK)


def test_a_database_that_was_not_migrated_is_told(platform: Platform) -> None:
    as_owner(platform, "DROP TABLE railway_saas_server_alembic_version")
    (finding,) = findings(platform, "migrations")
    assert (finding.grade, finding.fix) == (Grade.FAILED, "run `railway-saas-server migrate`")


def test_a_plan_that_is_not_offered_any_more_is_told(platform: Platform) -> None:
    (finding,) = findings(platform, "plans")
    assert finding.grade is Grade.OK
    now = platform.now()
    with scoped(SYSTEM), platform.database.unit_of_work() as work:
        for number, status in enumerate(["active", "past_due", "canceled"]):
            held = Subscription(
                id=new_id(now),
                user_id=new_id(now),
                stripe_subscription_id=f"sub_{number}",
                plan_name="gone" if number else "pro",
                status=status,
                created_at=now,
                updated_at=now,
            )
            work.subscriptions.upsert(held)
        work.commit()
    (finding,) = findings(platform, "plans")
    assert finding.grade is Grade.FAILED
    assert "1 customers have the plan 'gone'" in finding.detail


def test_a_check_that_breaks_off_does_not_keep_the_others(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Platform) -> Iterator[Finding]:
        raise ZeroDivisionError

    monkeypatch.setitem(CHECKS, "redis", broken)
    found = findings(platform)
    assert [one.grade for one in found if one.check == "redis"] == [Grade.FAILED]
    assert any(one.check == "mail" for one in found)


def test_the_command_ends_with_1_when_something_failed(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run(["doctor", "--json"]) == 1  # nothing was migrated
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"check", "grade", "detail", "fix"} == set(lines[0])
    assert any(line["check"] == "migrations" and line["grade"] == "failed" for line in lines)


@pytest.mark.usefixtures("postgres_environment")
class TestOnPostgres:
    @pytest.fixture
    def pool(self, platform: Platform) -> Engine:
        """The one that web processes use."""
        return platform.database.engine

    def test_nobody_reaches_anybody_elses_rows_in_any_table(self, pool: Engine) -> None:
        (finding,) = examine_tenancy(pool)
        assert finding.grade is Grade.OK
        assert str(len(all_tables())) in finding.detail

    def test_the_attempts_leave_nothing_behind(self, platform: Platform, pool: Engine) -> None:
        list(examine_tenancy(pool))
        worker = open_engine(platform.settings, ConnectionRole.WORKER, threads=1)
        with worker.connect() as connection:
            counts: dict[str, Any] = {
                table.name: connection.scalar(text(f"SELECT count(*) FROM {table.name}"))
                for table in all_tables()
            }
        worker.dispose()
        assert set(counts.values()) == {0}

    @pytest.mark.parametrize(
        ("statement", "found"),
        [
            (
                "ALTER TABLE instances DISABLE ROW LEVEL SECURITY",
                "another user can read instances of somebody else",
            ),
            (
                "ALTER POLICY app ON deployments USING (true)",
                "nobody can read deployments of somebody else",
            ),
            (
                "ALTER POLICY app ON users WITH CHECK (true)",
                "another user can write users of somebody else",
            ),
        ],
    )
    def test_a_policy_that_is_open_is_found(
        self, platform: Platform, pool: Engine, statement: str, found: str
    ) -> None:
        as_owner(platform, statement)
        assert found in [finding.detail for finding in examine_tenancy(pool)]

    def test_every_table_is_held_to_row_level_security_the_owner_too(self, pool: Engine) -> None:
        query = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        with pool.connect() as connection:
            held = set(connection.scalars(text(query)))
        assert {table.name for table in all_tables()} <= held

    def test_the_rest_is_well(self, platform: Platform) -> None:
        assert [one for one in findings(platform) if one.grade is Grade.FAILED] == []
        (role,) = findings(platform, "database role")
        assert role.grade is Grade.WARNING  # the test's own user is a superuser
        assert "railway_saas_app" in str(role.fix)
