"""Where instances live and workers die: a served Railway, databases, and a process that forks workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stage import CODE, SHOP, Stage, offer

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.support.databases import PostgresServer
    from tests.support.ground import Ground


@pytest.fixture(scope="session")
def shared_grounds(
    tmp_path_factory: pytest.TempPathFactory, shared_postgres: PostgresServer | None
) -> Generator[dict[str, Ground]]:
    """One of each database, for all tests of this worker."""
    from contextlib import ExitStack

    from railway_saas.repositories.sqlalchemy import migrations
    from tests.support.databases import sqlite_template
    from tests.support.ground import Ground
    from tests.support.mortal import Undertaker, engine_for

    folder = offer(tmp_path_factory.mktemp("marketplace"), CODE, SHOP)
    with ExitStack() as stack:
        urls = {"sqlite": f"sqlite:///{sqlite_template(tmp_path_factory.mktemp('sqlite'))}"}
        if shared_postgres is not None:
            urls["postgresql"] = stack.enter_context(shared_postgres.new_database())
            migrations.upgrade(urls["postgresql"])
        for url in urls.values():
            stack.callback(engine_for(url).dispose)
        stage = Stage()
        server = stack.enter_context(stage.serve())
        undertaker = stack.enter_context(Undertaker())
        grounds = {kind: Ground(stage, server.url, url, undertaker, folder) for kind, url in urls.items()}
        for one in grounds.values():
            one.rehearse()
        yield grounds


@pytest.fixture
def sqlite_ground(shared_grounds: dict[str, Ground]) -> Ground:
    """On a SQLite file."""
    return shared_grounds["sqlite"]


@pytest.fixture
def postgres_ground(postgres_server: PostgresServer, shared_grounds: dict[str, Ground]) -> Ground:
    """On PostgreSQL."""
    return shared_grounds["postgresql"]


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest) -> Ground:
    """On either database."""
    name = "sqlite_ground" if request.param == "sqlite" else "postgres_ground"
    found: Ground = request.getfixturevalue(name)
    return found
