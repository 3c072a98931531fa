"""What the platform is made of: the only place that wires clients, repositories and managers together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from railway_saas import RailwayClient
from railway_saas.config import RateLimit
from railway_saas.errors import ConfigurationError
from railway_saas.instances import InstanceManager, ManagerSettings, WebhookIntake
from railway_saas.railway.redis_pacing import RedisPacer
from reference_server.accounts import Accounts, AccountSettings
from reference_server.cache import STATUS, Cache
from reference_server.catalogue.offers import Catalogue
from reference_server.data.database import ServerDatabase
from reference_server.data.engines import ConnectionRole, open_engine, open_replica
from reference_server.data.joined import JoinedDatabase
from reference_server.instance_logs import LogTail
from reference_server.instance_updates import InstanceUpdates
from reference_server.jobs.dbos_queue import DbosQueue
from reference_server.jobs.table import JOB_NAMES
from reference_server.mail.transports import transport_of
from reference_server.observability.metrics import Metrics
from reference_server.observability.pools import watch_pool
from reference_server.plans import plans_of
from reference_server.redis_clients import open_redis
from reference_server.security.encryption import ANSWERS, VARIABLES, RingCipher
from reference_server.security.passwords import Passwords
from reference_server.security.tokens import AccessTokens
from reference_server.settings import DEVELOPMENT_SECRET
from reference_server.streaming import StreamLimits, Streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import redis

    from railway_saas.domain import Plans
    from railway_saas.emulator import Emulator
    from railway_saas.repositories import Database
    from reference_server.data.database import ServerUnitOfWork
    from reference_server.data.idempotency import Seal
    from reference_server.jobs.port import JobQueue
    from reference_server.mail.transports import MailTransport
    from reference_server.settings import Settings

MANAGER_SETTINGS: Final = ManagerSettings(call_timeout_s=15.0, lease_s=20.0)
"""Work of a worker that died is free after 20 s, so that another one has it within 30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that a process of the platform works with."""

    settings: Settings
    now: Callable[[], datetime]
    database: ServerDatabase
    railway: RailwayClient
    workspace_id: str
    manager: InstanceManager
    manager_in: Callable[[ServerUnitOfWork], InstanceManager]
    """The same in one transaction of the caller's."""
    intake: WebhookIntake
    plans: Plans
    passwords: Passwords
    access_tokens: AccessTokens
    accounts: Accounts
    jobs: JobQueue
    metrics: Metrics
    mail: MailTransport
    updates: InstanceUpdates
    catalogue: Catalogue
    cache: Cache
    redis: redis.Redis | None
    """Shared by what this process caches and paces; None where it does so alone."""
    answers: Seal
    """Seals answers to requests with an `Idempotency-Key`."""
    streams: Streams
    log_tail: LogTail
    emulator: Emulator | None = None
    """The local Railway that lives in this process, if one does."""

    def close(self) -> None:
        """End streams, and give back connections."""
        self.streams.close()
        self.railway.close()
        self.jobs.close()
        self.database.close()
        if self.redis is not None:
            self.redis.close()


