"""Whose turn it is with a memory database: one unit of work at a time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from railway_saas.errors import RepositoryError

_NESTED = "is inside another unit of work of the same memory database, which would wait for itself: leave that first"


class AsyncTurn:
    """Taken by one task at a time. It belongs to no event loop until a task has it, then to that task's loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._holder: asyncio.Task[Any] | None = None

    async def take(self) -> None:
        """Wait until it is free.

        Raises:
            RepositoryError: This task has it already, or a task of another event loop does.
        """
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if self._holder is not None and self._holder is task:
            raise RepositoryError(f"this task {_NESTED}")
        if self._loop is not loop:
            if self._lock.locked():
                raise RepositoryError("the memory database is in use on another event loop")
            self._lock, self._loop = asyncio.Lock(), loop
        await self._lock.acquire()
        self._holder = task

    def give_back(self) -> None:
        """Let the next one have it."""
        self._holder = None
        self._lock.release()


class Turn:
    """Taken by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None

    def take(self) -> None:
        """Wait until it is free.

        Raises:
            RepositoryError: This thread has it already.
        """
        if self._holder == threading.get_ident():
            raise RepositoryError(f"this thread {_NESTED}")
        self._lock.acquire()
        self._holder = threading.get_ident()

    def give_back(self) -> None:
        """Let the next one have it."""
        self._holder = None
        self._lock.release()
