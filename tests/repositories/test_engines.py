"""Engines are set up as the repositories need them; what drivers raise is said in our own words."""

from __future__ import annotations

import logging
import pickle
import sqlite3
import subprocess
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, exc, select, text
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import sessionmaker

from railway_saas.errors import ConfigurationError, ConflictError, NotFoundError, RepositoryError
from railway_saas.repositories.sqlalchemy import (
    AsyncSqlDatabase,
    SqlDatabase,
    create_async_database_engine,
    create_database_engine,
    migrations,
)
from railway_saas.repositories.sqlalchemy.faults import translated
from tests.support.nouns import NOW, idempotency_key, next_id, stocked_sync, template

SECRET = "s3" + "cret"  # so that it stands in no line of this file

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import Engine


@pytest.fixture
def engine(database_url: str) -> Generator[Engine]:
    made = create_database_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def database(engine: Engine) -> SqlDatabase:
    return SqlDatabase(sessionmaker(engine))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_say_postgresql_means_psycopg(scheme: str) -> None:
    for create in (create_database_engine, create_async_database_engine):
        engine = create(f"{scheme}://me@host/name?sslmode=require")
        assert (engine.dialect.name, engine.dialect.driver) == ("postgresql", "psycopg")
        assert engine.url.query == {"sslmode": "require"}


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"])
def test_every_way_to_say_sqlite_means_the_driver_that_fits(scheme: str) -> None:
    assert create_database_engine(f"{scheme}://").dialect.driver == "pysqlite"
    assert create_async_database_engine(f"{scheme}://").dialect.driver == "aiosqlite"


