"""Subscriptions over `graphql-transport-ws`: what is pushed, how they end, and how they are refused."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

from railway_saas import AsyncRailwayClient, Timeouts
from railway_saas._core.documents import read
from railway_saas.emulator import FaultKind
from railway_saas.errors import (
    ConfigurationError,
    RailwayAuthError,
    RailwayConnectionError,
    RailwayError,
    RailwayInputError,
    RailwayQueryError,
    RailwayRateLimitError,
    RailwayResponseError,
    RailwayTimeoutError,
)
from railway_saas.railway import Operation
from tests.support.hunting import CANARY, refusal
from tests.support.sockets import Connection, TinyServer, refusing_port
from tests.support.websocket_server import Peer, WebSocketServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from railway_saas.emulator import RunningServer

WATCH = read("subscription Watch($id: String!) { deployment(id: $id) { id status } }")


def watch(deployment_id: object = "d1") -> Operation[str]:
    return Operation(WATCH, {"id": deployment_id}, lambda value: value["status"], safe_to_repeat=True)


def connected(server: Any, **options: Any) -> AsyncRailwayClient:
    return AsyncRailwayClient(CANARY, endpoint=server.endpoint, **options)


async def received(client: AsyncRailwayClient, **options: Any) -> list[str | None]:
    return [item async for item in client.subscribe(watch(), **options)]


# What is asked and what comes


async def test_what_is_pushed_comes_until_the_server_completes() -> None:
    def behave(peer: Peer) -> None:
        frame = peer.accept()
        asked.append(frame)
        for status in ("BUILDING", "DEPLOYING", "SUCCESS"):
            peer.push(status)
        peer.complete()
        peer.wait_for_the_end()

    asked: list[dict[str, Any]] = []
    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            assert await received(client) == ["BUILDING", "DEPLOYING", "SUCCESS"]
        assert server.ended.wait(5), "the connection is closed"
    payload = {"query": WATCH.text, "variables": {"id": "d1"}, "operationName": "Watch"}
    assert asked == [{"id": "1", "type": "subscribe", "payload": payload}]


@pytest.mark.parametrize(
    ("kind", "header", "value"),
    [("bearer", "Authorization", f"Bearer {CANARY}"), ("project", "Project-Access-Token", CANARY)],
)
async def test_the_token_goes_on_the_upgrade_request_and_nowhere_else(
    kind: Any, header: str, value: str
) -> None:
    def behave(peer: Peer) -> None:
        peer.accept()  # asserts that connection_init is bare
        peer.complete()

    with WebSocketServer(behave) as server:
        async with connected(server, token_kind=kind) as client:
            await received(client)
        (upgrade,) = server.upgrades
    assert upgrade.headers[header] == value
    assert upgrade.headers["User-Agent"].startswith("railway-saas/")
    assert upgrade.headers["Sec-WebSocket-Protocol"] == "graphql-transport-ws"
    assert upgrade.path == "/graphql/v2?source=railway_saas"


async def test_pings_are_answered_before_and_after_the_acknowledgement() -> None:
    def behave(peer: Peer) -> None:
        peer.receive()
        peer.send(type="ping")
        answers.append(peer.receive())
        peer.send(type="connection_ack")
        peer.receive()
        peer.send(type="ping", payload={"at": 1})
        answers.append(peer.receive())
        peer.push("SUCCESS")
        peer.complete()

    answers: list[dict[str, Any]] = []
    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            assert await received(client) == ["SUCCESS"]
    assert answers == [{"type": "pong"}, {"type": "pong"}]


async def test_frames_of_unknown_kinds_are_passed_over() -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.send(type="pong")
        peer.send(type="news", payload={})
        peer.send(nothing=1)
        peer.push("SUCCESS")
        peer.complete()

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            assert await received(client) == ["SUCCESS"]


async def test_silence_is_reported_when_asked_for() -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.push("BUILDING")
        peer.wait_for_the_end()

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            items = client.subscribe(watch(), idle_s=0.01)
            assert [await anext(items) for _ in range(3)] == ["BUILDING", None, None]
            await items.aclose()  # type: ignore[attr-defined]


async def test_leaving_the_loop_closes_the_connection() -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.push("BUILDING")
        peer.wait_for_the_end()

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            items = client.subscribe(watch())
            assert await anext(items) == "BUILDING"
            await items.aclose()  # type: ignore[attr-defined]
        assert server.ended.wait(5)


async def test_a_variable_is_written_as_in_any_other_call_or_refused_before_connecting() -> None:
    def behave(peer: Peer) -> None:
        asked.append(peer.accept()["payload"]["variables"])
        peer.complete()

    asked: list[dict[str, Any]] = []
    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            at = datetime(2026, 10, 5, tzinfo=UTC)
            assert [item async for item in client.subscribe(watch(at))] == []
            with refusal(RailwayInputError, "cannot be written as JSON"):
                [item async for item in client.subscribe(watch(object()))]
        assert len(server.upgrades) == 1
    assert asked == [{"id": "2026-10-05T00:00:00Z"}]


# Refused


async def test_railway_refuses_inside_a_next_frame() -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.send(id="1", type="next", payload={"errors": [{"message": "Not Authorized", "traceId": "7"}]})
        peer.complete()

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            with refusal(RailwayAuthError, "deployment: Not Authorized") as caught:
                await received(client)
    assert caught.value.trace_id == "7"


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ([{"message": "Problem processing request"}], "Problem processing request"),
        ({"message": "Problem processing request"}, "Problem processing request"),
        ([], "the server gave no reason"),
        (None, "the server gave no reason"),
        ("because", "because"),
    ],
)
async def test_an_error_frame_is_an_error_in_whatever_form(payload: object, says: str) -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.send(id="1", type="error", payload=payload)

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            with refusal(RailwayQueryError, says):
                await received(client)


@pytest.mark.parametrize(
    "payload",
    [None, [], "text", {}, {"data": None}, {"data": []}, {"data": {}}, {"data": {"deployment": None}}],
)
async def test_a_next_frame_of_another_shape_is_an_error(payload: object) -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.send(id="1", type="next", payload=payload)

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            with refusal(RailwayResponseError, "another shape"):
                await received(client)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "7", "null", b"\xff\xfe"])
async def test_a_frame_that_is_not_a_json_object_is_an_error(text: str | bytes) -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.raw.send(text)

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            with refusal(RailwayResponseError, "not a JSON object") as caught:
                await received(client)
    assert caught.value.operation == "deployment"


async def test_a_server_that_does_not_acknowledge_is_no_railway() -> None:
    def behave(peer: Peer) -> None:
        peer.receive()
        peer.send(type="connection_error", payload={"message": "no"})

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            with refusal(RailwayResponseError, "answered connection_init with 'connection_error'"):
                await received(client)


async def test_an_acknowledgement_that_never_comes_is_a_time_out() -> None:
    with WebSocketServer(Peer.wait_for_the_end) as server:
        async with connected(server, timeouts=Timeouts(connect_s=0.2)) as client:
            with refusal(RailwayTimeoutError) as caught:
                await received(client)
    assert caught.value.transient
    assert caught.value.operation == "deployment"


# Lost


def close_orderly(peer: Peer) -> None:
    peer.raw.close(1011, "internal error")


def close_with_4400(peer: Peer) -> None:
    peer.raw.close(4400, "Invalid message received")


@pytest.mark.parametrize("end", [Peer.cut, close_orderly, close_with_4400])
async def test_a_lost_connection_gives_what_came_and_then_says_so(end: Callable[[Peer], None]) -> None:
    def behave(peer: Peer) -> None:
        peer.accept()
        peer.push("BUILDING")
        end(peer)

    with WebSocketServer(behave) as server:
        async with connected(server) as client:
            items = client.subscribe(watch())
            assert await anext(items) == "BUILDING"
            with refusal(RailwayConnectionError, "connection was lost") as caught:
                await anext(items)
    assert (caught.value.transient, caught.value.maybe_applied) == (True, False)
    assert caught.value.operation == "deployment"


def answering(status: int, body: bytes, **headers: str) -> Callable[[Any, Any], Response]:
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    named["Content-Length"] = str(len(body))
    return lambda _connection, _request: Response(status, "No", named, body)


@pytest.mark.parametrize(
    ("status", "body", "kind", "transient"),
    [
        (401, b"Unauthorized", RailwayAuthError, False),
        (403, b"error code: 1010", RailwayResponseError, False),
        (404, b"Not Found", RailwayResponseError, False),
        (429, b"error code: 1015", RailwayRateLimitError, True),
        (502, b"<html>Bad Gateway</html>", RailwayResponseError, True),
        (200, b'{"errors":[{"message":"Not Authorized"}]}', RailwayAuthError, False),
        (200, b'{"data":{}}', RailwayResponseError, False),
    ],
)
async def test_a_refused_upgrade_means_what_it_means_for_any_request(
    status: int, body: bytes, kind: type[RailwayError], transient: bool
) -> None:
    with WebSocketServer(Peer.accept, answering(status, body, retry_after="9")) as server:
        async with connected(server) as client:
            with refusal(kind) as caught:
                await received(client)
    assert caught.value.transient is transient
    assert caught.value.operation == "deployment"
    assert getattr(caught.value, "retry_after_s", 9) == 9


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    with WebSocketServer(Peer.accept) as elsewhere:
        location = elsewhere.endpoint.replace("http", "ws")
        with WebSocketServer(Peer.accept, answering(302, b"", location=location)) as server:
            async with connected(server) as client:
                with refusal(RailwayResponseError, "HTTP 302"):
                    await received(client)
        assert not elsewhere.upgrades


async def test_a_handshake_that_never_ends_is_a_time_out() -> None:
    with TinyServer(Connection.hold) as server:
        async with connected(server, timeouts=Timeouts(connect_s=0.2)) as client:
            with refusal(RailwayTimeoutError):
                await received(client)


async def test_a_server_that_cuts_the_handshake_is_a_connection_error() -> None:
    with TinyServer(lambda connection: connection.send(b"220 smtp\r\n")) as server:
        async with connected(server) as client:
            with refusal(RailwayConnectionError, "could not open a subscription") as caught:
                await received(client)
    assert caught.value.transient


async def test_a_refused_connection_is_a_connection_error() -> None:
    holder, port = refusing_port()
    with holder:
        async with AsyncRailwayClient(CANARY, endpoint=f"http://127.0.0.1:{port}/") as client:
            with refusal(RailwayConnectionError, "could not open a subscription"):
                await received(client)


async def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    monkeypatch.setitem(sys.modules, "websockets.sync.client", None)
    async with AsyncRailwayClient(CANARY) as client:
        with refusal(ConfigurationError, r"pip install 'railway-saas\[streams\]'"):
            await received(client)


# Against the emulator, over real sockets


def deployed(server: RunningServer) -> str:
    def run(document: str, **variables: Any) -> Any:
        answer = httpx.post(
            f"{server.endpoint}?source=tests",
            content=json.dumps({"query": document, "variables": variables}),
            headers={
                "content-type": "application/json",
                "authorization": f"Bearer {server.emulator.api_token}",
            },
        )
        return next(iter(answer.json()["data"].values()))

    project = run("mutation { projectCreate(input: {}) { id environments { edges { node { id } } } } }")
    environment_id = project["environments"]["edges"][0]["node"]["id"]
    service = run(
        'mutation($p: String!) { serviceCreate(input: {projectId: $p, source: {image: "nginx"}}) { id } }',
        p=project["id"],
    )
    deployment: str = run(
        "mutation($s: String!, $e: String!) { serviceInstanceDeployV2(serviceId: $s, environmentId: $e) }",
        s=service["id"],
        e=environment_id,
    )
    return deployment


@pytest.mark.railway_emulator(speed=None)
async def test_a_deployment_of_the_emulator_is_followed_until_it_runs(
    railway_emulator_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = railway_emulator_server.emulator
    deployment_id = deployed(railway_emulator_server)
    subscribed = threading.Event()

    def subscribe(*args: Any, **kwargs: Any) -> Any:
        stop = type(emulator).subscribe(emulator, *args, **kwargs)
        subscribed.set()
        return stop

    monkeypatch.setattr(emulator, "subscribe", subscribe)
    seen: list[str] = []
    async with AsyncRailwayClient(emulator.api_token, endpoint=railway_emulator_server.endpoint) as client:
        items = client.subscribe(watch(deployment_id), idle_s=0.02)
        async for status in items:
            if status is not None:
                seen.append(status)
            elif subscribed.is_set():
                emulator.clock.advance(1)
            if status == "SUCCESS":
                break
        await items.aclose()  # type: ignore[attr-defined]
    assert seen[-2:] == ["DEPLOYING", "SUCCESS"]


async def test_the_emulator_refuses_a_strangers_subscription_as_railway_does(
    railway_emulator_server: RunningServer,
) -> None:
    async with AsyncRailwayClient(CANARY, endpoint=railway_emulator_server.endpoint) as client:
        with refusal(RailwayAuthError, "Not Authorized"):
            await received(client)


async def test_a_stream_that_the_emulator_drops_is_a_lost_connection(
    railway_emulator_server: RunningServer,
) -> None:
    emulator = railway_emulator_server.emulator
    deployment_id = deployed(railway_emulator_server)
    emulator.faults.add(FaultKind.STREAM_DROP, operation="deployment")
    async with AsyncRailwayClient(emulator.api_token, endpoint=railway_emulator_server.endpoint) as client:
        with refusal(RailwayConnectionError, "connection was lost"):
            [item async for item in client.subscribe(watch(deployment_id))]
