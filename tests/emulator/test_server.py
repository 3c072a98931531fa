"""The emulator on real sockets, and its control endpoints."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from railway_saas.emulator import Emulator, RunningServer
from railway_saas.emulator import run as run_emulator
from railway_saas.emulator.asgi import make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATE = {"query": "mutation { projectCreate(input: {}) { id } }"}


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with Emulator().serve() as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.emulator.api_token}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=5) as client:
        yield client


def test_the_server_takes_a_free_port_and_gives_it_back() -> None:
    emulator = Emulator()
    with emulator.serve() as server:
        assert emulator.endpoint == server.endpoint == f"http://127.0.0.1:{server.port}/graphql/v2"
        assert httpx.post(server.endpoint, json={"query": "{ __typename }"}).json() == {
            "data": {"__typename": "Query"}
        }
    assert emulator.endpoint != server.endpoint
    with pytest.raises(httpx.ConnectError):
        httpx.post(server.endpoint)
    with emulator.serve(port=server.port) as again:
        assert again.port == server.port


def test_a_port_that_is_taken_is_an_os_error(server: RunningServer) -> None:
    with pytest.raises(OSError, match="in use"):
        Emulator().serve(port=server.port)


@pytest.mark.parametrize("applied", [False, True])
def test_a_dropped_connection_is_a_closed_socket(
    http: httpx.Client, server: RunningServer, applied: bool
) -> None:
    http.post("/_emulator/faults", json={"kind": "drop", "operation": "projectCreate", "applied": applied})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        http.post("/graphql/v2?x", json=CREATE)
    assert server.emulator.state()["projects"] == applied
    assert http.post("/graphql/v2?x", json=CREATE).status_code == 200


def test_a_slow_answer_outlasts_an_impatient_client(http: httpx.Client) -> None:
    http.post("/_emulator/faults", json={"kind": "slow", "seconds": 1.0})
    with pytest.raises(httpx.ReadTimeout):
        http.post("/graphql/v2?x", json=CREATE, timeout=0.1)


def test_html_comes_through_as_it_is(http: httpx.Client) -> None:
    http.post("/_emulator/faults", json={"kind": "gateway_error", "status": 520})
    answer = http.post("/graphql/v2?x", json=CREATE)
    assert (answer.status_code, answer.headers["content-type"]) == (520, "text/html; charset=UTF-8")


def test_faults_are_listed_and_removed_over_http(http: httpx.Client) -> None:
    first = http.post("/_emulator/faults", json={"kind": "slow", "times": None}).json()
    http.post("/_emulator/faults", json={"kind": "drop", "operation": "never"})
    listed = http.get("/_emulator/faults").json()["faults"]
    assert [fault["kind"] for fault in listed] == ["slow", "drop"]
    assert len(http.delete(f"/_emulator/faults/{first['id']}").json()["faults"]) == 1
    assert http.delete("/_emulator/faults").json() == {"faults": []}
    assert http.delete("/_emulator/faults/99").status_code == 400


@pytest.mark.parametrize(
    "body", [{"kind": "nonsense"}, {}, {"kind": "drop", "operation": "x", "nope": 1}, []]
)
def test_a_fault_that_makes_no_sense_gets_400(http: httpx.Client, body: Any) -> None:
    answer = http.post("/_emulator/faults", json=body)
    if body == []:
        assert answer.status_code == 400
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_clock_is_read_and_moved_over_http(http: httpx.Client) -> None:
    assert http.get("/_emulator/clock").json() == {"now": "2026-11-02T09:00:00.000Z", "speed": None}
    assert http.post("/_emulator/clock", json={"advance": 90}).json()["now"] == "2026-11-02T09:01:30.000Z"
    assert http.post("/_emulator/clock", json={"advance": "x"}).status_code == 400
    assert http.post("/_emulator/clock", json={"advance": -1}).status_code == 400


def test_state_requests_and_webhooks_can_be_read(http: httpx.Client) -> None:
    http.post("/graphql/v2?x", json=CREATE)
    assert http.get("/_emulator/state").json()["projects"] == 1
    assert http.get("/_emulator/requests").json() == {"count": 1, "operations": {"projectCreate": 1}}
    assert http.get("/_emulator/webhooks").json() == {"webhooks": []}
    assert http.post("/_emulator/visit", json={"host": "nowhere"}).json() == {"status": 404}
    assert http.get("/_emulator/nonsense").status_code == 404


def test_many_threads_are_served_at_once(server: RunningServer) -> None:
    headers = {"Authorization": f"Bearer {server.emulator.api_token}"}
    statuses: list[int] = []

    def work() -> None:
        with httpx.Client(headers=headers) as client:
            statuses.extend(client.post(f"{server.endpoint}?x", json=CREATE).status_code for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 160
    assert server.emulator.state()["projects"] == 160


def test_a_websocket_needs_the_subprotocol(server: RunningServer) -> None:
    with connect(server.ws_endpoint) as wire, pytest.raises(ConnectionClosed) as closed:
        wire.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4406


def test_a_websocket_stream_is_cut_like_a_broken_cable(server: RunningServer) -> None:
    server.emulator.faults.add("stream_drop")
    headers = {"Authorization": f"Bearer {server.emulator.api_token}"}
    subprotocols: Any = ["graphql-transport-ws"]
    with connect(server.ws_endpoint, subprotocols=subprotocols, additional_headers=headers) as wire:
        wire.send(json.dumps({"type": "connection_init"}))
        assert json.loads(wire.recv(timeout=5)) == {"type": "connection_ack"}
        wire.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }"}}))
        with pytest.raises(ConnectionClosed) as closed:
            wire.recv(timeout=5)
    assert closed.value.rcvd is None


def test_a_broken_protocol_closes_with_its_code(server: RunningServer) -> None:
    subprotocols: Any = ["graphql-transport-ws"]
    with connect(server.ws_endpoint, subprotocols=subprotocols) as wire:
        wire.send("nonsense")
        with pytest.raises(ConnectionClosed) as closed:
            wire.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400


def test_a_running_clock_ticks_while_nobody_asks() -> None:
    emulator = Emulator(speed=1000)
    rang = threading.Event()
    with emulator.serve():
        emulator.clock.call_later(20, rang.set)
        assert rang.wait(5)


def test_the_foreground_server_says_when_it_is_ready_and_ends_with_its_thread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import uvicorn

    servers: list[uvicorn.Server] = []
    original = uvicorn.Server.run
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda self, sockets=None: (servers.append(self), original(self, sockets))
    )
    answers: list[Any] = []
    ready = threading.Event()
    seen: list[Emulator] = []

    def on_ready(emulator: Emulator) -> None:
        seen.append(emulator)
        ready.set()

    thread = threading.Thread(target=run_emulator, kwargs={"port": 0, "speed": 20, "on_ready": on_ready})
    thread.start()
    assert ready.wait(10)
    answers.append(httpx.post(seen[0].endpoint, json={"query": "{ __typename }"}).status_code)
    servers[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()
    assert answers == [200]
    assert capsys.readouterr() == ("", "")
    assert len(seen[0].api_token) == 36
    assert seen[0].workspace_id


async def test_an_asgi_app_without_our_server_says_that_it_cannot_cut(emulator: Emulator) -> None:
    emulator.faults.add("drop")
    transport = httpx.ASGITransport(make_app(emulator))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.post("/graphql/v2?x", json=CREATE)).status_code == 500


def test_sockets_are_really_closed_after_the_server(server: RunningServer) -> None:
    server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex((server.host, server.port)) != 0


def test_a_server_on_all_addresses_is_reached_on_the_loopback_one() -> None:
    with Emulator().serve("0.0.0.0") as server:
        assert server.endpoint == f"http://127.0.0.1:{server.port}/graphql/v2"
        assert server.ws_endpoint == f"ws://127.0.0.1:{server.port}/graphql/v2"


def test_an_event_that_fails_does_not_stop_the_clock(caplog: pytest.LogCaptureFixture) -> None:
    emulator = Emulator(speed=1000)
    rang = threading.Event()
    with emulator.serve():
        emulator.clock.call_later(5, lambda: 1 / 0)
        emulator.clock.call_later(20, rang.set)
        assert rang.wait(5)
    assert "an event of the emulator failed" in caplog.text


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="plan must be FREE, HOBBY or PRO"):
        Emulator(plan="GOLD")
    with pytest.raises(ValueError, match="speed must be a number above 0"):
        Emulator(speed=-1)
