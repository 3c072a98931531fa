"""The whole platform on one machine with nothing installed: what is made up where a setting is missing.

The emulated Railway forgets everything when it ends. A database that outlived it would speak of instances that no Railway
knows: so the database that `serve` makes up for it lives as long as it does, and no longer.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
import socket
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from railway_saas.emulator import Emulator, RunningServer
from railway_saas.errors import ConfigurationError
from reference_server.catalogue import publish_folder
from reference_server.composition import build_platform
from reference_server.data.engines import ConnectionRole
from reference_server.observability.metrics import MULTIPROCESS_VARIABLE
from reference_server.operations.migrating import migrate
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from reference_server.composition import Platform

ADMIN: Final = "admin@example.com"
"""Made in development where there is no administrator."""
_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Laptop:
    """What the processes get, and what to tell whoever started them."""

    settings: Settings
    environment: Mapping[str, str] = field(repr=False)
    railway_endpoint: str | None
    """Of the emulated Railway; None: a real one is used."""
    has_own_database: bool
    """Whether the database was made for this run, and ends with it."""
    has_stale_instances: bool = False
    """Whether the database knows instances that the emulated Railway cannot know."""
    admin: str = ADMIN
    admin_password: str | None = field(default=None, repr=False)
    """Of the administrator that was just made."""
    published: tuple[str, ...] = ()
    """Templates that were just put into the catalogue."""

    @property
    def url(self) -> str:
        """Where this machine reaches the platform."""
        host = _ANY.get(self.settings.host, self.settings.host)
        return (
            f"http://[{host}]:{self.settings.port}" if ":" in host else f"http://{host}:{self.settings.port}"
        )


@contextmanager
def laptop(given: Mapping[str, str]) -> Generator[Laptop]:
    """Prepare everything; what was made up ends with the block.

    Raises:
        ConfigurationError: The settings cannot be used, or are not fit for production; the port is taken; another one works
            in the same folder.
    """
    with ExitStack() as stack:
        environment = dict(given)
        configured = Settings.from_environment(environment)
        _fill_in_address(environment, configured)
        _refuse_taken_port(Settings.from_environment(environment))
        _share_metrics(environment, stack)
        endpoint = None
        has_own_database = False
        if configured.railway_api_token is None:
            endpoint = _emulate(environment, stack)
            if configured.database_url is None:
                has_own_database = True
                _make_database(environment, configured.data_dir / "embedded", stack)
        settings = Settings.from_environment(environment)
        prepared = Laptop(settings, environment, endpoint, has_own_database)
        yield prepared if settings.is_production else _prepare(prepared)


def _fill_in_address(environment: dict[str, str], settings: Settings) -> None:
    """A free port where 0 is asked for, and links that lead to it."""
    if settings.port == 0:
        environment["PORT"] = str(_free_port(settings.host))
    if not environment.get("BASE_URL", "").strip() and not settings.is_production:
        port = environment.get("PORT", "").strip() or str(settings.port)
        host = _ANY.get(settings.host, settings.host)
        environment["BASE_URL"] = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refuse_taken_port(settings: Settings) -> None:
    """Gunicorn would share it, as its own processes do: requests would reach one platform or the other."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        raise ConfigurationError(
            f"PORT={settings.port}: cannot be listened on at {settings.host} ({error.strerror}); "
            "stop what uses it, or give another one: --port"
        ) from None


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        port: int = listener.getsockname()[1]
        return port


def _share_metrics(environment: dict[str, str], stack: ExitStack) -> None:
    """One folder for all processes: whichever answers `/metrics` speaks for all."""
    folder = stack.enter_context(
        tempfile.TemporaryDirectory(prefix="railway-saas-metrics-", ignore_cleanup_errors=True)
    )
    environment.setdefault(MULTIPROCESS_VARIABLE, folder)


def _emulate(environment: dict[str, str], stack: ExitStack) -> str:
    """Without rate limits: they are for tests, and would only make whoever tries the platform wait."""
    server = stack.enter_context(RunningServer(Emulator(speed=1.0, limits=False)))
    environment["RAILWAY_API_TOKEN"] = server.emulator.api_token
    environment["RAILWAY_WORKSPACE_ID"] = server.emulator.workspace_id
    environment["RAILWAY_ENDPOINT"] = server.endpoint
    return server.endpoint


def _make_database(environment: dict[str, str], folder: Path, stack: ExitStack) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _hold(folder.with_suffix(".lock"), stack)
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    folder.mkdir(mode=0o700)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    environment["DATABASE_URL"] = f"sqlite:///{folder.resolve() / 'platform.db'}"


def _hold(file: Path, stack: ExitStack) -> None:
    """Be the only one who makes a database there. The lock ends with this process, however it ends."""
    opened = stack.enter_context(file.open("a"))
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationError(
            f"DATA_DIR={file.parent}: another `serve` works there; stop it, or give another folder"
        ) from None


def _prepare(made: Laptop) -> Laptop:
    """Development only: migrate, fill the catalogue, and see that somebody can log in."""
    settings = made.settings
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    migrate(settings)
    platform = build_platform(settings, ConnectionRole.WORKER)
    try:
        with scoped(SYSTEM), coming_from(Origin(request_id="command-serve", via="command serve")):
            return Laptop(
                settings,
                made.environment,
                made.railway_endpoint,
                made.has_own_database,
                has_stale_instances=made.railway_endpoint is not None and _has_instances(platform),
                admin_password=_make_admin(platform),
                published=_fill_catalogue(platform),
            )
    finally:
        platform.close()


def _has_instances(platform: Platform) -> bool:
    with platform.database.unit_of_work() as work:
        return any(
            count
            for status, count in work.instances.count_by_status().items()
            if status not in {"deleted", "failed"}
        )


def _make_admin(platform: Platform) -> str | None:
    with platform.database.unit_of_work() as work:
        if work.users.count_by_role().get("admin"):
            return None
    password = secrets.token_urlsafe(12)
    platform.accounts.create_admin(ADMIN, password, name="Administrator")
    return password


def _fill_catalogue(platform: Platform) -> tuple[str, ...]:
    """An operator's own catalogue stays as it is."""
    if any(True for _ in platform.manager.templates()):
        return ()
    return tuple(name for name, _ in publish_folder(platform.manager))
