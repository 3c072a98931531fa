"""Doing many things at once: tasks of one event loop, or threads."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def all_async(calls: list[Callable[[], Awaitable[T]]]) -> list[T | BaseException]:
    """Start all calls as tasks and wait for them; an exception stands in the place of its result."""
    return list(await asyncio.gather(*(call() for call in calls), return_exceptions=True))


def all_sync(calls: list[Callable[[], T]]) -> list[Any]:
    """The same with one thread for each call; all start at the same moment."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> Any:
        start.wait(timeout=10)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - returned, as gather does
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
