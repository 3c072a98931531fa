"""With every logger at DEBUG, whatever a client does, the token is in no record of any library."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas import AsyncRailwayClient, RetryPolicy, Timeouts
from railway_saas._core.documents import read
from railway_saas.errors import RailwayAuthError, RailwayConnectionError, RailwayError
from railway_saas.railway import Operation
from tests.support.hunting import CANARY, refusal
from tests.support.sockets import OK_BODY, Connection, TinyServer, refusing_port
from tests.support.websocket_server import Peer, WebSocketServer

if TYPE_CHECKING:
    from collections.abc import Callable

ME = "query Me { me { id } }"
WATCH = Operation(
    read("subscription Watch { deployment(id: 1) { id } }"), {}, lambda value: value, safe_to_repeat=True
)


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "websockets", "websockets.client", "railway_saas", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)


def assert_clean(caplog: pytest.LogCaptureFixture, *expected: str) -> None:
    """Nothing holds the token; and the libraries that were to be watched did write something."""
    for record in caplog.records:
        shown = f"{record.getMessage()} {record.args!r} {record.exc_text} {vars(record)!r}"
        assert CANARY not in shown, f"{record.name} at {record.levelname}: {record.getMessage()}"
    names = {record.name for record in caplog.records}
    for prefix in expected:
        assert any(name.startswith(prefix) for name in names), f"{prefix} wrote nothing: {names}"


def talking(server: Any, **options: Any) -> AsyncRailwayClient:
    options = {"retry": RetryPolicy(max_attempts=1), **options}
    return AsyncRailwayClient(CANARY, endpoint=server.endpoint, **options)


def answer(connection: Connection) -> None:
    while connection.read_request():
        connection.answer(OK_BODY)


def cut(connection: Connection) -> None:
    connection.read_request()


def hold(connection: Connection) -> None:
    connection.read_request()
    connection.hold()


def refuse(connection: Connection) -> None:
    connection.read_request()
    connection.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("kind", ["bearer", "project"])
async def test_a_call_that_succeeds(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    with TinyServer(answer) as server:
        async with talking(server, token_kind=kind) as client:
            await client.execute(ME)
            await client.execute(ME)
    assert_clean(caplog, "httpx", "httpcore", "railway_saas.railway")


@pytest.mark.parametrize("behave", [cut, hold, refuse])
async def test_a_call_that_fails(
    behave: Callable[[Connection], None], caplog: pytest.LogCaptureFixture
) -> None:
    with TinyServer(behave) as server:
        async with talking(server, timeouts=Timeouts(read_s=0.1)) as client:
            with pytest.raises(RailwayError):
                await client.execute(ME)
    assert_clean(caplog, "httpcore")


async def test_a_connection_that_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    holder, port = refusing_port()
    with holder:
        async with AsyncRailwayClient(
            CANARY, endpoint=f"http://127.0.0.1:{port}/", retry=RetryPolicy(max_attempts=1)
        ) as client:
            with refusal(RailwayConnectionError):
                await client.execute(ME)
            with refusal(RailwayConnectionError):
                [item async for item in client.subscribe(WATCH)]
    assert_clean(caplog, "httpcore")


@pytest.mark.parametrize("kind", ["bearer", "project"])
async def test_a_subscription(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.send(id="1", type="next", payload={"errors": [{"message": "Not Authorized"}]})

    with WebSocketServer(behave) as server:
        async with talking(server, token_kind=kind) as client:
            with refusal(RailwayAuthError):
                [item async for item in client.subscribe(WATCH)]
    assert_clean(caplog)


async def test_an_application_that_logs_the_error_and_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logging.getLogger("application")
    with TinyServer(refuse) as server:
        async with talking(server) as client:
            try:
                await client.execute(ME)
            except RailwayError:
                log.exception("failed with %r and %s", client, vars(client))
    assert_clean(caplog, "application")
