"""The ways into the emulator: in process with httpx, over HTTP and over WebSocket with a third party's client."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from railway_saas.emulator import Emulator, RunningServer

ME = "query WhoAmI { me { id name email workspaces { id name plan } } }"


def bearer(emulator: Emulator) -> dict[str, str]:
    return {"Authorization": f"Bearer {emulator.api_token}"}


def test_an_httpx_client_reaches_the_emulator_without_sockets(emulator: Emulator) -> None:
    with httpx.Client(transport=emulator.transport(), headers=bearer(emulator)) as http:
        answer = http.post(emulator.endpoint, params={"source": "test"}, json={"query": ME})
    assert answer.json()["data"]["me"]["workspaces"][0]["id"] == emulator.workspace_id
    assert answer.headers["ratelimit-policy"] == '"default";q=10000;w=3600'


async def test_an_async_httpx_client_reaches_the_emulator_without_sockets(emulator: Emulator) -> None:
    async with httpx.AsyncClient(transport=emulator.async_transport(), headers=bearer(emulator)) as http:
        answer = await http.post(emulator.endpoint, params={"source": "test"}, json={"query": ME})
    assert answer.json()["data"]["me"]["name"] == "Ada Owner"


def test_the_same_seed_and_requests_give_the_same_bytes() -> None:
    def play() -> list[bytes]:
        emulator = Emulator(seed=11)
        with httpx.Client(transport=emulator.transport(), headers=bearer(emulator)) as http:
            create = "mutation { projectCreate(input: {}) { id name environments { edges { cursor node { id } } } } }"
            documents = [ME, create, '{ deployment(id: "x") { id } }']
            return [http.post(emulator.endpoint, json={"query": one}).content for one in documents]

    assert play() == play()


async def test_gql_introspects_and_queries_over_real_sockets(railway_emulator_server: RunningServer) -> None:
    server = railway_emulator_server
    transport = HTTPXAsyncTransport(url=f"{server.endpoint}?source=gql", headers=bearer(server.emulator))
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        answer = await session.execute(gql(ME))
        assert answer["me"]["workspaces"][0]["plan"] == "PRO"
        assert session.client.schema is not None
        assert "templateDeployV2" in session.client.schema.mutation_type.fields  # type: ignore[union-attr]


async def test_gql_watches_a_deployment_over_websocket(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = _deploy(emulator)
    watching = asyncio.Event()
    loop, listen = asyncio.get_running_loop(), emulator.world.listen

    def note(*arguments: Any) -> Any:
        loop.call_soon_threadsafe(watching.set)
        return listen(*arguments)

    monkeypatch.setattr(emulator.world, "listen", note)
    watch = gql("subscription($id: String!) { deployment(id: $id) { id status deploymentStopped } }")
    watch.variable_values = {"id": deployment_id}

    async def statuses(session: Any) -> list[str]:
        seen: list[str] = []
        async for event in session.subscribe(watch):
            seen.append(event["deployment"]["status"])
            if seen[-1] == "SUCCESS":
                break
        return seen

    with emulator.serve() as server:
        transport = WebsocketsTransport(url=server.ws_endpoint, headers=bearer(emulator))
        async with Client(transport=transport) as session:
            task = asyncio.create_task(statuses(session))
            await asyncio.wait_for(watching.wait(), 20)
            emulator.clock.advance(15)
            assert await asyncio.wait_for(task, 20) == ["DEPLOYING", "SUCCESS"]


async def test_a_refused_subscription_says_why_in_a_next_frame(
    railway_emulator_server: RunningServer,
) -> None:
    transport = WebsocketsTransport(url=railway_emulator_server.ws_endpoint)
    async with Client(transport=transport) as session:
        watch = session.subscribe(gql('subscription { deployment(id: "x") { id } }'))
        with pytest.raises(TransportQueryError, match="Not Authorized"):
            await anext(aiter(watch))


def _deploy(emulator: Emulator) -> str:
    def run(document: str, **variables: Any) -> Any:
        return next(iter(emulator.execute(document, variables)["data"].values()))

    project = run("mutation { projectCreate(input: {}) { id environments { edges { node { id } } } } }")
    environment_id = project["environments"]["edges"][0]["node"]["id"]
    service = run(
        'mutation($p: String!) { serviceCreate(input: {projectId: $p, source: {image: "nginx"}}) { id } }',
        p=project["id"],
    )
    return run(
        "mutation($s: String!, $e: String!) { serviceInstanceDeployV2(serviceId: $s, environmentId: $e) }",
        s=service["id"],
        e=environment_id,
    )
