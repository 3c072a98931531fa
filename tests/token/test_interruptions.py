"""A call that is cancelled or interrupted half way leaves no frame behind that shows the token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from railway_saas import AsyncRailwayClient, RailwayClient
from railway_saas._core.documents import read
from railway_saas.railway import Operation
from tests.support.hunting import CANARY, assert_no_token_in
from tests.support.sockets import Connection, TinyServer
from tests.support.websocket_server import Peer, WebSocketServer

if TYPE_CHECKING:
    from collections.abc import Coroutine

ME = "query Me { me { id } }"
WATCH = Operation(
    read("subscription Watch { deployment(id: 1) { id } }"), {}, lambda value: value, safe_to_repeat=True
)


async def cancelled(work: Coroutine[Any, Any, object], *, when: asyncio.Event) -> asyncio.CancelledError:
    task = asyncio.ensure_future(work)
    await asyncio.wait_for(when.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    return caught.value


async def reached() -> tuple[asyncio.Event, Any]:
    """An event, and how to set it from a server's thread."""
    event, loop = asyncio.Event(), asyncio.get_running_loop()
    return event, lambda: loop.call_soon_threadsafe(event.set)


@pytest.mark.parametrize("where", ["before the head", "in the body"])
async def test_a_call_cancelled_while_it_waits(where: str) -> None:
    event, notify = await reached()

    def behave(connection: Connection) -> None:
        connection.read_request()
        if where == "in the body":
            connection.answer(b"{", length=100)
        notify()
        connection.hold()

    with TinyServer(behave) as server:
        async with AsyncRailwayClient(CANARY, endpoint=server.endpoint) as client:
            assert_no_token_in(await cancelled(client.execute(ME), when=event))


async def test_a_subscription_cancelled_in_the_handshake() -> None:
    event, notify = await reached()

    def behave(connection: Connection) -> None:
        notify()
        connection.hold()

    with TinyServer(behave) as server:
        async with AsyncRailwayClient(CANARY, endpoint=server.endpoint) as client:
            items = client.subscribe(WATCH)
            assert_no_token_in(await cancelled(anext(items), when=event))  # type: ignore[arg-type]


async def test_a_subscription_cancelled_while_it_waits() -> None:
    event, notify = await reached()

    def behave(peer: Peer) -> None:
        peer.accept()
        notify()
        peer.wait_for_the_end()

    with WebSocketServer(behave) as server:
        async with AsyncRailwayClient(CANARY, endpoint=server.endpoint) as client:
            items = client.subscribe(WATCH)
            assert_no_token_in(await cancelled(anext(items), when=event))  # type: ignore[arg-type]


class Interrupting(httpx.BaseTransport):
    """The user presses Ctrl-C while a request is on its way."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt


def test_a_blocking_call_interrupted_by_the_user() -> None:
    http = httpx.Client(transport=Interrupting())
    with RailwayClient(CANARY, http_client=http) as client, pytest.raises(KeyboardInterrupt) as caught:
        client.execute(ME)
    assert_no_token_in(caught.value)


def test_a_blocking_call_interrupted_while_it_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("railway_saas.railway._deadlines._Stream.write", interrupted)
    with (
        TinyServer(Connection.hold) as server,
        RailwayClient(CANARY, endpoint=server.endpoint) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        client.execute(ME)
    assert_no_token_in(caught.value)


def test_a_blocking_subscription_interrupted_in_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("websockets.sync.client.ClientConnection.handshake", interrupted)
    with (
        TinyServer(Connection.hold) as server,
        RailwayClient(CANARY, endpoint=server.endpoint) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        next(iter(client.subscribe(WATCH)))
    assert_no_token_in(caught.value)
