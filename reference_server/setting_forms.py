"""What the text of a setting has to look like. Messages never quote it: it may hold a password."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

from limits import parse_many
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from pydantic import AfterValidator, BeforeValidator, SecretStr
from redis import ConnectionPool, RedisError
from sentry_sdk.utils import BadDsn, Dsn
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from reference_server.mail.transports import smtp_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DRIVERS: Final = {"postgresql", "postgresql+psycopg", "postgres", "sqlite", "sqlite+pysqlite"}
_ORIGIN: Final = "must be like https://platform.example.com, without a path or a slash at the end"


def _database(url: str) -> None:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("must be like postgresql://user:password@host:5432/name") from None
    if parsed.drivername not in _DRIVERS:
        raise ValueError("must begin with postgresql:// or sqlite:///")
    if parsed.drivername.startswith("postgres"):
        _libpq(parsed.query)


def _libpq(options: Mapping[str, object]) -> None:
    try:
        make_conninfo("", **dict.fromkeys(options, "1"))
    except ProgrammingError:
        raise ValueError("has an option after `?` that PostgreSQL does not know") from None


def _redis(url: str) -> None:
    try:
        pool = ConnectionPool.from_url(url)
        pool.connection_class(**pool.connection_kwargs)  # which connects with its first command
    except (TypeError, ValueError, RedisError):
        raise ValueError("must be like redis://user:password@host:6379/0 or rediss://...") from None


def _sentry(dsn: str) -> None:
    try:
        Dsn(dsn)
    except (BadDsn, ValueError):
        raise ValueError("must be the DSN that Sentry shows, like https://key@host/project") from None


def _secret(check: Callable[[str], object]) -> AfterValidator:
    def checked(value: SecretStr) -> SecretStr:
        check(value.get_secret_value())
        return value

    return AfterValidator(checked)


def _limits(value: str) -> str:
    try:
        parse_many(value)
    except ValueError:
        raise ValueError("must be like `10 per minute`, several with `;` between them") from None
    return value


def _sender(value: str) -> str:
    local, _, domain = parseaddr(value)[1].rpartition("@")
    if not local or not domain or not value.isprintable():
        raise ValueError("must be an address, like `Platform <platform@example.com>`")
    return value


def split(value: Any) -> Any:
    """`a, b` as a tuple."""
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    return value


def _origin(value: str) -> str:
    host = value.partition("://")[2]
    if any(one in "/?#@" or one.isspace() for one in host) or not _is_http(value):
        raise ValueError(_ORIGIN)
    return value


def _endpoint(value: str) -> str:
    if any(one.isspace() for one in value) or not _is_http(value):
        raise ValueError("must be like https://backboard.railway.com/graphql/v2")
    return value


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port is so large
        return False


Origin = Annotated[str, AfterValidator(_origin)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
DatabaseUrl = Annotated[SecretStr, _secret(_database)]
RedisUrl = Annotated[SecretStr, _secret(_redis)]
SentryDsn = Annotated[SecretStr, _secret(_sentry)]
MailUrl = Annotated[SecretStr, _secret(smtp_of)]
RateLimits = Annotated[str, AfterValidator(_limits)]
Sender = Annotated[str, AfterValidator(_sender)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(split)]
