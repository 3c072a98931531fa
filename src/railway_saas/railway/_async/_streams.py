"""Following subscriptions over connections that break. The decisions are in `_core.streams`."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

from railway_saas._core.streams import Reconnects, Tail
from railway_saas.errors import RailwayError, RailwayRateLimitError
from railway_saas.railway.models.logs import HttpLog, Log
from railway_saas.railway.operations.logs import MAX_ROWS, Feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from railway_saas.railway._async._client import AsyncRailwayClient

T = TypeVar("T")
Row = TypeVar("Row", Log, HttpLog)


async def follow(
    client: AsyncRailwayClient, connect: Callable[[], AsyncIterator[T | None]]
) -> AsyncIterator[T | None]:
    """Yield what is pushed, connecting anew when the connection breaks, until the server ends it.

    None stands for "look yourself": it comes before every connection, as things may have changed while there
    was none, and whenever the connection itself yields it.

    Raises:
        RailwayError: The last of twelve failures in a row, or one that waiting does not help.
    """
    reconnects = Reconnects()
    while True:
        yield None
        reconnects.connecting(client.clock.monotonic())
        connection = connect()
        try:
            async for item in connection:
                if item is not None:
                    reconnects.delivered()
                yield item
        except RailwayError as error:
            pause_s = _pause_s(reconnects, error, client.clock.monotonic())
        else:
            return
        finally:
            await end(connection)
        await client.clock.sleep(pause_s)


async def keep_following(
    client: AsyncRailwayClient, connect: Callable[[], AsyncIterator[T | None]], *, poll_s: float
) -> AsyncIterator[T | None]:
    """The same, going on after `poll_s` seconds when the server ends it: for things that outlive a subscription.

    Raises:
        RailwayError: As `follow`.
    """
    while True:
        pushes = follow(client, connect)
        try:
            async for item in pushes:
                yield item
        finally:
            await end(pushes)
        await client.clock.sleep(poll_s)


def _pause_s(reconnects: Reconnects, error: RailwayError, now: float) -> float:
    """Seconds until the next connection; raises the error when there is to be none."""
    pause_s = reconnects.pause_s(now, random.random())  # noqa: S311 - jitter, not a secret
    if pause_s is None or not error.transient:
        error.attempts = max(1, reconnects.failures)
        raise error
    asked = error.retry_after_s if isinstance(error, RailwayRateLimitError) else None
    return max(pause_s, asked or 0.0)


async def end(connection: AsyncIterator[object]) -> None:
    """Close a generator now: one left to the garbage collector keeps its connection for a while."""
    close = getattr(connection, "aclose", None)
    if close is not None:
        await close()


async def rows(client: AsyncRailwayClient, feed: Feed[Row]) -> AsyncIterator[Row]:
    """Yield the rows of a feed one by one, none lost and none twice however often the connection breaks."""
    tail = Tail(key=feed.key, at=feed.at)
    batches = follow(client, lambda: client.subscribe(feed.follow(tail.connect())))
    try:
        async for batch in batches:
            if batch is not None:
                complete = await _completed(client, feed, tail, batch)
                for row in tail.fresh(complete):
                    yield row
    finally:
        await end(batches)


async def _completed(
    client: AsyncRailwayClient, feed: Feed[Row], tail: Tail[Row], batch: Sequence[Row]
) -> Sequence[Row]:
    """A backlog with what did not fit into it asked for, page by page backwards."""
    gap = tail.gap(batch, full=MAX_ROWS)
    while gap is not None:
        older = await client.run(feed.between(gap))
        batch, gap = tail.fill(older, batch, full=MAX_ROWS)
    return batch
