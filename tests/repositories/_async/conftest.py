"""Every test of this folder runs against every implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from railway_saas.repositories import AsyncMemoryDatabase
from railway_saas.repositories.sqlalchemy import AsyncSqlDatabase, create_async_database_engine
from tests.support.nouns import Stock, stocked_async

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from railway_saas.repositories import AsyncDatabase


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str | None:
    names = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}
    return request.getfixturevalue(names[kind]) if kind in names else None


@pytest.fixture
async def database(url: str | None) -> AsyncGenerator[AsyncDatabase]:
    if url is None:
        yield AsyncMemoryDatabase()
        return
    engine = create_async_database_engine(url)
    yield AsyncSqlDatabase(async_sessionmaker(engine))
    await engine.dispose()


@pytest.fixture
async def stock(database: AsyncDatabase) -> Stock:
    return await stocked_async(database)
