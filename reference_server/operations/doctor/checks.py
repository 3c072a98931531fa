"""Every check but the one of tenancy, which has a module of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from railway_saas.errors import RailwayAuthError, RailwayError, RepositoryError
from reference_server import migrations
from reference_server.data.engines import is_local
from reference_server.mail.transports import MailFailedError
from reference_server.operations.doctor.findings import Finding, Grade, failed, fine, warning
from reference_server.operations.migrating import lacks_roles, said_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from reference_server.composition import Platform

TIMEOUT_S: Final = 5.0
MAX_CLOCK_OFFSET_S: Final = 2.0
"""Leases of workers are compared with their own clocks: `docs/control-loop.md`."""
_MIN_POSTGRESQL: Final = 14


def examine_settings(platform: Platform) -> Iterator[Finding]:
    """What must not be so in production."""
    faults = platform.settings.unsafe()
    grade = Grade.FAILED if platform.settings.is_production else Grade.WARNING
    for fault in faults:
        name, _, fix = fault.partition(": ")
        yield Finding("settings", grade, f"{name} is not fit for production", fix)
    if not faults:
        yield fine("settings", "nothing that is only fit for one laptop")


def examine_database(platform: Platform) -> Iterator[Finding]:
    """Whether it answers, how it is reached, whether its schema is this version's."""
    engine = platform.database.engine
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                yield from _postgresql(connection.execute(text(_ABOUT_US)).one(), engine)
        is_current = migrations.is_current(engine)
    except (SQLAlchemyError, RepositoryError) as error:
        if isinstance(error, DBAPIError) and lacks_roles(error):
            yield failed("database", "the platform's roles are missing", "run `railway-saas-server migrate`")
        else:
            said = said_by(error) if isinstance(error, DBAPIError) else type(error).__name__
            yield failed(
                "database", f"cannot be used ({said})", "check DATABASE_URL and that the server runs"
            )
        return
    if is_current:
        yield fine("migrations", "the database is up to date")
    else:
        yield failed("migrations", "the database is not at this version", "run `railway-saas-server migrate`")


_ABOUT_US: Final = """
SELECT current_setting('server_version_num')::int / 10000 AS version, current_user AS working_as, session_user AS login,
       (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS sees_all,
       (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user) AS login_sees_all,
       (SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user) AS owned,
       (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted
"""


def _postgresql(about: Any, engine: Engine) -> Iterator[Finding]:
    if about.version < _MIN_POSTGRESQL:
        yield failed("database", f"PostgreSQL {about.version}", f"use PostgreSQL {_MIN_POSTGRESQL} or newer")
    else:
        yield fine("database", f"PostgreSQL {about.version}, working as {about.working_as}")
    if about.sees_all or about.owned:
        yield failed(
            "database role",
            f"web processes work as {about.working_as}, which owns tables or sees all rows: row level security is off",
            "run `railway-saas-server migrate` as the owner, and let DATABASE_URL's user be a member of "
            f"{migrations.APP_ROLE} and {migrations.WORKER_ROLE}",
        )
    elif about.login_sees_all:
        yield warning(
            "database role",
            f"DATABASE_URL logs in as {about.login}, a superuser; web processes give its rights up for each connection",
            f"log in as a user that is only a member of {migrations.APP_ROLE} and {migrations.WORKER_ROLE}, and name "
            "the owner in DATABASE_OWNER_URL",
        )
    else:
        yield fine("database role", f"{about.working_as} owns nothing and is held to row level security")
    yield from _encryption(about, engine)


def _encryption(about: Any, engine: Engine) -> Iterator[Finding]:
    if about.encrypted or is_local(make_url(engine.url)):
        yield fine("database connection", "encrypted" if about.encrypted else "on this machine")
    else:
        yield warning(
            "database connection", "not encrypted", "set DATABASE_TLS=require, or use a private network"
        )


def examine_plans(platform: Platform) -> Iterator[Finding]:
    """Whether everybody's plan is still offered: who has another one cannot deploy."""
    try:
        with platform.database.unit_of_work() as work:
            held = work.views.plans_held()
    except RepositoryError as error:
        yield failed("plans", f"the database cannot be asked ({type(error).__name__})", "see `database`")
        return
    offered = {plan.name for plan in platform.manager.plans}
    gone = {name: count for name, count in held.items() if name not in offered}
    for name, count in sorted(gone.items()):
        yield failed(
            "plans",
            f"{count} customers have the plan {name!r}, which PLANS does not hold: they cannot deploy",
            "put it back into PLANS, or give them another: `PUT /api/users/{id}` as an administrator",
        )
    if not gone:
        yield fine(
            "plans", f"everybody has one of: {', '.join(plan.name for plan in platform.manager.plans)}"
        )


