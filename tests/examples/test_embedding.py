"""The example applications do what a shop does: offer, deploy, refuse, tell, wake and delete."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from examples import answers
from examples.fastapi_app import app as fastapi_example
from examples.flask_app import app as flask_example
from railway_saas import errors
from railway_saas.emulator import Emulator
from railway_saas.railway.webhooks import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from flask.testing import FlaskClient

    from examples.flask_app.shop import Shop

ANN, BOB = {"X-User": "ann@example.com"}, {"X-User": "bob@example.com"}
SECRET = "a-secret-for-webhooks"
WAIT_S = 60
SPEED = 10
"""Ten seconds of the local Railway in one: its timeouts hold on a busy machine, too."""
EMAIL = {"ADMIN_EMAIL": "ann@example.com"}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    monkeypatch.delenv("RAILWAY_API_TOKEN", raising=False)


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(seed=7)


@pytest.fixture
def news(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[str, Callable[[], None]], None]]:
    """Calls a function when the control loop says something."""
    watched: list[tuple[str, Callable[[], None]]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            for text, tell in watched:
                if text in record.getMessage():
                    tell()

    log, handler = logging.getLogger("railway_saas.instances"), Handler()
    caplog.set_level(logging.INFO, logger=log.name)
    log.addHandler(handler)
    yield lambda text, tell: watched.append((text, tell))
    log.removeHandler(handler)


def tell_of_crashes(emulator: Emulator) -> list[tuple[dict[str, str], bytes]]:
    """Make the rule by which Railway calls; what it would have sent comes back."""
    with emulator.client() as railway:
        railway.notification_rules.create_webhook(
            workspace_id=emulator.workspace_id,
            url="https://shop.example.com/webhooks/railway",
            event_types=["Deployment.crashed"],
            secret=SECRET,
        )
    sent: list[tuple[dict[str, str], bytes]] = []

    def keep(_url: str, headers: Any, body: bytes) -> int:
        sent.append((dict(headers), body))
        return 200

    emulator.webhooks.sender = keep
    return sent


# FastAPI ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def fastapi_client(
    emulator: Emulator | None, *, worker: bool
) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
    app = fastapi_example.create_app(emulator, worker=worker)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop") as client,
    ):
        yield app.state.shop, client


async def order(
    client: httpx.AsyncClient, name: str, template: str = "web-app", **more: Any
) -> httpx.Response:
    offered = {one["name"]: one["id"] for one in (await client.get("/templates")).json()}
    body = {"template_id": offered[template], "name": name, **more}
    return await client.post("/instances", json=body, headers=ANN)


async def test_fastapi_from_the_catalogue_to_running(emulator: Emulator) -> None:
    async with fastapi_client(emulator, worker=False) as (_, client):
        offered = {one["name"]: one for one in (await client.get("/templates")).json()}
        assert "App.ADMIN_EMAIL" in json.dumps(offered["app-with-postgres-and-redis"]["inputs"])
        accepted = await order(client, "blog", "app-with-postgres-and-redis", inputs=EMAIL)
        assert (accepted.status_code, accepted.json()["status"]) == (202, "accepted")
        path = f"/instances/{accepted.json()['id']}"
        told = (await client.get(f"{path}/progress", headers=ANN)).text
        messages = {
            json.loads(line[6:])["message"] for line in told.splitlines() if line.startswith("data: ")
        }
        assert {"accepted", "created the project", "everything is running"} <= messages
        running = (await client.get(path, headers=ANN)).json()
        assert running["status"] == "running"
        assert running["address"].startswith("https://")
        assert [one["id"] for one in (await client.get("/instances", headers=ANN)).json()] == [running["id"]]
        changed = await client.put(f"{path}/variables", json={"App": {"COLOUR": "blue"}}, headers=ANN)
        assert changed.status_code == 202
        assert "the change is running" in (await client.get(f"{path}/progress", headers=ANN)).text
        assert (await client.delete(path, headers=ANN)).status_code == 202
        await client.get(f"{path}/progress", headers=ANN)
        assert (await client.get(path, headers=ANN)).json()["status"] == "deleted"
        assert (await client.delete(path, headers=ANN)).status_code == 409
    assert emulator.state()["projects"] == 0


async def test_fastapi_says_what_is_wrong(emulator: Emulator) -> None:
    async with fastapi_client(emulator, worker=False) as (_, client):
        missing = await order(client, "blog", "app-with-postgres-and-redis")
        assert (missing.status_code, "ADMIN_EMAIL" in missing.text) == (422, True)
        path = f"/instances/{(await order(client, 'blog')).json()['id']}"
        full = await order(client, "second")
        assert full.status_code == 402
        assert full.json() | {"detail": ""} == {
            "error": "LimitExceededError",
            "detail": "",
            "limit": "instances",
            "allowed": "1",
            "used": "1",
            "next_plan": "pro",
        }
        for one in ("", "/progress"):
            assert (await client.get(path + one, headers=BOB)).status_code == 404
        assert (await client.delete(path, headers=BOB)).status_code == 404
        assert (await client.get("/instances", headers=BOB)).json() == []
        wrong = await client.put(f"{path}/variables", json={"nobody": {"A": "1"}}, headers=ANN)
        assert (wrong.status_code, wrong.json()["error"]) == (422, "InstanceInputError")


senseless = pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"template_id": "hunter2", "name": "blog"},
        {"template_id": None},
        {"template_id": None, "name": "blog", "inputs": ["hunter2"]},
        {"template_id": None, "name": "blog", "inputs": {"A": {"b": "hunter2"}}},
        {"template_id": None, "name": ["hunter2"]},
    ],
)
"""Orders that make no sense. Where the template is None, take one that there is."""


def filled(body: Any, offered: list[dict[str, Any]]) -> Any:
    return body | {"template_id": offered[0]["id"]} if body and body["template_id"] is None else body


@senseless
async def test_fastapi_tells_what_makes_no_sense_and_does_not_repeat_it(
    emulator: Emulator, body: Any
) -> None:
    async with fastapi_client(emulator, worker=False) as (_, client):
        wanted = filled(body, (await client.get("/templates")).json())
        answer = await client.post("/instances", json=wanted, headers=ANN)
    assert (answer.status_code, "hunter2" in answer.text) == (422, False)
    assert set(answer.json()) >= {"error", "detail"}


async def test_fastapi_offers_owners_what_they_may_do(emulator: Emulator) -> None:
    async with fastapi_client(emulator, worker=False) as (_, client):
        path = f"/instances/{(await order(client, 'blog')).json()['id']}"
        await client.get(f"{path}/progress", headers=ANN)
        offered = (await client.get(path, headers=ANN)).json()["can"]
    assert ("stop" in offered, "suspend" in offered) == (True, False)


async def test_fastapi_is_woken_by_a_webhook(emulator: Emulator) -> None:
    sent = tell_of_crashes(emulator)
    async with fastapi_client(emulator, worker=False) as (shop, client):
        path = f"/instances/{(await order(client, 'blog')).json()['id']}"
        await client.get(f"{path}/progress", headers=ANN)
        emulator.faults.add("crash", service="web", seconds=30, times=None)
        await client.put(f"{path}/variables", json={"web": {"A": "1"}}, headers=ANN)
        await client.get(f"{path}/progress", headers=ANN)
        emulator.clock.advance(600)
        emulator.webhooks.flush()
        assert (await shop.manager.run_due()).claimed == 0
        headers, body = sent[-1]
        refused = await client.post("/webhooks/railway", content=body, headers={SECRET_HEADER: "guessed"})
        assert refused.status_code == 401
        taken = await client.post("/webhooks/railway", content=body, headers=headers)
        assert (taken.status_code, taken.json()) == (200, {"outcome": "woke"})
        assert (await shop.manager.run_due()).claimed == 1
        assert (await client.get(path, headers=ANN)).json()["status"] == "crashed"


async def test_fastapi_works_in_the_background(news: Callable[[str, Callable[[], None]], None]) -> None:
    runs = asyncio.Event()
    news("everything is running", runs.set)
    async with fastapi_client(Emulator(speed=SPEED), worker=True) as (_, client), asyncio.timeout(WAIT_S):
        path = f"/instances/{(await order(client, 'blog')).json()['id']}"
        await runs.wait()
        assert (await client.get(path, headers=ANN)).json()["status"] == "running"


async def test_fastapi_says_that_its_railway_is_a_local_one(caplog: pytest.LogCaptureFixture) -> None:
    async with fastapi_client(None, worker=False) as (_, client):
        assert (await client.get("/templates")).status_code == 200
    assert "RAILWAY_API_TOKEN is not set" in caplog.text


# Flask --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def flask_client(emulator: Emulator) -> Iterator[FlaskClient]:
    app = flask_example.create_app(emulator, worker=False)
    with app.test_client() as client:
        yield client
    if "shop" in app.extensions:  # it is opened when it is first needed
        app.extensions["shop"].close()


def shop_of(client: FlaskClient) -> Shop:
    return client.application.extensions["shop"]


def ask(client: FlaskClient, name: str, template: str = "web-app", **more: Any) -> Any:
    offered = {one["name"]: one["id"] for one in client.get("/templates").json}
    return client.post(
        "/instances", json={"template_id": offered[template], "name": name, **more}, headers=ANN
    )


def work_until_it_rests(client: FlaskClient, emulator: Emulator) -> None:
    """What a worker does in two minutes."""
    for _ in range(24):
        client.application.test_cli_runner().invoke(args=["run-worker", "--once"], catch_exceptions=False)
        emulator.clock.advance(5)


def test_flask_from_the_catalogue_to_running(flask_client: FlaskClient, emulator: Emulator) -> None:
    accepted = ask(flask_client, "blog", "app-with-postgres-and-redis", inputs=EMAIL)
    assert (accepted.status_code, accepted.json["status"]) == (202, "accepted")
    path = f"/instances/{accepted.json['id']}"
    work_until_it_rests(flask_client, emulator)
    running = flask_client.get(path, headers=ANN).json
    assert running["status"] == "running"
    assert running["address"].startswith("https://")
    events = flask_client.get(f"{path}/events", headers=ANN).json
    assert "everything is running" in {event["message"] for event in events}
    assert [one["id"] for one in flask_client.get("/instances", headers=ANN).json] == [running["id"]]
    changed = flask_client.put(f"{path}/variables", json={"App": {"COLOUR": "blue"}}, headers=ANN)
    assert changed.status_code == 202
    work_until_it_rests(flask_client, emulator)
    later = flask_client.get(f"{path}/events", query_string={"after": events[-1]["id"]}, headers=ANN).json
    assert "the change is running" in {event["message"] for event in later}
    assert flask_client.delete(path, headers=ANN).status_code == 202
    work_until_it_rests(flask_client, emulator)
    assert flask_client.get(path, headers=ANN).json["status"] == "deleted"
    assert emulator.state()["projects"] == 0


def test_flask_says_what_is_wrong(flask_client: FlaskClient) -> None:
    assert flask_client.get("/instances").status_code == 401
    missing = ask(flask_client, "blog", "app-with-postgres-and-redis")
    assert (missing.status_code, "ADMIN_EMAIL" in missing.text) == (422, True)
    path = f"/instances/{ask(flask_client, 'blog').json['id']}"
    full = ask(flask_client, "second")
    assert (full.status_code, full.json["limit"], full.json["next_plan"]) == (402, "instances", "pro")
    for one in ("", "/events"):
        assert flask_client.get(path + one, headers=BOB).status_code == 404
    assert flask_client.delete(path, headers=BOB).status_code == 404
    assert flask_client.get("/instances", headers=BOB).json == []


@senseless
def test_flask_tells_what_makes_no_sense_and_does_not_repeat_it(flask_client: FlaskClient, body: Any) -> None:
    wanted = filled(body, flask_client.get("/templates").json)
    answer = flask_client.post("/instances", json=wanted, headers=ANN)
    assert (answer.status_code, "hunter2" in answer.text) == (422, False)
    assert set(answer.json) >= {"error", "detail"}


@pytest.mark.parametrize("content", [b"", b"{", b"hunter2"])
def test_flask_tells_what_is_no_json(flask_client: FlaskClient, content: bytes) -> None:
    answer = flask_client.post("/instances", data=content, content_type="application/json", headers=ANN)
    assert (answer.status_code, answer.json["argument"]) == (422, "body")


def test_flask_offers_owners_what_they_may_do(flask_client: FlaskClient, emulator: Emulator) -> None:
    made = ask(flask_client, "blog").json
    work_until_it_rests(flask_client, emulator)
    offered = flask_client.get(f"/instances/{made['id']}", headers=ANN).json["can"]
    assert ("stop" in offered, "suspend" in offered) == (True, False)


def test_flask_is_woken_by_a_webhook(flask_client: FlaskClient, emulator: Emulator) -> None:
    sent = tell_of_crashes(emulator)
    path = f"/instances/{ask(flask_client, 'blog').json['id']}"
    work_until_it_rests(flask_client, emulator)
    emulator.faults.add("crash", service="web", seconds=30, times=None)
    flask_client.put(f"{path}/variables", json={"web": {"A": "1"}}, headers=ANN)
    work_until_it_rests(flask_client, emulator)
    emulator.clock.advance(600)
    emulator.webhooks.flush()
    manager = shop_of(flask_client).manager
    assert manager.run_due().claimed == 0
    headers, body = sent[-1]
    refused = flask_client.post("/webhooks/railway", data=body, headers={SECRET_HEADER: "guessed"})
    assert refused.status_code == 401
    taken = flask_client.post("/webhooks/railway", data=body, headers=headers)
    assert (taken.status_code, taken.json) == (200, {"outcome": "woke"})
    assert manager.run_due().claimed == 1
    assert flask_client.get(path, headers=ANN).json["status"] == "crashed"


def test_flask_works_in_the_background(news: Callable[[str, Callable[[], None]], None]) -> None:
    runs = threading.Event()
    news("everything is running", runs.set)
    client = flask_example.create_app(Emulator(speed=SPEED)).test_client()
    path = f"/instances/{ask(client, 'blog').json['id']}"
    assert runs.wait(WAIT_S)
    assert client.get(path, headers=ANN).json["status"] == "running"
    shop_of(client).close()


# Both ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InstanceNotFoundError("none"), 404),
        (errors.LimitExceededError("full", limit="domains", plan="pro", allowed="1", wanted="1"), 403),
        (errors.InstanceStateError("no", current="deleting", allowed=()), 409),
        (errors.NeedsAttentionError("its project x is gone"), 409),
        (errors.NameTakenError("taken", argument="name"), 409),
        (errors.InstanceInputError("no", argument="name"), 422),
        (errors.TemplateError("no"), 422),
        (errors.WebhookRefusedError("no", status_code=413), 413),
        (errors.RailwayConnectionError("reset"), 503),
        (errors.RepositoryError("locked", transient=True), 503),
        (errors.ConfigurationError("plan 'gold': there is no such plan"), 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_has_a_status(error: errors.RailwaySaasError, status: int) -> None:
    found, body = answers.answer_to(error)
    assert found == status
    assert ("x is gone" in str(body), "gold" in str(body)) == (False, False)
