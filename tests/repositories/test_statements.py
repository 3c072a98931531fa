"""How many statements a reading takes, and that an index serves each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from railway_saas.repositories.sqlalchemy import Base, SqlDatabase, create_database_engine
from tests.support.databases import emptied
from tests.support.readings import READINGS, Filled, filled
from tests.support.statements import Sent, recorded

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sqlalchemy import Connection, Engine

ROWS = 400
MANY = 200
"""A page so large that reading it from a list of everything is never the cheapest way."""

TABLES = {table.name for table in Base.metadata.sorted_tables}
PARTIAL = {"ix_instances_attention", "ix_instances_next_check_at", "ix_outbox_failed"}
"""Indexes of a few rows only: reading all of one is reading what was asked for."""

UNFILTERED = {name for name in READINGS if name.endswith(", all")}
"""Lists of everything: they follow the primary key from the beginning, and stop at the page's end."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Engine]:
    if request.param == "postgresql":
        shared = request.getfixturevalue("shared_postgres_engine")
        if shared is None:
            pytest.skip("there is no PostgreSQL")
        emptied(shared)
        yield shared
        return
    path = tmp_path_factory.mktemp("statements") / "filled.db"
    path.write_bytes(request.getfixturevalue("shared_sqlite_file").read_bytes())
    made = create_database_engine(f"sqlite:///{path}")
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def at(engine: Engine) -> Filled:
    with SqlDatabase(sessionmaker(engine)).unit_of_work() as work:
        found = filled(work, ROWS, owners=40, each=2)
        work.commit()
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return found


def sent_by(engine: Engine, name: str, at: Filled, limit: int) -> list[Sent]:
    """The statements of a reading, which is rolled back."""
    with SqlDatabase(sessionmaker(engine)).unit_of_work() as work, recorded(engine) as sent:
        READINGS[name](work, at, limit)
    return sent


@pytest.mark.parametrize("name", READINGS)
def test_no_reading_takes_more_statements_for_more_rows(engine: Engine, at: Filled, name: str) -> None:
    counts = {limit: len(sent_by(engine, name, at, limit)) for limit in (1, 10, 100)}
    assert len(set(counts.values())) == 1, counts
    assert counts[1] <= 2


@pytest.mark.parametrize("name", READINGS)
def test_an_index_serves_every_reading(engine: Engine, at: Filled, name: str) -> None:
    explain = _explained_by_postgresql if engine.dialect.name == "postgresql" else _explained_by_sqlite
    sent = sent_by(engine, name, at, MANY)
    assert sent
    with Session(engine) as session:
        for one in sent:
            faults = list(explain(session.connection(), one, is_filtered=name not in UNFILTERED))
            assert not faults, f"{one.sql}\n" + "\n".join(faults)


def _explained_by_sqlite(connection: Connection, sent: Sent, *, is_filtered: bool) -> Iterator[str]:
    """Faults of SQLite's plan: its lines are like `SEARCH instances USING INDEX ix (user_id=?)` or `SCAN instances`."""
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent.sql}", sent.parameters):
        words = row.detail.split()
        if words[0] == "SCAN" and words[1] in TABLES and is_filtered and words[-1] not in PARTIAL:
            yield row.detail
        if row.detail.startswith("USE TEMP B-TREE FOR ORDER BY") and "LIMIT" in sent.sql and _is_keyset(sent):
            yield f"sorts what it could read in order: {row.detail}"


def _is_keyset(sent: Sent) -> bool:
    """Whether rows are wanted by id alone, so that an index can give them in order."""
    order = sent.sql.rpartition("ORDER BY")[2].partition("LIMIT")[0].strip()
    return order.endswith(".id") and "," not in order and "not_before" not in sent.sql.partition("WHERE")[2]


def _explained_by_postgresql(connection: Connection, sent: Sent, *, is_filtered: bool) -> Iterator[str]:
    """Faults of PostgreSQL's plan, once it plans for tables that are too large to be read as a whole."""
    for way in ("seqscan", "hashjoin", "mergejoin"):
        connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    found: Any = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sent.sql}", sent.parameters).scalar_one()
    plan = found if isinstance(found, list) else json.loads(found)
    for node in _nodes(plan[0]["Plan"]):
        kind = node["Node Type"]
        if kind == "Seq Scan":
            yield f"reads all of {node['Relation Name']}"
        if (
            kind in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
            and is_filtered
            and _reads_all(node)
        ):
            yield f"reads all of {node['Index Name']}"


def _reads_all(node: dict[str, Any]) -> bool:
    return "Index Cond" not in node and node["Index Name"] not in PARTIAL


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
