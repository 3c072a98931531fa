"""Engines for each kind of process: role, time-outs, encryption of the connection, size of the pool."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import make_url

from railway_saas.repositories.sqlalchemy import create_database_engine
from reference_server.migrations import APP_ROLE, WORKER_ROLE

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

    from reference_server.settings import Settings

_LOCAL_HOSTS: Final = {"localhost", "127.0.0.1", "::1", ""}
_PRIVATE_SUFFIX: Final = ".railway.internal"
"""Railway's private network is encrypted itself (WireGuard). Source: docs.railway.com/networking/private-networking."""
_SPARE_CONNECTIONS: Final = 2
_MAX_IDLE_TRANSACTION_MS: Final = 60_000
_GONE_AFTER: Final = {
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""A database whose host or network is gone ends no statement by itself: the connection is given up after some 20 s (ms and s).

Source: postgresql.org/docs/current/libpq-connect.html. Over a socket of this machine they mean nothing."""


class ConnectionRole(StrEnum):
    """As whom a process works in PostgreSQL."""

    APP = APP_ROLE
    """Web processes: row level security holds them to their scope."""
    WORKER = WORKER_ROLE
    """Workers and commands: all rows."""
    OWNER = "owner"
    """Migrations: whoever the URL says."""
    BACKUP = "backup"
    """Backup and restore: as a worker, and as long as it takes."""

    @property
    def is_hurried(self) -> bool:
        """Whether statements have to end soon."""
        return self in {ConnectionRole.APP, ConnectionRole.WORKER}


def open_engine(settings: Settings, role: ConnectionRole, *, threads: int) -> Engine:
    """The primary, for a process of so many threads."""
    url = settings.url_of_owner if role is ConnectionRole.OWNER else settings.url_of_database
    return _open(url, settings, role, threads)


def open_replica(settings: Settings, role: ConnectionRole, *, threads: int) -> Engine | None:
    """The read replica, where there is one."""
    if settings.database_replica_url is None:
        return None
    return _open(settings.database_replica_url.get_secret_value(), settings, role, threads)


def _open(url: str, settings: Settings, role: ConnectionRole, threads: int) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return create_database_engine(url)
    tls = required_tls(parsed, settings)
    if tls is not None:  # in the URL, where whoever has the engine finds it, too
        parsed = parsed.update_query_dict({"sslmode": tls})
    size = settings.database_pool_size or threads + _SPARE_CONNECTIONS
    return create_database_engine(
        parsed,
        pool_size=size,
        max_overflow=0,
        pool_timeout=10,
        connect_args=_connect_args(settings, role),
    )


def _connect_args(settings: Settings, role: ConnectionRole) -> dict[str, Any]:
    limits: dict[str, object] = {
        "statement_timeout": settings.database_statement_timeout_ms,
        "lock_timeout": settings.database_lock_timeout_ms,
        "idle_in_transaction_session_timeout": _MAX_IDLE_TRANSACTION_MS,
    }
    session: dict[str, object] = limits if role.is_hurried else {}
    if role is not ConnectionRole.OWNER:
        session["role"] = WORKER_ROLE if role is ConnectionRole.BACKUP else role.value
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    arguments: dict[str, Any] = {
        "connect_timeout": 10,
        **_GONE_AFTER,
        "application_name": f"railway-saas {role.name.lower()}",
    }
    if options:
        arguments["options"] = options
    return arguments


def required_tls(url: URL, settings: Settings) -> str | None:
    """Libpq's `sslmode`; None: what the URL says."""
    if settings.database_tls == "auto":
        is_near = is_local(url) or (url.host or "").endswith(_PRIVATE_SUFFIX)
        return None if is_near or "sslmode" in url.query else "require"
    return {"require": "require", "verify-full": "verify-full", "off": None}[settings.database_tls]


def is_local(url: URL) -> bool:
    """Whether the server is on this machine: a socket, or the loopback address."""
    host = url.host or str(url.query.get("host", ""))
    return host.startswith("/") or host in _LOCAL_HOSTS
