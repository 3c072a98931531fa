"""Answers that many ask for: kept in Redis for all processes, or in each one where there is none.

One of those who miss at the same time makes the answer, the others wait for it, so that a stampede does not reach the
database. Without Redis, or while it is gone, every process keeps its own answers for a few seconds: slower, never broken.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import redis
from dogpile.cache import make_region
from dogpile.cache.api import CantDeserializeException

from reference_server.redis_clients import Absence

if TYPE_CHECKING:
    from collections.abc import Callable

    from dogpile.cache.region import CacheRegion

log = logging.getLogger("reference_server.cache")

CATALOGUE: Final = "catalogue"
"""Kind of the pages of the catalogue that everybody sees."""
STATUS: Final = "status"
"""Kind of how somebody's instances stand; a group for each owner."""
RUNNING_USAGE: Final = "running_usage"
"""Kind of what instances used since the last full hour, as Railway says."""
SHARED_TTL_S: Final = 300
"""In Redis, where a change is known to all processes at once."""
OWN_TTL_S: Final = 5
"""In one process, which hears nothing of what others change."""
_MAX_OWN: Final = 1_000
_MAKING_S: Final = 10
"""Whoever makes an answer and dies holds the others up for no longer."""


class _Bounded(OrderedDict[str, Any]):
    """Forgets what was put in first."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > _MAX_OWN:
            self.popitem(last=False)


class Cache:
    """Text by kind and key.

    Args:
        client: The Redis where it is shared; in this process unless given.
        asked: Told of every look-up: the kind, and whether it was there.
        absence: Of that Redis.
    """

    def __init__(
        self,
        client: redis.Redis | None,
        *,
        asked: Callable[[str, bool], None],
        absence: Absence | None = None,
    ) -> None:
        self._asked = asked
        self._own = _own_region()
        self._redis = client
        self._shared = None if client is None else _shared_region(client)
        self._absence = absence or Absence()
        self._is_down = threading.Event()

    @property
    def is_shared(self) -> bool:
        """Whether all processes hear of a change at once."""
        return self._shared is not None and not self._is_down.is_set()

    def get_or_make(
        self, kind: str, key: str, make: Callable[[], str], *, group: str = "", ttl_s: float | None = None
    ) -> str:
        """The answer, made if it is not there.

        Args:
            kind: What it is, for counting and renewing.
            key: Which one.
            make: Makes it.
            group: What is renewed together within its kind, e.g. what is one user's.
            ttl_s: How old it may be; unless given, as its store keeps answers.
        """
        if self._shared is not None and not self._absence.lasts:
            try:
                found = self._look_up(
                    self._shared, kind, f"{kind}:{group}:{self._generation(kind, group)}:{key}", make, ttl_s
                )
            except (redis.RedisError, OSError) as error:
                self._gone(error)
            else:
                self._back()
                return found
        return self._look_up(self._own, kind, f"{kind}:{group}:{key}", make, ttl_s)

    def _look_up(
        self, region: CacheRegion, kind: str, key: str, make: Callable[[], str], ttl_s: float | None
    ) -> str:
        made = False

        def make_and_note() -> str:
            nonlocal made
            made = True
            return make()

        def get_or_create() -> str:
            found: str = region.get_or_create(key, make_and_note, expiration_time=ttl_s)
            return found

        try:
            found = get_or_create()
        except ValueError:
            if made:
                raise
            region.delete(key)  # nothing of ours, or cut short
            found = get_or_create()
        self._asked(kind, not made)
        return found

    def renew(self, kind: str, *groups: str) -> None:
        """Something of a kind was changed: all of those groups is made anew. Call it after the commit.

        Redis is told even where it did not answer a moment ago: other processes may reach it.
        """
        if not groups or self._is_down.is_set():
            self._own.invalidate()  # type: ignore[no-untyped-call]  # dogpile.cache left it out
        if self._redis is None:
            return
        try:
            self._redis.mset({_generation_key(kind, group): uuid4().hex for group in groups or ("",)})
        except (redis.RedisError, OSError) as error:
            self._gone(error)
        else:
            self._back()

    def _generation(self, kind: str, group: str) -> str:
        """Part of every key in Redis: whoever changes something changes it."""
        assert self._redis is not None  # noqa: S101 - asked for only where there is a Redis
        found = self._redis.get(_generation_key(kind, group))
        return found.decode(errors="replace") if isinstance(found, bytes) else "0"

    def _gone(self, error: Exception) -> None:
        self._absence.begin()
        if not self._is_down.is_set():
            self._is_down.set()
            log.warning("Redis does not answer (%s): every process caches for itself", type(error).__name__)

    def _back(self) -> None:
        if self._is_down.is_set():
            self._absence.end()
            self._is_down.clear()
            log.info("Redis answers again: the cache is shared as before")


def _generation_key(kind: str, group: str) -> str:
    return f"railway-saas:cache-generation:{kind}:{group}"


def _own_region() -> CacheRegion:
    return make_region().configure(
        "dogpile.cache.memory", expiration_time=OWN_TTL_S, arguments={"cache_dict": _Bounded()}
    )


def _shared_region(client: redis.Redis) -> CacheRegion:
    # JSON, not pickle: who can write to Redis must not be able to run code here.
    return make_region(
        key_mangler=_named,
        serializer=_serialized,
        deserializer=_deserialized,
    ).configure(
        "dogpile.cache.redis",
        expiration_time=SHARED_TTL_S,
        arguments={
            "connection_pool": client.connection_pool,
            "redis_expiration_time": 2 * SHARED_TTL_S,
            "distributed_lock": True,
            "thread_local_lock": False,
            "lock_timeout": _MAKING_S,
            "lock_sleep": 0.02,
        },
    )


def _named(key: str) -> str:
    return f"railway-saas:cache:{key}"


def _serialized(value: str) -> bytes:
    return json.dumps(value).encode()


def _deserialized(stored: bytes) -> str:
    try:
        value = json.loads(stored)
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise CantDeserializeException  # it is made anew
    return value
