"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.support.databases import PostgresServer
    from tests.support.redis_server import Cable, RedisServer

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """A folder with Railway's own schema and genuine documents, which this project does not ship.

    `RAILWAY_SAAS_REFERENCE_DATA` names it; without that, a folder `shared` beside the checkout is taken.
    """
    folder = Path(os.environ.get("RAILWAY_SAAS_REFERENCE_DATA", ROOT.parent / "shared"))
    if not (folder / "railway" / "schema.graphql").is_file():
        pytest.skip(
            f"Railway's reference data is not in {folder}; point RAILWAY_SAAS_REFERENCE_DATA at a folder "
            "with railway/schema.graphql and railway/examples/ to run this test"
        )
    return folder


@pytest.fixture(scope="session")
def shared_redis() -> Generator[RedisServer]:
    """One Redis for all tests of this worker."""
    from tests.support.redis_server import running_redis

    with running_redis() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: RedisServer, record_property: Callable[[str, object], None]) -> RedisServer:
    """A Redis that runs: see `tests/support/redis_server.py` for which one."""
    if shared_redis.is_fake:
        record_property("imitation", "Redis")
    return shared_redis


@pytest.fixture
def cable(redis_server: RedisServer) -> Generator[Cable]:
    """A connection to that Redis that can be cut."""
    from tests.support.redis_server import Cable

    cable = Cable(redis_server)
    cable.mend()
    yield cable
    cable.cut()


@pytest.fixture(scope="session")
def shared_postgres() -> Generator[PostgresServer | None]:
    """One PostgreSQL for all tests of this worker, if there is one."""
    from tests.support.databases import running_postgres

    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_server(
    shared_postgres: PostgresServer | None, record_property: Callable[[str, object], None]
) -> PostgresServer:
    """A real PostgreSQL: see `tests/support/databases.py` for which one. Without one, the test skips, loudly."""
    if shared_postgres is None:
        record_property("missing", "PostgreSQL")
        pytest.skip("there is no PostgreSQL")
    return shared_postgres


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly when tests ran against an imitation, or not at all."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    if imitated := _marked(reports, ("imitation", "Redis")):
        terminalreporter.write_line(
            f"REDIS WAS NOT REALLY TESTED: {imitated} tests ran against fakeredis. "
            "Put redis-server on the PATH, or set TEST_REDIS_URL.",
            red=True,
            bold=True,
        )
    if skipped := _marked(reports, ("missing", "PostgreSQL")):
        terminalreporter.write_line(
            f"POSTGRESQL WAS NOT TESTED: {skipped} tests skipped. "
            "Install PostgreSQL, or set TEST_DATABASE_URL to a database whose user may create others.",
            red=True,
            bold=True,
        )


def _marked(reports: list[object], mark: tuple[str, str]) -> int:
    """How many tests recorded a property."""
    return len(
        {
            getattr(report, "nodeid", None)
            for report in reports
            if mark in getattr(report, "user_properties", [])
        }
    )
