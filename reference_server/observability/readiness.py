"""Whether a process can do its work now: what load balancers and deployments ask before they send it any."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from railway_saas.errors import RailwaySaasError
from reference_server.migrations import is_behind
from reference_server.security.scope import SYSTEM, scoped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reference_server.composition import Platform

log = logging.getLogger("reference_server.readiness")


class State(StrEnum):
    """Of one thing that is needed."""

    OK = "ok"
    DEGRADED = "degraded"
    """It does not answer, and its absence slows but does not break."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Report:
    """How things stand, each by its name. Nothing else is told: anybody may ask."""

    checks: Mapping[str, State]

    @property
    def is_ready(self) -> bool:
        """Whether nothing has failed."""
        return State.FAILED not in self.checks.values()

    @property
    def status(self) -> str:
        """In one word."""
        if not self.is_ready:
            return "unready"
        return "degraded" if State.DEGRADED in self.checks.values() else "ready"


class Readiness:
    """Looks, each time it is asked.

    Args:
        platform: What has to work.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stopping = threading.Event()
        self._is_migrated = False

    def begin_stop(self) -> None:
        """From now on nothing new should come here."""
        self._stopping.set()

    def look(self) -> Report:
        """Ask the database, and Redis where there is one."""
        checks = {
            "process": State.FAILED if self._stopping.is_set() else State.OK,
            "database": self._database(),
        }
        checks["migrations"] = self._migrations() if checks["database"] is State.OK else State.FAILED
        if self._platform.redis is not None:
            checks["redis"] = self._look_at(self._platform.redis)
        return Report(checks)

    def _database(self) -> State:
        try:
            with scoped(SYSTEM), self._platform.database.unit_of_work() as work:
                work.session.execute(text("SELECT 1"))
        except (SQLAlchemyError, RailwaySaasError) as error:
            log.warning("not ready: the database does not answer: %s", error)
            return State.FAILED
        return State.OK

    def _migrations(self) -> State:
        """A database never goes back: once it was good, it stays so, and is not asked again."""
        if self._is_migrated:
            return State.OK
        try:
            behind = is_behind(self._platform.database.engine)
        except SQLAlchemyError as error:
            log.warning("not ready: the migrations cannot be read: %s", error)
            return State.FAILED
        if behind:
            log.warning("not ready: the database is not up to date; run `railway-saas-server migrate`")
            return State.FAILED
        self._is_migrated = True
        return State.OK

    def _look_at(self, client: redis.Redis) -> State:
        try:
            client.ping()  # pyright: ignore[reportUnknownMemberType]
        except (redis.RedisError, OSError) as error:
            log.warning("degraded: Redis does not answer: %s", error)
            return State.DEGRADED
        return State.OK
