"""The real processes: everything comes up on one machine, a stop loses no request, values of all processes meet."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus

from reference_server.data.engines import ConnectionRole
from reference_server.observability.context import FIELDS
from reference_server.settings import Settings
from tests.server.conftest import PASSWORD, migrated
from tests.server.operations.conftest import answers, login

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.server.operations.conftest import Process

GUNICORN = ("gunicorn", "-c", "python:reference_server.gunicorn_conf", "reference_server.wsgi:create()")
A_RAILWAY = {
    "RAILWAY_API_TOKEN": "a-token",
    "RAILWAY_WORKSPACE_ID": "a-workspace",
    "RAILWAY_ENDPOINT": "http://127.0.0.1:9/graphql",
}
"""One that nobody asks."""


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def test_serve_brings_everything_up_and_takes_everything_down(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = start("reference_server", "serve", PORT=port)
    process.wait_for(lambda: "Ctrl-C stops everything." in process.text)
    told = process.text
    email = re.search(r"Log in as +(\S+)", told)
    password = re.search(r"Password +(\S+)", told)
    assert email
    assert password
    tokens = login(url, email[1], password[1]).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    templates = httpx.get(f"{url}/api/templates", headers=headers, timeout=60).json()["items"]
    assert len(templates) >= 3
    assert "Railway is emulated" in told
    assert (tmp_path / "embedded").exists()
    assert process.stop() == 0
    assert "everything has ended" in process.text
    assert not answers(url)
    assert not (tmp_path / "embedded").exists()
    assert password[1] not in "".join(line for line in process.lines if line.startswith("{"))


def test_two_processes_on_postgres_count_together_and_answer_what_is_at_work_when_told_to_stop(
    start: Callable[..., Process], postgres_environment: dict[str, str]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # A log-in at this cost takes a good part of a second: it is at work when the signal comes.
    environment = {
        **postgres_environment,
        **A_RAILWAY,
        "PORT": port,
        "BCRYPT_ROUNDS": "12",
        "RATE_LIMIT_LOGIN": "1000 per minute",
    }
    add_admin(Settings.from_environment(environment))
    process = start(*GUNICORN, **environment)
    process.wait_for(lambda: answers(url))

    for _ in range(40):
        httpx.get(f"{url}/api/instances", timeout=60)  # each on a connection of its own
    text = httpx.get(f"{url}/metrics", timeout=60).text
    assert samples(text, "railway_saas_http_requests_total", status="401") == [40]
    assert len(samples(text, "railway_saas_process_resident_memory_bytes")) == 2
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    assert list(parse_openmetrics(httpx.get(f"{url}/metrics", headers=accept, timeout=60).text))

    statuses: list[Any] = []
    all_connected = threading.Barrier(9)

    def log_in() -> None:
        with httpx.Client(timeout=120) as browser:
            browser.get(f"{url}/healthz")  # the connection is made, and kept
            all_connected.wait()
            body = {"email": "root@example.com", "password": PASSWORD}
            statuses.append(browser.post(f"{url}/api/auth/login", json=body).status_code)

    threads = [threading.Thread(target=log_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    all_connected.wait()
    process.wait_for(lambda: in_flight(url) > 1)
    assert process.stop() == 0
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 8
    assert not answers(url)

    lines = [json.loads(line) for line in process.lines]
    assert all(tuple(line)[: len(FIELDS)] == FIELDS for line in lines)
    logins = [line for line in lines if line["message"] == "POST /api/auth/login 200"]
    assert len({line["request_id"] for line in logins}) == 8


def test_a_worker_answers_probes_on_its_port(start: Callable[..., Process], tmp_path: Path) -> None:
    port = free_port()
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/platform.db",
        "WORKER_METRICS_PORT": port,
        "METRICS_TOKEN": "m" * 40,
        **A_RAILWAY,
    }
    migrated(Settings.from_environment(environment))
    process = start("reference_server", "worker", **environment)
    url = f"http://127.0.0.1:{port}"
    process.wait_for(lambda: answers(url))
    assert httpx.get(f"{url}/metrics", timeout=60).status_code == 404
    text = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {'m' * 40}"}, timeout=60).text
    assert "railway_saas_workers_alive 1.0" in text
    assert process.stop() == 0
    assert all(json.loads(line)["service"] == "worker" for line in process.lines)


def one_small_process(start: Callable[..., Process], folder: Path, **settings: str) -> tuple[Process, str]:
    """gunicorn with four threads; it, and its port."""
    port = free_port()
    environment = {
        "DATABASE_URL": f"sqlite:///{folder}/platform.db",
        "WORKER_IN_PROCESS": "false",
        "PORT": port,
        "WEB_THREADS": "4",
        **A_RAILWAY,
        **settings,
    }
    migrated(Settings.from_environment(environment))
    process = start(*GUNICORN, **environment)
    process.wait_for(lambda: answers(f"http://127.0.0.1:{port}"))
    return process, port


def test_clients_that_send_slowly_do_not_stop_a_process(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    # A log-in takes longer than reading may.
    process, port = one_small_process(start, tmp_path, REQUEST_READ_SECONDS="1", BCRYPT_ROUNDS="15")
    url = f"http://127.0.0.1:{port}"
    half_a_head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
    half_a_body = (
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\n"
        b'Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"email": '
    )
    with ExitStack() as opened:
        slow = [opened.enter_context(socket.create_connection(("127.0.0.1", int(port)))) for _ in range(8)]
        for number, one in enumerate(slow):
            one.sendall(half_a_body if number % 2 else half_a_head)
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
        body = {"email": "nobody@example.com", "password": PASSWORD}
        assert httpx.post(f"{url}/api/auth/login", json=body, timeout=120).status_code == 401
        for one in slow:
            one.settimeout(60)
            while one.recv(4096):  # an answer, or none; then the connection ends
                pass
    assert process.stop() == 0


def test_clients_that_say_nothing_or_do_not_leave_stop_nobody(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    process, port = one_small_process(start, tmp_path, REQUEST_READ_SECONDS="3")
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as opened:

        def connected() -> socket.socket:
            return opened.enter_context(socket.create_connection(("127.0.0.1", int(port)), timeout=60))

        silent = [connected() for _ in range(100)]
        staying = [connected() for _ in range(150)]
        for one in staying:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert httpx.get(f"{url}/healthz", timeout=10).status_code == 200  # each used to cost seconds
        for one in staying:
            answer = b""
            while more := one.recv(4096):
                answer += more
            assert answer.startswith(b"HTTP/1.1 200")
        for one in silent:
            assert one.recv(4096) == b""
    assert process.stop() == 0
    assert "WORKER TIMEOUT" not in process.text


def samples(text: str, name: str, **labels: str) -> list[float]:
    return [
        sample.value
        for family in parse_prometheus(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]


def in_flight(url: str) -> float:
    return samples(httpx.get(f"{url}/metrics", timeout=60).text, "railway_saas_http_requests_in_flight")[0]


def add_admin(settings: Settings) -> None:
    from reference_server.composition import build_platform
    from reference_server.security.scope import SYSTEM, scoped

    migrated(settings)
    platform = build_platform(settings, ConnectionRole.WORKER)
    with scoped(SYSTEM):
        platform.accounts.create_admin("root@example.com", PASSWORD, name="Root")
    platform.close()
