"""Everything a platform says while things go right and wrong, on its standard output: `test_canary.py` hunts in it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from railway_saas.emulator import Emulator
from reference_server.app import create_app
from reference_server.composition import Platform, build_platform
from reference_server.data.engines import ConnectionRole, open_engine
from reference_server.jobs.table import JOBS
from reference_server.migrations import upgrade
from reference_server.observability.service import begin_service
from reference_server.operations.doctor import examine
from reference_server.security.scope import SYSTEM, scoped
from reference_server.settings import Settings

if TYPE_CHECKING:
    from flask.testing import FlaskClient

PASSWORD = "correct horse battery"


def main() -> None:
    settings = Settings.from_environment(os.environ)
    begin_service(settings, "web")
    engine = open_engine(settings, ConnectionRole.OWNER, threads=1)
    upgrade(engine)
    engine.dispose()
    show(repr(settings), str(settings), settings.model_dump())
    emulator = Emulator(limits=False)
    platform = build_platform(settings, ConnectionRole.APP, emulator=emulator)
    show(repr(platform))
    with scoped(SYSTEM):
        platform.accounts.create_admin("root@example.com", PASSWORD, name="Root")
    browse(platform)
    with scoped(SYSTEM):
        work(build_platform(settings, ConnectionRole.WORKER, emulator=emulator))
        for finding in examine(platform):
            show(finding)
    break_everything(settings)


def show(*things: object) -> None:
    for thing in things:
        sys.stdout.write(f"{thing}\n")


def browse(platform: Platform) -> None:
    app = create_app(platform)
    app.add_url_rule("/api/broken", "broken", _broken)
    browser = app.test_client()
    ask(
        browser,
        "GET",
        "/openapi.json",
        "/docs",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/broken",
        "/api/none",
        "/api/instances",
    )
    body = {"email": "root@example.com", "password": PASSWORD}
    token = ask(browser, "POST", "/api/auth/login", json=body).json["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    ask(browser, "POST", "/api/auth/login", json={**body, "password": "wrong"})
    ask(
        browser,
        "POST",
        "/api/auth/register",
        json={"email": "ann@example.com", "password": PASSWORD, "name": "Ann"},
    )
    ask(browser, "POST", "/api/auth/forgot-password", json={"email": "root@example.com"})
    ask(browser, "POST", "/api/railway/webhook", json={}, headers={"X-Webhook-Secret": "wrong"})
    ask(
        browser,
        "GET",
        "/api/broken",
        "/api/users",
        "/api/railway/projects",
        "/api/admin/jobs",
        "/metrics",
        headers=bearer,
    )


def _broken() -> None:
    raise ZeroDivisionError("on purpose")


def ask(browser: FlaskClient, method: str, *paths: str, **options: Any) -> Any:
    for path in paths:
        answer = browser.open(path, method=method, **options)
        show(method, path, answer.status, answer.headers, answer.text)
    return answer


def work(platform: Platform) -> None:
    """Every job once, whether it can be done here or not."""
    for job in JOBS:
        try:
            if job.every_s is not None:
                show(job.name, job.work(platform, "the-canary-worker"))
        except Exception as error:  # noqa: BLE001 - what it says is what is hunted in
            show(job.name, error)


def break_everything(settings: Settings) -> None:
    """A traceback with the settings in its frames."""
    del settings
    raise RuntimeError("the end, on purpose")


if __name__ == "__main__":
    main()
