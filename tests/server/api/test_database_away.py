"""PostgreSQL breaks off, or does not answer in time: what is made is given, the rest is 503."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event, text

if TYPE_CHECKING:
    from reference_server.composition import Platform
    from tests.server.conftest import Person

pytestmark = pytest.mark.usefixtures("postgres_environment")


def test_an_answer_that_is_made_is_given_though_the_connection_broke(
    platform: Platform, environment: dict[str, str], ann: Person, path: str
) -> None:
    other = create_engine(environment["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))

    def cut(connection: Any, _cursor: Any, sql: str, *_: object) -> None:
        if "FROM instances" in sql:
            backend = connection.connection.dbapi_connection.info.backend_pid
            with other.connect() as killer:
                killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})

    event.listen(platform.database.engine, "after_cursor_execute", cut)
    try:
        assert ann.get(path).json["name"] == "blog"
    finally:
        event.remove(platform.database.engine, "after_cursor_execute", cut)
    assert ann.get(path).json["name"] == "blog"
    other.dispose()


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    environment["DATABASE_LOCK_TIMEOUT_MS"] = "100"
    return environment


@pytest.mark.parametrize("table", ["sessions", "instances"])
def test_what_does_not_answer_in_time_is_503(
    environment: dict[str, str], ann: Person, path: str, table: str
) -> None:
    other = create_engine(environment["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
    with other.begin() as holder:
        holder.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        answer = ann.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert ann.get(path).status_code == 200
    other.dispose()
