"""A backup holds everything of one moment, opens with the key only, and is restored whole or not at all."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from railway_saas.domain import OutboxMessage, ServiceLimits, new_id
from railway_saas.errors import ConfigurationError, UndecipherableError
from railway_saas.templates import Template
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.operations.backup import read_backup, tables, write_backup
from reference_server.security import audit
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import KeyRing, Settings
from tests.server.conftest import migrated, new_person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from sqlalchemy import Engine

    from reference_server.composition import Platform

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEYS = KeyRing.parse("k2:a-key-for-tests-only-0123456789abcdef,k1:an-older-key-0123456789abcdef")
DOCUMENT = {
    "services": {
        "web": {
            "name": "web",
            "source": {"image": "nginx:1.29"},
            "variables": {"TOKEN": {"isOptional": False}},
        }
    }
}


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest, environment: dict[str, str]) -> dict[str, str]:
    if request.param == "postgresql":
        request.getfixturevalue("postgres_environment")
    return environment


@pytest.fixture
def lived_in(platform: Platform, app: Flask) -> Platform:
    ann = new_person(platform, app, "ann@example.com")
    with scoped(SYSTEM):
        entry = platform.manager.publish_template(
            Template.parse(DOCUMENT),
            name="Web",
            resources=ServiceLimits(vcpus=Decimal(1), memory_gb=Decimal(1)),
        )
        platform.manager.deploy(
            user_id=ann.user.id, template_id=entry.id, name="shop", inputs={"web.TOKEN": "c4nary-value"}
        )
        with platform.database.unit_of_work() as work:
            now = platform.now()
            work.outbox.add(
                OutboxMessage(
                    id=new_id(now), topic="other", key="k", payload={"n": 1.5}, not_before=now, created_at=now
                )
            )
            work.commit()
    audit.seal(platform.database)
    return platform


@pytest.fixture
def engine(lived_in: Platform) -> Iterator[Engine]:
    opened = open_engine(lived_in.settings, ConnectionRole.BACKUP, threads=1)
    yield opened
    opened.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A new database, migrated, with nothing in it."""
    settings = Settings.from_environment({"DATABASE_URL": f"sqlite:///{tmp_path}/restored.db"})
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        with server.new_database(request.getfixturevalue("postgres_template")) as url:
            yield from _migrated(Settings.from_environment({"DATABASE_URL": url}))
    else:
        yield from _migrated(settings)


def _migrated(settings: Settings) -> Iterator[Engine]:
    migrated(settings)
    opened = open_engine(settings, ConnectionRole.BACKUP, threads=1)
    yield opened
    opened.dispose()


def contents(engine: Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in tables()
        }


def backed_up(engine: Engine) -> bytes:
    target = io.BytesIO()
    write_backup(engine, KEYS, target, now=NOW)
    return target.getvalue()


def test_what_is_restored_is_what_there_was_on_either_database(engine: Engine, empty: Engine) -> None:
    report = read_backup(empty, KEYS, io.BytesIO(backed_up(engine)))
    there = contents(engine)
    assert contents(empty) == there
    assert {name: len(rows) for name, rows in there.items() if rows} == report.rows
    assert report.rows["instances"] == report.rows["users"] == 1
    assert report.created_at == NOW


class TestTheFile:
    @pytest.fixture
    def environment(self, tmp_path: Path) -> dict[str, str]:
        return {
            "DATA_DIR": str(tmp_path),
            "BCRYPT_ROUNDS": "4",
            "DATABASE_URL": f"sqlite:///{tmp_path}/platform.db",
        }

    @pytest.fixture
    def empty(self, tmp_path: Path) -> Iterator[Engine]:
        yield from _migrated(Settings.from_environment({"DATABASE_URL": f"sqlite:///{tmp_path}/restored.db"}))

    def test_shows_nothing_of_what_is_in_it(self, engine: Engine) -> None:
        file = backed_up(engine)
        head, _, body = file.partition(b"\n")
        assert b'"key":"k2"' in head
        for word in (b"ann@example.com", b"shop", b"c4nary", b"instances"):
            assert word not in body

    def test_opens_with_any_key_of_the_ring_and_no_other(self, engine: Engine, empty: Engine) -> None:
        file = backed_up(engine)
        with pytest.raises(UndecipherableError, match="'k2'"):
            read_backup(empty, KeyRing.parse("k3:another-key-of-the-tests-0123456789"), io.BytesIO(file))
        with pytest.raises(UndecipherableError, match="altered"):
            read_backup(empty, KeyRing.parse("k2:another-key-of-the-tests-0123456789"), io.BytesIO(file))
        rotated = KeyRing.parse(
            "k3:another-key-of-the-tests-0123456789,k2:a-key-for-tests-only-0123456789abcdef"
        )
        assert read_backup(empty, rotated, io.BytesIO(file)).rows["users"] == 1

    def test_that_was_altered_or_cut_restores_nothing(self, engine: Engine, empty: Engine) -> None:
        file = backed_up(engine)
        nothing = contents(empty)
        start = file.index(b"\n") + 1
        places = range(start, len(file), max(1, len(file) // 40))
        spoiled = [file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :] for place in places]
        spoiled += [file[:place] for place in places] + [file + b"x"]
        for one in spoiled:
            with pytest.raises(UndecipherableError):
                read_backup(empty, KEYS, io.BytesIO(one))
        assert contents(empty) == nothing

    def test_whose_first_line_was_altered_restores_nothing(self, engine: Engine, empty: Engine) -> None:
        head, _, body = backed_up(engine).partition(b"\n")
        year = str(NOW.year).encode()
        assert year in head
        with pytest.raises(UndecipherableError, match="altered"):
            read_backup(empty, KEYS, io.BytesIO(head.replace(year, b"2019") + b"\n" + body))
        for broken in (head.replace(b'"nonce"', b'"once"'), head.replace(b'"k2"', b"2"), head[:-1]):
            with pytest.raises(ConfigurationError, match="no backup"):
                read_backup(empty, KEYS, io.BytesIO(broken + b"\n" + body))

    def test_goes_into_an_empty_database_only(self, engine: Engine) -> None:
        with pytest.raises(ConfigurationError, match="not empty"):
            read_backup(engine, KEYS, io.BytesIO(backed_up(engine)))

    def test_must_be_one(self, empty: Engine) -> None:
        for other in (b"", b"hello\n", b'{"format": "else"}\n', b"[1]\n"):
            with pytest.raises(ConfigurationError, match="no backup"):
                read_backup(empty, KEYS, io.BytesIO(other))
