"""Subscriptions over `graphql-transport-ws`, one connection each.

Railway acknowledges `connection_init` whatever the token is, and refuses inside a `next` frame that carries
`errors`, followed by `complete`; the token goes on the upgrade request. Source: Railway CLI, and observation.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypeVar

from railway_saas.errors import RailwayError, RailwayResponseError, RailwayTimeoutError
from railway_saas.railway._requests import (
    USER_AGENT,
    payload_of,
    read_frame,
    subscribe_frame,
    subscription_item,
)
from railway_saas.railway._websockets import AsyncConnection, async_connect

if TYPE_CHECKING:
    from railway_saas._core.operation import Operation
    from railway_saas.config import Timeouts
    from railway_saas.railway._http import TokenAuth

T = TypeVar("T")

_ID = "1"


async def subscribe(
    url: str, operation: Operation[T], *, auth: TokenAuth, timeouts: Timeouts, idle_s: float | None = None
) -> AsyncIterator[T | None]:
    """Connect, subscribe, and yield what is pushed until the server completes.

    With `idle_s`, also yield None whenever nothing was pushed for so many seconds: time to look elsewhere.

    Raises:
        RailwayConnectionError: No connection, or it was lost.
        RailwayError: Railway refused the subscription.
    """
    subscribing = subscribe_frame(operation, _ID)
    connection = await async_connect(
        url, auth=auth, user_agent=USER_AGENT, timeout_s=timeouts.connect_s, operation=operation.name
    )
    try:
        await _open(connection, operation.name, timeouts)
        await connection.send(subscribing)
        while True:
            try:
                frame = await _receive(connection, operation.name, idle_s)
            except RailwayTimeoutError:
                yield None
                continue
            if frame.get("type") == "complete":
                return
            if frame.get("type") in {"next", "error"}:
                yield subscription_item(operation, payload_of(frame))
    finally:
        await connection.aclose()


async def _open(connection: AsyncConnection, operation: str, timeouts: Timeouts) -> None:
    await connection.send(json.dumps({"type": "connection_init"}))
    acknowledged = await _receive(connection, operation, timeouts.connect_s)
    if acknowledged.get("type") != "connection_ack":
        raise RailwayResponseError(
            f"the server answered connection_init with {acknowledged.get('type')!r}", operation=operation
        )


async def _receive(connection: AsyncConnection, operation: str, timeout_s: float | None) -> dict[str, Any]:
    """The next frame that is not a ping; None waits for as long as the connection lives (the library pings it)."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        remaining_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            frame = read_frame(await connection.receive(remaining_s), operation)
        except RailwayError as error:
            error.operation = operation
            raise
        if frame.get("type") != "ping":
            return frame
        await connection.send(json.dumps({"type": "pong"}))
