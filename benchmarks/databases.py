"""The databases that instances are kept in: memory, a SQLite file, and PostgreSQL where there is one."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from railway_saas.repositories import MemoryDatabase
from tests.support.databases import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from railway_saas.repositories import Database


@dataclass(slots=True)
class Meter:
    """Time spent in a database: every call of a repository, and the beginning and end of every transaction."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    calls: Counter[str] = field(default_factory=Counter[str])
    statements: Counter[str] = field(default_factory=Counter[str])
    """By their first word; a database without SQL has none."""

    def reset(self) -> None:
        """Begin anew."""
        self.wall_s = self.cpu_s = 0.0
        self.calls.clear()
        self.statements.clear()

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, measured."""

        def measured(*args: Any, **options: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return call(*args, **options)
            finally:
                self.wall_s += time.perf_counter() - wall
                self.cpu_s += time.process_time() - cpu
                self.calls[name] += 1

        return measured


class MeteredDatabase:
    """A database whose time is taken."""

    def __init__(self, inner: Database, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def unit_of_work(self) -> _MeteredUnit:
        return _MeteredUnit(self._inner.unit_of_work(), self._meter)


class _MeteredUnit:
    def __init__(self, inner: Any, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter
        self.commit = meter.timed("commit", inner.commit)

    def __enter__(self) -> Self:
        self._meter.timed("begin", self._inner.__enter__)()
        return self

    def __exit__(self, *raised: object) -> None:
        self._meter.timed("end", self._inner.__exit__)(*raised)

    def __getattr__(self, noun: str) -> _MeteredRepository:
        return _MeteredRepository(noun, getattr(self._inner, noun), self._meter)


class _MeteredRepository:
    def __init__(self, noun: str, inner: Any, meter: Meter) -> None:
        self._noun = noun
        self._inner = inner
        self._meter = meter

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return self._meter.timed(f"{self._noun}.{verb}", getattr(self._inner, verb))


@contextmanager
def memory(_: Meter) -> Iterator[Database]:
    """Objects of this process."""
    yield MemoryDatabase()


@contextmanager
def sqlite(meter: Meter) -> Iterator[Database]:
    """A file in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield from _sql(f"sqlite:///{Path(folder) / 'bench.db'}", meter)


@contextmanager
def postgresql(meter: Meter) -> Iterator[Database]:
    """A server of our own on this machine, which does not wait for its disk (`fsync=off`).

    Raises:
        LookupError: There is none.
    """
    with running_postgres() as server:
        if server is None:
            raise LookupError("there is no PostgreSQL")
        with server.new_database() as url:
            yield from _sql(url, meter)


def _sql(url: str, meter: Meter) -> Iterator[Database]:
    from sqlalchemy import event  # noqa: PLC0415 - memory does without
    from sqlalchemy.orm import sessionmaker  # noqa: PLC0415

    from railway_saas.repositories.sqlalchemy import (  # noqa: PLC0415
        SqlDatabase,
        create_database_engine,
        migrations,
    )

    engine = create_database_engine(url)
    migrations.upgrade(engine)

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        meter.statements[statement.split(maxsplit=1)[0]] += 1

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield SqlDatabase(sessionmaker(engine))
    finally:
        engine.dispose()


DATABASES = {"memory": memory, "SQLite file": sqlite, "PostgreSQL": postgresql}
