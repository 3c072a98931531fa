"""What the server is told: environment variables, read once, checked, frozen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from railway_saas.config import DEFAULT_ENDPOINT
from railway_saas.errors import ConfigurationError
from reference_server.setting_forms import (
    DatabaseUrl,
    Endpoint,
    MailUrl,
    Origin,
    RateLimits,
    RedisUrl,
    Secrets,
    Sender,
    SentryDsn,
    split,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MIN_SECRET_BYTES: Final = 32
"""A key of HMAC-SHA-256 should be as long as its output. Source: RFC 7518, section 3.2."""

DEVELOPMENT_SECRET: Final = "not-a-secret-for-development-on-one-machine-only"  # noqa: S105
"""Used where a secret is missing outside production; a production start refuses it."""

_KEY_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class KeyRing(BaseModel):
    """Secrets by id: the first one is used for what is new, all of them for what is old.

    Written `id:secret,id:secret`, or one secret without an id.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    keys: tuple[tuple[str, SecretStr], ...] = Field(min_length=1)

    @property
    def current(self) -> tuple[str, SecretStr]:
        """Id and secret for what is new."""
        return self.keys[0]

    def find(self, key_id: str) -> SecretStr | None:
        """The secret of an id."""
        return dict(self.keys).get(key_id)

    @classmethod
    def parse(cls, value: Any) -> Any:
        """Read the written form."""
        if not isinstance(value, str):
            return value
        pairs = [part.partition(":") if ":" in part else ("1", ":", part) for part in split(value)]
        ids = [key_id for key_id, _, _ in pairs]
        if len(set(ids)) != len(ids) or not all(_KEY_ID.fullmatch(key_id) for key_id in ids):
            raise ValueError("must be `id:secret,id:secret` with a different id for each, or one secret")
        return cls(keys=tuple((key_id, SecretStr(secret)) for key_id, _, secret in pairs))


Keys = Annotated[KeyRing, BeforeValidator(KeyRing.parse)]


def _development_keys() -> KeyRing:
    return KeyRing(keys=(("development", SecretStr(DEVELOPMENT_SECRET)),))


