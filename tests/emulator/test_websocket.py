"""`graphql-transport-ws`, frame by frame."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from railway_saas.emulator.websocket import Session

if TYPE_CHECKING:
    from railway_saas.emulator import Emulator
    from tests.emulator.conftest import House

WATCH = "subscription($id: String!) { deployment(id: $id) { status } }"


class Wire:
    """One connection, seen from the client."""

    def __init__(self, emulator: Emulator, headers: dict[str, str] | None = None) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None
        self.dropped = False
        self.session = Session(
            emulator,
            {"authorization": f"Bearer {emulator.api_token}"} if headers is None else headers,
            send=lambda text: self.frames.append(json.loads(text)),
            close=self._close,
            drop=self._drop,
        )

    def _close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def _drop(self) -> None:
        self.dropped = True

    def put(self, **frame: Any) -> None:
        self.session.receive(json.dumps(frame))

    def init(self, **payload: Any) -> None:
        self.put(type="connection_init", payload=payload)

    def subscribe(self, query: str, /, id_: str = "1", **variables: Any) -> None:
        self.put(type="subscribe", id=id_, payload={"query": query, "variables": variables})


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_a_connection_is_acknowledged_whatever_the_token_and_refused_in_a_next_frame(
    emulator: Emulator, headers: dict[str, str]
) -> None:
    wire = Wire(emulator, headers)
    wire.init()
    wire.subscribe(WATCH, id="x")
    assert wire.frames == [
        {"type": "connection_ack"},
        {"id": "1", "type": "next", "payload": {"errors": [{"message": "Not Authorized"}]}},
        {"id": "1", "type": "complete"},
    ]
    assert wire.closed is None


def test_a_project_token_in_the_init_payload_is_a_problem(house: House, recorded: dict[str, Any]) -> None:
    _, environment_id, deployment_id = house.running()
    wire = Wire(house.emulator, {})
    wire.init(**{"Project-Access-Token": house.emulator.project_token(environment_id)})
    wire.subscribe(WATCH, id=deployment_id)
    assert wire.frames[1]["payload"] == recorded["errors"][-1]["body"]
    assert wire.frames[2]["type"] == "complete"


def test_a_project_token_on_the_upgrade_request_works(house: House) -> None:
    _, environment_id, deployment_id = house.running()
    wire = Wire(house.emulator, {"project-access-token": house.emulator.project_token(environment_id)})
    wire.init()
    wire.subscribe(WATCH, id=deployment_id)
    house.run("mutation($id: String!) { deploymentRemove(id: $id) }", id=deployment_id)
    house.emulator.clock.advance(20)
    statuses = [frame["payload"]["data"]["deployment"]["status"] for frame in wire.frames[1:]]
    assert statuses == ["REMOVING", "REMOVED"]


def test_ping_gets_pong_with_its_payload(emulator: Emulator) -> None:
    wire = Wire(emulator)
    wire.put(type="ping", payload={"n": 1})
    wire.put(type="ping")
    wire.put(type="pong")
    assert wire.frames == [{"type": "pong", "payload": {"n": 1}}, {"type": "pong"}]


def test_complete_ends_a_subscription(house: House) -> None:
    _, _, deployment_id = house.running()
    wire = Wire(house.emulator)
    wire.init()
    wire.subscribe(WATCH, id=deployment_id)
    wire.put(type="complete", id="1")
    house.run("mutation($id: String!) { deploymentRemove(id: $id) }", id=deployment_id)
    house.emulator.clock.advance(20)
    assert wire.frames == [{"type": "connection_ack"}]
    wire.put(type="complete", id="unknown")


def test_the_end_of_a_connection_ends_its_subscriptions(house: House) -> None:
    _, _, deployment_id = house.running()
    wire = Wire(house.emulator)
    wire.init()
    wire.subscribe(WATCH, id=deployment_id)
    wire.session.end()
    house.run("mutation($id: String!) { deploymentRemove(id: $id) }", id=deployment_id)
    house.emulator.clock.advance(20)
    assert len(wire.frames) == 1


def test_queries_work_over_the_same_connection(emulator: Emulator) -> None:
    wire = Wire(emulator)
    wire.init()
    wire.subscribe("{ me { name } }")
    assert wire.frames[1]["payload"] == {"data": {"me": {"name": "Ada Owner"}}}
    assert wire.frames[2] == {"id": "1", "type": "complete"}


def test_a_document_that_does_not_fit_is_answered_in_a_next_frame(emulator: Emulator) -> None:
    wire = Wire(emulator)
    wire.init()
    wire.subscribe("subscription { nope }")
    (error,) = wire.frames[1]["payload"]["errors"]
    assert error["message"] == 'Cannot query field "nope" on type "Subscription".'
    wire.subscribe(WATCH, "2", id=3)
    assert wire.frames[3]["payload"]["errors"][0]["message"].startswith('Variable "$id"')


def test_a_fault_reaches_subscriptions_too(emulator: Emulator) -> None:
    emulator.faults.add("problem_processing", "deployment")
    wire = Wire(emulator)
    wire.init()
    wire.subscribe(WATCH, id="x")
    assert wire.frames[1]["payload"] == {"errors": [{"message": "Problem processing request"}]}


def test_a_stream_can_be_cut_in_the_middle(house: House) -> None:
    _, _, deployment_id = house.running()
    house.emulator.faults.add("stream_drop", "deployment", after=1)
    wire = Wire(house.emulator)
    wire.init()
    wire.subscribe(WATCH, id=deployment_id)
    house.run("mutation($id: String!) { deploymentRemove(id: $id) }", id=deployment_id)
    house.emulator.clock.advance(20)
    assert [frame["type"] for frame in wire.frames] == ["connection_ack", "next"]
    assert wire.dropped


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([b'{"type": "ping"}'], 4400),
        (["[" * 100_000], 4400),
        (['{"type": "ping", "payload": {"half": "\\ud800"}}'], 4400),
        (['{"type": "subscribe", "id": "\\ud800", "payload": {}}'], 4400),
        (['{"type": "ping", "payload": NaN}'], 4400),
        (['{"type": "ping", "payload": 1e999}'], 4400),
        (['{"type": "subscribe", "id": "1", "payload": {"variables": "x"}}'], 4400),
        (["nonsense"], 4400),
        (["[]"], 4400),
        (['{"type": "unknown"}'], 4400),
        (['{"type": "subscribe", "id": 3, "payload": {}}'], 4400),
        (['{"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }"}}'], 4401),
        (['{"type": "connection_init"}', '{"type": "connection_init"}'], 4429),
    ],
)
def test_what_breaks_the_protocol_closes_the_connection(
    emulator: Emulator, frames: list[str | bytes], code: int
) -> None:
    wire = Wire(emulator)
    for frame in frames:
        wire.session.receive(frame)
    assert wire.closed is not None
    assert wire.closed[0] == code


def test_two_subscriptions_cannot_share_an_id(house: House) -> None:
    _, _, deployment_id = house.running()
    wire = Wire(house.emulator)
    wire.init()
    wire.subscribe(WATCH, id=deployment_id)
    wire.subscribe(WATCH, id=deployment_id)
    assert wire.closed == (4409, "Subscriber for 1 already exists")