@pytest.mark.parametrize(
    "url", ["mysql://me:secret@host/name", "", "no url secret", "postgresql+asyncpg://x:secret@y"]
)
def test_other_urls_are_refused_without_being_quoted(url: str) -> None:
    for create in (create_database_engine, create_async_database_engine):
        with pytest.raises(ConfigurationError) as caught:
            create(url)
        assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_driver_that_is_not_installed_is_named(tmp_path: Any) -> None:
    for name in ("psycopg", "aiosqlite"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('gone', name={name!r})")
    program = f"""
import sys; sys.path.insert(0, {str(tmp_path)!r})
from railway_saas.errors import ConfigurationError
from railway_saas.repositories.sqlalchemy import create_async_database_engine, create_database_engine
for create, url in ((create_database_engine, 'postgresql://'), (create_async_database_engine, 'sqlite://')):
    try:
        create(url)
    except ConfigurationError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert "not installed (psycopg)" in first
    assert "not installed (aiosqlite)" in second
    assert "'railway-saas[postgres]'" in first


def test_sqlite_is_set_up_to_be_shared(sqlite_url: str) -> None:
    engine = create_database_engine(sqlite_url)
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000}
    engine.dispose()


def test_sqlite_takes_the_write_lock_before_it_reads(sqlite_url: str) -> None:
    engine = create_database_engine(sqlite_url)
    other = create_database_engine(sqlite_url, connect_args={"timeout": 0})
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        work = SqlDatabase(sessionmaker(other)).unit_of_work()
        with work, pytest.raises(RepositoryError, match="database is locked") as caught:
            work.templates.list_page()
        assert caught.value.transient
    engine.dispose()
    other.dispose()


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Any) -> None:
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.2, other.execute, ["COMMIT"])
    ending.start()
    engine = create_database_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE things (name TEXT)")
    ending.join()
    other.close()
    engine.dispose()


def test_a_full_disk_is_named_and_a_passing_fault(sqlite_url: str) -> None:
    engine = create_database_engine(sqlite_url, pool_size=1, max_overflow=0)
    database = SqlDatabase(sessionmaker(engine))
    limit_pages(engine, 1)  # SQLite takes the size of the file for anything less
    with database.unit_of_work() as work:
        with pytest.raises(RepositoryError, match="disk is full") as caught:
            work.templates.add(template(description="x" * 1_000_000))
        assert caught.value.transient
        with pytest.raises(RepositoryError, match="can only be rolled back"):
            work.commit()
    limit_pages(engine, 1_000_000)
    with database.unit_of_work() as work:
        work.templates.add(template())
        assert len(work.templates.list_page()) == 1
        work.commit()
    engine.dispose()


def limit_pages(engine: Engine, pages: int) -> None:
    """Let the file grow no further than this, on the pool's only connection."""
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def test_a_database_in_memory_is_one_for_all_threads_and_lasts() -> None:
    engine = create_database_engine("sqlite://")
    migrations.upgrade(engine)
    stocked_sync(SqlDatabase(sessionmaker(engine)))
    with SqlDatabase(sessionmaker(engine)).unit_of_work() as work:
        assert len(work.templates.list_page()) == 1
    engine.dispose()


async def test_a_database_in_memory_is_one_for_all_tasks_and_lasts() -> None:
    engine = create_async_database_engine("sqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(migrations.upgrade)
    database = AsyncSqlDatabase(async_sessionmaker(engine))
    async with database.unit_of_work() as work:
        await work.templates.add(template())
        await work.commit()
    async with database.unit_of_work() as work:
        assert len(await work.templates.list_page()) == 1
    await engine.dispose()


def test_a_table_of_one_s_own_changes_in_the_same_transaction(database: SqlDatabase, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE own_things (name VARCHAR(10))")
    with database.unit_of_work() as work:
        work.templates.add(template())
        work.session.execute(text("INSERT INTO own_things VALUES ('x')"))
    with database.unit_of_work() as work:
        assert work.session.execute(text("SELECT count(*) FROM own_things")).scalar_one() == 0
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE own_things")


def test_after_a_failure_of_the_database_a_unit_of_work_can_only_be_left(
    database: SqlDatabase, engine: Engine
) -> None:
    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT instances"):
            raise exc.OperationalError(statement, {"secret": SECRET}, Exception("server closed"))

    event.listen(engine, "before_cursor_execute", fail)
    with database.unit_of_work() as work:
        work.templates.add(template())
        with pytest.raises(RepositoryError, match="server closed"):
            work.instances.list_page()
        with pytest.raises(RepositoryError, match="can only be rolled back"):
            work.templates.list_page()
        with pytest.raises(RepositoryError, match="can only be rolled back"):
            work.commit()
    event.remove(engine, "before_cursor_execute", fail)
    with database.unit_of_work() as work:
        assert work.templates.list_page().items == ()


@pytest.mark.parametrize(
    "change", ["DROP TABLE instance_events", "ALTER TABLE instance_events DROP COLUMN done"]
)
def test_a_database_that_is_not_migrated_says_how_to(database_url: str, change: str) -> None:
    engine = create_database_engine(database_url)
    connection = engine.connect()
    migrations.upgrade(connection)
    connection.exec_driver_sql(change)  # as in a database of an earlier version; never committed
    with SqlDatabase(sessionmaker(connection)).unit_of_work() as work:
        with pytest.raises(RepositoryError, match=r"migrations\.upgrade\(engine\)") as caught:
            work.events.list_page(next_id())
        assert not caught.value.transient
    connection.close()
    engine.dispose()


def test_an_empty_database_says_how_to_migrate(tmp_path: Any) -> None:
    engine = create_database_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with SqlDatabase(sessionmaker(engine)).unit_of_work() as work:
        with pytest.raises(RepositoryError, match=r"no such table: templates; .*upgrade\(engine\)") as caught:
            work.templates.list_page()
        assert not caught.value.transient
    engine.dispose()


def test_a_server_that_is_not_there_is_a_passing_fault() -> None:
    engine = create_database_engine("postgresql://me:s3cret@127.0.0.1:1/name?connect_timeout=1")
    with SqlDatabase(sessionmaker(engine)).unit_of_work() as work:
        with pytest.raises(RepositoryError) as caught:
            work.templates.list_page()
        assert caught.value.transient
        assert SECRET not in "".join(traceback.format_exception(caught.value))
    engine.dispose()


def test_a_connection_that_breaks_is_a_passing_fault_and_the_next_unit_of_work_has_another(
    postgres_url: str,
) -> None:
    engine, killer = create_database_engine(postgres_url), create_database_engine(postgres_url)
    database = SqlDatabase(sessionmaker(engine))
    with database.unit_of_work() as work:
        own = work.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with killer.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:own, 5000)"), {"own": own})
        with pytest.raises(RepositoryError) as caught:
            work.templates.list_page()
        assert caught.value.transient
        with pytest.raises(RepositoryError, match="can only be rolled back"):
            work.commit()
    with database.unit_of_work() as work:
        assert work.templates.list_page().items == ()
    engine.dispose()
    killer.dispose()


def test_a_lock_that_is_not_had_in_time_is_a_passing_fault(postgres_url: str) -> None:
    engine = create_database_engine(postgres_url, connect_args={"options": "-c lock_timeout=10"})
    database = SqlDatabase(sessionmaker(engine))
    stock = stocked_sync(database)
    instance = stock.instance()
    with database.unit_of_work() as work:
        work.instances.add(instance)
        work.commit()
        work.instances.lock(instance.id)
        with database.unit_of_work() as other:
            with pytest.raises(RepositoryError) as caught:
                other.instances.lock(instance.id)
            assert caught.value.transient
    engine.dispose()


def test_a_deadlock_is_a_passing_fault(postgres_url: str) -> None:
    """Each has what the other wants: the server ends one of them, the other goes on."""
    from tests.support.together import all_sync

    engine = create_database_engine(postgres_url, connect_args={"options": "-c deadlock_timeout=10"})
    database = SqlDatabase(sessionmaker(engine))
    stock = stocked_sync(database)
    ones = [stock.instance(), stock.instance()]
    with database.unit_of_work() as work:
        for one in ones:
            work.instances.add(one)
        work.commit()
    import threading

    both_hold = threading.Barrier(2)

    def take(first: int) -> str:
        with database.unit_of_work() as work:
            work.instances.lock(ones[first].id)
            both_hold.wait(timeout=10)
            work.instances.lock(ones[1 - first].id)
        return "went on"

    results = all_sync([lambda: take(0), lambda: take(1)])
    (fault,) = [one for one in results if one != "went on"]
    assert isinstance(fault, RepositoryError)
    assert fault.transient
    engine.dispose()


def test_a_stricter_isolation_level_refuses_rather_than_counts_what_was_before(postgres_url: str) -> None:
    engine = create_database_engine(postgres_url, isolation_level="REPEATABLE READ")
    database = SqlDatabase(sessionmaker(engine))
    owner = next_id()
    with database.unit_of_work() as late:
        late.templates.list_page()  # from here on it sees the database as it is now
        with database.unit_of_work() as early:
            early.instances.lock_owner(owner)
            early.commit()
        with pytest.raises(RepositoryError) as caught:
            late.instances.lock_owner(owner)
        assert caught.value.transient
    engine.dispose()


def test_no_value_is_told_by_an_error_its_causes_or_the_log(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = create_database_engine(database_url)
    database = SqlDatabase(sessionmaker(engine))
    stock = stocked_sync(database)
    with database.unit_of_work() as work:
        with pytest.raises(ConflictError) as conflict:
            work.templates.add(
                template(
                    railway_template_id=stock.template.railway_template_id,
                    name=SECRET,
                    setup_config={"s": SECRET},
                )
            )
        with pytest.raises(NotFoundError) as missing:
            work.instances.add(stock.instance(name=SECRET, template_id=next_id()))
        work.session.execute(text("ALTER TABLE idempotency_keys RENAME TO moved"))
        with pytest.raises(RepositoryError) as failed:
            work.idempotency_keys.reserve(idempotency_key(next_id(), key=SECRET, response={"s": SECRET}))
    for caught in (conflict, missing, failed):
        told = "".join(traceback.format_exception(caught.value))
        assert SECRET not in told
        assert type(caught.value) is type(pickle.loads(pickle.dumps(caught.value)))
    assert SECRET not in caplog.text
    engine.dispose()


def test_values_are_hidden_when_the_engine_is_somebody_else_s() -> None:
    error = exc.StatementError("bad", "INSERT ...", {"key": SECRET}, ValueError("no"))
    assert SECRET in str(error)
    assert SECRET not in str(translated(error))
    assert SECRET not in str(error)


def test_a_column_type_s_own_refusal_comes_through(database: SqlDatabase) -> None:
    from railway_saas.repositories.sqlalchemy.models import InstanceRow

    with database.unit_of_work() as work:
        query = select(InstanceRow.id).where(InstanceRow.created_at > NOW.replace(tzinfo=None))
        with pytest.raises(RepositoryError, match="has no time zone"):
            work.instances._transaction.first(query)


def test_without_sqlalchemy_the_extra_is_named(tmp_path: Any) -> None:
    (tmp_path / "sqlalchemy.py").write_text("raise ModuleNotFoundError('gone', name='sqlalchemy')")
    program = "import railway_saas.repositories; import railway_saas.repositories.sqlalchemy"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        "ImportError: railway_saas.repositories.sqlalchemy needs sqlalchemy: pip install 'railway-saas[sqlalchemy]'"
        in done.stderr
    )


@pytest.mark.parametrize("module", ["railway_saas", "railway_saas.repositories"])
def test_sqlalchemy_is_loaded_by_nothing_else(module: str) -> None:
    program = (
        f"import sys, {module}; print(sorted({{'sqlalchemy', 'alembic', 'psycopg'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