class Settings(BaseModel):
    """Every setting, by the name of its environment variable. An empty variable is as good as none."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    # What it is.
    app_env: Literal["development", "production"] = Field(
        "development",
        alias="APP_ENV",
        description="`production` refuses to start with anything that is only fit for one laptop. Railway's own variables make it the default there.",
    )
    base_url: Origin = Field(
        "http://127.0.0.1:8000",
        alias="BASE_URL",
        description="Where customers reach the platform, without a slash at the end: it stands in mails, and tokens are made out for it.",
    )
    data_dir: Path = Field(
        Path(".railway-saas"),
        alias="DATA_DIR",
        description="Folder for what has no other place: SQLite file, mailbox.",
    )
    debug: bool = Field(
        default=False, alias="DEBUG", description="Flask's debug mode. Refused in production."
    )

    # Where it keeps things.
    database_url: DatabaseUrl | None = Field(
        None,
        alias="DATABASE_URL",
        description="`postgresql://...`, or `sqlite:///file`; a SQLite file in `DATA_DIR` unless set. The web processes and workers use it.",
    )
    database_replica_url: DatabaseUrl | None = Field(
        None,
        alias="DATABASE_REPLICA_URL",
        description="A read replica, for reads that may be a little stale: catalogue and usage.",
    )
    database_owner_url: DatabaseUrl | None = Field(
        None,
        alias="DATABASE_OWNER_URL",
        description="Used by `migrate`, `backup` and `restore` only: the role that owns the tables. `DATABASE_URL` unless set.",
    )
    database_pool_size: int = Field(
        0,
        alias="DATABASE_POOL_SIZE",
        ge=0,
        le=200,
        description="Connections per process; 0: as many as threads, and two more.",
    )
    database_statement_timeout_ms: int = Field(
        15_000,
        alias="DATABASE_STATEMENT_TIMEOUT_MS",
        ge=100,
        description="PostgreSQL ends a statement after this long.",
    )
    database_lock_timeout_ms: int = Field(
        5_000,
        alias="DATABASE_LOCK_TIMEOUT_MS",
        ge=100,
        description="PostgreSQL gives up waiting for a lock after this long.",
    )
    database_tls: Literal["auto", "require", "verify-full", "off"] = Field(
        "auto",
        alias="DATABASE_TLS",
        description="`auto`: required unless the host is local or a private network name of Railway.",
    )
    redis_url: RedisUrl | None = Field(
        None,
        alias="REDIS_URL",
        description="Cache, rate limits and pacing shared by all processes; in-process without it.",
    )

    # Railway.
    railway_api_token: SecretStr | None = Field(
        None,
        alias="RAILWAY_API_TOKEN",
        description="An account or workspace token. Without it a local Railway is emulated.",
    )
    railway_workspace_id: str | None = Field(
        None,
        alias="RAILWAY_WORKSPACE_ID",
        description="Where customers' projects are made. Needed with a token.",
    )
    railway_endpoint: Endpoint = Field(
        DEFAULT_ENDPOINT,
        alias="RAILWAY_ENDPOINT",
        description="Another address of Railway's API, e.g. an emulator's.",
    )
    railway_webhook_secrets: Secrets = Field(
        (),
        alias="RAILWAY_WEBHOOK_SECRETS",
        description="What Railway's webhooks must carry; several while one is replaced, the newest first.",
    )
    railway_requests_per_hour: int = Field(
        10_000,
        alias="RAILWAY_REQUESTS_PER_HOUR",
        ge=10,
        description="What Railway's plan allows the token. Source: Railway's documentation of its API.",
    )

    # People.
    jwt_secret: Keys = Field(
        default_factory=_development_keys,
        alias="JWT_SECRET",
        description="Signs access tokens: `id:secret,id:secret`, the newest first; older ones still verify.",
    )
    encryption_keys: Keys = Field(
        default_factory=_development_keys,
        alias="ENCRYPTION_KEYS",
        description="Encrypts customers' variables and backups: `id:secret,id:secret`, the newest first.",
    )
    access_token_s: int = Field(
        900, alias="ACCESS_TOKEN_SECONDS", ge=60, le=86_400, description="How long an access token is good."
    )
    refresh_token_s: int = Field(
        30 * 86_400,
        alias="REFRESH_TOKEN_SECONDS",
        ge=3_600,
        description="How long a refresh token is good; each use gives a new one.",
    )
    session_s: int = Field(
        90 * 86_400,
        alias="SESSION_SECONDS",
        ge=3_600,
        description="How long a log-in lasts at most, however often it is refreshed.",
    )
    bcrypt_rounds: int = Field(
        12,
        alias="BCRYPT_ROUNDS",
        ge=4,
        le=16,
        description="Cost of a password's hash. Below 10 is refused in production.",
    )
    rate_limit_login: RateLimits = Field(
        "10 per minute",
        alias="RATE_LIMIT_LOGIN",
        description="Per address of the network, all together: log in, register, verify, refresh, reset or change a password.",
    )
    rate_limit_api: RateLimits = Field(
        "600 per minute",
        alias="RATE_LIMIT_API",
        description="Per user or API key, else per address of the network.",
    )
    plans: str | None = Field(
        None,
        alias="PLANS",
        description="Plans and their limits as JSON, or the path of such a file; a free and a pro plan unless set. See [plans](plans.md).",
    )

    # Mail.
    mail_url: MailUrl | None = Field(
        None,
        alias="MAIL_URL",
        description="`smtp://user:password@host:587` (STARTTLS) or `smtps://...`; a mailbox folder in `DATA_DIR` unless set.",
    )
    mail_from: Sender = Field(
        "Platform <platform@localhost>", alias="MAIL_FROM", description="Sender of mails."
    )

    # The process.
    web_threads: int = Field(8, alias="WEB_THREADS", ge=1, le=128, description="Threads per web process.")
    web_processes: int = Field(
        2, alias="WEB_PROCESSES", ge=1, le=64, description="Web processes; one on SQLite."
    )
    worker_threads: int = Field(
        8, alias="WORKER_THREADS", ge=1, le=128, description="Jobs that a worker does at once."
    )
    worker_in_process: bool | None = Field(
        None,
        alias="WORKER_IN_PROCESS",
        description="Whether the web process works as well; so on SQLite unless set.",
    )
    host: str = Field("127.0.0.1", alias="HOST", description="Address to listen on.")
    port: int = Field(8000, alias="PORT", ge=0, le=65_535, description="Port to listen on.")
    trusted_proxies: int = Field(
        0,
        alias="TRUSTED_PROXIES",
        ge=0,
        le=10,
        description="How many proxies stand in front: so many entries of X-Forwarded-For are believed. 1 on Railway.",
    )
    graceful_timeout_s: int = Field(
        30,
        alias="GRACEFUL_TIMEOUT_SECONDS",
        ge=1,
        le=600,
        description="How long requests and jobs that are at work may go on after a stop was asked for.",
    )
    request_read_s: int = Field(
        20,
        alias="REQUEST_READ_SECONDS",
        ge=1,
        le=600,
        description="How long a client may take to send a request, its body included.",
    )
    max_body_bytes: int = Field(
        1_048_576, alias="MAX_BODY_BYTES", ge=1_024, description="Largest request body."
    )
    max_streams: int = Field(
        0,
        alias="MAX_STREAMS",
        ge=0,
        le=1_000,
        description="Streams (live logs, live events) that a web process keeps open; each holds a thread. 0: half of the threads.",
    )
    stream_s: float = Field(
        300.0,
        alias="STREAM_SECONDS",
        gt=0,
        le=3_600,
        description="How long a stream lasts at most; the client connects again and goes on where it was.",
    )

    # Watching it.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", alias="LOG_LEVEL", description="Least level that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        alias="LOG_FORMAT",
        description="`auto`: one JSON object per line, but for a developer at a terminal.",
    )
    sentry_dsn: SentryDsn | None = Field(
        None, alias="SENTRY_DSN", description="Where errors are reported; nowhere unless set."
    )
    metrics_token: SecretStr | None = Field(
        None,
        alias="METRICS_TOKEN",
        description="Bearer token that `/metrics` asks for. In production without one it answers to nobody.",
    )
    worker_metrics_port: int = Field(
        0,
        alias="WORKER_METRICS_PORT",
        ge=0,
        le=65_535,
        description="Port on which a worker answers `/healthz`, `/readyz` and `/metrics`; 0: none.",
    )

    @property
    def is_production(self) -> bool:
        """Whether customers use it."""
        return self.app_env == "production"

    @property
    def url_of_database(self) -> str:
        """`DATABASE_URL`, or the SQLite file in `DATA_DIR`."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.resolve() / 'platform.db'}"

    @property
    def url_of_owner(self) -> str:
        """The database as its owner."""
        return self.database_owner_url.get_secret_value() if self.database_owner_url else self.url_of_database

    @property
    def on_sqlite(self) -> bool:
        """Whether the database is a file."""
        return self.url_of_database.startswith("sqlite")

    @property
    def works_in_process(self) -> bool:
        """Whether web processes do background work, too."""
        return self.on_sqlite if self.worker_in_process is None else self.worker_in_process

    @model_validator(mode="after")
    def _needs_each_other(self) -> Self:
        faults = list[str]()
        if self.railway_api_token is not None and not (self.railway_workspace_id or "").strip():
            faults.append("RAILWAY_WORKSPACE_ID: must be set when RAILWAY_API_TOKEN is")
        if self.on_sqlite and self.web_processes > 1 and "web_processes" in self.model_fields_set:
            faults.append("WEB_PROCESSES: must be 1 on SQLite; set DATABASE_URL to a PostgreSQL for more")
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, for_schema_only: bool = False) -> Self:
        """Read the variables that are ours.

        Args:
            environment: Names and values.
            for_schema_only: Nothing is done with them but to migrate the database: in production, too, that needs no secret of
                the platform's.

        Raises:
            ConfigurationError: One cannot be used, or a production start would not be safe: every fault, with what to do.
        """
        names = {field.alias or name for name, field in cls.model_fields.items()}
        given: dict[str, str] = {
            name: environment[name] for name in sorted(names) if environment.get(name, "").strip()
        }
        if "RAILWAY_ENVIRONMENT_ID" in environment:  # set by Railway in every service
            given.setdefault("APP_ENV", "production")
        settings, faults = cls._read(given)
        if settings is None or faults:
            raise ConfigurationError("settings: " + "; ".join(faults))
        if settings.is_production and not for_schema_only and (faults := settings.unsafe()):
            raise ConfigurationError("refusing to start in production: " + "; ".join(faults))
        return settings

    @classmethod
    def _read(cls, given: Mapping[str, str]) -> tuple[Self | None, list[str]]:
        """The settings, and what is wrong: also what only shows without those that cannot be read at all."""
        try:
            return cls.model_validate(given), []
        except ValidationError as error:  # not kept as a cause: it may quote a secret
            entries = error.errors(include_input=False, include_url=False)
        faults = [fault for entry in entries for fault in _faults(entry)]
        unreadable = {str(entry["loc"][0]) for entry in entries if entry["loc"]}
        rest = {name: value for name, value in given.items() if name not in unreadable}
        if not unreadable or not rest:
            return None, faults
        settings, others = cls._read(rest)
        if settings is not None and settings.is_production:
            others += settings.unsafe()
        # What asks for one of those may be wrong only because it was left out.
        return None, faults + [one for one in others if not any(name in one for name in unreadable)]

    def unsafe(self) -> list[str]:
        """What must not be so in production, each with what to do."""
        return [
            *_weak_keys("JWT_SECRET", self.jwt_secret),
            *_weak_keys("ENCRYPTION_KEYS", self.encryption_keys),
            *(f"{name}: {why}" for name, why in self._unfit() if why),
        ]

    def _unfit(self) -> list[tuple[str, str | None]]:
        many = self.web_processes > 1 or not self.works_in_process
        weak = [one for one in self.railway_webhook_secrets if _is_weak(one)]
        return [
            (
                "RAILWAY_API_TOKEN",
                "set it; the emulated Railway runs nothing" if self.railway_api_token is None else None,
            ),
            (
                "RAILWAY_WEBHOOK_SECRETS",
                "set one of at least 32 bytes" if weak or not self.railway_webhook_secrets else None,
            ),
            (
                "DATABASE_URL",
                "SQLite serves one process only; set a PostgreSQL" if self.on_sqlite and many else None,
            ),
            ("DEBUG", "unset it" if self.debug else None),
            ("BASE_URL", "must begin with https://" if not self.base_url.startswith("https://") else None),
            ("BCRYPT_ROUNDS", "must be at least 10" if self.bcrypt_rounds < 10 else None),  # noqa: PLR2004
            (
                "MAIL_URL",
                "set it; customers cannot read a folder of the server" if self.mail_url is None else None,
            ),
        ]


def _is_weak(secret: SecretStr) -> bool:
    value = secret.get_secret_value()
    return value == DEVELOPMENT_SECRET or len(value.encode()) < MIN_SECRET_BYTES or len(set(value)) < 10  # noqa: PLR2004


def _weak_keys(name: str, ring: KeyRing) -> list[str]:
    if ring == _development_keys():
        return [f"{name}: set it, e.g. to the output of `openssl rand -base64 48`"]
    return [
        f"{name}: key {key_id!r} is weak; use at least {MIN_SECRET_BYTES} random bytes"
        for key_id, secret in ring.keys
        if _is_weak(secret)
    ]


def _faults(entry: Any) -> list[str]:
    where = ".".join(str(part) for part in entry["loc"])
    messages = str(entry["msg"]).removeprefix("Value error, ").splitlines()
    return [f"{where}: {message}" if where else message for message in messages]


def read_json_or_file(value: str) -> Any:
    """A JSON text, or the content of the file that it names.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        text = value if value.lstrip().startswith(("{", "[")) else Path(value).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"PLANS: neither JSON nor a readable JSON file ({type(error).__name__})"
        ) from None
