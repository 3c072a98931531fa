"""The schema that the migrations make is that of the models, on both databases."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import String, inspect

from railway_saas.errors import ConfigurationError
from railway_saas.repositories.sqlalchemy import (
    Base,
    create_async_database_engine,
    create_database_engine,
    migrations,
    models,
)
from railway_saas.repositories.values import LONGEST

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.support.databases import PostgresServer

SPECIFIED = {
    "subscriptions": "id user_id stripe_subscription_id plan_name status current_period_start current_period_end created_at updated_at",
    "templates": "id railway_template_id name description category price_tier resources setup_config is_active created_at updated_at",
    "instances": "id user_id template_id railway_service_id name domain status config created_at updated_at",
    "deployments": "id instance_id railway_deployment_id status logs started_at finished_at created_at",
    "usage_metrics": "id instance_id metric_type value unit recorded_at",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty 100%.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.new_database() as url:
        yield url


def tables(url: str) -> set[str]:
    engine = create_database_engine(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_models_and_migrated_schema_are_the_same(empty_url: str) -> None:
    migrations.upgrade(empty_url)
    engine = create_database_engine(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "version_table": migrations.VERSION_TABLE,
            },
        )
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_up_down_and_up_again(empty_url: str) -> None:
    assert migrations.current(empty_url) is None
    migrations.upgrade(empty_url)
    migrations.upgrade(empty_url)
    newest = migrations.current(empty_url)
    assert newest is not None
    migrations.downgrade(empty_url)
    assert migrations.current(empty_url) is None
    assert tables(empty_url) == {migrations.VERSION_TABLE}
    migrations.upgrade(empty_url)
    assert migrations.current(empty_url) == newest
    assert tables(empty_url) == {migrations.VERSION_TABLE} | set(Base.metadata.tables)


def test_several_processes_may_upgrade_at_once(empty_url: str) -> None:
    program = "import sys; from railway_saas.repositories.sqlalchemy import migrations; migrations.upgrade(sys.argv[1])"
    running = [
        subprocess.Popen([sys.executable, "-c", program, empty_url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    results = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert results == [("", 0)] * 3
    assert migrations.current(empty_url) is not None


def test_several_threads_may_upgrade_at_once(empty_url: str, tmp_path: Path) -> None:
    urls = [empty_url, *(f"sqlite:///{tmp_path / str(number)}.db" for number in range(3))]
    threads = [threading.Thread(target=migrations.upgrade, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(migrations.current(url) for url in urls)


def test_an_engine_or_a_connection_will_do(empty_url: str) -> None:
    engine = create_database_engine(empty_url)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        migrations.downgrade(connection)
        assert migrations.current(connection) is None
        connection.rollback()
    assert migrations.current(engine) is not None
    engine.dispose()


async def test_an_async_connection_will_do(empty_url: str) -> None:
    engine = create_async_database_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(migrations.upgrade)
    async with engine.connect() as connection:
        assert await connection.run_sync(migrations.current) is not None
    await engine.dispose()


def test_an_unknown_revision_is_refused(empty_url: str) -> None:
    with pytest.raises(ConfigurationError, match="no_such"):
        migrations.upgrade(empty_url, "no_such")


def test_teams_can_mount_the_history_beside_their_own(tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{tmp_path}\n{migrations.script_location() / 'versions'}")
    script = ScriptDirectory.from_config(config)
    assert script.get_revision("railway_saas@head") is not None


def test_specified_tables_and_columns_are_there() -> None:
    for table, columns in SPECIFIED.items():
        assert set(columns.split()) <= set(Base.metadata.tables[table].columns.keys()), table


def test_columns_are_as_long_as_values_may_be() -> None:
    """`values.LONGEST` says it of fields, the models of columns; here both are read side by side."""
    columns = {"project_id": "railway_project_id", "environment_id": "railway_environment_id"}
    columns["primary_service_id"] = "railway_service_id"
    rows = {"Observed": "InstanceRow", "CatalogueTemplate": "TemplateRow", "OutboxMessage": "OutboxRow"}
    rows |= {"InboxEvent": "InboxRow", "AuditEntry": "AuditRow"}
    for cls, lengths in LONGEST.items():
        model = getattr(models, rows.get(cls.__name__, f"{cls.__name__}Row"))
        for field, longest in lengths.items():
            kind = model.__table__.columns[columns.get(field, field)].type
            assert isinstance(kind, String), field
            assert kind.length == longest, field


def test_every_string_of_limited_length_is_checked() -> None:
    """A column with a limit that `values.LONGEST` does not know would be an error of PostgreSQL's own."""
    enumerations = {"status", "desired_status", "power", "state", "kind", "name_key", "name"}
    known = {field for lengths in LONGEST.values() for field in lengths}
    known |= {"railway_project_id", "railway_environment_id", "railway_service_id"}
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, String) and column.type.length is not None:
                assert column.name in known | enumerations, f"{table.name}.{column.name}"


def test_nothing_in_the_migrations_depends_on_the_models() -> None:
    for path in (migrations.script_location() / "versions").glob("*.py"):
        assert not re.search(r"^from railway_saas|^import railway_saas", path.read_text(), re.MULTILINE), path
