"""Statements that a cancelled task does not break off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


async def ended_async(work: Callable[[], Awaitable[T]], dialect: str) -> T:
    """Wait for something that the database does; on SQLite to its end, even when the task is cancelled meanwhile.

    SQLite works in a thread, which nobody can call back: SQLAlchemy throws the connection away whose statement was
    cancelled, while the thread still takes a lock with it. In memory the database is gone with the connection.
    psycopg stops a statement at the server, so that PostgreSQL needs no such care.

    Raises:
        asyncio.CancelledError: The task was cancelled; what it waited for has ended.
    """
    if dialect != "sqlite":
        return await work()
    task = asyncio.ensure_future(work())
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # asked for, so that asyncio does not complain of an error that nobody saw
        raise cancelled
    return task.result()


def ended_sync(work: Callable[[], T], _: str) -> T:
    """The same where nothing can be cancelled."""
    return work()
