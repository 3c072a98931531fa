"""Bringing the database of the settings up to date, as its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from railway_saas.errors import ConfigurationError
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.migrations import APP_ROLE, WORKER_ROLE, is_behind, upgrade

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from reference_server.settings import Settings

NOT_MIGRATED: Final = "the database is not at this version: run `railway-saas-server migrate`"


def migrate(settings: Settings) -> None:
    """Harmless when nothing is to be done, or when several processes do it at once."""
    if settings.on_sqlite:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_engine(settings, ConnectionRole.OWNER, threads=1)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def require_migrated(engine: Engine) -> None:
    """See that the database is fit for this version.

    Raises:
        ConfigurationError: It is not, or does not answer; what to do.
    """
    try:
        behind = is_behind(engine)
    except SQLAlchemyError as error:
        raise ConfigurationError(why_unusable(error) or NOT_MIGRATED) from error
    if behind:
        raise ConfigurationError(NOT_MIGRATED)


def why_unusable(error: SQLAlchemyError) -> str | None:
    """What to tell an operator when the database does not let us in; None: it is something else."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if lacks_roles(error):
        return NOT_MIGRATED
    return f"the database cannot be used ({said_by(error)}): check DATABASE_URL and that the server runs"


def lacks_roles(error: DBAPIError) -> bool:
    """Whether the database does not know the platform's roles: migrating makes them."""
    return any(role in said_by(error) for role in (APP_ROLE, WORKER_ROLE))


def said_by(error: DBAPIError) -> str:
    """The driver's own words, on one line; they hold no password."""
    return " ".join(str(error.orig).split())
