"""What the text of a setting has to look like. Messages never quote it: it may hold a password."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING, Annotated, Any, Final

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, SecretStr
from redis.connection import parse_url  # pyright: ignore[reportUnknownVariableType]
from sentry_sdk.utils import BadDsn, Dsn
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from reference_server.mail.transports import smtp_of

if TYPE_CHECKING:
    from collections.abc import Callable

_DRIVERS: Final = {"postgresql", "postgresql+psycopg", "postgres", "sqlite", "sqlite+pysqlite"}
_ORIGIN: Final = "must be like https://platform.example.com, without a path or a slash at the end"


def _database(url: str) -> None:
    try:
        driver = make_url(url).drivername
    except (ArgumentError, ValueError):
        raise ValueError("must be like postgresql://user:password@host:5432/name") from None
    if driver not in _DRIVERS:
        raise ValueError("must begin with postgresql:// or sqlite:///")


def _redis(url: str) -> None:
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
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
    scheme, _, host = value.partition("://")
    if scheme not in {"http", "https"} or not host or any(one in "/?#" or one.isspace() for one in host):
        raise ValueError(_ORIGIN)
    return value


Origin = Annotated[str, AfterValidator(_origin)]
DatabaseUrl = Annotated[SecretStr, _secret(_database)]
RedisUrl = Annotated[SecretStr, _secret(_redis)]
SentryDsn = Annotated[SecretStr, _secret(_sentry)]
MailUrl = Annotated[SecretStr, _secret(smtp_of)]
RateLimits = Annotated[str, AfterValidator(_limits)]
Sender = Annotated[str, AfterValidator(_sender)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(split)]