def build_platform(
    settings: Settings,
    role: ConnectionRole,
    *,
    emulator: Emulator | None = None,
    jobs: JobQueue | None = None,
    now: Callable[[], datetime] | None = None,
    needs_railway: bool = True,
) -> Platform:
    """Wire one process's platform.

    Args:
        settings: What it is told.
        role: As whom it works in the database.
        emulator: The Railway to use in this process; that of the settings unless given.
        jobs: Where wishes for background work go; the database's queue unless given.
        now: The present moment, aware; the Railway client's clock unless given.
        needs_railway: False for commands that never ask Railway: they run without a token.

    Raises:
        ConfigurationError: The settings name no Railway, or something that is not installed.
    """
    threads = settings.web_threads if role is ConnectionRole.APP else settings.worker_threads
    metrics = Metrics()
    shared = None if settings.redis_url is None else open_redis(settings.redis_url.get_secret_value())
    cache = Cache(shared, asked=lambda kind, hit: metrics.cache_asked(kind, hit=hit))
    railway, workspace_id = _railway_of(settings, emulator, metrics, shared, needed=needs_railway)
    clock = now or railway.clock.now
    plans = plans_of(settings)
    engine = open_engine(settings, role, threads=threads)
    queue = jobs or DbosQueue(engine, JOB_NAMES)
    database = ServerDatabase(
        engine,
        replica=open_replica(settings, role, threads=threads),
        jobs=queue,
        cipher=RingCipher(settings.encryption_keys, purpose=VARIABLES),
        on_changes=metrics.changed,
        on_instances=None if shared is None else lambda owners: cache.renew(STATUS, *map(str, owners)),
    )
    watch_pool(engine, metrics)
    secrets = [one.get_secret_value() for one in settings.railway_webhook_secrets] or [DEVELOPMENT_SECRET]
    passwords = Passwords(settings.bcrypt_rounds)
    access_tokens = AccessTokens(
        settings.jwt_secret, issuer=settings.base_url, lifetime_s=settings.access_token_s, now=clock
    )

    def manager_on(where: Database) -> InstanceManager:
        return InstanceManager(
            railway, where, workspace_id=workspace_id, plans=plans, settings=MANAGER_SETTINGS, now=clock
        )

    def manager_in(work: ServerUnitOfWork) -> InstanceManager:
        return manager_on(JoinedDatabase(work))

    streams = Streams(
        StreamLimits.for_threads(threads, most=settings.max_streams, longest_s=settings.stream_s)
    )
    return Platform(
        settings=settings,
        now=clock,
        metrics=metrics,
        database=database,
        railway=railway,
        workspace_id=workspace_id,
        manager=manager_on(database),
        manager_in=manager_in,
        intake=WebhookIntake(database, secrets=secrets, now=clock),
        plans=plans,
        passwords=passwords,
        access_tokens=access_tokens,
        accounts=Accounts(
            database,
            passwords,
            access_tokens,
            manager_on(database),
            settings=AccountSettings(
                base_url=settings.base_url,
                refresh_token_s=settings.refresh_token_s,
                session_s=settings.session_s,
            ),
            now=clock,
        ),
        jobs=queue,
        mail=transport_of(settings),
        updates=InstanceUpdates(database, manager_in, now=clock),
        catalogue=Catalogue(database, manager_in, now=clock),
        cache=cache,
        redis=shared,
        answers=RingCipher(settings.encryption_keys, purpose=ANSWERS),
        streams=streams,
        log_tail=LogTail(railway, streams, has_sockets=emulator is None),
        emulator=emulator,
    )


def _railway_of(
    settings: Settings,
    emulator: Emulator | None,
    metrics: Metrics,
    shared: redis.Redis | None,
    *,
    needed: bool,
) -> tuple[RailwayClient, str]:
    if emulator is not None:
        return emulator.client(on_request=metrics.railway_asked), emulator.workspace_id
    if settings.railway_api_token is None or settings.railway_workspace_id is None:
        if needed:
            raise ConfigurationError(
                "RAILWAY_API_TOKEN: set it, or start with `railway-saas-server serve`, which emulates a Railway"
            )
        return RailwayClient("no-token-was-given", endpoint="http://127.0.0.1:9"), "none"
    client = RailwayClient(
        settings.railway_api_token.get_secret_value(),
        endpoint=settings.railway_endpoint,
        rate_limit=_pace_of(settings, shared),
        on_request=metrics.railway_asked,
    )
    return client, settings.railway_workspace_id


def _pace_of(settings: Settings, shared: redis.Redis | None) -> RateLimit | RedisPacer:
    """One rate budget for all processes where there is a Redis, else this process's part of it."""
    limit = RateLimit(per_hour=settings.railway_requests_per_hour)
    if shared is None:
        return limit
    # Named after the workspace, never after the token.
    return RedisPacer(shared, key=str(settings.railway_workspace_id), rate_limit=limit)
