"""One rate budget for all processes that use the same token, kept in Redis. Needs the extra `redis`.

```py
pacer = RedisPacer(redis.Redis(socket_timeout=0.5, socket_connect_timeout=0.5), key="acme-production")
railway = RailwayClient(token, rate_limit=pacer)
```

Each request asks one script in Redis, which takes it atomically or says how long to wait. What an answer of
Railway's taught travels with the next question; only a pause is told at once. Without Redis every process goes
on by itself with its part of the limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from abc import ABC, abstractmethod
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol, cast

from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from railway_saas._core.operation import Lane
from railway_saas._core.pacing import RateBudget, RateHeaders, Spacing
from railway_saas.config import RateLimit
from railway_saas.errors import ConfigurationError
from railway_saas.railway._clock import AsyncSystemClock, SystemClock
from railway_saas.railway._pacers import LoopPacer, SharedBudget, ThreadPacer, over_budget
from railway_saas.railway._redis_line import Answer, Line, Question, Wants, read_answer
from railway_saas.railway._requests import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.railway._clock import AsyncClock, Clock

__all__ = ["AsyncRedisPacer", "RedisPacer"]

_FAILURES = (RedisError, RedisClusterException, OSError)


class _RedisClient(Protocol):
    """What is used of `redis.Redis`, `redis.asyncio.Redis` and their cluster forms."""

    @property
    def evalsha(self) -> Callable[..., Any]: ...

    @property
    def eval(self) -> Callable[..., Any]: ...

    @property
    def execute_command(self) -> Callable[..., Any]: ...


@cache
def _script() -> tuple[str, str]:
    """The script, and the name under which Redis keeps it."""
    text = resources.files("railway_saas.railway").joinpath("redis_pacing.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _keys(key: str) -> tuple[str, ...]:
    """One hash tag for all, so that a cluster keeps them on one node."""
    return tuple(f"railway-saas:pacer:{{{key}}}:{part}" for part in ("state", "used", "waiting"))


def _check(client: _RedisClient, key: object, expected_processes: object, *, wants_async: bool) -> None:
    if not isinstance(key, str) or not key.strip() or set(key) & set("{}"):
        raise ConfigurationError(
            "key: must be a text without braces that names the token, never the token itself"
        )
    if (
        isinstance(expected_processes, bool)
        or not isinstance(expected_processes, int)
        or expected_processes < 1
    ):
        raise ConfigurationError(
            f"expected_processes={expected_processes!r}: must be a whole number of at least 1"
        )
    if inspect.iscoroutinefunction(client.execute_command) != wants_async:
        wanted = "redis.asyncio.Redis" if wants_async else "redis.Redis"
        raise ConfigurationError(f"redis_client: must be a {wanted}, not a {type(client).__module__} client")


class _RedisBudget(SharedBudget, ABC):
    """What both pacers have: the line to Redis, and the process's own budget for when it is down."""

    def __init__(
        self,
        redis_client: _RedisClient,
        *,
        key: str,
        limit: RateLimit,
        processes: int,
        clock: Clock | AsyncClock,
        server_time: Callable[[], float] | None,
    ) -> None:
        super().__init__(limit, clock)
        self._budget = RateBudget(limit, processes=processes)
        self._spacing = Spacing(self._budget.per_second)
        self._redis = redis_client
        self._keys = _keys(key)
        self._processes = processes
        self._line = Line(limit, self._budget, self._lock, clock, server_time)

    def observe(self, headers: RateHeaders) -> None:
        """Learn from an answer's headers; the other processes hear of it with the next request."""
        super().observe(headers)
        self._line.observe(headers)

    def pause(self, seconds: float) -> None:
        """Let nothing leave for so many seconds, in any process."""
        super().pause(seconds)
        self._line.pause(seconds)
        if self._line.may_ask():
            self._tell(Lane.USER, "nothing")

    def _leave_line(self, lane: Lane) -> None:
        super()._leave_line(lane)
        if self._line.stops_waiting(lane):
            self._tell(lane, "leave")

    @abstractmethod
    def _tell(self, lane: Lane, wants: Wants) -> None:
        """Let Redis know; the answer does not matter."""

    def _reserve_alone(self, lane: Lane) -> float:
        wait_s = super()._reserve(lane)
        if wait_s == 0:
            self._line.sent_alone()
        return wait_s

    def _answered(self, question: Question, reply: str | bytes) -> Answer:
        answer = read_answer(reply)
        if self._line.answered(question, answer):
            log.info("Redis answers again: the rate limit is shared by all processes as before")
        return answer

    def _failed(self, question: Question, error: Exception) -> None:
        """Go on alone, from what all processes together had left."""
        if self._line.failed(question):
            super().observe(self._line.last_heard())
            log.warning(
                "Redis cannot pace requests (%s: %s); until it does, this process keeps to 1/%d of the rate limit",
                type(error).__name__,
                error,
                self._processes,
            )


