"""Processes of their own that share one Redis pacer, and take whatever they are given."""

from __future__ import annotations

import asyncio
import multiprocessing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from railway_saas.errors import RailwayRateLimitError
from railway_saas.railway.redis_pacing import AsyncRedisPacer, RedisPacer
from tests.support.clocks import AsyncFakeClock, FakeClock
from tests.support.redis_server import redis_async, redis_sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from types import TracebackType

    from railway_saas import RateLimit
    from railway_saas.railway import Lane


@dataclass(frozen=True)
class Turn:
    """What a process is to do: at this time, take so many requests, or as many as it gets."""

    now: float
    lane: Lane
    most: int


def greedy_sync(pipe: Connection, url: str, key: str, limit: RateLimit) -> None:
    """Take requests when told, and answer how many there were."""
    clock = FakeClock()
    with redis_sync(url) as client:
        pacer = RedisPacer(client, key=key, rate_limit=limit, clock=clock, server_time=clock.monotonic)
        while (turn := pipe.recv()) is not None:
            clock.now = turn.now
            pipe.send(_take_sync(pacer, turn))


def _take_sync(pacer: RedisPacer, turn: Turn) -> int:
    for taken in range(turn.most):
        try:
            pacer.acquire(turn.lane, 0.0)
        except RailwayRateLimitError:
            return taken
    return turn.most


def greedy_async(pipe: Connection, url: str, key: str, limit: RateLimit) -> None:
    """The same with asyncio."""
    asyncio.run(_greedy(pipe, url, key, limit))


async def _greedy(pipe: Connection, url: str, key: str, limit: RateLimit) -> None:
    clock = AsyncFakeClock()
    async with redis_async(url) as client:
        pacer = AsyncRedisPacer(client, key=key, rate_limit=limit, clock=clock, server_time=clock.monotonic)
        while (turn := pipe.recv()) is not None:
            clock.now = turn.now
            pipe.send(await _take_async(pacer, turn))


async def _take_async(pacer: AsyncRedisPacer, turn: Turn) -> int:
    for taken in range(turn.most):
        try:
            await pacer.acquire(turn.lane, 0.0)
        except RailwayRateLimitError:
            return taken
    return turn.most


class Processes:
    """So many of them, all at the same work at the same time."""

    def __init__(self, number: int, work: Callable[..., None], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")  # nothing is inherited, as on several machines
        pairs = [context.Pipe() for _ in range(number)]
        self._pipes = [near for near, _ in pairs]
        self._processes = [context.Process(target=work, args=(far, *args), daemon=True) for _, far in pairs]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.send(None)
        for process in self._processes:
            process.join(10)
            process.close()

    def take(self, *turns: Turn) -> int:
        """Give each process its turn, all at once; how many requests they took together."""
        for pipe, turn in zip(self._pipes, turns, strict=True):
            pipe.send(turn)
        return sum(pipe.recv() for pipe in self._pipes)