def examine_redis(platform: Platform) -> Iterator[Finding]:
    """Whether it answers, and how fast."""
    if platform.redis is None:
        many = platform.settings.web_processes > 1 or not platform.settings.works_in_process
        if many and not platform.settings.on_sqlite:
            yield warning(
                "redis", "none: each process counts rate limits and paces Railway by itself", "set REDIS_URL"
            )
        else:
            yield fine("redis", "none, and one process needs none")
        return
    try:
        before = time.perf_counter()
        platform.redis.ping()  # pyright: ignore[reportUnknownMemberType]
        yield fine("redis", f"answers in {(time.perf_counter() - before) * 1000:.1f} ms")
    except (redis.RedisError, OSError) as error:
        yield failed(
            "redis", f"does not answer ({type(error).__name__})", "check REDIS_URL and that the server runs"
        )


def examine_railway(platform: Platform) -> Iterator[Finding]:
    """What kind of token it is, and whether it reaches the workspace."""
    if platform.settings.railway_api_token is None and platform.emulator is None:
        yield warning(
            "railway",
            "no token: `serve` emulates a Railway",
            "set RAILWAY_API_TOKEN and RAILWAY_WORKSPACE_ID",
        )
        return
    try:
        reached = {one.id: one.name for one in platform.railway.workspaces.list()}
        kind = _kind_of_token(platform)
    except RailwayAuthError:
        yield failed(
            "railway",
            "the token is not accepted",
            "make an account or workspace token at Railway, set RAILWAY_API_TOKEN",
        )
        return
    except RailwayError as error:
        yield failed(
            "railway",
            f"cannot be asked: {error}",
            "check RAILWAY_ENDPOINT, the network, and status.railway.com",
        )
        return
    if platform.workspace_id not in reached:
        yield failed(
            "railway",
            f"the {kind} does not reach the workspace {platform.workspace_id}",
            "set RAILWAY_WORKSPACE_ID to one of: " + (", ".join(reached) or "none, so make another token"),
        )
        return
    yield fine(
        "railway", f"{kind} for the workspace {reached[platform.workspace_id] or platform.workspace_id}"
    )
    if kind == "account token":
        yield warning(
            "railway token",
            "an account token reaches every workspace of its owner",
            "make a token of this one workspace",
        )


def _kind_of_token(platform: Platform) -> str:
    """Only an account token has a user; that is how it is told from a workspace token."""
    try:
        platform.railway.me()
    except RailwayAuthError:
        return "workspace token"
    return "account token"


def examine_webhook(platform: Platform) -> Iterator[Finding]:
    """Whether Railway's webhooks can come in: a wrong secret must be refused by us, and by nobody before us."""
    url = f"{platform.settings.base_url}/api/railway/webhook"
    host = urlsplit(url).hostname or ""
    if host in {"localhost", "127.0.0.1", "::1"}:
        yield warning(
            "webhook", f"{url} is on this machine: Railway cannot call it", "set BASE_URL; sweeps do without"
        )
        return
    try:
        answer = httpx.post(url, json={}, headers={"X-Webhook-Secret": "doctor"}, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        yield failed(
            "webhook",
            f"{url} cannot be reached ({type(error).__name__})",
            "check BASE_URL and that the web service runs",
        )
        return
    if answer.status_code in {401, 403}:
        yield fine("webhook", "can be reached, and asks for the secret")
    else:
        yield failed(
            "webhook",
            f"{url} answers {answer.status_code}, not 401",
            "let the proxy in front pass this path on",
        )


def examine_clock(platform: Platform) -> Iterator[Finding]:
    """Whether this machine and the database agree about the time."""
    engine = platform.database.engine
    if engine.dialect.name != "postgresql":
        yield fine("clock", "one machine, one clock")
        return
    try:
        with engine.connect() as connection:
            before = time.time()
            theirs = float(
                connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
            )
            offset = theirs - (before + time.time()) / 2
    except SQLAlchemyError as error:
        yield failed(
            "clock", f"the database does not answer ({type(error).__name__})", "see the finding `database`"
        )
        return
    if abs(offset) > MAX_CLOCK_OFFSET_S:
        yield failed("clock", f"{offset:+.1f} s off the database's", "synchronise both machines (NTP)")
    else:
        yield fine("clock", f"{offset * 1000:+.0f} ms off the database's")


def examine_mail(platform: Platform) -> Iterator[Finding]:
    """Whether mails would get out."""
    try:
        platform.mail.check()
    except MailFailedError as error:
        yield failed("mail", str(error), "check MAIL_URL, or that DATA_DIR can be written to")
        return
    yield fine(
        "mail",
        "the mail server takes mails" if platform.settings.mail_url else "mails go into a folder of DATA_DIR",
    )