class RedisPacer(_RedisBudget, ThreadPacer):
    """Paces all threads of all processes that share one token.

    Args:
        redis_client: A `redis.Redis` of yours (5 or newer, also Valkey, also a cluster). Its `socket_timeout` and
            `socket_connect_timeout` are the only limits of a question to Redis: set both, to a second or less.
        key: A name for the token, the same in all processes: `"acme-production"`, or a hash. Never the token: keys
            can be read by everybody who may use that Redis.
        rate_limit: The token's limits, the same in all processes.
        expected_processes: How many processes share the token, at most. While Redis is down each keeps to this
            part of the limit: slower, but never above it.
        clock: For tests: what is slept on, and measures time while Redis is down.
        server_time: For tests: seconds to be taken for the time of Redis.

    Raises:
        ConfigurationError: An argument cannot be used; the message names it.
    """

    def __init__(
        self,
        redis_client: _RedisClient,
        *,
        key: str,
        rate_limit: RateLimit = RateLimit(),  # noqa: B008 - frozen
        expected_processes: int = 4,
        clock: Clock | None = None,
        server_time: Callable[[], float] | None = None,
    ) -> None:
        _check(redis_client, key, expected_processes, wants_async=False)
        super().__init__(
            redis_client,
            key=key,
            limit=rate_limit,
            processes=expected_processes,
            clock=clock or SystemClock(),
            server_time=server_time,
        )

    def _reserve(self, lane: Lane) -> float:
        answer = self._ask(lane, "request") if self._line.may_ask() else None
        return self._reserve_alone(lane) if answer is None else answer.wait_s

    def _tell(self, lane: Lane, wants: Wants) -> None:
        self._ask(lane, wants)

    def _ask(self, lane: Lane, wants: Wants) -> Answer | None:
        """Redis' answer, or None when there was none."""
        question = self._line.question(lane, wants)
        try:
            return self._answered(question, self._run(question.text))
        except _FAILURES as error:
            self._failed(question, error)
        except BaseException:
            self._line.undelivered(question)
            raise
        return None

    def _run(self, question: str) -> str | bytes:
        text, name = _script()
        try:
            return cast("str | bytes", self._redis.evalsha(name, len(self._keys), *self._keys, question))
        except NoScriptError:  # new to this Redis; EVAL also makes it known
            return cast("str | bytes", self._redis.eval(text, len(self._keys), *self._keys, question))


class AsyncRedisPacer(_RedisBudget, LoopPacer):
    """The same for asyncio, with a `redis.asyncio.Redis`; one per event loop, as for that client."""

    def __init__(
        self,
        redis_client: _RedisClient,
        *,
        key: str,
        rate_limit: RateLimit = RateLimit(),  # noqa: B008 - frozen
        expected_processes: int = 4,
        clock: AsyncClock | None = None,
        server_time: Callable[[], float] | None = None,
    ) -> None:
        _check(redis_client, key, expected_processes, wants_async=True)
        super().__init__(
            redis_client,
            key=key,
            limit=rate_limit,
            processes=expected_processes,
            clock=clock or AsyncSystemClock(),
            server_time=server_time,
        )
        self._telling: set[asyncio.Task[Answer | None]] = set()

    async def acquire(self, lane: Lane, timeout_s: float) -> None:
        """Wait until one request may be sent; see `AsyncPacer.acquire`."""
        deadline = self._clock.monotonic() + timeout_s
        head = self._state().heads[lane]
        if not await _acquired(head, timeout_s):
            raise over_budget(lane, timeout_s)
        try:
            while (wait_s := await self._take(lane)) > 0:
                await self._sleep(self._nap_s(lane, wait_s, deadline))
        finally:
            self._leave_line(lane)
            head.release()

    async def _take(self, lane: Lane) -> float:
        answer = await self._ask(lane, "request") if self._line.may_ask() else None
        return self._reserve_alone(lane) if answer is None else answer.wait_s

    def _tell(self, lane: Lane, wants: Wants) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # outside of the loop: it goes with the next question
            return
        task = loop.create_task(self._ask(lane, wants))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _ask(self, lane: Lane, wants: Wants) -> Answer | None:
        """Redis' answer, or None when there was none."""
        question = self._line.question(lane, wants)
        try:
            return self._answered(question, await self._run(question.text))
        except _FAILURES as error:
            self._failed(question, error)
        except BaseException:
            self._line.undelivered(question)
            raise
        return None

    async def _run(self, question: str) -> str | bytes:
        text, name = _script()
        try:
            return cast(
                "str | bytes", await self._redis.evalsha(name, len(self._keys), *self._keys, question)
            )
        except NoScriptError:  # new to this Redis; EVAL also makes it known
            return cast("str | bytes", await self._redis.eval(text, len(self._keys), *self._keys, question))


async def _acquired(head: asyncio.Lock, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await head.acquire()
    except TimeoutError:
        return False
    return True
